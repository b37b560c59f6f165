"""The guard: how many people may lose something before somebody is asked (DESIGN §3)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .records import DESTRUCTIVE, Change, ChangeKind, Decision, PersonState, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a source may still take away in its current window."""

    limit: int
    used: int
    window_minutes: int

    @property
    def left(self) -> int:
        """How many destructive changes may still be applied."""
        return max(0, self.limit - self.used)


def budget(rules: Mapping[str, Any], *, links: int, used: int) -> Budget:
    """Return the budget: the larger of the count and the percentage of the source's accounts."""
    share = links * rules["removal_limit_percent"] // 100
    return Budget(
        limit=max(rules["removal_limit_count"], share),
        used=used,
        window_minutes=rules["removal_window_minutes"],
    )


def is_destructive(change: Change) -> bool:
    """Tell whether a change takes something away from a person."""
    return change.kind in DESTRUCTIVE


def split(
    changes: Collection[Change], left: int, released: Collection[ChangeKind]
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """Return the changes of one person that may pass, and those that are held.

    ``left`` destructive ones pass; kinds that an administrator released pass in any case.
    """
    allowed: list[Change] = []
    held: list[Change] = []
    for change in changes:
        if not is_destructive(change) or change.kind in released:
            allowed.append(change)
        elif left > 0:
            allowed.append(change)
            left -= 1
        else:
            held.append(change)
    return tuple(allowed), tuple(held)


def held_reason(change: Change, budget: Budget) -> str:
    """Return why a change is held, in words for the person's page."""
    return (
        f"{change.kind} is held back: more than {budget.limit} removals in "
        f"{budget.window_minutes} minutes; release or reject it under Approvals"
    )


def rejected_reason(change: Change) -> str:
    """Return why a change is not made although the provider wants it."""
    return f"{change.kind} was rejected by an administrator: the account stays as it is"


def unplanned_reason(change: Change) -> str:
    """Return why a removal is held that was not in the plan which an administrator saw."""
    return (
        f"{change.kind} is held back: it was not in the plan that was previewed; "
        "release or reject it under Approvals"
    )


def ending_change(decision: Decision) -> Change | None:
    """Return the change by which an active administrator would stop being one."""
    return next(
        (
            change
            for change in decision.changes
            if change.kind in {ChangeKind.DEACTIVATE, ChangeKind.DELETE}
            and change.before is not None
            and change.before.privileged
            and change.before.active
        ),
        None,
    )


def ends_administrator(decision: Decision) -> bool:
    """Tell whether a decision takes an administrator away."""
    return ending_change(decision) is not None


def keep_administrators(decisions: Sequence[Decision], count: int, minimum: int) -> list[Decision]:
    """Return the decisions without those by which too few administrators would be left.

    ``count`` is how many active ones there are now; whoever comes first may go first.
    """
    result: list[Decision] = []
    for decision in decisions:
        change = ending_change(decision)
        if change is None:
            result.append(decision)
        elif count - 1 >= minimum:
            count -= 1
            result.append(decision)
        else:
            assert change.before is not None
            text = (
                f"the account {change.before.user_name!r} is one of the last {count} "
                f"administrators, {minimum} must stay: {change.kind} is refused"
            )
            step = Step(rule="minimum_admins", input=str(minimum), output=change.kind, text=text)
            result.append(
                replace(
                    decision,
                    state=PersonState.PROTECTED,
                    why=text,
                    changes=(),
                    steps=(*decision.steps, step),
                    refused=True,
                )
            )
    return result
