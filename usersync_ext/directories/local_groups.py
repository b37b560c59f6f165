"""The groups of the embedded directory and who is in them, set by set.

A membership has a reason in words where somebody gave it by hand or where it is kept from before;
it has none where only sources gave it (``store.grants`` says which).
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, delete, exists, func, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from ..core.records import DirectoryGroup
from ..core.username import name_error, name_key
from ..errors import InvalidSetting, NameTaken, NotFound
from ..store.columns import begins_with, table_of
from ..store.engine import Session
from .base import Membership
from .tables import AccountRow, DirectoryGroupRow, DirectoryNestingRow, MembershipRow

ACCOUNTS = table_of(AccountRow)
GROUPS = table_of(DirectoryGroupRow)
MEMBERSHIPS = table_of(MembershipRow)
NESTINGS = table_of(DirectoryNestingRow)
SLICE = 400
FROM_BEFORE = "kept from before"
ADMINISTRATORS_GROUP = re.compile(r"admin|(?:.*-)?(?:admins|administrators)", re.IGNORECASE)
"""Names of groups that are protected from the start."""
MEMBERSHIPS_OF = (
    select(GROUPS.c.name, MEMBERSHIPS.c.group_id, MEMBERSHIPS.c.account_id, MEMBERSHIPS.c.reason)
    .join(MEMBERSHIPS, MEMBERSHIPS.c.group_id == GROUPS.c.id)
    .where(MEMBERSHIPS.c.account_id.in_(bindparam("ids", expanding=True)))
    .order_by(GROUPS.c.name)
)
BARE = (GROUPS.c.id, GROUPS.c.name, GROUPS.c.protected, GROUPS.c.minimum_members)


def group_from_row(row: Any, member_count: int = 0) -> DirectoryGroup:
    """Return the group of a row with BARE."""
    return DirectoryGroup(
        key=str(row.id),
        name=row.name,
        protected=row.protected,
        minimum_members=row.minimum_members,
        member_count=member_count,
    )


class LocalGroups:
    """The groups of the embedded directory within one transaction."""

    session: Session

    # -- reading -------------------------------------------------------------------------------

    def memberships(
        self, keys: Sequence[str], group_keys: Sequence[str] | None = None
    ) -> list[Membership]:
        """Return the memberships of accounts, in some groups or all, by name of the group."""
        if not keys or group_keys == []:
            return []
        query = MEMBERSHIPS_OF
        if group_keys is not None:
            query = query.where(MEMBERSHIPS.c.group_id.in_([int(key) for key in group_keys]))
        rows = self.session.execute(query, {"ids": [int(key) for key in keys]})
        return [
            Membership(
                group=row.name,
                group_key=str(row.group_id),
                account_key=str(row.account_id),
                reason=row.reason,
            )
            for row in rows
        ]

    def find_groups(
        self, *, names: Iterable[str] = (), keys: Iterable[str] = ()
    ) -> list[DirectoryGroup]:
        """Return groups by name (case makes no difference) or key, without counting members."""
        wanted = sorted({name_key(name) for name in names})
        ids = sorted({int(key) for key in keys})
        found: dict[int, DirectoryGroup] = {}
        for column, values in ((GROUPS.c.name_key, wanted), (GROUPS.c.id, ids)):
            for start in range(0, len(values), SLICE):
                part = values[start : start + SLICE]
                for row in self.session.execute(select(*BARE).where(column.in_(part))):
                    found[row.id] = group_from_row(row)
        return list(found.values())

    def get_group(self, key: str) -> DirectoryGroup:
        """Return a group with its number of members. Raises NotFound."""
        found = self.find_groups(keys=[key]) if key.isascii() and key.isdigit() else []
        if not found:
            raise NotFound("there is no such group")
        count = self.session.scalar(
            select(func.count()).select_from(MEMBERSHIPS).where(MEMBERSHIPS.c.group_id == int(key))
        )
        [group] = found
        return DirectoryGroup(
            key=group.key,
            name=group.name,
            protected=group.protected,
            minimum_members=group.minimum_members,
            member_count=count or 0,
        )

    def groups(self) -> list[DirectoryGroup]:
        """Return every group with its number of members, by name."""
        rows = self.session.execute(
            select(*BARE, func.count(MEMBERSHIPS.c.account_id).label("member_count"))
            .outerjoin(MEMBERSHIPS, MEMBERSHIPS.c.group_id == GROUPS.c.id)
            .group_by(*BARE)
            .order_by(GROUPS.c.name)
        )
        return [group_from_row(row, row.member_count) for row in rows]

    def list_groups(
        self, *, search: str = "", after: str = "", limit: int = 100
    ) -> list[DirectoryGroup]:
        """Return groups with their numbers of members, by name, whatever its case.

        ``search`` is the beginning of a name; ``after`` is a name that continues a page.
        """
        key = name_key(search)
        count = (
            select(func.count())
            .where(MEMBERSHIPS.c.group_id == GROUPS.c.id)
            .scalar_subquery()
            .label("member_count")
        )
        query = (
            select(*BARE, count)
            .where(GROUPS.c.name_key > name_key(after))
            .order_by(GROUPS.c.name_key)
            .limit(limit)
        )
        if key:
            query = query.where(begins_with(GROUPS.c.name_key, key))
        return [group_from_row(row, row.member_count) for row in self.session.execute(query)]

    def list_members(
        self, key: str, *, after: str = "", limit: int | None = 100
    ) -> list[Membership]:
        """Return the members of a group by account key, with the account's name as ``account``."""
        query = (
            select(
                MEMBERSHIPS.c.account_id,
                MEMBERSHIPS.c.reason,
                GROUPS.c.name,
                ACCOUNTS.c.user_name,
            )
            .join(ACCOUNTS, ACCOUNTS.c.id == MEMBERSHIPS.c.account_id)
            .join(GROUPS, GROUPS.c.id == MEMBERSHIPS.c.group_id)
            .where(MEMBERSHIPS.c.group_id == int(key), MEMBERSHIPS.c.account_id > int(after or 0))
            .order_by(MEMBERSHIPS.c.account_id)
            .limit(limit)
        )
        return [
            Membership(
                group=row.name,
                group_key=key,
                account_key=str(row.account_id),
                account=row.user_name,
                reason=row.reason,
            )
            for row in self.session.execute(query)
        ]

    def outsiders(self, group_keys: Sequence[str], limit: int) -> list[Membership]:
        """Return members of groups that no source put there, at most a number."""
        if not group_keys:
            return []
        query = (
            select(
                MEMBERSHIPS.c.group_id,
                MEMBERSHIPS.c.account_id,
                MEMBERSHIPS.c.reason,
                GROUPS.c.name,
                ACCOUNTS.c.user_name,
            )
            .join(ACCOUNTS, ACCOUNTS.c.id == MEMBERSHIPS.c.account_id)
            .join(GROUPS, GROUPS.c.id == MEMBERSHIPS.c.group_id)
            .where(
                MEMBERSHIPS.c.group_id.in_([int(key) for key in group_keys]),
                MEMBERSHIPS.c.reason != "",
                ACCOUNTS.c.protected.is_(False),
            )
            .order_by(MEMBERSHIPS.c.group_id, MEMBERSHIPS.c.account_id)
            .limit(limit)
        )
        return [
            Membership(
                group=row.name,
                group_key=str(row.group_id),
                account_key=str(row.account_id),
                account=row.user_name,
                reason=row.reason,
            )
            for row in self.session.execute(query)
        ]

    def count_members(self, key: str, at_most: int) -> int:
        """Return how many members a group has, counting no further than a number.

        The group is kept as it is until the commit.
        """
        group = select(GROUPS.c.id).where(GROUPS.c.id == int(key))
        self.session.execute(group.with_for_update())
        some = select(MEMBERSHIPS.c.account_id).where(MEMBERSHIPS.c.group_id == int(key))
        query = select(func.count()).select_from(some.limit(at_most).subquery())
        return self.session.scalar(query) or 0

    def nested_in(self, keys: Collection[str]) -> list[tuple[str, str]]:
        """Return the groups in some groups, as pairs of the keys of parent and child."""
        rows = self.session.execute(
            select(NESTINGS.c.group_id, NESTINGS.c.child_id).where(
                NESTINGS.c.group_id.in_([int(key) for key in keys])
            )
        )
        return [(str(row.group_id), str(row.child_id)) for row in rows]

    def nesting(self, keys: Collection[str]) -> list[tuple[str, str]]:
        """Return the groups that some groups are in, as pairs of the keys of parent and child."""
        rows = self.session.execute(
            select(NESTINGS.c.group_id, NESTINGS.c.child_id).where(
                NESTINGS.c.child_id.in_([int(key) for key in keys])
            )
        )
        return [(str(row.group_id), str(row.child_id)) for row in rows]

    def group_names(self, limit: int) -> list[str]:
        """Return the names of groups in their order, at most a number."""
        return list(
            self.session.scalars(select(GROUPS.c.name).order_by(GROUPS.c.name).limit(limit))
        )

    # -- changing ------------------------------------------------------------------------------

    def protects(self, name: str) -> bool:
        """Tell whether a new group of this name would be protected: its members administrators."""
        return ADMINISTRATORS_GROUP.fullmatch(name_key(name)) is not None

    def create_groups(self, names: Iterable[str]) -> list[DirectoryGroup]:
        """Create groups that are not there yet; return them all, the older ones too.

        Names of administrators' groups are protected from the start.
        """
        wanted = {name_key(name): name for name in names}
        if not wanted:
            return []
        now = datetime.now(UTC)
        dialect = postgresql if self.session.dialect.name == "postgresql" else sqlite
        rows = [
            {
                "name": name,
                "name_key": key,
                "protected": self.protects(name),
                "minimum_members": 0,
                "created_at": now,
            }
            for key, name in wanted.items()
        ]
        for start in range(0, len(rows), SLICE):
            part = rows[start : start + SLICE]
            self.session.execute(dialect.insert(GROUPS).values(part).on_conflict_do_nothing())
        return self.find_groups(names=wanted.values())

    def rename_group(self, key: str, name: str) -> None:
        """Give a group another name, which is free, or the transaction fails."""
        self.session.execute(
            update(GROUPS).where(GROUPS.c.id == int(key)).values(name=name, name_key=name_key(name))
        )

    def delete_empty_groups(self, keys: Iterable[str]) -> list[str]:
        """Delete those of some groups that have no members and are not protected; return them."""
        ids = [int(key) for key in keys]
        empty = ~exists().where(MEMBERSHIPS.c.group_id == GROUPS.c.id)
        statement = (
            delete(GROUPS)
            .where(GROUPS.c.id.in_(ids), GROUPS.c.protected.is_(False), empty)
            .returning(GROUPS.c.id)
        )
        return [str(id_) for id_ in self.session.scalars(statement)] if ids else []

    def add_members(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Make accounts members, given as keys of group and account; who is one stays one."""
        dialect = postgresql if self.session.dialect.name == "postgresql" else sqlite
        rows = [{"group_id": int(g), "account_id": int(a), "reason": ""} for g, a in pairs]
        for start in range(0, len(rows), SLICE):
            part = rows[start : start + SLICE]
            self.session.execute(dialect.insert(MEMBERSHIPS).values(part).on_conflict_do_nothing())

    def remove_members(self, pairs: Sequence[tuple[str, str]]) -> None:
        """End memberships, given as keys of group and account; who is none is none afterwards."""
        for start in range(0, len(pairs), SLICE):
            part = [(int(group), int(account)) for group, account in pairs[start : start + SLICE]]
            both = tuple_(MEMBERSHIPS.c.group_id, MEMBERSHIPS.c.account_id)
            self.session.execute(delete(MEMBERSHIPS).where(both.in_(part)))

    def keep_members(self, account_keys: Sequence[str], reason: str) -> None:
        """Give a reason of their own to memberships that only a source gave and that stay."""
        for start in range(0, len(account_keys), SLICE):
            part = [int(key) for key in account_keys[start : start + SLICE]]
            self.session.execute(
                update(MEMBERSHIPS)
                .where(MEMBERSHIPS.c.account_id.in_(part), MEMBERSHIPS.c.reason == "")
                .values(reason=reason)
            )

    def nest(self, added: Sequence[tuple[str, str]], removed: Sequence[tuple[str, str]]) -> None:
        """Put groups into groups, or take them out, given as keys of parent and child."""
        dialect = postgresql if self.session.dialect.name == "postgresql" else sqlite
        rows = [{"group_id": int(parent), "child_id": int(child)} for parent, child in added]
        if rows:
            self.session.execute(dialect.insert(NESTINGS).values(rows).on_conflict_do_nothing())
        if removed:
            both = tuple_(NESTINGS.c.group_id, NESTINGS.c.child_id)
            pairs = [(int(parent), int(child)) for parent, child in removed]
            self.session.execute(delete(NESTINGS).where(both.in_(pairs)))

    # -- by hand: pages and command line -------------------------------------------------------

    def add_group(self, name: str) -> DirectoryGroup:
        """Create a group by hand, protected by its name. Raises InvalidSetting, NameTaken."""
        error = name_error(name, name) if name_key(name) else f"no group can be called {name!r}"
        if error:
            raise InvalidSetting("name", error)
        if self.find_groups(names=[name]):
            raise NameTaken(f"there is already a group {name!r}")
        return self.create_groups([name])[0]

    def protect_group(self, key: str, protected: bool) -> None:
        """Make the members of a group administrators, or no longer."""
        self.session.execute(
            update(GROUPS).where(GROUPS.c.id == int(key)).values(protected=protected)
        )

    def set_minimum(self, key: str, minimum: int) -> None:
        """Let no change leave fewer members in a group than this."""
        self.session.execute(
            update(GROUPS).where(GROUPS.c.id == int(key)).values(minimum_members=minimum)
        )

    def remove_group(self, key: str) -> None:
        """Delete a group with its memberships."""
        self.session.execute(delete(GROUPS).where(GROUPS.c.id == int(key)))

    def set_groups(
        self, key: str, group_keys: Sequence[str], reason: str, granted: Collection[str] = ()
    ) -> None:
        """Make these the groups of an account that were given by hand.

        What sources gave (``granted``) stays; it is no longer by hand where it is left out.
        """
        rows = self.memberships([key])
        by_hand = {m.group_key for m in rows if m.reason}
        members = {m.group_key for m in rows}
        wanted = set(group_keys)
        gone = by_hand - wanted
        self.remove_members([(group, key) for group in sorted(gone - set(granted))])
        self.note_reason(key, sorted(gone & set(granted)), "")
        new: list[Mapping[str, Any]] = [
            {"group_id": int(group), "account_id": int(key), "reason": reason}
            for group in sorted(wanted - members)
        ]
        if new:
            self.session.execute(insert(MEMBERSHIPS), new)

    def note_reason(self, key: str, group_keys: Sequence[str], reason: str) -> None:
        """Change the reason of memberships of an account."""
        if group_keys:
            self.session.execute(
                update(MEMBERSHIPS)
                .where(
                    MEMBERSHIPS.c.account_id == int(key),
                    MEMBERSHIPS.c.group_id.in_([int(group) for group in group_keys]),
                )
                .values(reason=reason)
            )
