"""Which SQL each SCIM operation runs: the same few statements, however many people there are."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
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


@pytest.fixture(scope="module")
def few(request, tmp_path_factory):
    """A provider whose source has 10 people."""
    with provider_with(10, request, tmp_path_factory.mktemp("few")) as scim:
        yield scim


@pytest.fixture(scope="module")
def many(request, tmp_path_factory):
    """A provider whose source has 10,000 people."""
    with provider_with(10_000, request, tmp_path_factory.mktemp("many")) as scim:
        yield scim


@pytest.fixture(scope="module")
def grouped(request, tmp_path_factory):
    """A provider of 20,001 people, with an empty group and one of 20,000."""
    with provider_with(20_001, request, tmp_path_factory.mktemp("grouped")) as scim:
        add_group(scim, "empty", 0)
        add_group(scim, "full", 20_000)
        yield scim


def named(statement: str) -> str:
    """Return a statement as its verb and its tables."""
    tables = sorted(set(TABLES.findall(re.sub(r"\s+", " ", statement))))
    return f"{statement.split()[0]} {' '.join(tables)}"


def statements_of(scim, method: str, path: str, body: dict | None = None) -> list[str]:
    """Return the names of the statements that a request runs on a connection that knows nothing."""
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


WITH_TOKEN = "SELECT group group_member identity source token"
GUARD = ["SELECT held", "SELECT journal"]
READS = {
    "a person": (("GET", "/Users/id-1"), [WITH_TOKEN]),
    "a person with HEAD": (("HEAD", "/Users/id-1"), [WITH_TOKEN]),
    "a group without its members": (
        ("GET", "/Groups/staff?excludedAttributes=members"),
        ["SELECT group source token"],
    ),
    "a group": (
        ("GET", "/Groups/staff"),
        [
            "SELECT group source token",
            "SELECT group_member identity",
            "SELECT group group_child",
        ],
    ),
    "a page": (
        ("GET", "/Users?count=5"),
        ["SELECT source token", "SELECT group group_member identity", "SELECT identity"],
    ),
    "a page by cursor": (
        ("GET", "/Users?count=5&cursor="),
        ["SELECT source token", "SELECT group group_member identity", "SELECT identity"],
    ),
    "a page of both": (
        ("GET", "/?count=3"),
        [
            "SELECT source token",
            "SELECT group identity",
            "SELECT group identity",
            "SELECT group group_member identity",
            "SELECT group",
            "SELECT group_member identity",
            "SELECT group group_child",
        ],
    ),
    "the person of a user name": (
        ("GET", '/Users?filter=userName eq "person-2"'),
        [WITH_TOKEN],
    ),
    "the person of a user name with POST": (
        ("POST", "/Users/.search", {"filter": 'userName eq "person-2"'}),
        ["SELECT source token", "SELECT group group_member identity"],
    ),
    "the person of an externalId": (
        ("GET", '/Users?filter=externalId eq "external-2"'),
        [WITH_TOKEN],
    ),
    "the person of an e-mail": (
        ("GET", '/Users?filter=emails.value eq "person-2@corp.example"'),
        ["SELECT group group_member identity identity_email source token"],
    ),
    "the person of a work e-mail": (
        ("GET", '/Users?filter=emails[value eq "person-2@corp.example"]'),
        ["SELECT source token", "SELECT group group_member identity identity_email"],
    ),
}
WRITES = {
    "POST of a person": (
        ("POST", "/Users", a_record(1_000_000)),
        [
            "SELECT source token",
            "SELECT source",
            "SELECT identity",
            "SELECT account membership",
            "INSERT identity",
            "INSERT identity_email",
            "INSERT account",
            "INSERT link",
            "INSERT journal",
            "INSERT outbox",
        ],
    ),
    "PUT of a person": (
        ("PUT", "/Users/id-3", {**a_record(3), "displayName": "Ada Lind"}),
        [
            WITH_TOKEN,
            "SELECT source",
            "SELECT group group_member identity",
            "SELECT identity link source",
            "SELECT account membership",
            "UPDATE identity",
            "UPDATE account",
            "INSERT journal",
            "INSERT outbox",
        ],
    ),
    "PATCH of what the account has": (
        ("PATCH", "/Users/id-4", a_patch("displayName", "Ada Lind")),
        [
            WITH_TOKEN,
            "SELECT source",
            "SELECT group group_member identity",
            "SELECT identity link source",
            "SELECT account membership",
            "UPDATE identity",
            "UPDATE account",
            "INSERT journal",
            "INSERT outbox",
        ],
    ),
    "PATCH of what the account has not": (
        ("PATCH", "/Users/id-5", a_patch("nickName", "Pe")),
        [
            WITH_TOKEN,
            "SELECT source",
            "SELECT group group_member identity",
            "SELECT identity link source",
            "SELECT account membership",
            "UPDATE identity",
        ],
    ),
    "PATCH that changes nothing": (
        ("PATCH", "/Users/id-6", a_patch("displayName", "Person 6")),
        [WITH_TOKEN, "SELECT source", "SELECT group group_member identity"],
    ),
    "PATCH of active": (
        ("PATCH", "/Users/id-7", a_patch("active", False)),
        [
            WITH_TOKEN,
            "SELECT source",
            "SELECT group group_member identity",
            "SELECT identity link source",
            "SELECT account membership",
            "UPDATE identity",
            *GUARD,
            "UPDATE account",
            "UPDATE link",
            "INSERT journal",
            "INSERT outbox",
        ],
    ),
    "DELETE of a person": (
        ("DELETE", "/Users/id-8"),
        [
            WITH_TOKEN,
            "SELECT source",
            "SELECT group group_member identity",
            "UPDATE group group_member",
            "DELETE group_member",
            "DELETE identity_email",
            "UPDATE identity",
            "SELECT identity link source",
            "SELECT account membership",
            *GUARD,
            "UPDATE account",
            "UPDATE link",
            "INSERT journal",
            "UPDATE identity",
            "INSERT outbox",
        ],
    ),
}
OPERATIONS = READS | WRITES


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_runs_the_same_statements_for_10_and_for_10000_people(name, few, many):
    request, expected = OPERATIONS[name]

    for_few, for_many = statements_of(few, *request), statements_of(many, *request)

    assert for_few == expected
    assert for_many == expected


def test_walking_all_pages_counts_the_people_once(few):
    page = ("GET", "/Users?startIndex={}&count=3")
    first = statements_of(few, page[0], page[1].format(1))

    with statements(few.app) as seen:
        totals = [few.get(page[1].format(n)).get_json()["totalResults"] for n in (4, 7, 1)]

    assert first[-1] == "SELECT identity"
    assert len(set(totals)) == 1
    assert "SELECT identity" not in [named(statement) for statement, _ in seen]


@pytest.mark.parametrize("name", READS)
def test_a_read_writes_nothing(name, few):
    request, _ = READS[name]

    with statements(few.app) as seen:
        few.request(*request)

    assert {statement.split()[0] for statement, _ in seen} == {"SELECT"}


@pytest.mark.parametrize(
    "request_",
    [
        *(request for request, _ in READS.values()),
        ("POST", "/Users", a_record(2_000_000)),
        ("PUT", "/Users/id-13", {**a_record(13), "displayName": "Ada Lind"}),
        ("PATCH", "/Users/id-14", a_patch("displayName", "Ada Lind")),
        ("PATCH", "/Users/id-15", a_patch("active", False)),
        ("DELETE", "/Users/id-16"),
        ("PATCH", "/Groups/staff", a_patch("members", [{"value": "id-17"}], "add")),
        ("GET", '/Users?filter=userName sw "person-99"'),
        ("GET", "/Users?sortBy=userName&count=5"),
    ],
    ids=lambda request_: " ".join(request_[:2]),
)
def test_no_statement_scans_the_people_or_the_memberships(request_, many):
    plan = plans_of(many, *request_)

    assert len(plan) > 0
    scans = [line for line in plan if re.match(r"SCAN usersync_(identity|group_member)\b", line)]
    assert [line for line in scans if "USING" not in line] == []


MEMBER_STATEMENTS = [
    "SELECT group source token",
    "SELECT source",
    "SELECT group",
    "SELECT identity",
]


def test_adding_one_member_costs_the_same_for_an_empty_group_and_one_of_20000(grouped):
    patch = a_patch("members", [{"value": "id-20000"}], "add")
    expected = [*MEMBER_STATEMENTS, "INSERT group_member", "UPDATE group"]
    efforts = {}

    for group in ("empty", "full"):
        with effort(grouped) as efforts[group]:
            assert statements_of(grouped, "PATCH", f"/Groups/{group}", patch) == expected

    assert efforts["full"][1] == efforts["empty"][1] == 2
    assert efforts["full"][0] < 1.2 * efforts["empty"][0]


def test_removing_one_member_costs_the_same_for_a_group_of_one_and_one_of_20000(grouped):
    add_group(grouped, "single", 1)
    patch = a_patch("members", None, "remove")
    patch["Operations"][0] = {"op": "remove", "path": 'members[value eq "id-0"]'}
    expected = [*MEMBER_STATEMENTS, "DELETE group_member", "UPDATE group"]
    efforts = {}

    for group in ("single", "full"):
        with effort(grouped) as efforts[group]:
            assert statements_of(grouped, "PATCH", f"/Groups/{group}", patch) == expected

    assert efforts["full"][1] == efforts["single"][1] == 2
    assert efforts["full"][0] < 1.2 * efforts["single"][0]


def test_reading_one_person_of_20000_costs_what_one_of_10_costs(few, grouped):
    efforts = {}

    for scim in (few, grouped):
        with effort(scim) as efforts[scim]:
            scim.get('/Users?filter=emails.value eq "person-9@corp.example"')

    assert efforts[grouped][0] < 1.5 * efforts[few][0]
