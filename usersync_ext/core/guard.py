"""The guard: how many people may lose something before somebody is asked (DESIGN §3)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .records import (
    DESTRUCTIVE,
    Change,
    ChangeKind,
    Decision,
    MembershipChange,
    PersonState,
    RefusedMembership,
    Step,
)


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


def loses_groups(decision: Decision) -> bool:
    """Tell whether a person who keeps their account loses memberships by a decision."""
    ends = {ChangeKind.DEACTIVATE, ChangeKind.DELETE}
    return any(c.kind is ChangeKind.REMOVE_MEMBER for c in decision.memberships) and not any(
        change.kind in ends for change in decision.changes
    )


def count_removals(decision: Decision) -> int:
    """Return how much a decision takes away; all lost memberships of a person are one thing."""
    return sum(map(is_destructive, decision.changes)) + loses_groups(decision)


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


def held_reason(change: Change | MembershipChange, budget: Budget) -> str:
    """Return why a change is held, in words for the person's page."""
    return (
        f"{change.kind} is held back: more than {budget.limit} removals in "
        f"{budget.window_minutes} minutes; release or reject it under Approvals"
    )


def rejected_reason(change: Change | MembershipChange) -> str:
    """Return why a change is not made although the provider wants it."""
    return f"{change.kind} was rejected by an administrator: the account stays as it is"


def unplanned_reason(change: Change | MembershipChange) -> str:
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


def ending_membership(decision: Decision) -> MembershipChange | None:
    """Return the membership of a protected group that an active administrator would lose."""
    account = decision.account
    if account is None or not (account.privileged and account.active):
        return None
    return next(
        (
            change
            for change in decision.memberships
            if change.kind is ChangeKind.REMOVE_MEMBER and change.group.protected
        ),
        None,
    )


def ends_administrator(decision: Decision) -> bool:
    """Tell whether a decision takes an administrator away, or may do so."""
    return ending_change(decision) is not None or ending_membership(decision) is not None


def keep_administrators(decisions: Sequence[Decision], count: int, minimum: int) -> list[Decision]:
    """Return the decisions without those by which too few administrators would be left.

    ``count`` is how many active ones there are now; whoever comes first may go first.
    """
    result: list[Decision] = []
    for decision in decisions:
        if not ends_administrator(decision):
            result.append(decision)
        elif count - 1 >= minimum:
            count -= 1
            result.append(decision)
        else:
            result.append(without_end(decision, count, minimum))
    return result


def without_end(decision: Decision, count: int, minimum: int) -> Decision:
    """Return the decision about one of the last administrators without what would end them."""
    change, membership = ending_change(decision), ending_membership(decision)
    account = change.before if change is not None else decision.account
    assert account is not None
    kind = change.kind if change is not None else ChangeKind.REMOVE_MEMBER
    text = (
        f"the account {account.user_name!r} is one of the last {count} "
        f"administrators, {minimum} must stay: {kind} is refused"
    )
    step = Step(rule="minimum_admins", input=str(minimum), output=kind, text=text)
    stays = replace(
        decision,
        memberships=tuple(
            each
            for each in decision.memberships
            if not (each.kind is ChangeKind.REMOVE_MEMBER and each.group.protected)
        ),
        steps=(*decision.steps, step),
    )
    if membership is not None:
        refusal = RefusedMembership(
            kind=ChangeKind.REMOVE_MEMBER,
            subject=membership.subject,
            group=membership.group.name,
            group_key=membership.group.key,
            reason=text,
        )
        stays = replace(stays, refusals=(*stays.refusals, refusal))
    if change is None:
        return stays
    return replace(stays, state=PersonState.PROTECTED, why=text, changes=(), refused=True)
