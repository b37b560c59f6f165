"""What a change of a group's members costs where it gives memberships: O(k), whatever its size."""

import pytest
from counting import a_patch, add_group, effort, provider_with, statements_of

from usersync_ext.core.records import Actor
from usersync_ext.directories.local import LocalAccounts
from usersync_ext.state import state_of
from usersync_ext.store import sources
from usersync_ext.sync import admin, group_admin

SIZE = 5_000
ADMIN = Actor(kind="admin", name="root")
GROUP = ["SELECT group source token", "SELECT source", "SELECT group"]
STANDS_FOR = {
    "on_the_fly": ["SELECT group", "SELECT directory_group"],
    "manual": ["SELECT group", "SELECT group group_mapping", "SELECT directory_group"],
}
MIRROR = ["SELECT identity", "INSERT group_member", "UPDATE group"]
KNOWN = ["SELECT identity link", "SELECT account membership", "SELECT group group_member"]
MEMBERS = ["SELECT directory_group", "SELECT directory_group membership", "SELECT grant"]
GIVEN = ["INSERT membership", "INSERT grant", "INSERT journal", "INSERT outbox"]


def set_rules(scim, **values):
    engine = state_of(scim.app).engine
    with engine.store.reading() as session:
        source = sources.get_source(session, scim.source.key)
    return admin.change_source(engine, ADMIN, source, values)


@pytest.fixture(scope="module", params=["on_the_fly", "manual"])
def grouped(request, tmp_path_factory):
    """A provider whose groups give memberships: two empty ones and a full one."""
    with provider_with(SIZE + 300, request, tmp_path_factory.mktemp(request.param)) as scim:
        add_group(scim, "empty", 0)
        add_group(scim, "big", 0)
        add_group(scim, "full", SIZE)
        if request.param == "manual":
            engine = state_of(scim.app).engine
            with engine.store.writing() as session:
                LocalAccounts(session).create_groups(["empty", "big", "full"])
            changes = [
                group_admin.adding(group_admin.find_source_group(engine, scim.source, name), name)
                for name in ("empty", "big", "full")
            ]
            set_rules(scim, mappings=changes)
        set_rules(scim, group_mode=request.param, removal_limit_count=100_000)
        yield scim


def members(scim, name: str) -> int:
    with state_of(scim.app).engine.store.reading() as session:
        return {group.name: group.member_count for group in LocalAccounts(session).groups()}[name]


def people(first: int, count: int) -> list[dict]:
    return [{"value": f"id-{number}"} for number in range(first, first + count)]


def removed(first: int, count: int) -> dict:
    return a_patch("members", people(first, count), "remove")


def mode_of(scim) -> str:
    with state_of(scim.app).engine.store.reading() as session:
        return sources.get_source(session, scim.source.key).rules["group_mode"]


def added(first: int, count: int) -> dict:
    return a_patch("members", people(first, count), "add")


@pytest.mark.parametrize("group", ["empty", "full"])
def test_adding_a_member_is_a_handful_of_statements_in_mirror_and_directory(grouped, group):
    found = statements_of(grouped, "PATCH", f"/Groups/{group}", added(SIZE + 1, 1))

    mode = mode_of(grouped)
    mapping = ["SELECT group group_mapping"] if mode == "manual" else []
    assert found == [*GROUP, *STANDS_FOR[mode], *MIRROR, *KNOWN, *mapping, *MEMBERS, *GIVEN]


@pytest.mark.parametrize(("count", "first"), [(1, 10), (50, 20)])
def test_the_size_of_the_group_makes_no_difference(grouped, count, first):
    costs = {}
    for name, start in {"empty": first, "full": SIZE + first}.items():
        with effort(grouped) as cost:
            answer = grouped.request("PATCH", f"/Groups/{name}", added(start, count))
        assert answer.status_code == 204
        costs[name] = cost

    assert abs(costs["full"][1] - costs["empty"][1]) < 10  # requests are counted now and then
    assert costs["full"][0] < 1.5 * costs["empty"][0]


def test_a_batch_of_256_takes_the_statements_of_one(grouped):
    one = statements_of(grouped, "PATCH", "/Groups/full", removed(1, 1))

    many = statements_of(grouped, "PATCH", "/Groups/full", removed(2, 256))

    at = one.index("SELECT held")
    assert many == [*one[:at], "SELECT journal", *one[at:]]  # is it too much at once?


def test_what_is_there_already_is_not_given_again(grouped):
    found = statements_of(grouped, "PATCH", "/Groups/full", added(1_000, 5))

    assert found == [
        *GROUP,
        *STANDS_FOR[mode_of(grouped)],
        "SELECT identity",
        "INSERT group_member",
    ]


def test_a_request_with_5_000_members_works(grouped):
    answer = grouped.request("PATCH", "/Groups/big", added(0, SIZE))

    assert answer.status_code == 204
    assert members(grouped, "big") == SIZE
