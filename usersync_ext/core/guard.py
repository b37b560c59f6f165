"""The guard: how many people may lose something before somebody is asked (DESIGN §3)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .records import DESTRUCTIVE, Change, ChangeKind


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
