"""Links between people and accounts, and people as pages and the command line list them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Row,
    Select,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    union_all,
    update,
)

from ..core.records import Identity, Person, PersonState, Source
from ..core.username import fold
from ..errors import NotFound
from .columns import begins_with, table_of
from .engine import Session
from .mirror import IDENTITY_COLUMNS, identity_from_row
from .schema import IdentityEmailRow, IdentityRow, LinkRow, SourceRow

LINKS = table_of(LinkRow)
IDENTITIES = table_of(IdentityRow)
EMAILS = table_of(IdentityEmailRow)
FOUND_AT_MOST = 1_000
SOURCES = table_of(SourceRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Which identity of which source owns an account."""

    identity_id: int
    source_id: int
    source: str
    directory: str
    account_key: str
    user_name: str  # of the identity
    deleted: bool = False  # the provider deleted the person
    disabled_at: datetime | None = None
    restored_at: datetime | None = None


def links_query() -> Select[Any]:
    """Return the query that reads links with their source and person."""
    return select(
        LINKS.c.identity_id,
        LINKS.c.source_id,
        LINKS.c.directory,
        LINKS.c.account_key,
        LINKS.c.disabled_at,
        LINKS.c.restored_at,
        SOURCES.c.key.label("source"),
        IDENTITIES.c.user_name,
        IDENTITIES.c.deleted_at,
    ).select_from(
        LINKS.join(SOURCES, SOURCES.c.id == LINKS.c.source_id).join(
            IDENTITIES, IDENTITIES.c.id == LINKS.c.identity_id
        )
    )


def link_from_row(row: Row[Any]) -> Link:
    """Return the link of a row."""
    return Link(
        identity_id=row.identity_id,
        source_id=row.source_id,
        source=row.source,
        directory=row.directory,
        account_key=row.account_key,
        user_name=row.user_name,
        deleted=row.deleted_at is not None,
        disabled_at=row.disabled_at,
        restored_at=row.restored_at,
    )


LINKS_BY_IDENTITY = links_query().where(LINKS.c.identity_id.in_(bindparam("ids", expanding=True)))
LINKS_BY_ACCOUNT = links_query().where(
    LINKS.c.directory == bindparam("directory"),
    LINKS.c.account_key.in_(bindparam("keys", expanding=True)),
)
INSERT_LINK = insert(LINKS)


def links_of_identities(session: Session, ids: Sequence[int]) -> dict[int, Link]:
    """Return the links of identities by identity id."""
    if not ids:
        return {}
    rows = session.execute(LINKS_BY_IDENTITY, {"ids": ids})
    return {row.identity_id: link_from_row(row) for row in rows}


def links_of_accounts(session: Session, directory: str, keys: Sequence[str]) -> dict[str, Link]:
    """Return the links of accounts by account key."""
    if not keys:
        return {}
    rows = session.execute(LINKS_BY_ACCOUNT, {"directory": directory, "keys": keys})
    return {row.account_key: link_from_row(row) for row in rows}


def linked_identities(
    session: Session, source_id: int, directory: str, ids: Sequence[int]
) -> list[tuple[Identity, str]]:
    """Return those of some people who have an account in a directory, with its key, by id.

    On PostgreSQL nobody else changes these people until the commit.
    """
    query = (
        select(*IDENTITY_COLUMNS, LINKS.c.account_key)
        .join(LINKS, LINKS.c.identity_id == IDENTITIES.c.id)
        .where(
            IDENTITIES.c.source_id == source_id,
            LINKS.c.directory == directory,
            IDENTITIES.c.id.in_(ids),
        )
        .order_by(IDENTITIES.c.id)
    )
    lock_identities(session, ids)
    return [(identity_from_row(row), row.account_key) for row in session.execute(query)]


def lock_identities(session: Session, ids: Sequence[int]) -> None:
    """Let nobody else plan for these people until the commit; on SQLite nobody can anyway."""
    if session.dialect.name == "postgresql":
        query = select(IDENTITIES.c.id).where(IDENTITIES.c.id.in_(ids)).order_by(IDENTITIES.c.id)
        session.execute(query.with_for_update())


def add_links(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make identities the owners of accounts that have none; rows have the columns of a link."""
    if rows:
        session.execute(INSERT_LINK, list(rows))


def mark_links(session: Session, identity_ids: Sequence[int], **values: datetime | None) -> None:
    """Note when the accounts of people were disabled, or restored by an administrator."""
    if identity_ids:
        session.execute(update(LINKS).where(LINKS.c.identity_id.in_(identity_ids)).values(**values))


def disabled_people(
    session: Session, source_id: int, *, before: datetime, after: int = 0, limit: int = 200
) -> list[int]:
    """Return people whose account was disabled before a time, by identity id in its order."""
    query = (
        select(LINKS.c.identity_id)
        .where(
            LINKS.c.source_id == source_id,
            LINKS.c.disabled_at <= before,
            LINKS.c.identity_id > after,
        )
        .order_by(LINKS.c.identity_id)
        .limit(limit)
    )
    return list(session.scalars(query))


def end_links(
    session: Session, source_id: int, directory: str, account_keys: Sequence[str]
) -> None:
    """End a source's ownership of accounts: they are gone, or another of its people has them."""
    if account_keys:
        session.execute(
            delete(LINKS).where(
                LINKS.c.source_id == source_id,
                LINKS.c.directory == directory,
                LINKS.c.account_key.in_(account_keys),
            )
        )


def remove_links(session: Session, identity_ids: Sequence[int]) -> None:
    """End the ownership of these people of their accounts."""
    session.execute(delete(LINKS).where(LINKS.c.identity_id.in_(identity_ids)))


def release_links(session: Session, source_id: int) -> int:
    """End a source's ownership of all its accounts; return how many there were."""
    count = session.scalar(
        select(func.count()).select_from(LINKS).where(LINKS.c.source_id == source_id)
    )
    session.execute(delete(LINKS).where(LINKS.c.source_id == source_id))
    return count or 0


def people_query() -> Select[Any]:
    """Return the query that reads people with their source and link."""
    return select(
        IDENTITIES.c.id,
        IDENTITIES.c.scim_id,
        IDENTITIES.c.external_id,
        IDENTITIES.c.user_name,
        IDENTITIES.c.full_name,
        IDENTITIES.c.email,
        IDENTITIES.c.active,
        IDENTITIES.c.deleted_at,
        IDENTITIES.c.state,
        IDENTITIES.c.why,
        IDENTITIES.c.created_at,
        IDENTITIES.c.modified_at,
        SOURCES.c.key.label("source"),
        LINKS.c.directory,
        LINKS.c.account_key,
        LINKS.c.disabled_at,
    ).select_from(
        IDENTITIES.join(SOURCES, SOURCES.c.id == IDENTITIES.c.source_id).outerjoin(
            LINKS, LINKS.c.identity_id == IDENTITIES.c.id
        )
    )


def person_from_row(row: Row[Any]) -> Person:
    """Return the person of a row; the account's name is the directory's to say."""
    return Person(
        id=row.id,
        source=row.source,
        scim_id=row.scim_id,
        external_id=row.external_id,
        user_name=row.user_name,
        full_name=row.full_name,
        email=row.email,
        active=row.active,
        deleted=row.deleted_at is not None,
        state=PersonState(row.state or PersonState.OBSERVED),
        why=row.why,
        directory=row.directory,
        account_key=row.account_key,
        account_name=None,
        disabled_at=row.disabled_at,
        created_at=row.created_at,
        modified_at=row.modified_at,
    )


def list_people(
    session: Session,
    *,
    source: Source | None = None,
    search: str = "",
    state: PersonState | None = None,
    after_id: int = 0,
    limit: int = 100,
) -> list[Person]:
    """Return people in the order in which they came; ``after_id`` continues a page.

    ``search`` is the beginning of a user name, full name or e-mail, or a whole externalId or SCIM
    id. Whom their source deleted is listed only where a search or a state asks for them: their
    account may still be there.
    """
    narrow = [IDENTITIES.c.state == state] if state is not None else []
    if search:
        ids = sorted(i for i in find_ids(session, search, source, narrow) if i > after_id)
        return people_by_id(session, ids[:limit])
    narrow.append(IDENTITIES.c.id > after_id)
    if state is None:
        narrow.append(IDENTITIES.c.deleted_at.is_(None))
    query = people_query().where(*narrow).order_by(IDENTITIES.c.id).limit(limit)
    if source is not None:
        query = query.where(IDENTITIES.c.source_id == source.id)
    elif state is not None:
        query = query.where(IDENTITIES.c.id.in_(first_of_each(sources_of(session), narrow, limit)))
    return [person_from_row(row) for row in session.execute(query)]


def sources_of(session: Session, source: Source | None = None) -> list[int]:
    """Return the id of a source, those of all where none is given."""
    return [source.id] if source is not None else list(session.scalars(select(SOURCES.c.id)))


def find_ids(
    session: Session,
    search: str,
    source: Source | None = None,
    narrow: Sequence[ColumnElement[bool]] = (),
    limit: int = FOUND_AT_MOST,
) -> set[int]:
    """Return people whom a search finds; each way to find them is one range of an index.

    Of those whom one way finds, the first ``limit`` in its order are enough: who wants others
    types more of the name.
    """
    sources, key = sources_of(session, source), fold(search)
    here = IDENTITIES.c.source_id.in_(sources)
    people = select(IDENTITIES.c.id).where(here, *narrow)
    emails = people.join(EMAILS, EMAILS.c.identity_id == IDENTITIES.c.id).where(
        EMAILS.c.source_id.in_(sources), begins_with(EMAILS.c.email_key, key)
    )
    ways = [
        *(
            people.where(begins_with(IDENTITIES.c.user_name_key, key), life)
            for life in (IDENTITIES.c.deleted_at.is_(None), IDENTITIES.c.deleted_at.is_not(None))
        ),
        people.where(begins_with(IDENTITIES.c.full_name_key, key)),
        emails,
        people.where(IDENTITIES.c.external_id == search),
        people.where(IDENTITIES.c.scim_id == search),
    ]
    found = [way.limit(limit).subquery() for way in ways]
    return set(session.scalars(union_all(*(select(each.c.id) for each in found))))


def first_of_each(
    sources: Sequence[int], narrow: Sequence[ColumnElement[bool]], limit: int
) -> CompoundSelect[Any] | tuple[()]:
    """Return the ids of the first people of each source, of whom the first of all are some."""
    first = [
        select(IDENTITIES.c.id)
        .where(IDENTITIES.c.source_id == source_id, *narrow)
        .order_by(IDENTITIES.c.id)
        .limit(limit)
        .subquery()
        for source_id in sources
    ]
    return union_all(*(select(each.c.id) for each in first)) if first else ()


def newest_person(session: Session, source: Source) -> Person | None:
    """Return the living person of a source who came last, None if it has none."""
    query = people_query().where(IDENTITIES.c.source_id == source.id)
    row = session.execute(
        query.where(IDENTITIES.c.deleted_at.is_(None)).order_by(IDENTITIES.c.id.desc()).limit(1)
    ).first()
    return person_from_row(row) if row is not None else None


def people_by_id(session: Session, ids: Sequence[int]) -> list[Person]:
    """Return people by row id, deleted ones too, in the order of their ids."""
    query = people_query().where(IDENTITIES.c.id.in_(ids)).order_by(IDENTITIES.c.id)
    return [person_from_row(row) for row in session.execute(query)]


def find_people(session: Session, name: str, source: Source | None = None) -> list[Person]:
    """Return the people whom a user name, SCIM id or externalId names, living ones first."""
    query = people_query().where(
        or_(
            IDENTITIES.c.user_name_key == fold(name),
            IDENTITIES.c.scim_id == name,
            IDENTITIES.c.external_id == name,
        )
    )
    if source is not None:
        query = query.where(IDENTITIES.c.source_id == source.id)
    rows = session.execute(
        query.order_by(IDENTITIES.c.deleted_at.is_not(None), IDENTITIES.c.id.desc())
    )
    return [person_from_row(row) for row in rows]


def get_person(session: Session, identity_id: int) -> tuple[Person, str]:
    """Return a person and their SCIM record as JSON text. Raises NotFound."""
    query = people_query().add_columns(IDENTITIES.c.record).where(IDENTITIES.c.id == identity_id)
    row = session.execute(query).first()
    if row is None:
        raise NotFound("there is no such person")
    return person_from_row(row), row.record
