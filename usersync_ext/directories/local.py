"""The embedded directory: accounts and groups in our own tables.

The only module that knows those tables; it alone joins our transactions.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    union,
    update,
)

from ..core.records import Account, Change, ChangeKind
from ..core.username import name_error, name_key
from ..errors import InvalidSetting, NameTaken, NotFound
from ..store.columns import begins_with, table_of
from ..store.engine import Session
from .base import Directory
from .local_groups import LocalGroups
from .tables import AccountRow, DirectoryGroupRow, MembershipRow

FOUND_AT_MOST = 1_000
TABLE = table_of(AccountRow)
GROUPS = table_of(DirectoryGroupRow)
MEMBERSHIPS = table_of(MembershipRow)
COLUMNS = (
    TABLE.c.id,
    TABLE.c.user_name,
    TABLE.c.full_name,
    TABLE.c.email,
    TABLE.c.email_verified,
    TABLE.c.given_name,
    TABLE.c.family_name,
    TABLE.c.phone,
    TABLE.c.title,
    TABLE.c.department,
    TABLE.c.manager,
    TABLE.c.locale,
    TABLE.c.attributes,
    TABLE.c.active,
    TABLE.c.protected,
)
PRIVILEGED = (
    exists()
    .where(
        MEMBERSHIPS.c.account_id == TABLE.c.id,
        GROUPS.c.id == MEMBERSHIPS.c.group_id,
        GROUPS.c.protected.is_(True),
    )
    .correlate(TABLE)
)
"""Whether an account is an administrator's: protected groups give rights."""
READ = (*COLUMNS, PRIVILEGED.label("privileged"))


FIND = (
    select(*READ)
    .where(
        or_(
            TABLE.c.id.in_(bindparam("ids", expanding=True)),
            TABLE.c.user_name_key.in_(bindparam("names", expanding=True)),
            TABLE.c.email_key.in_(bindparam("emails", expanding=True)),
        )
    )
    .order_by(TABLE.c.id)
)
INSERT_ACCOUNT = insert(TABLE).returning(TABLE.c.id, TABLE.c.user_name_key)
ADMINISTRATORS = select(TABLE.c.id).where(TABLE.c.active.is_(True), PRIVILEGED)
CHANGED = (
    "user_name",
    "user_name_key",
    "full_name",
    "full_name_key",
    "email",
    "email_key",
    "email_verified",
    "given_name",
    "family_name",
    "phone",
    "title",
    "department",
    "manager",
    "locale",
    "attributes",
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
        given_name=row.given_name,
        family_name=row.family_name,
        phone=row.phone,
        title=row.title,
        department=row.department,
        manager=row.manager,
        locale=row.locale,
        attributes=tuple(sorted(row.attributes.items())),
        active=row.active,
        protected=row.protected,
        privileged=bool(row.privileged),
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
        "given_name": account.given_name,
        "family_name": account.family_name,
        "phone": account.phone,
        "title": account.title,
        "department": account.department,
        "manager": account.manager,
        "locale": account.locale,
        "attributes": dict(account.attributes),
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


class LocalAccounts(LocalGroups):
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
        """Carry out changes, a statement for each kind; return the account after each.

        Whoever is deleted makes room for others, so that comes first. Of several changes of one
        account the last says how it is afterwards.
        """
        now = datetime.now(UTC)
        ended = [c.before for c in changes if c.kind is ChangeKind.DELETE and c.before is not None]
        if ended:
            ids = [int(account.key) for account in ended]
            self.session.execute(delete(TABLE).where(TABLE.c.id.in_(ids)))
        changed = {
            change.after.key: change.after
            for change in changes
            if change.after is not None and change.kind not in {ChangeKind.CREATE, ChangeKind.ADOPT}
        }
        self.update(list(changed.values()), now)
        new = [c.after for c in changes if c.kind is ChangeKind.CREATE and c.after is not None]
        stored = iter(self.insert(new, now))
        return [next(stored) if c.kind is ChangeKind.CREATE else c.after for c in changes]

    def insert(self, accounts: Sequence[Account], now: datetime) -> list[Account]:
        """Store new accounts; their names are free, or the transaction fails."""
        if not accounts:
            return []
        rows = [
            {
                **account_values(account, now),
                "protected": account.protected,
                "version": 1,
                "created_at": now,
            }
            for account in accounts
        ]
        ids = {row.user_name_key: row.id for row in self.session.execute(INSERT_ACCOUNT, rows)}
        return [replace(a, key=str(ids[name_key(a.user_name)])) for a in accounts]

    def update(self, accounts: Sequence[Account], now: datetime) -> None:
        """Store changed values of accounts; their names are free, or the transaction fails."""
        rows = []
        for account in accounts:
            values = account_values(account, now)
            new = {f"new_{name}": values[name] for name in CHANGED}
            rows.append({"row_id": int(account.key), **new})
        if rows:
            self.session.execute(UPDATE_ACCOUNT, rows)

    def administrators(self) -> int:
        """Return how many active administrators there are, kept as they are until the commit."""
        return len(self.session.execute(ADMINISTRATORS.with_for_update(of=TABLE)).all())

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
        return self.insert([account], datetime.now(UTC))[0]

    def edit(self, account: Account) -> Account:
        """Store values of an account that were edited by hand. Raises NameTaken."""
        error = name_error(account.user_name, account.user_name)
        if error:
            raise InvalidSetting("user_name", error)
        if any(other.key != account.key for other in self.find(names=[account.user_name])):
            raise NameTaken(f"there is already an account {account.user_name!r}")
        self.update([account], datetime.now(UTC))
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
        query = select(*READ).order_by(TABLE.c.id).limit(limit)
        if after:
            query = query.where(TABLE.c.id > int(after))
        if search:
            query = query.where(TABLE.c.id.in_(found_by(name_key(search))))
        return [account_from_row(row) for row in self.session.execute(query)]

    def count(self) -> int:
        """Return how many accounts there are."""
        return self.session.scalar(select(func.count()).select_from(TABLE)) or 0


def found_by(key: str) -> CompoundSelect[Any]:
    """Return the ids of accounts by the beginning of a name, full name or e-mail.

    Each is one range of an index, of which the first ``FOUND_AT_MOST`` are enough: who wants
    others types more of the name.
    """
    columns = (TABLE.c.user_name_key, TABLE.c.full_name_key, TABLE.c.email_key)
    found = [
        select(TABLE.c.id).where(begins_with(column, key)).limit(FOUND_AT_MOST).subquery()
        for column in columns
    ]
    return union(*(select(each.c.id) for each in found))
