"""People and accounts as pages and the command line show them, and the why of each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..core.records import (
    Account,
    Actor,
    Decision,
    JournalEntry,
    Person,
    Source,
)
from ..directories.local import LocalAccounts
from ..store import journal, mirror, people, sources
from ..store.engine import Session
from .engine import Engine
from .planning import plan_people
from .reconcile import memberships_of
from .whys import whys

NOBODY = Actor(kind="system", name="explain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything about one person: what the source says, the rules' steps, account and history."""

    person: Person
    source: Source
    record: dict[str, Any]
    decision: Decision | None  # None when the source has no usable directory
    account: Account | None
    groups: tuple[tuple[str, str], ...]  # name of the group, and why
    source_groups: tuple[str, ...]  # names of the groups in the source
    changes: tuple[JournalEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAccount:
    """An account of the embedded directory with its owner and groups."""

    account: Account
    groups: tuple[str, ...]


def find_whose(engine: Engine, search: str, limit: int) -> journal.Whose:
    """Return the people and the local accounts whose names begin with a text, so many at most."""
    with engine.store.reading() as session:
        accounts = LocalAccounts(session).list_accounts(search=search, limit=limit)
        return journal.Whose(
            identity_ids=sorted(people.find_ids(session, search, limit=limit)),
            account_keys=[account.key for account in accounts],
        )


def with_account_names(session: Session, engine: Engine, found: Sequence[Person]) -> list[Person]:
    """Return people with the names of their accounts, each directory being asked once."""
    named: dict[tuple[str, str], str] = {}
    for name in {person.directory for person in found if person.directory}:
        keys = [p.account_key for p in found if p.directory == name and p.account_key]
        for account in accounts_by_key(session, engine, name, keys):
            named[name, account.key] = account.user_name
    return [
        replace(p, account_name=named.get((p.directory or "", p.account_key or ""))) for p in found
    ]


def accounts_by_key(
    session: Session, engine: Engine, directory: str, keys: Sequence[str]
) -> list[Account]:
    """Return accounts of a directory, none where the app does not have it any more."""
    found = engine.directories.get(directory)
    return found.bound(session).find(keys=keys) if found is not None and keys else []


def list_people(engine: Engine, **filters: Any) -> list[Person]:
    """Return people (arguments of ``store.people.list_people``) with their accounts' names."""
    with engine.store.reading() as session:
        return with_account_names(session, engine, people.list_people(session, **filters))


def list_accounts(
    engine: Engine, *, search: str = "", after: str = "", limit: int = 100
) -> list[ListedAccount]:
    """Return accounts of the embedded directory with owner and groups."""
    with engine.store.reading() as session:
        local = LocalAccounts(session)
        accounts = local.list_accounts(search=search, after=after, limit=limit)
        keys = [account.key for account in accounts]
        owners = people.links_of_accounts(session, "local", keys)
        groups = memberships_of(local, keys)
        return [
            ListedAccount(
                account=replace(a, owner=owners[a.key].source if a.key in owners else None),
                groups=tuple(groups[a.key]),
            )
            for a in accounts
        ]


def explain_person(engine: Engine, identity_id: int) -> Explanation:
    """Return everything about one person. Raises NotFound."""
    with engine.store.reading() as session:
        person, record = people.get_person(session, identity_id)
        source = sources.get_source(session, person.source)
        keys = [person.account_key] if person.account_key else []
        found = accounts_by_key(session, engine, person.directory or "", keys)
        if found:
            person = replace(person, account_name=found[0].user_name)
        stored = mirror.get_user(session, source.id, person.scim_id)
        return Explanation(
            person=person,
            source=source,
            record=json.loads(record),
            decision=decided(session, engine, source, identity_id),
            account=replace(found[0], owner=source.key) if found else None,
            groups=memberships_in(session, engine, person),
            source_groups=tuple(name for _, name in stored.groups) if stored else (),
            changes=tuple(journal.list_entries(session, journal.Lines(identity_id=identity_id))),
        )


def memberships_in(session: Session, engine: Engine, person: Person) -> tuple[tuple[str, str], ...]:
    """Return the groups of a person's account: name, and why."""
    directory = engine.directories.get(person.directory or "")
    if directory is None or not person.account_key:
        return ()
    found = directory.bound(session).memberships([person.account_key])
    return tuple((why.membership.group, why.text) for why in whys(session, directory.name, found))


def decided(session: Session, engine: Engine, source: Source, identity_id: int) -> Decision | None:
    """Return what the rules say about a person now, with every step."""
    if source.directory not in engine.directories:
        return None
    identities = mirror.get_identities(session, source.id, [identity_id])
    return plan_people(session, engine.work_for(source, NOBODY), identities)[0]
