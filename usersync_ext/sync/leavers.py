"""Leavers: accounts that were disabled and wait to be deleted, and giving them back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ..core.records import Account, Actor, Change, ChangeKind, Decision, Person, PersonState, Source
from ..core.upkeep import RESTORED
from ..errors import InvalidSetting
from ..store import journal, mirror, people, sources
from ..store.engine import Session
from ..store.journal import Event
from .admin import reconcile_people
from .applying import Part, apply_parts, signals_of
from .engine import Engine
from .work import Work

SYSTEM = Actor(kind="system", name="leavers")
FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)
SLICE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaver:
    """A person whose account their source disabled."""

    person: Person
    account: Account
    disabled_at: datetime
    delete_at: datetime | None  # None: it is never deleted by itself


def list_leavers(
    engine: Engine, source: Source, *, after_id: int = 0, limit: int = 100
) -> list[Leaver]:
    """Return whose accounts a source disabled, in the order of their ids."""
    while True:
        with engine.store.reading() as session:
            ids = people.disabled_people(
                session, source.id, before=FOR_EVER, after=after_id, limit=limit
            )
            found = leavers_of(session, engine.work_for(source, SYSTEM), ids) if ids else []
        if found or not ids:
            return found
        after_id = ids[-1]  # their accounts vanished, or others enabled them


def leavers_of(session: Session, work: Work, ids: Sequence[int]) -> list[Leaver]:
    """Return the leavers among some people whose account was disabled."""
    links = people.links_of_identities(session, ids)
    bound = work.directory.bound(session)
    found = bound.find(keys=[link.account_key for link in links.values()])
    accounts = {account.key: account for account in found}
    return [
        Leaver(
            person=person,
            account=accounts[links[person.id].account_key],
            disabled_at=at,
            delete_at=delete_at(work.source, person, at),
        )
        for person in people.people_by_id(session, ids)
        if (at := links[person.id].disabled_at) is not None
        and links[person.id].account_key in accounts
    ]


def delete_at(source: Source, person: Person, disabled_at: datetime) -> datetime | None:
    """Return when a leaver's account is deleted, None where that does not happen by itself."""
    days = source.rules["delete_after_days"] if source.rules["enable_users"] else 0
    leaves = person.deleted or not (person.active or person.state is PersonState.OUT_OF_SCOPE)
    return disabled_at + timedelta(days=days) if days and leaves else None


def delete_due(engine: Engine, source: Source) -> int:
    """Delete the accounts whose time is over, as the rules and the guard let; return how many."""
    days = source.rules["delete_after_days"]
    if not days:
        return 0
    before = datetime.now(UTC) - timedelta(days=days)
    count = after = 0
    while True:
        with engine.store.reading() as session:
            ids = people.disabled_people(
                session, source.id, before=before, after=after, limit=SLICE
            )
        if not ids:
            return count
        after = ids[-1]
        for result in reconcile_people(engine, SYSTEM, source, ids):
            count += any(
                change.kind is ChangeKind.DELETE and outcome == "applied"
                for change, outcome in result.outcomes
            )


def delete_all_due(engine: Engine) -> int:
    """Delete what is due in every active source; return how many accounts."""
    with engine.store.reading() as session:
        found = sources.list_sources(session)
    return sum(delete_due(engine, s) for s in found if s.state == "active" and s.directory)


def restore(engine: Engine, actor: Actor, source: Source, person_id: int) -> Account:
    """Give a leaver their account back: it is enabled and stays until the person comes back.

    Raises NotFound, and InvalidSetting where the account is active.
    """

    def unit(session: Session, work: Work) -> tuple[Account, list[Event]]:
        link = people.links_of_identities(session, [person_id]).get(person_id)
        keys = [link.account_key] if link and link.source_id == work.source.id else []
        found = work.directory.bound(session).find(keys=keys)
        if not found or found[0].active:
            raise InvalidSetting("account", "there is no disabled account to restore")
        [identity] = mirror.get_identities(session, source.id, [person_id])
        account = replace(found[0], owner=source.key)
        text = f"account enabled: restored by {actor}"
        change = Change(
            kind=ChangeKind.ACTIVATE,
            subject=identity.user_name,
            before=account,
            after=replace(account, active=True),
            reason=text,
        )
        state = PersonState.GONE if identity.deleted else PersonState.IN_SYNC
        decision = Decision(identity=identity, state=state, why=RESTORED, account=account)
        results = apply_parts(session, work, [Part(decision=decision, allowed=(change,))], None, {})
        people.mark_links(session, [person_id], restored_at=work.now)
        ending = (ChangeKind.DEACTIVATE, ChangeKind.DELETE)
        journal.unhold(session, person_id, [(person_id, kind, "") for kind in ending])
        events = journal.add_events(session, signals_of(work, results), work.now)
        return replace(account, active=True), events

    return engine.perform(engine.work_for(source, actor), unit)
