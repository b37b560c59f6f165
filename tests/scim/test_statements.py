"""Which SQL each SCIM operation runs: the same few statements, however many people there are."""

import re

import pytest
from counting import (
    a_patch,
    a_record,
    add_group,
    effort,
    named,
    plans_of,
    provider_with,
    statements_of,
)
from pushing import statements


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
