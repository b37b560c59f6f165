"""The one reconcile: rules → plan → guard → apply → journal → signals, for any set of people.

Push calls it with one person, a rule change with all. Everything runs within the caller's write
transaction, because the embedded directory joins it; hooks are called outside (``sync.engine``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..core.facts import rebased
from ..core.records import (
    Change,
    ChangeKind,
    Decision,
    Identity,
    MembershipChange,
    PersonState,
    RefusedMembership,
    SourceState,
)
from ..core.rivals import parked, refused_name, without_twins
from ..core.username import name_key
from ..directories.base import BoundDirectory
from ..signals import AnyChange, Skip
from ..store import journal
from ..store.engine import Session
from ..store.journal import Event
from .applying import Part, Result, apply_parts, set_outcomes, signals_of
from .guarding import Held, Passed, guarded, known_holds
from .planning import plan_people
from .work import Work


class HooksNeeded(Exception):
    """The host's ``before_apply`` must see these changes before they may be applied."""

    def __init__(self, changes: Sequence[AnyChange]) -> None:
        super().__init__()
        self.changes = tuple(changes)


def reconcile(
    session: Session, work: Work, identities: Sequence[Identity]
) -> tuple[list[Result], list[Event]]:
    """Bring the accounts of these people in line with the rules: plan, then carry out."""
    decisions = plan_people(session, work, identities)
    return carry_out(session, work, decisions, len(identities))


def carry_out(
    session: Session,
    work: Work,
    decisions: Sequence[Decision],
    asked: int,
    *,
    tells_refusals: bool = False,
) -> tuple[list[Result], list[Event]]:
    """Guard, apply and record decisions; the first ``asked`` are about people asked for.

    Returns what became of each, and the signals to send after the commit. Raises HooksNeeded
    (nothing is written then) when the host's hook has not yet seen a change. ``tells_refusals``:
    memberships that are refused were asked for just now, and are news for the journal.
    """
    if work.source.state is not SourceState.ACTIVE:
        return observe_all(session, work, decisions[:asked]), []
    shown = [d for d in decisions[:asked] if d.observed]
    acting = [d for d in decisions if not d.observed]
    if shown:
        rest = carry_out_all(session, work, acting, tells_refusals)
        return in_order(decisions[:asked], [*observe_all(session, work, shown), *rest[0]]), rest[1]
    return carry_out_all(session, work, acting, tells_refusals)


def in_order(decisions: Sequence[Decision], results: Sequence[Result]) -> list[Result]:
    """Return results in the order of the people asked for, then the others'."""
    places = {decision.identity.id: place for place, decision in enumerate(decisions)}
    return sorted(results, key=lambda r: places.get(r.decision.identity.id, len(places)))


def carry_out_all(
    session: Session, work: Work, decisions: Sequence[Decision], tells_refusals: bool = False
) -> tuple[list[Result], list[Event]]:
    """Guard, apply and record the decisions of an active source."""
    known = known_holds(session, decisions)
    guards, limit = guarded(session, work, decisions, known)
    held = [each.held for each in guards]
    passed: list[Sequence[Change]] = [
        rebased(d.account, each.changes) for d, each in zip(decisions, guards, strict=True)
    ]
    skipped, passed, decisions, moved = with_verdicts(work, decisions, passed, guards)
    decisions, passed = with_free_names(session, work, decisions, passed, held)
    move_aside(session, work, passed)
    parts = [
        Part(
            decision=decision,
            allowed=tuple(allowed),
            memberships=memberships,
            held=each.held,
            skipped=why,
            tells_refusals=tells_refusals,
        )
        for decision, allowed, memberships, each, why in zip(
            decisions, passed, moved, guards, skipped, strict=True
        )
    ]
    results = apply_parts(session, work, parts, limit, known)
    events = signals_of(work, results)
    return results, journal.add_events(session, events, work.now)


def standing(work: Work, decision: Decision) -> tuple[PersonState, str]:
    """Return how a person will stand if everything that was decided is done."""
    if work.source.state is SourceState.ACTIVE and not decision.observed:
        return decision.state, decision.why
    reasons = [change.reason for change in decision.changes]
    reasons += [c.reason for c in decision.memberships if c.kind is not ChangeKind.KEEP_MEMBER]
    would = "; ".join(reasons)
    why = f"observed only, would be: {would}" if would else f"observed only: {decision.why}"
    return PersonState.GONE if decision.identity.deleted else PersonState.OBSERVED, why


def observe_all(session: Session, work: Work, decisions: Sequence[Decision]) -> list[Result]:
    """Record what would happen to people whom the source only observes."""
    for decision in decisions:
        if decision.identity.state == PersonState.HELD:  # planned and held anew once it acts again
            journal.unhold(session, decision.identity.id)
    standings = [standing(work, decision) for decision in decisions]
    set_outcomes(
        session,
        [(d.identity, state, why) for d, (state, why) in zip(decisions, standings, strict=True)],
    )
    return [
        Result(decision=replace(decision, state=state, why=why, conflict=False, refused=False))
        for decision, (state, why) in zip(decisions, standings, strict=True)
    ]


def with_verdicts(
    work: Work,
    decisions: Sequence[Decision],
    passed: Sequence[Sequence[Change]],
    guards: Sequence[Passed],
) -> tuple[list[str], list[Sequence[Change]], list[Decision], list[tuple[MembershipChange, ...]]]:
    """Return what the host's hook leaves of each person's changes, and why some were skipped.

    A membership that it skips is refused like any other that must not be given or taken.
    """
    moved = [each.memberships for each in guards]
    if not work.hooked:
        return ["" for _ in passed], list(passed), list(decisions), moved
    asked: list[AnyChange] = [change for changes in passed for change in changes]
    asked += [c for some in moved for c in some if c.kind is not ChangeKind.KEEP_MEMBER]
    unseen = [change for change in asked if change not in work.verdicts]
    if unseen:
        raise HooksNeeded(unseen)
    reasons: list[str] = []
    kept: list[Sequence[Change]] = []
    for changes in passed:
        verdicts = [work.verdicts[change] for change in changes]
        reasons.append("; ".join(v.why for v in verdicts if isinstance(v, Skip)))
        kept.append([v for v in verdicts if isinstance(v, Change)])
    final = [
        replace(decision, refusals=(*decision.refusals, *skipped_memberships(work, some)))
        for decision, some in zip(decisions, moved, strict=True)
    ]
    left = [tuple(c for c in some if not isinstance(work.verdicts.get(c), Skip)) for some in moved]
    return reasons, kept, final, left


def skipped_memberships(
    work: Work, changes: Sequence[MembershipChange]
) -> Iterator[RefusedMembership]:
    """Yield what the host's hook refuses of a person's memberships."""
    for change in changes:
        verdict = work.verdicts.get(change)
        if isinstance(verdict, Skip):
            yield RefusedMembership(
                kind=change.kind,
                subject=change.subject,
                group=change.group.name,
                group_key=change.group.key,
                reason=f"refused by the host application: {verdict.why}",
            )


def with_free_names(
    session: Session,
    work: Work,
    decisions: Sequence[Decision],
    passed: Sequence[Sequence[Change]],
    held: Sequence[Sequence[Held]],
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


def memberships_of(bound: BoundDirectory, keys: Sequence[str]) -> dict[str, list[str]]:
    """Return the names of the groups of accounts by account key."""
    found: dict[str, list[str]] = {key: [] for key in keys}
    for membership in bound.memberships(keys):
        found[membership.account_key].append(membership.group)
    return found
