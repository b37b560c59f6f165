"""Groups in groups of the mirror, walked in either direction; cycles do no harm."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, func, select

from ..core.scope import SourceGroup
from ..core.username import fold
from .columns import begins_with, table_of
from .engine import Session
from .groups import slices
from .schema import GroupChildRow, GroupMemberRow, GroupRow

GROUPS = table_of(GroupRow)
MEMBERS = table_of(GroupMemberRow)
CHILDREN = table_of(GroupChildRow)
NAMES = (GROUPS.c.id, GROUPS.c.scim_id, GROUPS.c.display_name, GROUPS.c.external_id)


def source_group(row: Row[Any] | Any) -> SourceGroup:
    """Return the group of a row with NAMES."""
    return SourceGroup(
        id=row.id, scim_id=row.scim_id, name=row.display_name, external_id=row.external_id
    )


def get_groups(session: Session, ids: Collection[int]) -> list[SourceGroup]:
    """Return groups by row id, in its order."""
    found: list[SourceGroup] = []
    for part in slices(sorted(ids)):
        rows = session.execute(select(*NAMES).where(GROUPS.c.id.in_(part)).order_by(GROUPS.c.id))
        found += map(source_group, rows)
    return found


def list_groups(
    session: Session,
    source_id: int,
    *,
    search: str = "",
    after_id: int = 0,
    limit: int | None = 100,
) -> list[SourceGroup]:
    """Return the groups of a source by row id; ``search`` is the beginning of a name."""
    query = (
        select(*NAMES)
        .where(GROUPS.c.source_id == source_id, GROUPS.c.id > after_id)
        .order_by(GROUPS.c.id)
        .limit(limit)
    )
    if search:
        key = fold(search)
        query = query.where(begins_with(GROUPS.c.display_name_key, key))
    return [source_group(row) for row in session.execute(query)]


def find_groups(session: Session, source_id: int, name: str) -> list[SourceGroup]:
    """Return the groups of a source that a name, SCIM id or externalId means."""
    query = select(*NAMES).where(
        GROUPS.c.source_id == source_id,
        (GROUPS.c.display_name_key == fold(name))
        | (GROUPS.c.scim_id == name)
        | (GROUPS.c.external_id == name),
    )
    return [source_group(row) for row in session.execute(query.order_by(GROUPS.c.id))]


def groups_by_scim_id(
    session: Session, source_id: int, scim_ids: Collection[str]
) -> list[SourceGroup]:
    """Return the groups of a source that have some SCIM ids."""
    found: list[SourceGroup] = []
    for part in slices(sorted(scim_ids)):
        query = select(*NAMES).where(GROUPS.c.source_id == source_id, GROUPS.c.scim_id.in_(part))
        found += map(source_group, session.execute(query))
    return found


def member_counts(session: Session, ids: Sequence[int]) -> dict[int, int]:
    """Return how many people are directly in groups."""
    query = (
        select(MEMBERS.c.group_id, func.count())
        .where(MEMBERS.c.group_id.in_(ids))
        .group_by(MEMBERS.c.group_id)
    )
    return {row[0]: row[1] for row in session.execute(query)} if ids else {}


def count_groups(session: Session, source_id: int) -> int:
    """Return how many groups a source has."""
    query = select(func.count()).select_from(GROUPS).where(GROUPS.c.source_id == source_id)
    return session.scalar(query) or 0


def with_parents(
    session: Session, groups: Mapping[int, Sequence[SourceGroup]]
) -> dict[int, tuple[SourceGroup, ...]]:
    """Return the groups of people together with all groups that these are in, by identity."""
    known = {group.id: group for found in groups.values() for group in found}
    parents: dict[int, set[int]] = {}
    todo = set(known)
    while todo:
        new: set[int] = set()
        for part in slices(sorted(todo)):
            rows = session.execute(
                select(CHILDREN.c.child_id, *NAMES)
                .join(GROUPS, GROUPS.c.id == CHILDREN.c.group_id)
                .where(CHILDREN.c.child_id.in_(part))
            )
            for row in rows:
                parents.setdefault(row.child_id, set()).add(row.id)
                if row.id not in known:
                    known[row.id] = source_group(row)
                    new.add(row.id)
        todo = new
    return {
        identity_id: tuple(known[id_] for id_ in sorted(closure((g.id for g in found), parents)))
        for identity_id, found in groups.items()
    }


def closure(start: Any, edges: Mapping[int, Collection[int]]) -> set[int]:
    """Return everything that can be reached, with where it begins."""
    seen = set(start)
    todo = list(seen)
    while todo:
        for each in edges.get(todo.pop(), ()):
            if each not in seen:
                seen.add(each)
                todo.append(each)
    return seen


def above(session: Session, group_ids: Collection[int]) -> set[int]:
    """Return groups together with all groups that they are in, at any depth."""
    return walked(session, group_ids, CHILDREN.c.child_id, CHILDREN.c.group_id)


def below(session: Session, group_ids: Collection[int]) -> set[int]:
    """Return groups together with all groups in them, at any depth."""
    return walked(session, group_ids, CHILDREN.c.group_id, CHILDREN.c.child_id)


def walked(session: Session, group_ids: Collection[int], here: Any, there: Any) -> set[int]:
    """Return what can be reached from groups in one direction, with where it begins."""
    seen = set(group_ids)
    todo = set(seen)
    while todo:
        found: set[int] = set()
        for part in slices(sorted(todo)):
            found.update(session.scalars(select(there).where(here.in_(part))))
        todo = found - seen
        seen |= found
    return seen


def people_in(session: Session, group_ids: Collection[int], limit: int | None = None) -> list[int]:
    """Return the row ids of people who are directly in one of some groups, at most a number."""
    found: set[int] = set()
    for part in slices(sorted(group_ids)):
        query = select(MEMBERS.c.identity_id).where(MEMBERS.c.group_id.in_(part)).distinct()
        found.update(session.scalars(query if limit is None else query.limit(limit)))
        if limit is not None and len(found) >= limit:
            break
    return sorted(found)


def people_in_after(
    session: Session, group_ids: Collection[int], after: int, limit: int
) -> list[int]:
    """Return the next people who are directly in one of some groups, by row id."""
    query = (
        select(MEMBERS.c.identity_id)
        .where(MEMBERS.c.group_id.in_(group_ids), MEMBERS.c.identity_id > after)
        .distinct()
        .order_by(MEMBERS.c.identity_id)
        .limit(limit)
    )
    return list(session.scalars(query))


def count_people_in(session: Session, group_ids: Collection[int]) -> int:
    """Return how many people are directly in one of some groups."""
    people = select(MEMBERS.c.identity_id).where(MEMBERS.c.group_id.in_(group_ids)).distinct()
    return session.scalar(select(func.count()).select_from(people.subquery())) or 0


def children_of(session: Session, group_ids: Collection[int]) -> list[tuple[int, int]]:
    """Return the groups in some groups, as pairs of parent and child."""
    query = select(CHILDREN.c.group_id, CHILDREN.c.child_id).where(
        CHILDREN.c.group_id.in_(group_ids)
    )
    return [(row.group_id, row.child_id) for row in session.execute(query)] if group_ids else []
