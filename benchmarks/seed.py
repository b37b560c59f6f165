"""Fill a database with people as if a provider had pushed them, in bulk."""

import uuid
from datetime import UTC, datetime

from sqlalchemy import insert

from usersync_ext.core.mapping import identity_from_record
from usersync_ext.directories.tables import AccountRow
from usersync_ext.scim.comparable import comparable_record
from usersync_ext.scim.models import GroupModel, UserModel
from usersync_ext.store import groups, mirror
from usersync_ext.store.journal import RARE
from usersync_ext.store.schema import (
    GroupMemberRow,
    IdentityEmailRow,
    IdentityRow,
    LinkRow,
)

SLICE = 2_000
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def person(number: int) -> dict:
    """Return a usual person of about twelve attributes."""
    return {
        "schemas": [USER],
        "userName": f"user{number}@example.com",
        "externalId": f"ext-{number}",
        "displayName": f"User Number {number}",
        "name": {"givenName": "User", "familyName": f"Number {number}"},
        "emails": [{"value": f"user{number}@example.com", "type": "work", "primary": True}],
        "title": "Engineer",
        "locale": "en-US",
        "active": True,
    }


def add_people(store, source_id: int, first: int, count: int) -> None:
    """Store people with accounts and links."""
    now = datetime.now(UTC)
    for start in range(first, first + count, SLICE):
        numbers = range(start, min(start + SLICE, first + count))
        records = [person(n) for n in numbers]
        with store.writing() as session:
            identities = []
            for record in records:
                values = mirror.row_values(
                    identity_from_record(record),
                    record,
                    comparable_record(record, UserModel),
                    "in_sync",
                    "",
                )
                identities.append(
                    {
                        "source_id": source_id,
                        "scim_id": str(uuid.uuid4()),
                        "version": 1,
                        "created_at": now,
                        "modified_at": now,
                        **values,
                    }
                )
            ids = session.scalars(
                insert(IdentityRow).returning(IdentityRow.id, sort_by_parameter_order=True),
                identities,
            ).all()
            session.execute(
                insert(IdentityEmailRow),
                [
                    {"identity_id": i, "source_id": source_id, "email_key": r["userName"]}
                    for i, r in zip(ids, records, strict=True)
                ],
            )
            accounts = session.scalars(
                insert(AccountRow).returning(AccountRow.id, sort_by_parameter_order=True),
                [account_row(r, now) for r in records],
            ).all()
            session.execute(
                insert(LinkRow),
                [
                    {
                        "source_id": source_id,
                        "identity_id": i,
                        "directory": "local",
                        "account_key": str(a),
                        "created_at": now,
                    }
                    for i, a in zip(ids, accounts, strict=True)
                ],
            )


def account_row(record: dict, now: datetime) -> dict:
    """Return the account that a person gets."""
    name = record["userName"]
    return {
        "user_name": name,
        "user_name_key": name,
        "full_name": record["displayName"],
        "full_name_key": record["displayName"].lower(),
        "email": name,
        "email_key": name,
        "email_verified": False,
        **dict.fromkeys(RARE, ""),
        "given_name": record["name"]["givenName"],
        "family_name": record["name"]["familyName"],
        "title": record["title"],
        "locale": record["locale"],
        "attributes": {},
        "active": True,
        "protected": False,
        "version": 1,
        "created_at": now,
        "modified_at": now,
    }


def add_group(store, source_id: int, name: str, member_count: int) -> str:
    """Store a group with the first people as members; return its SCIM id."""
    record = {"schemas": [GROUP], "displayName": name}
    scim_id = str(uuid.uuid4())
    with store.writing() as session:
        group_id = groups.insert_group(
            session,
            source_id,
            scim_id,
            groups.group_values(record, comparable_record(record, GroupModel)),
            datetime.now(UTC),
        )
        ids = session.scalars(
            IdentityRow.__table__.select()
            .with_only_columns(IdentityRow.id)
            .where(IdentityRow.source_id == source_id)
            .order_by(IdentityRow.id)
            .limit(member_count)
        ).all()
        for start in range(0, len(ids), SLICE):
            session.execute(
                insert(GroupMemberRow),
                [{"group_id": group_id, "identity_id": i} for i in ids[start : start + SLICE]],
            )
    return scim_id


def scim_ids(store, source_id: int, limit: int) -> list[str]:
    """Return SCIM ids of people, in the order in which they were stored."""
    table = IdentityRow.__table__
    with store.reading() as session:
        return list(
            session.scalars(
                table.select()
                .with_only_columns(table.c.scim_id)
                .where(table.c.source_id == source_id)
                .order_by(table.c.id)
                .limit(limit)
            )
        )
