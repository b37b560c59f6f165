"""The one reconcile: rules → plan → guard → apply → journal → signals, for any set of people.

Push calls it with one person, a rule change with all. Everything runs within the caller's write
transaction, because the embedded directory joins it; hooks are called outside (``sync.engine``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from ..core.facts import rebased
from ..core.guard import Budget, budget, held_reason, is_destructive, rejected_reason, split
from ..core.records import (
    DESTRUCTIVE,
    Account,
    Change,
    ChangeKind,
    Decision,
    Identity,
    Outcome,
    PersonState,
    SourceState,
)
from ..core.rivals import parked, refused_name, without_twins
from ..core.username import name_key
from ..directories.base import BoundDirectory
from ..signals import SIGNAL_OF_CHANGE, Skip
from ..store import journal, mirror, people, sources
from ..store.engine import Session
from ..store.journal import Event, account_as_json
from .planning import Work, plan_people

Holds = Mapping[tuple[int, str], str]
"""The decision (waiting, released, rejected) by identity and kind of change."""


class HooksNeeded(Exception):
    """The host's ``before_apply`` must see these changes before they may be applied."""

    def __init__(self, changes: Sequence[Change]) -> None:
        super().__init__()
        self.changes = tuple(changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one person: the decision, and each change with its outcome."""

    decision: Decision
    outcomes: tuple[tuple[Change, Outcome], ...] = ()
    skipped: str = ""  # a hook's reason
    newly_held: int = 0  # changes that nobody was asked about before


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
    links = 0 if fits else sources.count_links(session, work.source.id)
    return budget(rules, links=links, used=used)


def reconcile(
    session: Session, work: Work, identities: Sequence[Identity]
) -> tuple[list[Result], list[Event]]:
    """Bring the accounts of these people in line with the rules: plan, then carry out."""
    decisions = plan_people(session, work, identities)
    return carry_out(session, work, decisions, len(identities))


def carry_out(
    session: Session, work: Work, decisions: Sequence[Decision], asked: int
) -> tuple[list[Result], list[Event]]:
    """Guard, apply and record decisions; the first ``asked`` are about people asked for.

    Returns what became of each, and the signals to send after the commit. Raises HooksNeeded
    (nothing is written then) when the host's hook has not yet seen a change.
    """
    if work.source.state is not SourceState.ACTIVE:
        results = [observed(session, work, decision) for decision in decisions[:asked]]
        return results, []
    known = known_holds(session, decisions)
    passed, held, limit = guarded(session, work, decisions, known)
    passed = [rebased(d.account, c) for d, c in zip(decisions, passed, strict=True)]
    skipped, passed = with_verdicts(work, passed)
    decisions, passed = with_free_names(session, work, decisions, passed, held)
    move_aside(session, work, passed)
    results = [
        apply_decision(session, work, decision, tuple(allowed), tuple(kept), limit, why, known)
        for decision, allowed, kept, why in zip(decisions, passed, held, skipped, strict=True)
    ]
    events = signals_of(work, results)
    return results, journal.add_events(session, events, work.now)


def standing(work: Work, decision: Decision) -> tuple[PersonState, str]:
    """Return how a person will stand if everything that was decided is done."""
    if work.source.state is SourceState.ACTIVE:
        return decision.state, decision.why
    would = "; ".join(change.reason for change in decision.changes)
    why = f"observed only, would be: {would}" if would else f"observed only: {decision.why}"
    return PersonState.GONE if decision.identity.deleted else PersonState.OBSERVED, why


def observed(session: Session, work: Work, decision: Decision) -> Result:
    """Record what would happen to a person of a source that only observes."""
    if decision.identity.state == PersonState.HELD:  # planned and held anew once it acts again
        journal.unhold(session, decision.identity.id, DESTRUCTIVE)
    state, why = standing(work, decision)
    set_outcome(session, decision.identity, state, why)
    return Result(decision=replace(decision, state=state, why=why))


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
    left = limit.left
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
        allowed, kept = split(wanted, left, released)
        left -= sum(is_destructive(c) and c.kind not in released for c in allowed)
        passed.append(allowed)
        held.append(kept + tuple(c for c in decision.changes if c.kind in rejected))
    return passed, held, limit


def with_verdicts(
    work: Work, passed: Sequence[Sequence[Change]]
) -> tuple[list[str], list[Sequence[Change]]]:
    """Return each person's changes as the host's hook left them, and why some were skipped."""
    if not work.hooked:
        return ["" for _ in passed], list(passed)
    unseen = [c for changes in passed for c in changes if c not in work.verdicts]
    if unseen:
        raise HooksNeeded(unseen)
    reasons: list[str] = []
    kept: list[Sequence[Change]] = []
    for changes in passed:
        verdicts = [work.verdicts[change] for change in changes]
        reasons.append("; ".join(v.why for v in verdicts if isinstance(v, Skip)))
        kept.append([v for v in verdicts if isinstance(v, Change)])
    return reasons, kept


def with_free_names(
    session: Session,
    work: Work,
    decisions: Sequence[Decision],
    passed: Sequence[Sequence[Change]],
    held: Sequence[Sequence[Change]],
) -> tuple[list[Decision], list[Sequence[Change]]]:
    """Return decisions and changes again, where the guard or a hook changed who gets which name."""
    if not work.hooked and not (len(decisions) > 1 and any(held)):
        return list(decisions), list(passed)
    final = [
        replace(decision, changes=rebased(decision.account, changes))
        for decision, changes in zip(decisions, passed, strict=True)
    ]
    names = [c.after.user_name for d in final for c in d.changes if c.after is not None]
    found = work.directory.bound(session).find(names=names)
    occupied = {name_key(account.user_name): account.key for account in found}
    checked = [
        decision if twin is None else refused_name(decision, twin)
        for decision, twin in without_twins(final, occupied)
    ]
    return checked, [decision.changes for decision in checked]


def move_aside(session: Session, work: Work, passed: Sequence[Sequence[Change]]) -> None:
    """Give accounts whose name somebody else gets a temporary one, until theirs is free."""
    aside = parked([change for changes in passed for change in changes])
    if aside:
        work.directory.bound(session).apply(aside)


def apply_decision(
    session: Session,
    work: Work,
    decision: Decision,
    allowed: tuple[Change, ...],
    held: tuple[Change, ...],
    limit: Budget | None,
    skipped: str,
    known: Holds,
) -> Result:
    """Apply one person's changes to the directory, link, journal and the person's state."""
    identity = decision.identity
    accounts = work.directory.bound(session).apply(allowed) if allowed else []
    store_link(session, work, identity, allowed, accounts)
    done = [
        replace(change, after=account) if account is not None else change
        for change, account in zip(allowed, accounts, strict=True)
    ]
    rows = [journal_row(work, identity, change, Outcome.APPLIED) for change in done]
    if held and limit is not None:
        rows += hold_changes(session, work, identity, held, limit, known)
    journal.add_entries(session, rows)
    state, why = decision.state, decision.why
    if held and limit is not None:
        rejected = known.get((identity.id, held[0].kind)) == "rejected"
        state = PersonState.HELD
        why = rejected_reason(held[0]) if rejected else held_reason(held[0], limit)
    elif skipped:
        state, why = PersonState.FAILED, f"refused by the host application: {skipped}"
    forget_old_holds(session, identity, held, known)
    set_outcome(session, identity, state, why)
    outcomes = [(c, Outcome.APPLIED) for c in done]
    outcomes += [(c, outcome_of_held(identity, c, known)) for c in held]
    return Result(
        decision=replace(decision, state=state, why=why),
        outcomes=tuple(outcomes),
        skipped=skipped,
        newly_held=sum((identity.id, change.kind) not in known for change in held),
    )


def outcome_of_held(identity: Identity, change: Change, known: Holds) -> Outcome:
    """Return whether a change waits, or was rejected by an administrator."""
    rejected = known.get((identity.id, change.kind)) == "rejected"
    return Outcome.REJECTED if rejected else Outcome.HELD


def set_outcome(session: Session, identity: Identity, state: PersonState, why: str) -> None:
    """Record how a person stands, unless that is known already."""
    if (identity.state, identity.why) != (state, why):
        mirror.set_outcome(session, identity.id, state, why)


def store_link(
    session: Session,
    work: Work,
    identity: Identity,
    changes: Sequence[Change],
    accounts: Sequence[Account | None],
) -> None:
    """Record the new owner of a created or adopted account; forget that of a deleted one."""
    for change, account in zip(changes, accounts, strict=True):
        if change.kind is ChangeKind.DELETE:
            people.remove_link(session, identity.id)
        elif change.kind in {ChangeKind.CREATE, ChangeKind.ADOPT} and account is not None:
            if change.kind is ChangeKind.ADOPT:
                people.end_link(session, work.source.id, work.directory.name, account.key)
            people.add_link(
                session,
                source_id=work.source.id,
                identity_id=identity.id,
                directory=work.directory.name,
                account_key=account.key,
                now=work.now,
            )


def hold_changes(
    session: Session,
    work: Work,
    identity: Identity,
    held: Sequence[Change],
    limit: Budget,
    known: Holds,
) -> list[dict[str, Any]]:
    """Keep changes back; return the journal's lines of those that are held for the first time."""
    rows: list[dict[str, Any]] = []
    for change in held:
        if (identity.id, change.kind) in known:
            continue
        reason = held_reason(change, limit)
        journal.hold(session, work.source.id, identity.id, change.kind, change.reason, work.now)
        rows.append(journal_row(work, identity, replace(change, reason=reason), Outcome.HELD))
    return rows


def forget_old_holds(
    session: Session, identity: Identity, held: Sequence[Change], known: Holds
) -> None:
    """Forget held changes that the newest plan does not contain any more, or that were applied."""
    kinds = {change.kind for change in held}
    gone = [kind for (owner, kind) in known if owner == identity.id and kind not in kinds]
    if gone:
        journal.unhold(session, identity.id, gone)


def journal_row(work: Work, identity: Identity, change: Change, outcome: Outcome) -> dict[str, Any]:
    """Return the journal's line for a change."""
    account = change.after or change.before
    return {
        "at": work.now,
        "source": work.source.key,
        "actor": str(work.actor),
        "category": "change",
        "kind": change.kind,
        "subject": change.subject,
        "reason": change.reason,
        "outcome": outcome,
        "destructive": is_destructive(change),
        "before": account_as_json(change.before),
        "after": account_as_json(change.after),
        "request_id": work.request_id,
        "identity_id": identity.id or None,
        "account_key": account.key if account is not None and account.key else None,
    }


def signals_of(work: Work, results: Sequence[Result]) -> list[Event]:
    """Return the signals that tell the host of what was applied or held."""
    events: list[Event] = []
    held = 0
    for result in results:
        for change, outcome in result.outcomes:
            if outcome is Outcome.APPLIED:
                events.append(event_of(work, change))
        held += result.newly_held
    if held:
        payload = {"source": work.source.key, "held_count": held}
        events.append(Event(signal="run_needs_approval", payload=payload))
    return events


def event_of(work: Work, change: Change) -> Event:
    """Return the signal of one applied change."""
    account = change.after or change.before
    assert account is not None
    return Event(
        signal=SIGNAL_OF_CHANGE[change.kind],
        payload={
            "source": work.source.key,
            "reason": change.reason,
            "account": {
                "key": account.key,
                "user_name": account.user_name,
                "full_name": account.full_name,
                "email": account.email,
                "active": account.active,
            },
        },
    )


def memberships_of(bound: BoundDirectory, keys: Sequence[str]) -> dict[str, list[str]]:
    """Return the names of the groups of accounts by account key."""
    found: dict[str, list[str]] = {key: [] for key in keys}
    for membership in bound.memberships(keys):
        found[membership.account_key].append(membership.group)
    return found
