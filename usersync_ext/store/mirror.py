"""The people of the mirror: what each source said, word for word."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, exists, insert, select, update

from ..core.mapping import identity_from_record
from ..core.records import Identity
from ..core.username import fold
from .columns import table_of
from .engine import Session
from .resources import StoredResource, json_pairs, pairs_from_json
from .schema import GroupMemberRow, GroupRow, IdentityEmailRow, IdentityRow, TokenRow

TABLE = table_of(IdentityRow)
EMAILS = table_of(IdentityEmailRow)
GROUPS = table_of(GroupRow)
MEMBERS = table_of(GroupMemberRow)
TOKENS = table_of(TokenRow)
IS_TEST_PERSON = (
    exists()
    .where(
        TOKENS.c.trial.is_(True),
        TOKENS.c.source_id == TABLE.c.source_id,
        TOKENS.c.label == TABLE.c.external_id,
    )
    .correlate(TABLE)
)
"""Whether somebody is of a test that is under way (``store.trials``)."""


def groups_of_column() -> ColumnElement[str]:
    """Return the column of a person's groups as JSON pairs of SCIM id and display name."""
    return (
        select(json_pairs(GROUPS.c.scim_id, GROUPS.c.display_name))
        .select_from(MEMBERS.join(GROUPS, GROUPS.c.id == MEMBERS.c.group_id))
        .where(MEMBERS.c.identity_id == TABLE.c.id)
        .correlate(TABLE)
        .scalar_subquery()
        .label("groups")
    )


USER_COLUMNS = (
    TABLE.c.id,
    TABLE.c.scim_id,
    TABLE.c.external_id,
    TABLE.c.user_name,
    TABLE.c.record,
    TABLE.c.version,
    TABLE.c.created_at,
    TABLE.c.modified_at,
    TABLE.c.state,
    TABLE.c.why,
)
USER_WIDTH = len(USER_COLUMNS) + 1


def user_from_row(row: Any) -> StoredResource:
    """Return the stored person of a row that ends with USER_COLUMNS and ``groups``.

    By position: a page of 100 people has 1,100 values.
    """
    (
        id_,
        scim_id,
        external_id,
        user_name,
        record,
        version,
        created_at,
        modified_at,
        state,
        why,
        groups,
    ) = row[-USER_WIDTH:]
    return StoredResource(
        resource_type="User",
        id=id_,
        scim_id=scim_id,
        external_id=external_id,
        name=user_name,
        state=state,
        why=why,
        record=record,
        version=version,
        created_at=created_at,
        modified_at=modified_at,
        groups=pairs_from_json(groups),
    )


def users_query() -> Select[Any]:
    """Return the query that reads living people for answers."""
    return select(*USER_COLUMNS, groups_of_column()).where(TABLE.c.deleted_at.is_(None))


USERS = users_query()
ONE_USER = USERS.where(
    TABLE.c.source_id == bindparam("source_id"), TABLE.c.scim_id == bindparam("scim_id")
)
ONE_USER_FOR_UPDATE = ONE_USER.with_for_update(of=TABLE)


def get_user(
    session: Session, source_id: int, scim_id: str, *, for_update: bool = False
) -> StoredResource | None:
    """Return a living person of a source, None if there is none with that id."""
    query = ONE_USER_FOR_UPDATE if for_update else ONE_USER
    row = session.execute(query, {"source_id": source_id, "scim_id": scim_id}).first()
    return user_from_row(row) if row is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """Who stands in the way of a user name or externalId in one source, and who came before."""

    user_name: str | None = None  # SCIM id of the living person with the name
    external_id: str | None = None  # SCIM id of the living person with the externalId
    former_id: int | None = None  # row of the newest deleted person with the externalId


def find_rivals(
    session: Session,
    source_id: int,
    user_name: str,
    external_id: str | None,
    *,
    other_than: str = "",
) -> Rivals:
    """Return who else in a source has this user name or externalId."""
    key = fold(user_name)
    rows = session.execute(
        RIVALS, {"source_id": source_id, "key": key, "external_id": external_id}
    ).all()
    living = [row for row in rows if row.deleted_at is None and row.scim_id != other_than]
    former = [row.id for row in rows if row.deleted_at is not None]
    return Rivals(
        user_name=next((r.scim_id for r in living if r.user_name_key == key), None),
        external_id=next(
            (r.scim_id for r in living if external_id is not None and r.external_id == external_id),
            None,
        ),
        former_id=max(former, default=None),
    )


SPOKEN = (
    "external_id",
    "user_name",
    "user_name_key",
    "full_name",
    "full_name_key",
    "email",
    "active",
    "record",
    "comparable",
    "state",
    "why",
)
"""The columns that follow from what a source said and the rules made of it."""
INSERT_USER = insert(TABLE).returning(TABLE.c.id)
INSERT_EMAILS = insert(EMAILS)
THIS_ROW = TABLE.c.id == bindparam("row_id")
UPDATE_USER = (
    update(TABLE)
    .where(THIS_ROW)
    .values(
        version=TABLE.c.version + 1,
        **{name: bindparam(f"new_{name}") for name in (*SPOKEN, "modified_at")},
    )
)
SET_OUTCOME = (
    update(TABLE).where(THIS_ROW).values(state=bindparam("new_state"), why=bindparam("new_why"))
)
RIVAL_COLUMNS = (
    TABLE.c.id,
    TABLE.c.scim_id,
    TABLE.c.user_name_key,
    TABLE.c.external_id,
    TABLE.c.deleted_at,
)
RIVALS = (
    select(*RIVAL_COLUMNS)
    .where(
        TABLE.c.source_id == bindparam("source_id"),
        TABLE.c.user_name_key == bindparam("key"),
        TABLE.c.deleted_at.is_(None),
    )
    .union_all(
        select(*RIVAL_COLUMNS).where(
            TABLE.c.source_id == bindparam("source_id"),
            TABLE.c.external_id == bindparam("external_id"),
        )
    )
)


def new_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns under the names that UPDATE_USER has for their new values."""
    return {f"new_{name}": value for name, value in values.items()}


def row_values(
    identity: Identity,
    record: Mapping[str, Any],
    comparable: Mapping[str, Any],
    state: str,
    why: str,
) -> dict[str, Any]:
    """Return the columns of a person: what the source said, and how they stand by the rules."""
    return {
        "state": state,
        "why": why,
        "external_id": identity.external_id,
        "user_name": identity.user_name,
        "user_name_key": fold(identity.user_name),
        "full_name": identity.full_name,
        "full_name_key": fold(identity.full_name),
        "email": identity.email,
        "active": identity.active is not False,
        "record": record_text(record),
        "comparable": comparable,
    }


def record_text(record: Mapping[str, Any]) -> str:
    """Return a record as the JSON text that is stored."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def email_keys(record: Mapping[str, Any]) -> set[str]:
    """Return the comparable form of every e-mail of a record."""
    emails = record.get("emails") or ()
    return {
        fold(email["value"])
        for email in emails
        if isinstance(email, Mapping) and isinstance(email.get("value"), str)
    }


def insert_user(
    session: Session,
    source_id: int,
    scim_id: str,
    values: Mapping[str, Any],
    keys: set[str],
    now: datetime,
) -> int:
    """Store a new person; return the row's id."""
    row = {"source_id": source_id, "scim_id": scim_id, "version": 1}
    times = {"created_at": now, "modified_at": now}
    identity_id: int = session.execute(INSERT_USER, {**row, **times, **values}).scalar_one()
    add_emails(session, source_id, identity_id, keys)
    return identity_id


def update_user(
    session: Session,
    source_id: int,
    identity_id: int,
    values: Mapping[str, Any],
    keys: tuple[set[str], set[str]],
    now: datetime,
) -> None:
    """Store what a source now says about a person; ``keys`` are the e-mails before and after."""
    session.execute(
        UPDATE_USER, {"row_id": identity_id, "new_modified_at": now, **new_values(values)}
    )
    before, after = keys
    if before - after:
        session.execute(
            delete(EMAILS).where(
                EMAILS.c.identity_id == identity_id, EMAILS.c.email_key.in_(before - after)
            )
        )
    add_emails(session, source_id, identity_id, after - before)


def add_emails(session: Session, source_id: int, identity_id: int, keys: set[str]) -> None:
    """Store the comparable e-mails of a person."""
    if keys:
        session.execute(
            INSERT_EMAILS,
            [
                {"identity_id": identity_id, "source_id": source_id, "email_key": key}
                for key in sorted(keys)
            ],
        )


def bury_user(session: Session, identity_id: int, now: datetime) -> None:
    """Make a person a tombstone: gone for the provider, out of every group, remembered by us."""
    in_groups = select(MEMBERS.c.group_id).where(MEMBERS.c.identity_id == identity_id)
    session.execute(
        update(GROUPS)
        .where(GROUPS.c.id.in_(in_groups))
        .values(version=GROUPS.c.version + 1, modified_at=now)
    )
    session.execute(delete(MEMBERS).where(MEMBERS.c.identity_id == identity_id))
    session.execute(delete(EMAILS).where(EMAILS.c.identity_id == identity_id))
    session.execute(
        update(TABLE)
        .where(TABLE.c.id == identity_id)
        .values(deleted_at=now, modified_at=now, version=TABLE.c.version + 1)
    )


def set_outcomes(session: Session, outcomes: Sequence[tuple[int, str, str]]) -> None:
    """Record how people stand after the rules: row id, state and why of each."""
    if outcomes:
        session.execute(
            SET_OUTCOME,
            [{"row_id": id_, "new_state": state, "new_why": why} for id_, state, why in outcomes],
        )


IDENTITY_COLUMNS = (
    TABLE.c.id,
    TABLE.c.scim_id,
    TABLE.c.record,
    TABLE.c.deleted_at,
    TABLE.c.state,
    TABLE.c.why,
)


def get_identities(session: Session, source_id: int, ids: Sequence[int]) -> list[Identity]:
    """Return identities by row id, deleted ones too, in the order of their ids."""
    query = (
        select(*IDENTITY_COLUMNS)
        .where(TABLE.c.source_id == source_id, TABLE.c.id.in_(ids))
        .order_by(TABLE.c.id)
    )
    return [identity_from_row(row) for row in session.execute(query)]


def identity_from_row(row: Any) -> Identity:
    """Return the identity of a row of IDENTITY_COLUMNS."""
    return identity_from_record(
        json.loads(row.record),
        row_id=row.id,
        scim_id=row.scim_id,
        deleted=row.deleted_at is not None,
        state=row.state,
        why=row.why,
    )


def user_names(session: Session, source_id: int, scim_ids: Sequence[str]) -> dict[str, str]:
    """Return the user names of people of a source by SCIM id."""
    query = select(TABLE.c.scim_id, TABLE.c.user_name).where(
        TABLE.c.source_id == source_id, TABLE.c.scim_id.in_(scim_ids)
    )
    return {row.scim_id: row.user_name for row in session.execute(query)}


def identity_ids_after(session: Session, source_id: int, after: int, limit: int) -> list[int]:
    """Return the next row ids of a source, to walk all its people but test persons in slices."""
    query = (
        select(TABLE.c.id)
        .where(TABLE.c.source_id == source_id, TABLE.c.id > after, ~IS_TEST_PERSON)
        .order_by(TABLE.c.id)
        .limit(limit)
    )
    return list(session.scalars(query))


def modified_since(
    session: Session, source_id: int, since: datetime, after: int, limit: int
) -> list[int]:
    """Return the row ids of people of a source who were written since a time, slice by slice."""
    query = (
        select(TABLE.c.id)
        .where(
            TABLE.c.source_id == source_id,
            TABLE.c.id > after,
            TABLE.c.modified_at >= since,
            ~IS_TEST_PERSON,
        )
        .order_by(TABLE.c.id)
        .limit(limit)
    )
    return list(session.scalars(query))
