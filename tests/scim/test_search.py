"""Sorting and paging in SQL are those of scim2-models, on both databases."""

import json
from dataclasses import replace

import pytest
from scim2_models import EnterpriseUser, InvalidCursorException, InvalidPathException, User
from scim2_server.testing import SEARCH_SORTS, SEARCH_USERS
from sqlalchemy import delete, event

from tests.scim.searching import (
    GROUPS,
    PEOPLE,
    a_mirror,
    a_request,
    a_store,
    an_odd_mirror,
    in_non_ascii,
    in_order,
    plan_of,
)
from usersync_ext.scim.filters import Target, parse_filter
from usersync_ext.scim.models import UserModel
from usersync_ext.scim.search import Search, search_of, search_statements
from usersync_ext.store.engine import Store
from usersync_ext.store.schema import GroupRow, IdentityRow

SORTS = [
    *SEARCH_SORTS, "id", "externalId", "emails.primary", "roles", "roles.primary", "schemas",
    "meta.lastModified", "meta.resourceType", "addresses.locality", "phoneNumbers.type",
]  # fmt: skip
SHARED_SORTS = ["displayName", "userName", "emails", "active", "meta.created", "id", "externalId"]
EVERYBODY = 7
DIRECTIONS = pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request, tmp_path_factory):
    with a_store(request, tmp_path_factory.mktemp("search")) as store:
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


def ids(*pages):
    return [row.hit_scim_id for page in pages for row in page.rows]


def walk(mirror, targets, **search):
    """Follow the next cursors from the first page; return all pages."""
    pages = [mirror.find(targets, Search(cursor=True, **search))]
    while pages[-1].next is not None:
        position = json.loads(json.dumps(pages[-1].next))
        pages.append(mirror.find(targets, Search(cursor=True, position=position, **search)))
    return pages


def walk_back(mirror, targets, page, **search):
    """Follow the previous cursors; return the pages before a page, the first one first."""
    pages = []
    while page.previous is not None:
        page = mirror.find(targets, Search(cursor=True, position=page.previous, **search))
        pages.insert(0, page)
    return pages


@DIRECTIONS
@pytest.mark.parametrize("sort_by", SEARCH_SORTS)
@pytest.mark.parametrize("change", [dict, in_non_ascii], ids=["ascii", "other"])
def test_the_librarys_sorts_order_as_the_library_does(connection, sort_by, descending, change):
    mirror = a_mirror(connection)
    for person in SEARCH_USERS:
        mirror.add_person(change(person))
    request = a_request(sort_by, "descending" if descending else None)

    found = mirror.find([PEOPLE], search_of(request))

    by_id = {person.id: request.sort_value(person) for person in mirror.users}
    in_library = [request.sort_value(person) for person in request.sort(mirror.users)]
    assert [by_id[each] for each in ids(found)] == in_library
    assert ids(found) == in_order(sort_by, descending, mirror.users)


@DIRECTIONS
@pytest.mark.parametrize("sort_by", SORTS)
def test_odd_people_are_sorted_as_in_the_library(mirror, sort_by, descending):
    found = mirror.find([PEOPLE], Search(sort_by=sort_by, descending=descending))

    assert ids(found) == in_order(sort_by, descending, mirror.users)


@DIRECTIONS
@pytest.mark.parametrize("sort_by", SHARED_SORTS)
def test_people_and_groups_are_sorted_as_one_collection(mirror, sort_by, descending):
    found = mirror.find([PEOPLE, GROUPS], Search(sort_by=sort_by, descending=descending))

    assert ids(found) == in_order(sort_by, descending, [*mirror.users, *mirror.groups])
    assert {row.hit_type for row in found.rows} == {"User", "Group"}


@pytest.mark.parametrize(
    ("sort_by", "says"),
    [
        ("unknown", "cannot be sorted by"),
        ("name", "cannot be sorted by"),
        ("meta.version", "computed"),
        ("groups", "no order"),
        ("groups.display", "no order"),
        ('emails[type eq "work"]', "not the name of an attribute"),
        ("", "not the name of an attribute"),
        ("a b", "not the name of an attribute"),
        ("x" * 5000, "cannot be sorted by"),
    ],
)
def test_what_cannot_be_sorted_by_is_refused(sort_by, says):
    with pytest.raises(InvalidPathException) as refusal:
        search_statements([PEOPLE], 1, Search(sort_by=sort_by))

    assert says in refusal.value.detail
    assert len(refusal.value.detail) < 400


@pytest.mark.parametrize("sort_by", [None, "userName", "title", "meta.created"])
@pytest.mark.parametrize("targets", [[PEOPLE], [GROUPS], [PEOPLE, GROUPS]], ids=len)
def test_index_pages_together_are_the_whole(mirror, targets, sort_by):
    if sort_by in {"userName", "title"}:
        targets = [PEOPLE, *targets[1:]]
    whole = mirror.find(targets, Search(sort_by=sort_by))

    pages = [
        mirror.find(targets, Search(sort_by=sort_by, start_index=start, count=2))
        for start in range(1, len(whole.rows) + 3, 2)
    ]

    assert ids(*pages) == ids(whole)
    assert {page.total for page in pages} == {len(whole.rows)}


def test_without_sort_people_come_in_the_order_of_their_arrival(mirror):
    found = mirror.find([PEOPLE], Search())

    assert ids(found) == [person.id for person in mirror.users]


@pytest.mark.parametrize("start_index", [-5, 0, 1])
def test_a_start_below_one_is_one(mirror, start_index):
    assert len(mirror.find([PEOPLE], Search(start_index=start_index, count=3)).rows) == 3


@pytest.mark.parametrize("number", [EVERYBODY + 1, 10**6, 2**63, 10**40])
def test_a_start_beyond_the_end_finds_nobody_but_the_total(mirror, number):
    found = mirror.find([PEOPLE], Search(start_index=number, count=2))

    assert (found.total, list(found.rows)) == (EVERYBODY, [])


def test_a_count_beyond_any_number_is_everybody(mirror):
    assert len(mirror.find([PEOPLE], Search(count=10**40)).rows) == EVERYBODY
    assert len(mirror.find([PEOPLE], Search(count=10**40, cursor=True)).rows) == EVERYBODY


@pytest.mark.parametrize("cursor", [False, True])
def test_a_count_of_zero_asks_for_the_total_only(mirror, cursor):
    node = parse_filter("title pr", [UserModel])
    found = mirror.find([PEOPLE], Search(filter=node, count=0, cursor=cursor))

    assert (found.total, list(found.rows)) == (2, [])
    assert (found.next, found.previous) == (None, None)


@pytest.mark.parametrize(
    ("search", "statements"),
    [
        (Search(count=100), 1),
        (Search(count=EVERYBODY), 2),
        (Search(count=2), 2),
        (Search(start_index=6, count=100), 1),
        (Search(start_index=60, count=100), 2),
        (Search(count=0), 1),
        (Search(count=2, cursor=True), 2),
        (Search(count=EVERYBODY, cursor=True), 1),
        (Search(count=2, cursor=True, position={"d": "next", "k": "User", "i": 0}), 1),
    ],
)
def test_the_total_is_counted_only_where_the_page_does_not_tell_it(mirror, search, statements):
    sent = []
    mirror.connection.connection.info.pop("usersync_numbers", None)
    event.listen(mirror.connection, "before_cursor_execute", lambda *args: sent.append(args[2]))

    mirror.find([PEOPLE], search)

    assert len(sent) == statements


def test_the_callers_columns_follow_the_hit(mirror):
    found = mirror.find([PEOPLE], Search(count=1), [IdentityRow.user_name, IdentityRow.version])

    assert tuple(found.rows[0]) == ("User", mirror.ids["id-0"], "id-0", None, "Ada", 1)


@DIRECTIONS
@pytest.mark.parametrize("count", [1, 3, 100])
@pytest.mark.parametrize("sort_by", [None, *SORTS])
def test_cursors_walk_forth_and_back_through_everybody(mirror, sort_by, descending, count):
    search = {"sort_by": sort_by, "descending": descending, "count": count}
    whole = mirror.find([PEOPLE], Search(sort_by=sort_by, descending=descending))

    pages = walk(mirror, [PEOPLE], **search)
    back = walk_back(mirror, [PEOPLE], pages[-1], **search)

    assert ids(*pages) == ids(whole)
    assert [ids(page) for page in back] == [ids(page) for page in pages[:-1]]
    assert pages[0].previous is None
    assert [page.total for page in pages] == [EVERYBODY] + [None] * (len(pages) - 1)


@DIRECTIONS
@pytest.mark.parametrize("sort_by", [None, *SHARED_SORTS])
def test_cursors_walk_through_people_and_groups_as_one_collection(mirror, sort_by, descending):
    targets, search = [PEOPLE, GROUPS], {"sort_by": sort_by, "descending": descending, "count": 3}
    whole = mirror.find(targets, Search(sort_by=sort_by, descending=descending))

    pages = walk(mirror, targets, **search)
    back = walk_back(mirror, targets, pages[-1], **search)

    assert ids(*pages) == ids(whole)
    assert [ids(page) for page in back] == [ids(page) for page in pages[:-1]]


def test_cursors_keep_to_the_filter(mirror):
    node = parse_filter("emails pr or title pr", [UserModel])

    pages = walk(mirror, [PEOPLE], filter=node, sort_by="title", count=1)

    assert sorted(ids(*pages)) == mirror.matching("emails pr or title pr")


@pytest.mark.parametrize("sort_by", [None, "userName", "title"])
def test_a_person_who_goes_between_two_pages_hides_nobody(mirror, sort_by):
    whole = ids(mirror.find([PEOPLE], Search(sort_by=sort_by)))
    first = mirror.find([PEOPLE], Search(sort_by=sort_by, count=2, cursor=True))

    mirror.connection.execute(delete(IdentityRow).where(IdentityRow.scim_id == whole[1]))
    search = Search(sort_by=sort_by, count=100, cursor=True, position=first.next)

    assert ids(mirror.find([PEOPLE], search)) == whole[2:]


@pytest.mark.parametrize(
    "position",
    [
        "next", 1, [], {}, True,
        {"d": "next"}, {"d": "sideways", "k": "a", "i": "x"}, {"d": "next", "k": "a", "i": None},
        {"d": "next", "k": "a", "i": 5}, {"d": "next", "k": "a", "i": "\0"},
        {"d": "next", "k": "\ud800", "i": "x"}, {"d": "next", "k": 5, "i": "x"},
        {"d": "next", "k": None, "i": "x"}, {"d": "next", "k": {"datetime": "x"}, "i": "x"},
        {"d": ["next"], "k": "a", "i": "x"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("sort_by", [None, "userName"])
def test_a_position_that_no_page_gave_is_refused(position, sort_by):
    with pytest.raises(InvalidCursorException):
        search_statements([PEOPLE], 1, Search(cursor=True, sort_by=sort_by, position=position))


@pytest.mark.parametrize(
    ("sort_by", "value"),
    [
        (None, "Group"),
        (None, None),
        ("active", "true"),
        ("active", 1),
        ("title", True),
        ("meta.created", "2026-01-01T00:00:00Z"),
        ("meta.created", {"datetime": "2026-01-01T00:00:00"}),
        ("meta.created", {"datetime": "soon"}),
    ],
)
def test_a_position_of_another_order_is_refused(sort_by, value):
    position = {"d": "next", "k": value, "i": 1 if sort_by is None else "x"}

    with pytest.raises(InvalidCursorException):
        search_statements([PEOPLE], 1, Search(cursor=True, sort_by=sort_by, position=position))


@pytest.mark.parametrize("row_id", [-1, 2**31, 2**63, 1.0, True, "1"])
def test_a_position_with_a_row_that_cannot_be_is_refused(row_id):
    position = {"d": "next", "k": "User", "i": row_id}

    with pytest.raises(InvalidCursorException):
        search_statements([PEOPLE], 1, Search(cursor=True, position=position))


def built(text, count=5, start_index=1, model=UserModel):
    search = Search(filter=parse_filter(text, [model]), count=count, start_index=start_index)
    return search_statements([Target("User", model, IdentityRow)], 1, search).page


def test_statements_are_built_once_for_all_values_sources_and_pages():
    first = built('emails[type eq "work"].value eq "a" and externalId eq "x"')

    assert built('emails[type eq "home"].value eq "ä" and externalId eq "X"', 7) is first
    assert built('emails[type eq "home"].value eq "" and externalId eq "X"') is not first
    assert built('emails[type eq "home"].value ne "b" and externalId eq "X"') is not first
    assert built("title pr", 2, 5) is built("title pr", 3, 6)
    assert built("title pr", 2, 5) is not built("title pr", 3, 1)


def test_statements_for_one_text_are_not_kept():
    assert built('userName sw "a"') is not built('userName sw "a"')
    created = 'meta.created eq "2026-01-02T03:04:05Z"'
    assert built(created) is not built(created)


def test_a_model_that_changes_texts_gets_statements_of_its_own(mirror):
    static = User[EnterpriseUser]  # its emails.type is an enumeration, which has no slots
    target = Target("User", static, IdentityRow)

    found = mirror.matching('emails.type eq "HOME"', target)

    assert found == mirror.matching('emails.type eq "home"') == ["id-0"]
    assert mirror.matching('emails.type eq "other"', target) == []


@pytest.mark.parametrize("text", ["\x01slot0", "\x01slot1", "\\u0001slot0"])
def test_a_text_that_looks_like_a_slot_is_a_text(connection, text):
    mirror = a_mirror(connection)
    odd = mirror.add_person({"userName": text, "title": "x"})
    mirror.add_person({"userName": "x", "title": text})
    quoted = json.dumps(text)

    assert mirror.matching(f"userName eq {quoted}") == [odd]
    assert mirror.matching(f'title eq "x" and userName eq {quoted}') == [odd]
    assert mirror.matching(f'title eq "x" and userName co {quoted}') == [odd]
    assert mirror.matching('title eq "x" and userName eq \x01slot0') == [odd][: text == "\x01slot0"]


PAGES = [
    Search(sort_by="userName", count=2),
    Search(sort_by="userName", descending=True, start_index=4, count=2),
    Search(sort_by="userName", count=2, cursor=True, position={"d": "next", "k": "b", "i": "x"}),
]


@pytest.mark.parametrize("search", PAGES)
def test_pages_by_user_name_come_from_its_index(sqlite_url, search):
    store = Store(sqlite_url)
    with store.reading() as connection:
        mirror = an_odd_mirror(connection)
        statements = search_statements([PEOPLE], mirror.source_id, search, [IdentityRow.record])
        plan = plan_of(connection, statements)
    store.dispose()

    assert any("usersync_identity_user_name (source_id=?" in step for step in plan), plan
    assert plan.count("USE TEMP B-TREE FOR ORDER BY") == 1, plan  # of the page's own few rows


def test_groups_are_paged_with_their_columns(mirror):
    found = mirror.find([GROUPS], Search(sort_by="displayName", count=2), [GroupRow.display_name])

    assert [row.display_name for row in found.rows] == ["a", "Group"]
    assert found.total == 3
