"""The mapping table of a source: which of its groups stand for which of the directory's."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update

from ..core.groups import GroupMapping
from ..core.username import fold, name_key
from .columns import begins_with, table_of
from .engine import Session
from .group_tables import GroupMappingRow
from .schema import GroupMemberRow, GroupRow, SourceRow

TABLE = table_of(GroupMappingRow)
GROUPS = table_of(GroupRow)
MEMBERS = table_of(GroupMemberRow)
SOURCES = table_of(SourceRow)


def mapping_from_row(row: Any) -> GroupMapping:
    """Return the row of the mapping table; the group's name is its newest one."""
    return GroupMapping(
        id=row.id,
        group_id=row.group_id,
        scim_id=row.scim_id,
        external_id=row.external_id,
        name=row.display_name or row.name,
        to=row.to,
        allow_protected=row.allow_protected,
    )


QUERY = select(*TABLE.c, GROUPS.c.display_name).outerjoin(GROUPS, GROUPS.c.id == TABLE.c.group_id)


def by_group(rows: Iterable[GroupMapping]) -> dict[int, tuple[GroupMapping, ...]]:
    """Return rows by the group that they map."""
    found: dict[int, list[GroupMapping]] = {}
    for row in rows:
        if row.group_id is not None:
            found.setdefault(row.group_id, []).append(row)
    return {group_id: tuple(rows) for group_id, rows in found.items()}


def mappings_of_groups(session: Session, group_ids: Collection[int]) -> list[GroupMapping]:
    """Return the rows of some groups."""
    if not group_ids:
        return []
    query = QUERY.where(TABLE.c.group_id.in_(sorted(group_ids))).order_by(TABLE.c.id)
    return [mapping_from_row(row) for row in session.execute(query)]


def mappings_to(session: Session, source_id: int, to_keys: Collection[str]) -> list[GroupMapping]:
    """Return the rows of a source that lead to some groups of the directory, by name key."""
    if not to_keys:
        return []
    query = QUERY.where(TABLE.c.source_id == source_id, TABLE.c.to_key.in_(sorted(to_keys)))
    return [mapping_from_row(row) for row in session.execute(query)]


def sources_mapped_to(session: Session, to: str) -> list[tuple[str, str]]:
    """Return which groups of which sources are mapped to a group: key of the source and name."""
    query = (
        QUERY.add_columns(SOURCES.c.key.label("source"))
        .join(SOURCES, SOURCES.c.id == TABLE.c.source_id)
        .where(TABLE.c.to_key == name_key(to))
        .order_by(TABLE.c.id)
    )
    return [(row.source, row.display_name or row.name) for row in session.execute(query)]


def list_mappings(
    session: Session,
    source_id: int,
    *,
    search: str = "",
    after_id: int = 0,
    limit: int | None = None,
) -> list[GroupMapping]:
    """Return rows by id; ``search`` is the beginning of a name on either side."""
    query = QUERY.where(TABLE.c.source_id == source_id, TABLE.c.id > after_id).order_by(TABLE.c.id)
    if search:
        key = fold(search)
        query = query.where(
            or_(
                begins_with(GROUPS.c.display_name_key, key),
                begins_with(TABLE.c.to_key, name_key(search)),
            )
        )
    if limit is not None:
        query = query.limit(limit)
    return [mapping_from_row(row) for row in session.execute(query)]


def count_mappings(session: Session, source_id: int) -> int:
    """Return how many rows a source has."""
    query = select(func.count()).select_from(TABLE).where(TABLE.c.source_id == source_id)
    return session.scalar(query) or 0


def add_mappings(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store new rows; they have the columns of the table but ``to_key``."""
    if rows:
        found = [{**row, "to_key": name_key(row["to"])} for row in rows]
        session.execute(insert(TABLE), found)


def remove_mappings(session: Session, source_id: int, ids: Sequence[int]) -> None:
    """Delete rows of a source."""
    session.execute(delete(TABLE).where(TABLE.c.source_id == source_id, TABLE.c.id.in_(ids)))


def rename_target(session: Session, before: str, after: str) -> None:
    """Let rows lead to a group of the directory under its new name."""
    session.execute(
        update(TABLE)
        .where(TABLE.c.to_key == name_key(before))
        .values(to=after, to_key=name_key(after))
    )


def note_last_names(session: Session, group_id: int, name: str, external_id: str | None) -> None:
    """Keep in the rows of a group that is about to be deleted what it was called in the end."""
    session.execute(
        update(TABLE).where(TABLE.c.group_id == group_id).values(name=name, external_id=external_id)
    )


def attach(session: Session, source_id: int, group_id: int, external_id: str, scim_id: str) -> int:
    """Give rows of a deleted group back to the one with the same externalId; return how many.

    Never rows that may give a protected group: that takes an administrator's hand.
    """
    done = session.execute(
        update(TABLE)
        .where(
            TABLE.c.source_id == source_id,
            TABLE.c.group_id.is_(None),
            TABLE.c.external_id == external_id,
            TABLE.c.allow_protected.is_(False),
        )
        .values(group_id=group_id, scim_id=scim_id)
    )
    return done.rowcount


def unmapped_groups(
    session: Session, source_id: int, *, search: str = "", after_id: int = 0, limit: int = 100
) -> list[Any]:
    """Return groups of a source that no row maps, by id."""
    mapped = select(TABLE.c.group_id).where(
        TABLE.c.source_id == source_id, TABLE.c.group_id.is_not(None)
    )
    query = (
        select(GROUPS.c.id, GROUPS.c.scim_id, GROUPS.c.display_name, GROUPS.c.external_id)
        .where(GROUPS.c.source_id == source_id, GROUPS.c.id > after_id, GROUPS.c.id.not_in(mapped))
        .order_by(GROUPS.c.id)
        .limit(limit)
    )
    if search:
        key = fold(search)
        query = query.where(begins_with(GROUPS.c.display_name_key, key))
    return list(session.execute(query))
