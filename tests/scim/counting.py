"""A source filled all at once, and what its requests cost: statements, rows, instructions."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pushing import copied, host_app, statements
from sqlalchemy import event, insert, select

from usersync_ext.core.mapping import identity_from_record
from usersync_ext.directories.tables import AccountRow
from usersync_ext.scim.comparable import comparable_record
from usersync_ext.scim.models import GroupModel, UserModel
from usersync_ext.state import state_of
from usersync_ext.store import groups, mirror
from usersync_ext.store.journal import RARE
from usersync_ext.store.schema import (
    GroupMemberRow,
    IdentityEmailRow,
    IdentityRow,
    LinkRow,
)
from usersync_ext.testing import release, scim_client

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = re.compile(r"(?:FROM|INTO|UPDATE|JOIN) usersync_(\w+)")


def a_record(number: int) -> dict:
    """Return what a provider sent of a person."""
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": f"person-{number}",
        "externalId": f"external-{number}",
        "displayName": f"Person {number}",
        "active": True,
        "emails": [{"value": f"person-{number}@corp.example", "primary": True}],
    }


def add_people(scim, count: int) -> None:
    """Store people with their accounts as pushes of them would, but all at once."""
    with state_of(scim.app).engine.store.writing() as session:
        identities = [identity_row(scim.source.id, number) for number in range(count)]
        session.execute(insert(IdentityRow), identities)
        ids = list(session.scalars(select(IdentityRow.id).order_by(IdentityRow.id)))
        session.execute(
            insert(IdentityEmailRow),
            [
                {"identity_id": i, "source_id": scim.source.id, "email_key": row["email"]}
                for i, row in zip(ids, identities, strict=True)
            ],
        )
        session.execute(insert(AccountRow), [account_row(row) for row in identities])
        accounts = list(session.scalars(select(AccountRow.id).order_by(AccountRow.id)))
        session.execute(
            insert(LinkRow),
            [
                {
                    "source_id": scim.source.id,
                    "identity_id": identity,
                    "directory": "local",
                    "account_key": str(account),
                    "created_at": NOW,
                }
                for identity, account in zip(ids, accounts, strict=True)
            ],
        )


def identity_row(source_id: int, number: int) -> dict:
    record = a_record(number)
    scim_id = f"id-{number}"
    identity = identity_from_record(record, scim_id=scim_id)
    return {
        "source_id": source_id,
        "scim_id": scim_id,
        "version": 1,
        "created_at": NOW,
        "modified_at": NOW,
        "deleted_at": None,
        "state": "in_sync",
        "why": "",
        **mirror.row_values(identity, record, comparable_record(record, UserModel), "in_sync", ""),
    }


def account_row(identity: dict) -> dict:
    return {
        "user_name": identity["user_name"],
        "user_name_key": identity["user_name_key"],
        "full_name": identity["full_name"],
        "full_name_key": identity["full_name_key"],
        "email": identity["email"],
        "email_key": identity["email"],
        "email_verified": False,
        **dict.fromkeys(RARE, ""),
        "attributes": {},
        "active": True,
        "protected": False,
        "version": 1,
        "created_at": NOW,
        "modified_at": NOW,
    }


def add_group(scim, scim_id: str, members: int) -> None:
    """Store a group that has the first people as members."""
    record = {"displayName": scim_id}
    with state_of(scim.app).engine.store.writing() as session:
        values = groups.group_values(record, comparable_record(record, GroupModel))
        row_id = groups.insert_group(session, scim.source.id, scim_id, values, NOW)
        ids = session.scalars(select(IdentityRow.id).order_by(IdentityRow.id).limit(members)).all()
        rows = [{"group_id": row_id, "identity_id": identity} for identity in ids]
        if rows:
            session.execute(insert(GroupMemberRow), rows)


@contextmanager
def provider_with(count: int, request, folder) -> Iterator:
    """Yield the provider of a source with so many people, warmed up by one request."""
    with copied("sqlite", request, folder) as url:
        scim = scim_client(host_app(url, folder))
        add_people(scim, count)
        add_group(scim, "staff", 5)
        scim.get("/Users/id-0")
        yield scim
        release(scim.app)


def named(statement: str) -> str:
    """Return a statement as its verb and its tables."""
    tables = sorted(set(TABLES.findall(re.sub(r"\s+", " ", statement))))
    return f"{statement.split()[0]} {' '.join(tables)}"


def settle(scim) -> None:
    """Write what earlier requests left to be written, or its timer would write it in between.

    That is a row for each signal that was sent: thousands after a large group.
    """
    state_of(scim.app).engine.recorder.flush()


def statements_of(scim, method: str, path: str, body: dict | None = None) -> list[str]:
    """Return the names of the statements that a request runs on a connection that knows nothing."""
    settle(scim)
    state_of(scim.app).engine.store.dispose()
    with statements(scim.app) as seen:
        answer = scim.request(method, path, body)
    assert answer.status_code < 300, answer.text
    return [named(statement) for statement, _ in seen]


def plans_of(scim, method: str, path: str, body: dict | None = None) -> list[str]:
    """Return SQLite's plan of each statement of a request, line by line."""
    with statements(scim.app) as seen:
        scim.request(method, path, body)
    with state_of(scim.app).engine.store.engine.connect() as connection:
        return [
            row[3]
            for statement, parameters in seen
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]


@contextmanager
def effort(scim) -> Iterator[list[int]]:
    """Count the instructions that SQLite runs and the rows that it changes."""
    settle(scim)
    engine = state_of(scim.app).engine.store.engine
    engine.dispose()
    counted = [0, 0]
    connections: list = []

    def tick() -> None:
        counted[0] += 1

    def watch(connection, _record) -> None:
        connection.set_progress_handler(tick, 1)
        connections.append(connection)

    event.listen(engine, "connect", watch)
    yield counted
    event.remove(engine, "connect", watch)
    counted[1] = sum(connection.total_changes for connection in connections)
    engine.dispose()


def a_patch(path: str, value: object, op: str = "replace") -> dict:
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": op, "path": path, "value": value}],
    }
