"""The embedded directory: accounts and groups in our own tables.

The only module that knows those tables; it alone joins our transactions.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, update

from ..core.records import Account, Change, ChangeKind
from ..core.username import name_error, name_key
from ..errors import InvalidSetting, NameTaken, NotFound
from ..store.engine import Session
from ..store.schema import AccountRow, DirectoryGroupRow, MembershipRow, table_of
from .base import Directory, DirectoryGroup, Membership

TABLE = table_of(AccountRow)
GROUPS = table_of(DirectoryGroupRow)
MEMBERSHIPS = table_of(MembershipRow)
HIGHEST = "\U0010ffff"
COLUMNS = (
    TABLE.c.id,
    TABLE.c.user_name,
    TABLE.c.full_name,
    TABLE.c.email,
    TABLE.c.email_verified,
    TABLE.c.active,
    TABLE.c.protected,
)


FIND = (
    select(*COLUMNS)
    .where(
        or_(
            TABLE.c.id.in_(bindparam("ids", expanding=True)),
            TABLE.c.user_name_key.in_(bindparam("names", expanding=True)),
            TABLE.c.email_key.in_(bindparam("emails", expanding=True)),
        )
    )
    .order_by(TABLE.c.id)
)
INSERT_ACCOUNT = insert(TABLE).returning(*COLUMNS)
CHANGED = (
    "user_name",
    "user_name_key",
    "full_name",
    "full_name_key",
    "email",
    "email_key",
    "email_verified",
    "active",
    "modified_at",
)
UPDATE_ACCOUNT = (
    update(TABLE)
    .where(TABLE.c.id == bindparam("row_id"))
    .values(version=TABLE.c.version + 1, **{name: bindparam(f"new_{name}") for name in CHANGED})
)


def account_from_row(row: Any) -> Account:
    """Return the account of a row; who owns it is for the links to say."""
    return Account(
        key=str(row.id),
        user_name=row.user_name,
        full_name=row.full_name,
        email=row.email,
        email_verified=row.email_verified,
        active=row.active,
        protected=row.protected,
    )


def account_values(account: Account, now: datetime) -> dict[str, Any]:
    """Return the columns of an account that changes set."""
    return {
        "user_name": account.user_name,
        "user_name_key": name_key(account.user_name),
        "full_name": account.full_name,
        "full_name_key": name_key(account.full_name),
        "email": account.email,
        "email_key": name_key(account.email),
        "email_verified": account.email_verified,
        "active": account.active,
        "modified_at": now,
    }


class LocalDirectory(Directory):
    """The embedded directory."""

    name = "local"
    title = "Embedded directory"
    joins_store = True

    def bound(self, session: Session) -> "LocalAccounts":
        """Return the accounts within a transaction."""
        return LocalAccounts(session)

    def check(self) -> None:
        """Return: the directory is there whenever our database is."""


class LocalAccounts:
    """The embedded directory within one transaction."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def find(
        self, *, keys: Sequence[str] = (), names: Sequence[str] = (), emails: Sequence[str] = ()
    ) -> list[Account]:
        """Return accounts by key, name or e-mail, in the order of their keys."""
        wanted = {
            "ids": [int(key) for key in keys],
            "names": [name_key(name) for name in names],
            "emails": [name_key(email) for email in emails if email],
        }
        if not any(wanted.values()):
            return []
        return [account_from_row(row) for row in self.session.execute(FIND, wanted)]

    def get(self, key: str) -> Account:
        """Return an account. Raises NotFound."""
        found = self.find(keys=[key]) if key.isascii() and key.isdigit() else []
        if not found:
            raise NotFound("there is no such account")
        return found[0]

    def by_name(self, user_name: str) -> Account:
        """Return the account of a name. Raises NotFound."""
        found = self.find(names=[user_name])
        if not found:
            raise NotFound(f"there is no account {user_name!r}")
        return found[0]

    def apply(self, changes: Sequence[Change]) -> list[Account | None]:
        """Carry out changes in order; return the account after each."""
        now = datetime.now(UTC)
        return [self.apply_one(change, now) for change in changes]

    def apply_one(self, change: Change, now: datetime) -> Account | None:
        """Carry out one change."""
        if change.kind is ChangeKind.DELETE:
            if change.before is not None:
                self.session.execute(delete(TABLE).where(TABLE.c.id == int(change.before.key)))
            return None
        if change.after is None:
            return None
        if change.kind is ChangeKind.CREATE:
            return self.insert(change.after, now)
        if change.kind is not ChangeKind.ADOPT:
            self.update(change.after, now)
        return change.after

    def insert(self, account: Account, now: datetime) -> Account:
        """Store a new account; its name is free, or the transaction fails."""
        values = account_values(account, now)
        new = {"protected": account.protected, "version": 1, "created_at": now}
        row = self.session.execute(INSERT_ACCOUNT, {**values, **new}).one()
        return account_from_row(row)

    def update(self, account: Account, now: datetime) -> None:
        """Store changed values of an account; its name is free, or the transaction fails."""
        values = account_values(account, now)
        new = {f"new_{name}": values[name] for name in CHANGED}
        self.session.execute(UPDATE_ACCOUNT, {"row_id": int(account.key), **new})

    def memberships(self, keys: Sequence[str]) -> list[Membership]:
        """Return the memberships of accounts."""
        rows = self.session.execute(
            select(GROUPS.c.name, MEMBERSHIPS.c.account_id, MEMBERSHIPS.c.reason)
            .join(MEMBERSHIPS, MEMBERSHIPS.c.group_id == GROUPS.c.id)
            .where(MEMBERSHIPS.c.account_id.in_([int(key) for key in keys]))
            .order_by(GROUPS.c.name)
        )
        return [
            Membership(group=row.name, account_key=str(row.account_id), reason=row.reason)
            for row in rows
        ]

    # -- by hand: pages and command line -------------------------------------------------------

    def add(self, user_name: str, full_name: str = "", email: str = "") -> Account:
        """Create a local account by hand. Raises InvalidSetting, NameTaken."""
        error = name_error(user_name, user_name)
        if error:
            raise InvalidSetting("user_name", error)
        account = Account(
            key="", user_name=user_name, full_name=full_name or user_name, email=email
        )
        if self.find(names=[user_name]):
            raise NameTaken(f"there is already an account {user_name!r}")
        return self.insert(account, datetime.now(UTC))

    def edit(self, account: Account) -> Account:
        """Store values of an account that were edited by hand. Raises NameTaken."""
        error = name_error(account.user_name, account.user_name)
        if error:
            raise InvalidSetting("user_name", error)
        if any(other.key != account.key for other in self.find(names=[account.user_name])):
            raise NameTaken(f"there is already an account {account.user_name!r}")
        self.update(account, datetime.now(UTC))
        return self.get(account.key)

    def protect(self, key: str, protected: bool) -> None:
        """Mark an account as protected, or take the mark away."""
        self.session.execute(
            update(TABLE).where(TABLE.c.id == int(key)).values(protected=protected)
        )

    def remove(self, key: str) -> None:
        """Delete an account by hand."""
        self.session.execute(delete(TABLE).where(TABLE.c.id == int(key)))

    def list_accounts(
        self, *, search: str = "", after: str = "", limit: int = 100
    ) -> list[Account]:
        """Return accounts by key; ``search`` is the beginning of a name, full name or e-mail."""
        query = select(*COLUMNS).order_by(TABLE.c.id).limit(limit)
        if after:
            query = query.where(TABLE.c.id > int(after))
        if search:
            key = name_key(search)
            query = query.where(
                or_(
                    *(
                        and_(column >= key, column < key + HIGHEST)
                        for column in (
                            TABLE.c.user_name_key,
                            TABLE.c.full_name_key,
                            TABLE.c.email_key,
                        )
                    )
                )
            )
        return [account_from_row(row) for row in self.session.execute(query)]

    def count(self) -> int:
        """Return how many accounts there are."""
        return self.session.scalar(select(func.count()).select_from(TABLE)) or 0

    def groups(self) -> list[DirectoryGroup]:
        """Return every group with its number of members, by name."""
        rows = self.session.execute(
            select(
                GROUPS.c.id,
                GROUPS.c.name,
                GROUPS.c.protected,
                func.count(MEMBERSHIPS.c.account_id).label("member_count"),
            )
            .outerjoin(MEMBERSHIPS, MEMBERSHIPS.c.group_id == GROUPS.c.id)
            .group_by(GROUPS.c.id, GROUPS.c.name, GROUPS.c.protected)
            .order_by(GROUPS.c.name)
        )
        return [
            DirectoryGroup(
                key=str(row.id),
                name=row.name,
                protected=row.protected,
                member_count=row.member_count,
            )
            for row in rows
        ]

    def add_group(self, name: str) -> DirectoryGroup:
        """Create a group by hand. Raises InvalidSetting, NameTaken."""
        error = name_error(name, name)
        if error:
            raise InvalidSetting("name", error)
        taken = select(GROUPS.c.id).where(GROUPS.c.name_key == name_key(name))
        if self.session.scalar(taken) is not None:
            raise NameTaken(f"there is already a group {name!r}")
        group_id = self.session.execute(
            insert(GROUPS)
            .values(
                name=name, name_key=name_key(name), protected=False, created_at=datetime.now(UTC)
            )
            .returning(GROUPS.c.id)
        ).scalar_one()
        return DirectoryGroup(key=str(group_id), name=name)

    def remove_group(self, key: str) -> None:
        """Delete a group with its memberships."""
        self.session.execute(delete(GROUPS).where(GROUPS.c.id == int(key)))

    def set_groups(self, key: str, group_keys: Sequence[str], reason: str) -> None:
        """Make these the groups of an account that were given by hand."""
        current = set(
            self.session.scalars(
                select(MEMBERSHIPS.c.group_id).where(MEMBERSHIPS.c.account_id == int(key))
            )
        )
        wanted = {int(group) for group in group_keys}
        if current - wanted:
            self.session.execute(
                delete(MEMBERSHIPS).where(
                    MEMBERSHIPS.c.account_id == int(key),
                    MEMBERSHIPS.c.group_id.in_(current - wanted),
                )
            )
        rows: list[Mapping[str, Any]] = [
            {"group_id": group, "account_id": int(key), "reason": reason}
            for group in sorted(wanted - current)
        ]
        if rows:
            self.session.execute(insert(MEMBERSHIPS), rows)
