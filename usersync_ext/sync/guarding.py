"""The guard at work: what a source may still take away, and what is kept back until you decide."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ..core.guard import (
    Budget,
    budget,
    held_reason,
    is_destructive,
    rejected_reason,
    split,
    unplanned_reason,
)
from ..core.records import Change, ChangeKind, Decision, Identity, Outcome, PersonState
from ..store import journal, sources
from ..store.engine import Session
from ..store.journal import change_as_json
from .planning import Work

DIFFERENCE = ("kind", "before", "after")
Holds = Mapping[tuple[int, str], str]
"""The decision (waiting, released, rejected) by identity and kind of change."""


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
    ]
    return journal.decisions_on_held(session, concerned) if concerned else {}


def guarded(
    session: Session, work: Work, decisions: Sequence[Decision], known: Holds
) -> tuple[list[Sequence[Change]], list[Sequence[Change]], Budget | None]:
    """Return the changes that pass the guard and those that are held, person by person."""
    removals = sum(is_destructive(c) for decision in decisions for c in decision.changes)
    if work.approved or not removals:
        return [d.changes for d in decisions], [() for _ in decisions], None
    limit = current_budget(session, work, removals)
    left = 0 if work.hold_removals else limit.left
    passed: list[Sequence[Change]] = []
    held: list[Sequence[Change]] = []
    for decision in decisions:
        released = {
            change.kind
            for change in decision.changes
            if known.get((decision.identity.id, change.kind)) == "released"
        }
        rejected = {
            change.kind
            for change in decision.changes
            if known.get((decision.identity.id, change.kind)) == "rejected"
        }
        wanted = [c for c in decision.changes if c.kind not in rejected]
        expected = [c for c in wanted if c.kind in released or is_planned(work, decision, c)]
        allowed, kept = split(expected, left, released)
        kept += tuple(c for c in wanted if c not in expected)
        left -= sum(is_destructive(c) and c.kind not in released for c in allowed)
        passed.append(allowed)
        held.append(kept + tuple(c for c in decision.changes if c.kind in rejected))
    return passed, held, limit


def is_planned(work: Work, decision: Decision, change: Change) -> bool:
    """Tell whether a change was in the plan that an administrator saw, or takes nothing away."""
    if work.planned is None or not is_destructive(change):
        return True
    told = change_as_json(change)
    planned = work.planned.get(decision.identity.id, ())
    return any(all(told[key] == each[key] for key in DIFFERENCE) for each in planned)


def why_held(work: Work, decision: Decision, change: Change, limit: Budget, known: Holds) -> str:
    """Return why a person's first held change is not made."""
    if known.get((decision.identity.id, change.kind)) == "rejected":
        return rejected_reason(change)
    if not is_planned(work, decision, change):
        return unplanned_reason(change)
    return held_reason(change, limit)


def outcome_of_held(identity: Identity, change: Change, known: Holds) -> Outcome:
    """Return whether a change waits, or was rejected by an administrator."""
    rejected = known.get((identity.id, change.kind)) == "rejected"
    return Outcome.REJECTED if rejected else Outcome.HELD


def hold_changes(
    session: Session,
    work: Work,
    decision: Decision,
    held: Sequence[Change],
    limit: Budget,
    known: Holds,
) -> list[Change]:
    """Keep changes back; return those held for the first time, with the reason why they are."""
    identity_id = decision.identity.id
    new = [change for change in held if (identity_id, change.kind) not in known]
    for change in new:
        journal.hold(session, work.source.id, identity_id, change.kind, change.reason, work.now)
    return [
        replace(change, reason=why_held(work, decision, change, limit, known)) for change in new
    ]


def forget_old_holds(
    session: Session, identity: Identity, held: Sequence[Change], known: Holds
) -> None:
    """Forget held changes that the newest plan does not contain any more, or that were applied."""
    kinds = {change.kind for change in held}
    gone = [kind for (owner, kind) in known if owner == identity.id and kind not in kinds]
    if gone:
        journal.unhold(session, identity.id, gone)
