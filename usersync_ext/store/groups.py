"""The groups of the mirror. Members are rows: a change of k members touches O(k) of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Table, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ..core.mapping import normal_form
from ..core.scope import SourceGroup
from ..core.username import fold
from .columns import table_of
from .engine import Session
from .mirror import record_text
from .resources import StoredResource
from .schema import GroupChildRow, GroupMemberRow, GroupRow, IdentityRow

TABLE = table_of(GroupRow)
MEMBERS = table_of(GroupMemberRow)
CHILDREN = table_of(GroupChildRow)
IDENTITIES = table_of(IdentityRow)
SLICE = 500

GROUP_COLUMNS = (
    TABLE.c.id,
    TABLE.c.scim_id,
    TABLE.c.external_id,
    TABLE.c.display_name,
    TABLE.c.record,
    TABLE.c.version,
    TABLE.c.created_at,
    TABLE.c.modified_at,
)


ONE_GROUP = select(*GROUP_COLUMNS).where(
    TABLE.c.source_id == bindparam("source_id"), TABLE.c.scim_id == bindparam("scim_id")
)
ONE_GROUP_FOR_UPDATE = ONE_GROUP.with_for_update()


PEOPLE_OF_GROUPS = (
    select(MEMBERS.c.group_id, IDENTITIES.c.scim_id)
    .join(IDENTITIES, IDENTITIES.c.id == MEMBERS.c.identity_id)
    .where(MEMBERS.c.group_id.in_(bindparam("ids", expanding=True)))
    .order_by(MEMBERS.c.group_id, MEMBERS.c.identity_id)
)
GROUPS_OF_GROUPS = (
    select(CHILDREN.c.group_id, TABLE.c.scim_id)
    .join(TABLE, TABLE.c.id == CHILDREN.c.child_id)
    .where(CHILDREN.c.group_id.in_(bindparam("ids", expanding=True)))
    .order_by(CHILDREN.c.group_id, CHILDREN.c.child_id)
)


@dataclass(frozen=True, slots=True)
class MemberIds:
    """Row ids of members: people and groups."""

    people: frozenset[int]
    groups: frozenset[int]

    def __bool__(self) -> bool:
        """Whether there is anybody."""
        return bool(self.people or self.groups)

    def __or__(self, other: "MemberIds") -> "MemberIds":
        """Return the members of both."""
        return MemberIds(self.people | other.people, self.groups | other.groups)

    def __xor__(self, other: "MemberIds") -> "MemberIds":
        """Return the members of one of both only: who was added and removed again is the same."""
        return MemberIds(self.people ^ other.people, self.groups ^ other.groups)

    def __sub__(self, other: "MemberIds") -> "MemberIds":
        """Return the members without the others."""
        return MemberIds(self.people - other.people, self.groups - other.groups)


def group_from_row(row: Any) -> StoredResource:
    """Return the stored group of a row with GROUP_COLUMNS; its members are not read."""
    return StoredResource(
        resource_type="Group",
        id=row.id,
        scim_id=row.scim_id,
        external_id=row.external_id,
        name=row.display_name,
        record=row.record,
        version=row.version,
        created_at=row.created_at,
        modified_at=row.modified_at,
    )


def get_group(
    session: Session, source_id: int, scim_id: str, *, for_update: bool = False
) -> StoredResource | None:
    """Return a group of a source without its members, None if there is none with that id."""
    query = ONE_GROUP_FOR_UPDATE if for_update else ONE_GROUP
    row = session.execute(query, {"source_id": source_id, "scim_id": scim_id}).first()
    return group_from_row(row) if row is not None else None


def find_rival_groups(
    session: Session, source_id: int, name: str, external_id: str | None, other_than: str = ""
) -> list[StoredResource]:
    """Return the other groups of a source with this display name or externalId."""
    wanted = TABLE.c.display_name_key == fold(name)
    if external_id is not None:
        wanted |= TABLE.c.external_id == external_id
    rows = session.execute(
        select(*GROUP_COLUMNS).where(
            TABLE.c.source_id == source_id, wanted, TABLE.c.scim_id != other_than
        )
    )
    return [group_from_row(row) for row in rows]


def group_values(record: Mapping[str, Any], comparable: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that follow from what a source said about a group."""
    return {
        "external_id": normal_form(record.get("externalId")),
        "display_name": record["displayName"],
        "display_name_key": fold(record["displayName"]),
        "record": record_text(record),
        "comparable": comparable,
    }


def insert_group(
    session: Session, source_id: int, scim_id: str, values: Mapping[str, Any], now: datetime
) -> int:
    """Store a new group without members; return the row's id."""
    row_id: int = session.execute(
        insert(TABLE)
        .values(
            source_id=source_id,
            scim_id=scim_id,
            version=1,
            created_at=now,
            modified_at=now,
            **values,
        )
        .returning(TABLE.c.id)
    ).scalar_one()
    return row_id


def touch_group(
    session: Session, group_id: int, now: datetime, values: Mapping[str, Any] | None = None
) -> None:
    """Store a change of a group, with new columns or of its members only."""
    session.execute(
        update(TABLE)
        .where(TABLE.c.id == group_id)
        .values(version=TABLE.c.version + 1, modified_at=now, **(values or {}))
    )


def delete_group(session: Session, group_id: int, now: datetime) -> None:
    """Remove a group; groups that had it as a member get a new version."""
    parents = select(CHILDREN.c.group_id).where(CHILDREN.c.child_id == group_id)
    session.execute(
        update(TABLE)
        .where(TABLE.c.id.in_(parents))
        .values(version=TABLE.c.version + 1, modified_at=now)
    )
    session.execute(delete(TABLE).where(TABLE.c.id == group_id))


def slices(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield the values in lists of at most SLICE."""
    rest = list(values)
    for start in range(0, len(rest), SLICE):
        yield rest[start : start + SLICE]


def resolve_members(
    session: Session, source_id: int, scim_ids: Sequence[str]
) -> tuple[MemberIds, list[str]]:
    """Return the row ids of members, and the SCIM ids that this source does not have."""
    people: dict[str, int] = {}
    groups: dict[str, int] = {}
    unique = list(dict.fromkeys(scim_ids))
    for part in slices(unique):
        rows = session.execute(
            select(IDENTITIES.c.scim_id, IDENTITIES.c.id).where(
                IDENTITIES.c.source_id == source_id,
                IDENTITIES.c.scim_id.in_(part),
                IDENTITIES.c.deleted_at.is_(None),
            )
        )
        people.update((row.scim_id, row.id) for row in rows)
    for part in slices(i for i in unique if i not in people):
        rows = session.execute(
            select(TABLE.c.scim_id, TABLE.c.id).where(
                TABLE.c.source_id == source_id, TABLE.c.scim_id.in_(part)
            )
        )
        groups.update((row.scim_id, row.id) for row in rows)
    unknown = [i for i in unique if i not in people and i not in groups]
    return MemberIds(frozenset(people.values()), frozenset(groups.values())), unknown


def insert_new(
    session: Session, table: Table, member: Column[int], group_id: int, ids: Collection[int]
) -> frozenset[int]:
    """Insert the members that are not there yet; return them."""
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    added: set[int] = set()
    for part in slices(sorted(ids)):
        rows = [{"group_id": group_id, member.name: id_} for id_ in part]
        statement = dialect.insert(table).values(rows).on_conflict_do_nothing()
        added.update(session.scalars(statement.returning(member)))
    return frozenset(added)


def delete_old(
    session: Session, table: Table, member: Column[int], group_id: int, ids: Collection[int]
) -> frozenset[int]:
    """Delete the members that are there; return them."""
    gone: set[int] = set()
    for part in slices(sorted(ids)):
        statement = delete(table).where(table.c.group_id == group_id, member.in_(part))
        gone.update(session.scalars(statement.returning(member)))
    return frozenset(gone)


def add_members(session: Session, group_id: int, members: MemberIds) -> MemberIds:
    """Add members; return those who were not members before."""
    return MemberIds(
        insert_new(session, MEMBERS, MEMBERS.c.identity_id, group_id, members.people),
        insert_new(session, CHILDREN, CHILDREN.c.child_id, group_id, members.groups),
    )


def remove_members(session: Session, group_id: int, members: MemberIds) -> MemberIds:
    """Remove members; return those who were members before."""
    return MemberIds(
        delete_old(session, MEMBERS, MEMBERS.c.identity_id, group_id, members.people),
        delete_old(session, CHILDREN, CHILDREN.c.child_id, group_id, members.groups),
    )


def current_members(session: Session, group_id: int) -> MemberIds:
    """Return the row ids of every member."""
    people = session.scalars(
        select(MEMBERS.c.identity_id).where(MEMBERS.c.group_id == group_id)
    ).all()
    groups = session.scalars(select(CHILDREN.c.child_id).where(CHILDREN.c.group_id == group_id))
    return MemberIds(frozenset(people), frozenset(groups))


def replace_members(session: Session, group_id: int, members: MemberIds) -> MemberIds:
    """Make the members exactly these; return those who were added or removed."""
    now = current_members(session, group_id)
    removed = remove_members(session, group_id, now - members)
    return removed | add_members(session, group_id, members - now)


def members_of(session: Session, group_ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """Return the members of groups as pairs of type (User, Group) and SCIM id, in stable order."""
    found: dict[int, list[tuple[str, str]]] = {group_id: [] for group_id in group_ids}
    for part in slices(group_ids):
        for kind, query in (("User", PEOPLE_OF_GROUPS), ("Group", GROUPS_OF_GROUPS)):
            for group_id, scim_id in session.execute(query, {"ids": part}):
                found[group_id].append((kind, scim_id))
    return found


def groups_of_people(
    session: Session, identity_ids: Sequence[int]
) -> dict[int, tuple[SourceGroup, ...]]:
    """Return the groups that people are in, directly, by identity."""
    rows = session.execute(
        select(
            MEMBERS.c.identity_id,
            TABLE.c.id,
            TABLE.c.scim_id,
            TABLE.c.display_name,
            TABLE.c.external_id,
        )
        .join(TABLE, TABLE.c.id == MEMBERS.c.group_id)
        .where(MEMBERS.c.identity_id.in_(identity_ids))
        .order_by(TABLE.c.id)
    )
    found: dict[int, list[SourceGroup]] = {}
    for row in rows:
        group = SourceGroup(
            id=row.id, scim_id=row.scim_id, name=row.display_name, external_id=row.external_id
        )
        found.setdefault(row.identity_id, []).append(group)
    return {identity_id: tuple(groups) for identity_id, groups in found.items()}
