"""Filters in SQL find what scim2-models finds in memory, on both databases."""

import json
import re
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scim2_models import InvalidFilterException
from scim2_models.path import AttrPath, CompareOperator, Comparison, LogicalExpr, LogicalOperator
from scim2_server.testing import SEARCH_FILTERS, SEARCH_USERS
from sqlalchemy import event

from tests.scim.filter_strategies import group_filters, user_filters
from tests.scim.searching import (
    GROUPS,
    PEOPLE,
    a_mirror,
    a_store,
    an_odd_mirror,
    in_non_ascii,
    plan_of,
)
from usersync_ext.scim.filters import filter_clause, parse_filter
from usersync_ext.scim.models import ENTERPRISE_URN, USER_URN, GroupModel, UserModel
from usersync_ext.scim.search import Search, search_statements
from usersync_ext.store.engine import Store

PROPERTY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
USERS = [UserModel]
BOTH = [UserModel, GroupModel]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request, tmp_path_factory):
    with a_store(request, tmp_path_factory.mktemp("filters")) as store:
        yield store


@pytest.fixture
def connection(store):
    with store.reading() as connection:
        yield connection


@pytest.fixture(scope="module")
def odd_mirror(store):
    with store.writing() as connection:
        return an_odd_mirror(connection)


@pytest.fixture
def mirror(odd_mirror, connection):
    return replace(odd_mirror, connection=connection)


def in_other_letters(text):
    return re.sub(r'"[^"]*"', lambda match: in_non_ascii(match[0]), text)


@pytest.mark.parametrize("text", SEARCH_FILTERS)
def test_the_librarys_filters_find_what_the_library_finds(connection, text):
    mirror = a_mirror(connection)
    for person in SEARCH_USERS:
        mirror.add_person(person)

    assert mirror.matching(text) == mirror.expected(text)


@pytest.mark.parametrize("text", SEARCH_FILTERS)
def test_the_same_holds_outside_ascii(connection, text):
    mirror = a_mirror(connection)
    for person in SEARCH_USERS:
        mirror.add_person(in_non_ascii(person))
    text = in_other_letters(text)

    assert mirror.matching(text) == mirror.expected(text)


@pytest.mark.parametrize("text", ['userName eq "ÄLİCÉ"', 'userName sw "älı"', 'title co "όß"'])
def test_a_filter_in_another_case_finds_non_ascii_text(connection, text):
    mirror = a_mirror(connection)
    alice = mirror.add_person({"userName": "älİcé", "title": "Όß"})
    mirror.add_person({"userName": "ALICE", "title": "Oss"})

    assert mirror.matching(text) == mirror.expected(text)
    assert mirror.matching('userName eq "ÄLİCÉ"') == [alice]


@pytest.mark.parametrize("word", ["Ä", "İ", "ß", "ẞ", "Σ", "ΑΣ", "e\u0301", "ǅ", "\U0001f600"])
@pytest.mark.parametrize("operator", ["eq", "ne", "co", "sw", "ew", "gt", "le"])
def test_every_case_mapping_is_pythons(connection, word, operator):
    mirror = a_mirror(connection)
    for name in (word, word.lower() + "x", word.upper() + "y", "x" + word.swapcase()):
        mirror.add_person({"userName": f"{len(mirror.ids)}{name}", "title": name})
    text = f"title {operator} {json.dumps(word.swapcase())}"

    assert mirror.matching(text) == mirror.expected(text)


@PROPERTY
@given(node=user_filters())
def test_any_filter_on_people_finds_what_the_library_finds(mirror, node):
    assert_equal_to_the_library(mirror, node, PEOPLE)


@PROPERTY
@given(node=group_filters())
def test_any_filter_on_groups_finds_what_the_library_finds(mirror, node):
    assert_equal_to_the_library(mirror, node, GROUPS)


@PROPERTY
@given(node=user_filters() | group_filters())
def test_any_filter_at_the_root_finds_what_the_library_finds(mirror, node):
    assert_equal_to_the_library(mirror, node, PEOPLE, GROUPS)


def assert_equal_to_the_library(mirror, node, *targets):
    try:
        expected = mirror.expected(node, *targets)
    except InvalidFilterException:
        assume(False)

    assert mirror.found(node, *targets) == expected


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('USERNAME Eq "ADA"', 'USERNAME eq "ADA"'),  # T13
        (f'{USER_URN}:userName eq "a"', f'{USER_URN}:userName eq "a"'),
        ('roles[primary eq "True"]', "roles[primary eq true]"),  # T2
        ('active eq "FALSE"', "active eq false"),
        ("userName eq ada.lind", 'userName eq "ada.lind"'),  # T25
        ("userName eq 2819c223-7f76", 'userName eq "2819c223-7f76"'),
        ("(userName eq ä@b.c) or title pr", 'userName eq "ä@b.c" or title pr'),
        ('title eq "a eq b" and userName eq x', 'title eq "a eq b" and userName eq "x"'),
        ("externalId eq 4711", 'externalId eq "4711"'),
        ('emails eq "no address"', 'emails eq "no address"'),  # T27
        (
            'emails[type eq "work"].value eq "2819c223"',
            'emails[type eq "work" and value eq "2819c223"]',
        ),
        (  # T28
            'id eq "u1" and manager eq "u2"',
            f'id eq "u1" and {ENTERPRISE_URN}:manager.value eq "u2"',
        ),
        ("manager pr", f"{ENTERPRISE_URN}:manager pr"),
        ('department eq "x"', f'{ENTERPRISE_URN}:department eq "x"'),
        (f'{ENTERPRISE_URN}:manager eq "u2"', f'{ENTERPRISE_URN}:manager.value eq "u2"'),
    ],
)
def test_what_clients_write_differently_is_understood(written, read):
    node = parse_filter(written, USERS)

    assert json.loads(json.dumps(str(node), ensure_ascii=False)) == str(parse_filter(read, USERS))
    assert parse_filter(str(node), USERS) == node


def test_the_filter_of_entra_for_a_manager_finds_the_person(mirror):
    assert mirror.matching('id eq "id-0" and manager eq "u2"') == ["id-0"]
    assert mirror.matching('id eq "id-1" and manager eq "u2"') == []


def test_the_filter_of_entra_for_a_member_finds_the_group(mirror):
    assert mirror.matching('id eq "g1" and members eq "id-1"', GROUPS) == ["g1"]
    assert mirror.matching('id eq "g1" and members[value eq "id-3"]', GROUPS) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot be read"),
        ("userName", "cannot be read"),
        ('userName eq "a', 'for example userName eq "ada"'),
        ('userName like "a"', "column 10"),
        ("userName eq a b", "cannot be read"),
        ('nickname.x eq "a"', "no attribute nickname.x"),
        ('emails[unknown eq "a"]', "no attribute emails.unknown"),
        ('urn:x:y:name eq "a"', "no attribute urn:x:y:name"),
        ('password eq "a"', "no attribute password"),
        ("active gt true", "cannot be applied"),
        ('active eq "maybe"', "not valid"),
        ('meta.created gt "yesterday"', "not valid"),
        ('name[givenName eq "a"]', "not multi-valued"),
        ('userName eq "\\u0000"', "NUL"),
        ('emails[value co "\\ud800"]', "surrogate"),
        (f'userName eq "{"a" * 4096}"', "longer than 4096"),
        (" or ".join(['title eq "a"'] * 51), "51 comparisons"),
        (f"emails[{' or '.join(['type pr'] * 51)}]", "51 comparisons"),
        ("not (" * 33 + "title pr" + ")" * 33, "nests more than 32"),
        ("userName eq " + "9" * 400, None),
        ("active eq " + "9" * 4000, "not valid"),
    ],
)
def test_a_wrong_filter_is_refused_with_what_to_do(text, says):
    if says is None:
        assert parse_filter(text, USERS)
        return
    with pytest.raises(InvalidFilterException) as refusal:
        parse_filter(text, USERS)

    assert says in refusal.value.detail
    assert len(refusal.value.detail) < 600


def test_the_limits_themselves_are_allowed():
    assert parse_filter(" or ".join(['title eq "a"'] * 50), USERS)
    assert parse_filter("not (" * 32 + "title pr" + ")" * 32, USERS)
    assert parse_filter("(" * 2000 + "title pr" + ")" * 2000, USERS)


@pytest.mark.parametrize(
    ("text", "target", "says"),
    [
        ('meta.version eq "1"', PEOPLE, "meta.version is computed"),
        ('meta.location sw "x"', GROUPS, "meta.location is computed"),
        ('groups.$ref eq "x"', PEOPLE, "groups.$ref cannot be filtered by: use groups.value"),
        ('members[display eq "x"]', GROUPS, "members.display cannot be filtered by"),
    ],
)
def test_what_sql_cannot_answer_is_refused(text, target, says):
    node = parse_filter(text, [target.model])

    with pytest.raises(InvalidFilterException) as refusal:
        filter_clause(node, target, 1)

    assert says in refusal.value.detail


NASTY = [
    "' OR '1'='1", '" or 1=1 --', "1; DROP TABLE usersync_identity", "%' AND SLEEP(5)--", "\\", "%",
    "_", "') UNION SELECT * FROM usersync_token --", "$.a", '$."', "{a,b}", "\x1f", "\\u0000",
    "\ud800", "\u202e", "a" * 300, "%(x)s", ":x", "?", "{{7*7}}", "\r\nSet-Cookie: a=b",
]  # fmt: skip
FRAGMENTS = [
    "userName", "emails", "members", "groups", "meta.created", "active", "schemas", "manager",
    "eq", "ne", "co", "sw", "ew", "gt", "le", "pr", "and", "or", "not", "(", ")", "[", "]", "name",
    ".value",
    '"x"', "true", "null", "1", "-1e5", "1e999", "urn:a:b:c", '"\\u0000"', '"\\ud800\\udc00"', ",",
    "9" * 30, '"2026-01-01T00:00:00Z"', "eq eq", "$ref", ENTERPRISE_URN, "\x00", "ä",
]  # fmt: skip


def anything():
    """Return texts that are nearly filters, and texts that are anything."""
    value = st.sampled_from(NASTY) | st.text(max_size=20)
    quoted = value.map(lambda text: json.dumps(text, ensure_ascii=False)) | value
    parts = st.sampled_from(FRAGMENTS) | quoted
    sentence = st.lists(parts, max_size=12).map(" ".join)
    operators = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])
    names = st.sampled_from(["userName", "emails", "groups.value", "members", "id", "title"])
    comparison = st.tuples(names, operators, quoted).map(" ".join)
    return sentence | comparison | st.text(max_size=30)


@PROPERTY
@given(text=anything())
def test_no_text_breaks_the_parser_or_the_database(mirror, text):
    with suppress(InvalidFilterException):
        found = mirror.matching(text, PEOPLE, GROUPS)
        assert len(found) <= len(mirror.users) + len(mirror.groups)


@pytest.mark.parametrize("value", ["%", "_", "\\", "'", "50% off", "\\_%"])
@pytest.mark.parametrize("operator", ["eq", "co", "sw", "ew"])
def test_wildcards_mean_themselves(mirror, operator, value):
    text = f"title {operator} {json.dumps(value)} or userName {operator} {json.dumps(value)}"

    assert mirror.matching(text) == mirror.expected(text)


@pytest.mark.parametrize("operator", ["eq", "ne", "co", "sw", "ew", "lt"])
@pytest.mark.parametrize("name", ["userName", "title", "emails", "groups", "id", "externalId"])
def test_values_reach_the_database_as_parameters_only(mirror, name, operator):
    sent = []
    event.listen(mirror.connection, "before_cursor_execute", lambda *args: sent.append(args[2]))

    mirror.matching(f'{name} {operator} "sentinel\'value"')

    assert sent
    assert not any("sentinel" in statement for statement in sent)


PLANS = {
    'userName eq "Ada"': "usersync_identity_user_name (source_id=? AND user_name_key=?)",
    'userName sw "Ada"': "usersync_identity_user_name (source_id=? AND user_name_key>?",
    'externalId eq "Ext-1"': "(source_id=? AND external_id=?",
    'id eq "id-1"': "(scim_id=?)",
    'id eq "id-1" and manager eq "u2"': "(scim_id=?)",
    'emails eq "ada@work.example"': "usersync_identity USING INTEGER PRIMARY KEY (rowid=?)",
    'emails[type eq "work"].value eq "a"': "usersync_identity USING INTEGER PRIMARY KEY (rowid=?)",
    'groups eq "g1"': "usersync_identity USING INTEGER PRIMARY KEY (rowid=?)",
}
GROUP_PLANS = {
    'displayName eq "Group"': "usersync_group_name (source_id=? AND display_name_key=?)",
    'externalId eq "x"': "usersync_group_external_id (source_id=? AND external_id=?)",
    'members eq "id-1"': "usersync_group USING INTEGER PRIMARY KEY (rowid=?)",
    'id eq "g1" and members eq "id-1"': "usersync_group",
}


@pytest.mark.parametrize(
    ("target", "text", "index"),
    [(PEOPLE, *each) for each in PLANS.items()] + [(GROUPS, *each) for each in GROUP_PLANS.items()],
)
def test_look_ups_use_an_index(sqlite_url, target, text, index):
    store = Store(sqlite_url)
    with store.reading() as connection:
        mirror = an_odd_mirror(connection)
        node = parse_filter(text, [target.model])
        statements = search_statements([target], mirror.source_id, Search(filter=node, count=9))
        plan = plan_of(connection, statements)
    store.dispose()

    assert any(index in step for step in plan), plan
    assert not [step for step in plan if re.match(r"SCAN usersync_", step)], plan


def test_the_same_filter_with_another_value_is_compiled_once(mirror):
    cached = mirror.connection.engine._compiled_cache
    mirror.matching('emails[type eq "work" and value eq "a"] and not (userName co "a")')
    size = len(cached)

    mirror.matching('emails[type eq "home" and value eq "b"] and not (userName co "b")')

    assert len(cached) == size


def test_an_attribute_that_no_model_declares_matches_nothing_in_a_tree(mirror):
    unknown = Comparison(AttrPath("unknown"), CompareOperator.ne, "x")
    either = LogicalExpr(LogicalOperator.or_, (unknown, parse_filter('id eq "id-1"', USERS)))

    assert mirror.found(unknown, PEOPLE) == []
    assert mirror.found(either, PEOPLE) == ["id-1"]


def test_at_the_root_an_attribute_of_one_type_matches_none_of_the_other(mirror):
    people = [person.id for person in mirror.users]

    assert mirror.matching('userName ne "nobody"', PEOPLE, GROUPS) == sorted(people)
    assert parse_filter('members eq "x" or emails eq "x"', BOTH)


def test_people_of_another_source_and_tombstones_are_never_found(mirror):
    assert len(mirror.matching("userName pr")) == len(mirror.users)
    assert mirror.matching('userName eq "gone" or emails eq "a"') == []
