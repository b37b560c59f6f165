"""What a plan does to people, in numbers and as it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core.records import Change, ChangeKind, Decision, MembershipChange, Outcome, PersonState
from ..store.journal import change_as_json
from .applying import Result
from .reconcile import standing
from .work import Work

COUNTED = {
    ChangeKind.CREATE: "create",
    ChangeKind.UPDATE: "update",
    ChangeKind.ACTIVATE: "update",
    ChangeKind.RENAME: "rename",
    ChangeKind.DEACTIVATE: "disable",
    ChangeKind.DELETE: "delete",
    ChangeKind.ADOPT: "adopt",
    ChangeKind.ADD_MEMBER: "update",
    ChangeKind.REMOVE_MEMBER: "update",
}
MEMBER_WORDS = {ChangeKind.ADD_MEMBER: "gain", ChangeKind.REMOVE_MEMBER: "lose"}
COUNTS = ("create", "update", "rename", "disable", "delete", "adopt", "unchanged")
GROUP_COUNTS = ("gain", "lose")
"""People who gain a group, or lose one, whatever else happens to them."""
NO_COUNTS = dict.fromkeys((*COUNTS, *GROUP_COUNTS), 0)


@dataclass(frozen=True, slots=True)
class Summary:
    """What settings did or would do: people by what happens to them, and how many are held."""

    counts: Mapping[str, int]
    held: int


NOTHING_DONE = Summary(counts=NO_COUNTS, held=0)


def tally(counts: dict[str, int], decision: Decision) -> None:
    """Count what happens to one person."""
    for word in kinds_of(decision) or {"unchanged"}:
        counts[word] += 1


def kinds_of(decision: Decision) -> set[str]:
    """Return the words under which a person is counted, none for who is only observed."""
    if decision.observed:
        return set()
    moved = {change.kind for change in decision.memberships}
    words = {MEMBER_WORDS[kind] for kind in moved if kind in MEMBER_WORDS}
    # who gains a group with a new account is not updated, too
    kinds = {change.kind for change in decision.changes} or moved
    return words | {COUNTED[kind] for kind in kinds if kind in COUNTED}


def matters(work: Work, decision: Decision) -> bool:
    """Tell whether anything is to be written about a person."""
    identity = decision.identity
    state, why = standing(work, decision)
    if decision.changes or decision.memberships or state != identity.state:
        return True
    return state is not PersonState.IN_SYNC and why != identity.why


def planned_row(work: Work, decision: Decision) -> dict[str, Any]:
    """Return what a run stores of a decision."""
    state, why = standing(work, decision)
    moved = [c for c in decision.memberships if c.kind is not ChangeKind.KEEP_MEMBER]
    changes: list[Change | MembershipChange] = [*decision.changes, *moved]
    return {
        "identity_id": decision.identity.id,
        "subject": decision.identity.user_name,
        "state": state,
        "why": why,
        "kinds": " ".join(sorted(kinds_of(decision))),
        "changes": [change_as_json(change) for change in changes],
    }


def count_held(result: Result) -> int:
    """Return how much of a person's is held; all memberships that they would lose count once."""
    held = [change for change, outcome in result.outcomes if outcome is Outcome.HELD]
    lost = any(isinstance(change, MembershipChange) for change in held)
    return sum(isinstance(change, Change) for change in held) + lost
