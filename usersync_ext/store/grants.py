"""Grants: the memberships that sources gave, and the groups that they created."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from ..core.records import GrantKind
from .columns import table_of
from .engine import Session
from .group_tables import CreatedGroupRow, GrantRow, NestingRow
from .schema import SourceRow

TABLE = table_of(GrantRow)
CREATED = table_of(CreatedGroupRow)
NESTINGS = table_of(NestingRow)
SOURCES = table_of(SourceRow)
SLICE = 300

OF_ACCOUNTS = select(
    TABLE.c.account_key, TABLE.c.group_key, TABLE.c.source_id, TABLE.c.kind, TABLE.c.allowed
).where(
    TABLE.c.directory == bindparam("directory"),
    TABLE.c.account_key.in_(bindparam("keys", expanding=True)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A membership that a source gave."""

    account_key: str
    group_key: str
    source_id: int
    kind: GrantKind
    allowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedGroup:
    """A group of the directory that a source created; ``group_id`` is the source's group."""

    group_key: str
    source_id: int
    source: str
    group_id: int | None
    origin: str


def grants_of(
    session: Session, directory: str, keys: Sequence[str], group_keys: Sequence[str] | None = None
) -> list[Grant]:
    """Return the grants of accounts, of all sources, in some groups or all."""
    if not keys or group_keys == []:
        return []
    query = OF_ACCOUNTS
    if group_keys is not None:
        query = query.where(TABLE.c.group_key.in_(group_keys))
    return [
        Grant(
            account_key=row.account_key,
            group_key=row.group_key,
            source_id=row.source_id,
            kind=GrantKind(row.kind),
            allowed=row.allowed,
        )
        for row in session.execute(query, {"directory": directory, "keys": keys})
    ]


def add_grants(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Record memberships that a source gives; rows have the columns of ``usersync_grant``."""
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    found = list(rows)
    for start in range(0, len(found), SLICE):
        part = found[start : start + SLICE]
        session.execute(dialect.insert(TABLE).values(part).on_conflict_do_nothing())


def drop_grants(
    session: Session,
    directory: str,
    source_id: int,
    dropped: Sequence[tuple[str, str, GrantKind]],
) -> None:
    """Forget grants of a source, given as account, group and kind."""
    for start in range(0, len(dropped), SLICE):
        part = dropped[start : start + SLICE]
        session.execute(
            delete(TABLE).where(
                TABLE.c.directory == directory,
                TABLE.c.source_id == source_id,
                tuple_(TABLE.c.account_key, TABLE.c.group_key, TABLE.c.kind).in_(part),
            )
        )


def end_grants(session: Session, directory: str, account_keys: Sequence[str]) -> None:
    """Forget all grants of accounts that are gone."""
    if account_keys:
        session.execute(
            delete(TABLE).where(
                TABLE.c.directory == directory, TABLE.c.account_key.in_(account_keys)
            )
        )


def move_grants(
    session: Session, directory: str, account_key: str, source_id: int, to_source_id: int
) -> None:
    """Make the grants of an account another source's, which manages it from now on."""
    own = (TABLE.c.directory == directory, TABLE.c.account_key == account_key)
    rows = session.execute(select(TABLE).where(*own, TABLE.c.source_id == source_id)).mappings()
    moved = [{**row, "source_id": to_source_id} for row in rows]
    session.execute(delete(TABLE).where(*own, TABLE.c.source_id == source_id))
    add_grants(session, moved)


def release_grants(session: Session, source_id: int) -> None:
    """Forget all grants of a source, and that it created groups."""
    session.execute(delete(TABLE).where(TABLE.c.source_id == source_id))
    session.execute(delete(CREATED).where(CREATED.c.source_id == source_id))


def granted_by(session: Session, source_id: int) -> list[tuple[str, str]]:
    """Return directory and account key, once each, of whom a source gave something."""
    query = select(TABLE.c.directory, TABLE.c.account_key).where(TABLE.c.source_id == source_id)
    return [tuple(row) for row in session.execute(query.distinct())]


def given_by(
    session: Session, directory: str, group_keys: Collection[str]
) -> list[tuple[str, int, str]]:
    """Return which sources gave memberships of groups, as group, source and kind, once each."""
    query = select(TABLE.c.group_key, TABLE.c.source_id, TABLE.c.kind).where(
        TABLE.c.directory == directory, TABLE.c.group_key.in_(sorted(group_keys))
    )
    return [(r.group_key, r.source_id, r.kind) for r in session.execute(query.distinct())]


def end_group(session: Session, directory: str, group_key: str) -> None:
    """Forget everything about a group of the directory that is gone."""
    own = (TABLE.c.directory == directory, TABLE.c.group_key == group_key)
    session.execute(delete(TABLE).where(*own))
    session.execute(
        delete(CREATED).where(CREATED.c.directory == directory, CREATED.c.group_key == group_key)
    )
    nested = (NESTINGS.c.parent_key == group_key) | (NESTINGS.c.child_key == group_key)
    session.execute(delete(NESTINGS).where(NESTINGS.c.directory == directory, nested))


# -- groups that sources created ------------------------------------------------------------------


def add_created(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record groups that a source created; rows have the columns of the table."""
    if rows:
        session.execute(insert(CREATED), list(rows))


def created_groups(
    session: Session,
    directory: str,
    *,
    source_id: int | None = None,
    group_ids: Collection[int] | None = None,
    group_keys: Collection[str] | None = None,
) -> dict[str, CreatedGroup]:
    """Return the groups that sources created, by key: of one source, for some groups, or some."""
    query = (
        select(*CREATED.c, SOURCES.c.key.label("source"))
        .join(SOURCES, SOURCES.c.id == CREATED.c.source_id)
        .where(CREATED.c.directory == directory)
    )
    if source_id is not None:
        query = query.where(CREATED.c.source_id == source_id)
    if group_ids is not None:
        query = query.where(CREATED.c.group_id.in_(group_ids))
    if group_keys is not None:
        query = query.where(CREATED.c.group_key.in_(group_keys))
    return {
        row.group_key: CreatedGroup(
            group_key=row.group_key,
            source_id=row.source_id,
            source=row.source,
            group_id=row.group_id,
            origin=row.origin,
        )
        for row in session.execute(query)
    }


def created_for(session: Session, group_key: str, directory: str, group_id: int | None) -> None:
    """Record for which group of its source a created group is from now on, if for any."""
    session.execute(
        update(CREATED)
        .where(CREATED.c.directory == directory, CREATED.c.group_key == group_key)
        .values(group_id=group_id)
    )


def created_row(
    directory: str, group_key: str, source_id: int, group_id: int | None, origin: str, now: datetime
) -> dict[str, Any]:
    """Return the columns of a group that a source created."""
    return {
        "directory": directory,
        "group_key": group_key,
        "source_id": source_id,
        "group_id": group_id,
        "origin": origin,
        "created_at": now,
    }
