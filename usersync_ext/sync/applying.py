"""Doing what was decided and let pass: directory, links, journal and states, set by set."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..core.guard import Budget, is_destructive
from ..core.records import (
    Account,
    Change,
    ChangeKind,
    Decision,
    Identity,
    MembershipChange,
    Outcome,
    PersonState,
)
from ..signals import SIGNAL_OF_CHANGE
from ..store import adoptions, grants, journal, mirror, people
from ..store.engine import Session
from ..store.journal import Event, account_as_json, hold_key
from .guarding import Held, Holds, forget_old_holds, hold_changes, outcome_of_held, why_held
from .members import Moved, member_event, membership_row, move_members, refusal_row
from .shaping import delete_emptied
from .work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One person's part of a plan as it is carried out."""

    decision: Decision
    allowed: tuple[Change, ...]
    memberships: tuple[MembershipChange, ...] = ()
    held: tuple[Held, ...] = ()
    skipped: str = ""
    tells_refusals: bool = False  # to the journal: a request asked for just that


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one person: the decision, and each change with its outcome."""

    decision: Decision
    outcomes: tuple[tuple[Held, Outcome], ...] = ()
    moved: tuple[Moved, ...] = ()  # memberships that began or ended
    skipped: str = ""  # a hook's reason
    newly_held: int = 0  # changes that nobody was asked about before


def apply_parts(
    session: Session,
    work: Work,
    parts: Sequence[Part],
    limit: Budget | None,
    known: Holds,
) -> list[Result]:
    """Apply people's changes to the directory, links, journal and their states, set by set."""
    done = applied_changes(session, work, parts)
    keep_links(session, work, parts, done)
    moved = moved_members(session, work, parts, done)
    rows: list[dict[str, Any]] = []
    outcomes: list[tuple[Identity, PersonState, str]] = []
    results: list[Result] = []
    for part, changes in zip(parts, done, strict=True):
        decision, identity = part.decision, part.decision.identity
        own = tuple(moved.get(identity.scim_id, ()))
        rows += [journal_row(work, identity, change, Outcome.APPLIED) for change in changes]
        rows += [membership_row(work, each, Outcome.APPLIED) for each in own]
        if part.tells_refusals:
            rows += [refusal_row(work, identity, refusal) for refusal in decision.refusals]
        state, why = decision.state, decision.why
        if part.held and limit is not None:
            new = hold_changes(session, work, decision, part.held, limit, known)
            rows += [held_row(work, decision, change) for change in new]
            state, why = PersonState.HELD, why_held(work, decision, part.held[0], limit, known)
        elif part.skipped:
            state, why = PersonState.FAILED, f"refused by the host application: {part.skipped}"
        forget_old_holds(session, identity, part.held, known)
        outcomes.append((identity, state, why))
        results.append(
            Result(
                decision=replace(decision, state=state, why=why),
                outcomes=(
                    *((change, Outcome.APPLIED) for change in changes),
                    *((change, outcome_of_held(identity, change, known)) for change in part.held),
                ),
                moved=own,
                skipped=part.skipped,
                newly_held=sum(hold_key(identity.id, change) not in known for change in part.held),
            )
        )
    journal.add_entries(session, rows)
    set_outcomes(session, outcomes)
    return results


def moved_members(
    session: Session, work: Work, parts: Sequence[Part], done: Sequence[tuple[Change, ...]]
) -> dict[str, list[Moved]]:
    """Apply all changes of memberships at once; return them by SCIM id of the person."""
    wanted = [
        (part.decision.identity, account_now(part, changes), part.memberships)
        for part, changes in zip(parts, done, strict=True)
        if part.memberships
    ]
    found: dict[str, list[Moved]] = {}
    moved = move_members(session, work, wanted)
    for each in moved:
        found.setdefault(each.identity.scim_id, []).append(each)
    left = {m.change.group.key for m in moved if m.change.kind is ChangeKind.REMOVE_MEMBER}
    if left:
        delete_emptied(session, work, left)
    return found


def account_now(part: Part, changes: Sequence[Change]) -> Account | None:
    """Return the account that a person has after changes were made."""
    account = part.decision.account
    for change in changes:
        account = change.after
    return account


def held_row(work: Work, decision: Decision, change: Held) -> dict[str, Any]:
    """Return the journal's line for what the guard keeps back."""
    if isinstance(change, Change):
        return journal_row(work, decision.identity, change, Outcome.HELD)
    assert decision.account is not None
    moved = Moved(identity=decision.identity, account=decision.account, change=change)
    return membership_row(work, moved, Outcome.HELD)


def applied_changes(
    session: Session, work: Work, parts: Sequence[Part]
) -> list[tuple[Change, ...]]:
    """Apply all changes to the directory at once; return them with the accounts afterwards."""
    changes = [change for part in parts for change in part.allowed]
    accounts = iter(work.directory.bound(session).apply(changes) if changes else ())
    done: list[tuple[Change, ...]] = []
    for part in parts:
        after = [(change, next(accounts)) for change in part.allowed]
        done.append(
            tuple(
                replace(change, after=account) if account is not None else change
                for change, account in after
            )
        )
    return done


def set_outcomes(session: Session, outcomes: Sequence[tuple[Identity, PersonState, str]]) -> None:
    """Record how people stand, where that is not known already."""
    mirror.set_outcomes(
        session,
        [
            (identity.id, state, why)
            for identity, state, why in outcomes
            if (identity.state, identity.why) != (state, why)
        ],
    )


def keep_links(
    session: Session, work: Work, parts: Sequence[Part], done: Sequence[tuple[Change, ...]]
) -> None:
    """Record new owners, ended ownership, and since when accounts are disabled."""
    new: list[dict[str, Any]] = []
    ended: list[str] = []
    marks: dict[str, list[int]] = {"disabled": [], "enabled": []}
    for part, changes in zip(parts, done, strict=True):
        identity_id = part.decision.identity.id
        for change in changes:
            if change.kind is ChangeKind.DELETE and change.before:
                ended.append(change.before.key)
            elif change.kind in {ChangeKind.CREATE, ChangeKind.ADOPT} and change.after:
                if change.kind is ChangeKind.ADOPT:
                    take_over(session, work, change.after.key)
                new.append(link_row(work, identity_id, change.after))
            elif change.kind is ChangeKind.DEACTIVATE:
                marks["disabled"].append(identity_id)
            elif change.kind is ChangeKind.ACTIVATE:
                marks["enabled"].append(identity_id)
        if part.decision.is_back:
            marks["enabled"].append(identity_id)
    people.end_links(session, work.source.id, work.directory.name, ended)
    grants.end_grants(session, work.directory.name, ended)
    people.add_links(session, new)
    people.mark_links(session, marks["disabled"], disabled_at=work.now)
    people.mark_links(session, marks["enabled"], disabled_at=None, restored_at=None)


def take_over(session: Session, work: Work, account_key: str) -> None:
    """End what was before a person gets an account: an earlier link of the source, decisions."""
    people.end_links(session, work.source.id, work.directory.name, [account_key])
    adoptions.forget(session, work.directory.name, [account_key])


def link_row(work: Work, identity_id: int, account: Account) -> dict[str, Any]:
    """Return the columns of a new link."""
    return {
        "source_id": work.source.id,
        "identity_id": identity_id,
        "directory": work.directory.name,
        "account_key": account.key,
        "created_at": work.now,
        "disabled_at": None if account.active else work.now,
    }


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
        "directory": work.directory.name,
        "account_key": account.key if account is not None and account.key else None,
        "group_key": None,
    }


def signals_of(work: Work, results: Sequence[Result]) -> list[Event]:
    """Return the signals that tell the host of what was applied or held."""
    events: list[Event] = []
    held = 0
    for result in results:
        for change, outcome in result.outcomes:
            if outcome is Outcome.APPLIED and isinstance(change, Change):
                events.append(event_of(work, change))
        events += [member_event(work, moved) for moved in result.moved]
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
