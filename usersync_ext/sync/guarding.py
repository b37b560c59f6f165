"""The guard at work: what a source may still take away, and what is kept back until you decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..core.guard import (
    Budget,
    budget,
    count_removals,
    held_reason,
    is_destructive,
    loses_groups,
    rejected_reason,
    split,
    unplanned_reason,
)
from ..core.records import (
    DESTRUCTIVE,
    Change,
    ChangeKind,
    Decision,
    Identity,
    MembershipChange,
    Outcome,
    PersonState,
)
from ..store import journal, sources
from ..store.engine import Session
from ..store.journal import HoldKey, change_as_json, hold_key
from .work import Work

DIFFERENCE = ("kind", "before", "after")
Held = Change | MembershipChange
Holds = Mapping[HoldKey, str]
"""The decision (waiting, released, rejected) on each held change."""


def current_budget(session: Session, work: Work, wanted: int | None = None) -> Budget:
    """Return what the guard still allows this source in its window.

    Where ``wanted`` removals fit into the plain count, the accounts, of whom a percentage might
    allow more, are not counted.
    """
    rules = work.source.rules
    window = timedelta(minutes=rules["removal_window_minutes"])
    since = max(work.now - window, work.source.created_at)  # an earlier source had the same key
    used = journal.count_removals(session, work.source.key, since)
    fits = wanted is not None and used + wanted <= rules["removal_limit_count"]
    links = 0 if fits else accounts_since(session, work, since)
    return budget(rules, links=links, used=used)


def accounts_since(session: Session, work: Work, since: datetime) -> int:
    """Return how many accounts a source manages, with those that it deleted since a time.

    Otherwise each deletion would lower the limit for the next one of the same plan.
    """
    deleted = journal.count_removals(session, work.source.key, since, ChangeKind.DELETE)
    return sources.count_links(session, work.source.id) + deleted


def known_holds(session: Session, decisions: Sequence[Decision]) -> Holds:
    """Return the held changes of people who have, or may get, one."""
    concerned = [
        d.identity.id
        for d in decisions
        if d.identity.state == PersonState.HELD
        or any(is_destructive(change) for change in d.changes)
        or any(takes_away(change) for change in d.memberships)
    ]
    return journal.decisions_on_held(session, concerned) if concerned else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What the guard lets pass of one decision, and what it keeps back."""

    changes: Sequence[Change]
    memberships: tuple[MembershipChange, ...] = ()
    held: tuple[Held, ...] = ()


def guarded(
    session: Session, work: Work, decisions: Sequence[Decision], known: Holds
) -> tuple[list[Passed], Budget | None]:
    """Return what passes the guard and what is held, person by person."""
    removals = sum(map(count_removals, decisions))
    losing = [d.identity.id for d in decisions if any(map(takes_away, d.memberships))]
    if work.approved or not (removals or losing):
        return [Passed(changes=d.changes, memberships=d.memberships) for d in decisions], None
    limit = current_budget(session, work, removals)
    left = 0 if work.hold_removals else limit.left
    counted = counted_already(session, work, losing) if left else frozenset()
    result: list[Passed] = []
    for decision in decisions:
        identity_id = decision.identity.id
        wishes: tuple[Held, ...] = (*decision.changes, *decision.memberships)
        answers = {wish: known.get(hold_key(identity_id, wish), "") for wish in wishes}
        released = {c.kind for c in decision.changes if answers[c] == "released"}
        wanted = [c for c in decision.changes if answers[c] != "rejected"]
        expected = [c for c in wanted if c.kind in released or is_planned(work, decision, c)]
        allowed, kept = split(expected, left, released)
        left -= sum(is_destructive(c) and c.kind not in released for c in allowed)
        kept += tuple(c for c in decision.changes if c not in expected)
        is_free = identity_id in counted or not loses_groups(decision)
        lost = [change for change in decision.memberships if takes_away(change)]
        ending = [c for c in lost if may_end(work, decision, c, answers[c], allowed)]
        asking = [change for change in ending if answers[change] != "released"]
        if asking and not is_free:
            if left > 0:
                left -= 1
            else:
                ending = [change for change in ending if change not in asking]
        result.append(
            Passed(
                changes=allowed,
                memberships=tuple(
                    c for c in decision.memberships if c in ending or not takes_away(c)
                ),
                held=(*kept, *(change for change in lost if change not in ending)),
            )
        )
    return result, limit


def takes_away(change: MembershipChange) -> bool:
    """Tell whether a membership ends by a change."""
    return change.kind is ChangeKind.REMOVE_MEMBER


def may_end(
    work: Work,
    decision: Decision,
    change: MembershipChange,
    answer: str,
    allowed: Sequence[Change],
) -> bool:
    """Tell whether a membership may end: planned, not rejected, not while the account stays."""
    if answer in {"rejected", "released"}:
        return answer == "released"
    ends = {ChangeKind.DEACTIVATE, ChangeKind.DELETE}
    if any(c.kind in ends for c in decision.changes) and not any(c.kind in ends for c in allowed):
        return False
    return is_planned(work, decision, change)


def counted_already(session: Session, work: Work, ids: Sequence[int]) -> frozenset[int]:
    """Return those people whose lost memberships the window counts already: once each."""
    if not ids:
        return frozenset()
    window = timedelta(minutes=work.source.rules["removal_window_minutes"])
    since = max(work.now - window, work.source.created_at)
    return journal.people_who_lost_groups(session, work.source.key, since, ids)


def is_planned(work: Work, decision: Decision, change: Held) -> bool:
    """Tell whether a change was in the plan that an administrator saw, or takes nothing away."""
    if work.planned is None or change.kind not in DESTRUCTIVE:
        return True
    told = change_as_json(change)
    planned = work.planned.get(decision.identity.id, ())
    return any(all(told[key] == each[key] for key in DIFFERENCE) for each in planned)


def why_held(work: Work, decision: Decision, change: Held, limit: Budget, known: Holds) -> str:
    """Return why a person's first held change is not made."""
    if known.get(hold_key(decision.identity.id, change)) == "rejected":
        return rejected_reason(change)
    if not is_planned(work, decision, change):
        return unplanned_reason(change)
    return held_reason(change, limit)


def outcome_of_held(identity: Identity, change: Held, known: Holds) -> Outcome:
    """Return whether a change waits, or was rejected by an administrator."""
    rejected = known.get(hold_key(identity.id, change)) == "rejected"
    return Outcome.REJECTED if rejected else Outcome.HELD


def hold_changes(
    session: Session,
    work: Work,
    decision: Decision,
    held: Sequence[Held],
    limit: Budget,
    known: Holds,
) -> list[Held]:
    """Keep changes back; return those held for the first time, with the reason why they are."""
    identity_id = decision.identity.id
    new = [change for change in held if hold_key(identity_id, change) not in known]
    for change in new:
        key = hold_key(identity_id, change)
        journal.hold(session, work.source.id, key, change.reason, work.now)
    return [
        replace(change, reason=why_held(work, decision, change, limit, known)) for change in new
    ]


def forget_old_holds(
    session: Session, identity: Identity, held: Sequence[Held], known: Holds
) -> None:
    """Forget held changes that the newest plan does not contain any more, or that were applied."""
    kept = {hold_key(identity.id, change) for change in held}
    gone = [key for key in known if key[0] == identity.id and key not in kept]
    if gone:
        journal.unhold(session, identity.id, gone)
