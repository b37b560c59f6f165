"""Pages by index and by cursor, sorting, projection, entity tags and bulk, over HTTP."""

import base64
from itertools import chain
from urllib.parse import quote
from uuid import uuid4

import pytest
import scim2_server.cursor
from pushing import copied, host_app, stored

from usersync_ext.testing import release, scim_client

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
BULK_URN = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
NAMES = ["ann", "Bob", "cÿ", "Dora", "eve", "Fay", "gus"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def app(request, tmp_path_factory):
    """An app for all tests of this module, on both databases; each source is on its own."""
    folder = tmp_path_factory.mktemp("paging")
    with copied(request.param, request, folder) as url:
        app = host_app(url, folder)
        yield app
        release(app)


@pytest.fixture(scope="module")
def shelf(app):
    """A provider of seven people and one group, which no test changes."""
    scim = scim_client(app, "Shelf", state="observe")
    add_people(scim)
    return scim


@pytest.fixture
def scim(app):
    """A provider of seven people and one group for tests that change them."""
    scim = scim_client(app, f"Acme {uuid4().hex}", state="observe")
    add_people(scim)
    return scim


def add_people(scim):
    scim.ids = {
        name: scim.post(
            "/Users",
            {
                "userName": name,
                "name": {"givenName": name.title(), "familyName": "Lind"},
                "title": "Engineer" if number % 2 else None,
                "emails": [
                    {"value": f"{number}@work.example", "type": "work"},
                    {"value": f"{number}@home.example", "type": "home"},
                ],
                ENTERPRISE: {"department": f"D{6 - number}", "costCenter": "1"},
            },
        ).json["id"]
        for number, name in enumerate(NAMES)
    }
    scim.staff = scim.post(
        "/Groups", {"displayName": "staff", "members": [{"value": scim.ids["ann"]}]}
    ).json["id"]


def listed(answer):
    assert answer.status_code == 200, answer.text
    return [
        person.get("userName", person.get("displayName")) for person in answer.json["Resources"]
    ]


def page(scim, path="/Users", **query):
    return scim.get(path, query_string=query)


# -- By index --------------------------------------------------------------------------------------


def test_pages_by_index_together_are_everybody_once(shelf):
    pages = [page(shelf, startIndex=start, count=3) for start in (1, 4, 7)]

    assert [name for answer in pages for name in listed(answer)] == NAMES
    assert [answer.json["itemsPerPage"] for answer in pages] == [3, 3, 1]
    assert [answer.json["startIndex"] for answer in pages] == [1, 4, 7]
    assert {answer.json["totalResults"] for answer in pages} == {7}
    assert "nextCursor" not in pages[0].json


@pytest.mark.parametrize(
    ("query", "names", "total"),
    [
        ({"count": 0}, [], 7),
        ({"count": -3}, [], 7),
        ({"startIndex": 8}, [], 7),
        ({"startIndex": 100}, [], 7),
        ({"startIndex": 0, "count": 2}, NAMES[:2], 7),
        ({"startIndex": -5, "count": 2}, NAMES[:2], 7),
        ({"count": 5000}, NAMES, 7),
        ({"startIndex": 6}, NAMES[5:], 7),
        ({"filter": "title pr", "count": 1}, ["Bob"], 3),
        ({"filter": "title pr", "startIndex": 2}, ["Dora", "Fay"], 3),
    ],
)
def test_a_page_at_the_edge_is_cut_and_still_counts_everybody(shelf, query, names, total):
    answer = page(shelf, **query)

    assert listed(answer) == names
    assert answer.json["totalResults"] == total
    assert answer.json["itemsPerPage"] == len(names)


def test_search_with_post_answers_what_search_with_get_answers(shelf):
    query = {"filter": "title pr", "sortBy": "userName", "sortOrder": "descending", "count": 2}

    with_get = page(shelf, **query)
    with_post = shelf.post("/Users/.search", query)

    assert listed(with_get) == ["Fay", "Dora"]
    assert with_post.json == with_get.json


def test_a_search_at_the_root_covers_people_and_groups(shelf):
    at_root = page(shelf, "", count=100)
    with_post = shelf.post("/.search", {"count": 100})

    assert sorted(listed(at_root)) == sorted([*NAMES, "staff"])
    assert at_root.json["totalResults"] == 8
    assert with_post.json == at_root.json


# -- Sorting ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sort_by", "names"),
    [
        ("userName", NAMES),
        ("USERNAME", NAMES),
        ("name.givenName", NAMES),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName", NAMES),
        ("emails", NAMES),
        (f"{ENTERPRISE}:department", NAMES[::-1]),
        ("meta.created", NAMES),
    ],
)
def test_sorting_goes_both_ways_and_ignores_case(shelf, sort_by, names):
    up = page(shelf, sortBy=sort_by)
    down = page(shelf, sortBy=sort_by, sortOrder="descending")

    assert listed(up) == names
    assert listed(down) == names[::-1]


def test_people_without_the_value_come_last_and_first_the_other_way_round(shelf):
    up = listed(page(shelf, sortBy="title"))
    down = listed(page(shelf, sortBy="title", sortOrder="descending"))

    assert set(up[:3]) == {"Bob", "Dora", "Fay"}
    assert set(down[4:]) == {"Bob", "Dora", "Fay"}


def test_sorted_pages_together_are_everybody_once(shelf):
    pages = [page(shelf, sortBy="title", startIndex=start, count=2) for start in (1, 3, 5, 7)]

    assert sorted(name for answer in pages for name in listed(answer)) == sorted(NAMES)


# -- By cursor (RFC 9865) --------------------------------------------------------------------------


def walk(scim, cursor_name="nextCursor", cursor="", **query):
    """Return the pages from a cursor on, in the order in which they were asked for."""
    pages = []
    while cursor is not None:
        answer = page(scim, cursor=cursor, **query)
        assert answer.status_code == 200, answer.text
        pages.append(answer)
        cursor = answer.json.get(cursor_name)
    return pages


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"sortBy": "userName"},
        {"sortBy": "title"},
        {"sortBy": "title", "sortOrder": "descending"},
        {"sortBy": "emails.value", "sortOrder": "descending"},
        {"filter": "userName pr", "sortBy": "meta.created"},
    ],
)
def test_pages_by_cursor_together_are_everybody_once_forwards_and_backwards(shelf, query):
    forwards = walk(shelf, count=3, **query)
    start = forwards[-1].json["previousCursor"]
    backwards = walk(shelf, "previousCursor", start, count=3, **query)

    names = [listed(answer) for answer in forwards]
    assert [len(found) for found in names] == [3, 3, 1]
    assert sorted(chain(*names)) == sorted(NAMES)
    assert [listed(answer) for answer in backwards] == [names[1], names[0]]
    assert "previousCursor" not in forwards[0].json
    assert "startIndex" not in forwards[0].json
    assert forwards[0].json["totalResults"] == 7


def test_a_cursor_pages_through_people_and_groups_together(shelf):
    pages = []
    cursor = ""
    while cursor is not None:
        answer = page(shelf, "", cursor=cursor, count=3)
        pages.append(listed(answer))
        cursor = answer.json.get("nextCursor")

    assert [len(found) for found in pages] == [3, 3, 2]
    assert sorted(chain(*pages)) == sorted([*NAMES, "staff"])


def test_cursor_pages_stay_whole_while_people_come_and_go(scim):
    first = page(scim, cursor="", count=3, sortBy="userName")
    scim.post("/Users", {"userName": "aaa"})
    scim.post("/Users", {"userName": "eva"})
    scim.delete(f"/Users/{scim.ids['Bob']}")
    scim.delete(f"/Users/{scim.ids['Fay']}")

    rest = walk(scim, cursor=first.json["nextCursor"], count=3, sortBy="userName")

    assert listed(first) == ["ann", "Bob", "cÿ"]
    assert [listed(answer) for answer in rest] == [["Dora", "eva", "eve"], ["gus"]]


def test_a_cursor_whose_person_was_deleted_goes_on_behind_them(scim):
    first = page(scim, cursor="", count=3, sortBy="userName")
    scim.delete(f"/Users/{scim.ids['cÿ']}")

    following = page(scim, cursor=first.json["nextCursor"], count=3, sortBy="userName")

    assert listed(following) == ["Dora", "eve", "Fay"]


def refusal(answer):
    assert answer.status_code == 400, answer.text
    return answer.json["scimType"]


def test_a_cursor_that_is_not_ours_is_invalid(shelf):
    cursor = page(shelf, cursor="", count=3).json["nextCursor"]
    changed = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")

    for forged in ("x", "1", "%00", changed, cursor[:-1], cursor + cursor, "Ä" * 50, "A" * 10_000):
        assert refusal(page(shelf, cursor=forged, count=3)) == "invalidCursor", forged


@pytest.mark.parametrize(
    "query",
    [
        {"filter": "title pr"},
        {"sortBy": "userName"},
        {"sortOrder": "descending", "sortBy": "id"},
    ],
)
def test_a_cursor_of_another_search_is_invalid(shelf, query):
    cursor = page(shelf, cursor="", count=3).json["nextCursor"]

    assert refusal(page(shelf, cursor=cursor, count=3, **query)) == "invalidCursor"
    assert refusal(page(shelf, "/Groups", cursor=cursor, count=3)) == "invalidCursor"
    assert refusal(page(shelf, "", cursor=cursor, count=3)) == "invalidCursor"


def test_a_cursor_of_another_source_is_invalid(shelf, scim):
    cursor = page(shelf, cursor="", count=3).json["nextCursor"]

    assert refusal(page(scim, cursor=cursor, count=3)) == "invalidCursor"


def test_another_count_in_the_middle_of_a_walk_is_an_invalid_count(shelf):
    cursor = page(shelf, cursor="", count=3).json["nextCursor"]

    assert refusal(page(shelf, cursor=cursor, count=4)) == "invalidCount"


def test_an_old_cursor_is_expired(shelf, monkeypatch):
    cursor = page(shelf, cursor="", count=3).json["nextCursor"]
    clock = scim2_server.cursor.time
    later = clock.time() + 3601
    monkeypatch.setattr(clock, "time", lambda: later)

    assert refusal(page(shelf, cursor=cursor, count=3)) == "expiredCursor"


def test_a_cursor_holds_nothing_that_a_client_can_read(shelf):
    cursor = page(shelf, cursor="", count=3, sortBy="userName").json["nextCursor"]

    opened = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert "cÿ".encode() not in opened
    assert shelf.ids["cÿ"].encode() not in opened


# -- Projection ------------------------------------------------------------------------------------


def everywhere(scim, path, **query):
    """Return a person as GET, list and both searches answer them with these parameters."""
    ann = scim.ids["ann"]
    found = 'userName eq "ann"'
    return [
        scim.get(f"/Users/{ann}", query_string=query).json,
        page(scim, filter=found, **query).json["Resources"][0],
        scim.post("/Users/.search", {"filter": found, **query}).json["Resources"][0],
        scim.post("/.search", {"filter": found, **query}).json["Resources"][0],
    ]


@pytest.mark.parametrize(
    ("attributes", "keys"),
    [
        ("userName", {"userName"}),
        ("USERNAME", {"userName"}),
        ("userName,name.givenName", {"userName", "name"}),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName", {"userName"}),
        ("emails.value", {"emails"}),
        (f"{ENTERPRISE}:department", {ENTERPRISE}),
        (ENTERPRISE, {ENTERPRISE}),
        ("groups", {"groups"}),
        ("meta", {"meta"}),
        ("nothing", set()),
        ("id", set()),
    ],
)
def test_attributes_choose_what_is_answered_and_always_with_id_and_schemas(shelf, attributes, keys):
    for person in everywhere(shelf, "", attributes=attributes):
        assert set(person) == {"id", "schemas"} | keys


@pytest.mark.parametrize(
    ("excluded", "gone"),
    [
        ("emails", {"emails"}),
        ("emails,name,groups", {"emails", "name", "groups"}),
        (ENTERPRISE, {ENTERPRISE}),
        ("id,schemas", set()),
        ("nothing", set()),
        ("meta", {"meta"}),
    ],
)
def test_excluded_attributes_are_left_out_but_never_id_and_schemas(shelf, excluded, gone):
    whole = set(shelf.get(f"/Users/{shelf.ids['ann']}").json)

    for person in everywhere(shelf, "", excludedAttributes=excluded):
        assert set(person) == whole - gone


def test_parts_of_attributes_are_chosen_and_left_out(shelf):
    [chosen, *_] = everywhere(shelf, "", attributes="name.givenName,emails.value")
    [left, *_] = everywhere(shelf, "", excludedAttributes=f"emails.type,{ENTERPRISE}:costCenter")

    assert chosen["name"] == {"givenName": "Ann"}
    assert chosen["emails"] == [{"value": "0@work.example"}, {"value": "0@home.example"}]
    assert left["emails"] == [{"value": "0@work.example"}, {"value": "0@home.example"}]
    assert left[ENTERPRISE] == {"department": "D6"}


def test_writes_answer_only_the_attributes_that_were_asked_for(scim):
    ann = f"/Users/{scim.ids['ann']}"
    patch = {"op": "replace", "path": "title", "value": "Boss"}

    created = scim.post("/Users?attributes=userName", {"userName": "new"})
    replaced = scim.put(f"{ann}?attributes=userName", {"userName": "ann"})
    patched = scim.patch(f"{ann}?attributes=title", patch)
    excluded = scim.patch(f"{ann}?excludedAttributes=title,meta", {**patch, "value": "Chef"})

    assert set(created.json) == {"id", "schemas", "userName"}
    assert set(replaced.json) == {"id", "schemas", "userName"}
    assert patched.json["title"] == "Boss"
    assert set(patched.json) == {"id", "schemas", "title"}
    assert not {"title", "meta"} & set(excluded.json)


def test_a_patch_of_a_group_answers_204_unless_attributes_are_asked_for(scim):
    group = f"/Groups/{scim.staff}"
    patch = {"op": "replace", "path": "displayName", "value": "everybody"}

    silent = scim.patch(group, patch)
    asked = scim.patch(f"{group}?attributes=displayName", {**patch, "value": "all"})

    assert (silent.status_code, silent.data) == (204, b"")
    assert asked.status_code == 200
    assert asked.json["displayName"] == "all"


def test_members_are_left_out_of_a_group_without_being_read(shelf):
    whole = shelf.get(f"/Groups/{shelf.staff}").json
    without = shelf.get(f"/Groups/{shelf.staff}?excludedAttributes=members").json
    [in_list] = page(shelf, "/Groups", excludedAttributes="members").json["Resources"]

    assert [member["value"] for member in whole["members"]] == [shelf.ids["ann"]]
    assert "members" not in without
    assert "members" not in in_list


# -- Entity tags -----------------------------------------------------------------------------------


def etag(scim, path):
    return scim.get(path).headers["ETag"]


def test_the_tag_in_the_header_is_the_version_in_the_body(shelf):
    for path in (f"/Users/{shelf.ids['ann']}", f"/Groups/{shelf.staff}"):
        answer = shelf.get(path)
        assert answer.headers["ETag"] == answer.json["meta"]["version"]


@pytest.mark.parametrize("spelling", ["{tag}", "*", 'W/"0", {tag}', "{strong}"])
def test_a_read_with_the_known_tag_answers_304_without_a_body(shelf, spelling):
    path = f"/Users/{shelf.ids['ann']}"
    tag = etag(shelf, path)
    header = spelling.format(tag=tag, strong=tag.removeprefix("W/"))

    answer = shelf.get(path, headers={"If-None-Match": header})

    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == tag
    assert "Content-Type" not in answer.headers


def test_a_read_with_an_old_tag_answers_the_person(shelf):
    path = f"/Users/{shelf.ids['ann']}"

    assert shelf.get(path, headers={"If-None-Match": 'W/"0"'}).status_code == 200
    assert shelf.get(path, headers={"If-Match": etag(shelf, path)}).status_code == 200
    assert shelf.get(path, headers={"If-Match": 'W/"0"'}).status_code == 412


WRITES = {
    "PUT": lambda scim, path, **kw: scim.put(path, {"userName": "ann", "title": "Boss"}, **kw),
    "PATCH": lambda scim, path, **kw: scim.patch(
        path, {"op": "replace", "path": "title", "value": "Boss"}, **kw
    ),
    "DELETE": lambda scim, path, **kw: scim.delete(path, **kw),
}


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize(
    "headers", [{"If-Match": 'W/"999"'}, {"If-None-Match": "*"}, {"If-Match": '"x", W/"y"'}]
)
def test_a_write_on_another_version_is_refused_with_412_and_changes_nothing(shelf, method, headers):
    before = stored(shelf.app)

    answer = WRITES[method](shelf, f"/Users/{shelf.ids['ann']}", headers=headers)

    assert answer.status_code == 412
    assert answer.json["status"] == "412"
    assert stored(shelf.app) == before


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("match", ["tag", "*"])
def test_a_write_on_the_current_version_is_done(scim, method, match):
    path = f"/Users/{scim.ids['ann']}"
    tag = etag(scim, path) if match == "tag" else "*"

    answer = WRITES[method](scim, path, headers={"If-Match": tag})

    assert answer.status_code == (204 if method == "DELETE" else 200)


@pytest.mark.parametrize("method", WRITES)
def test_a_group_is_written_only_on_the_version_that_is_named(scim, method):
    path = f"/Groups/{scim.staff}"
    write = {
        "PUT": lambda **kw: scim.put(path, {"displayName": "all"}, **kw),
        "PATCH": lambda **kw: scim.patch(path, {"op": "remove", "path": "members"}, **kw),
        "DELETE": lambda **kw: scim.delete(path, **kw),
    }[method]
    tag = etag(scim, path)

    refused = write(headers={"If-Match": 'W/"999"'})
    members = scim.get(path).json["members"]
    done = write(headers={"If-Match": tag})

    assert refused.status_code == 412
    assert [member["value"] for member in members] == [scim.ids["ann"]]
    assert done.status_code in {200, 204}


def test_the_second_of_two_writers_with_one_tag_is_refused(scim):
    path = f"/Users/{scim.ids['ann']}"
    tag = etag(scim, path)
    patch = {"op": "replace", "path": "title"}

    first = scim.patch(path, {**patch, "value": "1"}, headers={"If-Match": tag})
    second = scim.patch(path, {**patch, "value": "2"}, headers={"If-Match": tag})

    assert (first.status_code, second.status_code) == (200, 412)
    assert scim.get(path).json["title"] == "1"


def test_the_tag_of_a_person_covers_their_groups(scim):
    ann, group = f"/Users/{scim.ids['ann']}", f"/Groups/{scim.staff}"
    tags = [etag(scim, ann)]

    scim.patch(group, {"op": "replace", "path": "displayName", "value": "all"})
    tags.append(etag(scim, ann))
    scim.patch(group, {"op": "remove", "path": "members"})
    tags.append(etag(scim, ann))
    scim.patch(group, {"op": "add", "path": "members", "value": [{"value": scim.ids["ann"]}]})
    tags.append(etag(scim, ann))
    scim.delete(group)
    tags.append(etag(scim, ann))

    assert tags[0] != tags[1] != tags[2] != tags[3] != tags[4]
    assert tags[4] == tags[2]
    assert scim.get(ann, headers={"If-None-Match": tags[1]}).status_code == 200


def test_a_write_that_changes_nothing_keeps_version_and_time(scim):
    ann, group = f"/Users/{scim.ids['ann']}", f"/Groups/{scim.staff}"
    person, before = scim.get(ann).json, stored(scim.app)
    members = [{"value": scim.ids["ann"]}]

    answers = [
        scim.put(ann, person),
        scim.patch(ann, {"op": "replace", "path": "userName", "value": "ann"}),
        scim.patch(ann, {"op": "add", "value": {"emails": person["emails"]}}),
        scim.patch(ann, {"op": "remove", "path": "title"}),
        scim.patch(group, {"op": "add", "path": "members", "value": members}),
        scim.patch(group, {"op": "replace", "path": "members", "value": members}),
        scim.patch(group, {"op": "replace", "path": "displayName", "value": "staff"}),
        scim.put(group, {"displayName": "staff", "members": members}),
    ]

    assert {answer.status_code for answer in answers} == {200, 204}
    assert stored(scim.app) == before
    assert scim.get(ann).json == person


def test_a_change_moves_version_and_time_once(scim):
    ann = f"/Users/{scim.ids['ann']}"
    before = scim.get(ann).json["meta"]

    after = scim.patch(
        ann,
        {"op": "replace", "path": "title", "value": "Boss"},
        {"op": "replace", "path": "nickName", "value": "A"},
    ).json["meta"]

    assert before["version"] != after["version"]
    assert before["lastModified"] < after["lastModified"]
    assert before["created"] == after["created"]


# -- Bulk ------------------------------------------------------------------------------------------


def bulk(scim, *operations, **more):
    answer = scim.post("/Bulk", {"schemas": [BULK_URN], "Operations": list(operations), **more})
    assert answer.status_code == 200, answer.text
    return answer.json["Operations"]


def an_operation(method, path, data=None, **more):
    return {"method": method, "path": path, "data": data, **more}


def test_a_bulk_id_stands_for_a_resource_of_the_same_request_in_any_order(scim):
    members = [{"value": "bulkId:kim"}, {"value": scim.ids["ann"]}]

    outcomes = bulk(
        scim,
        an_operation("POST", "/Groups", {"displayName": "new", "members": members}, bulkId="group"),
        an_operation("POST", "/Users", {"userName": "kim"}, bulkId="kim"),
        an_operation(
            "PATCH",
            "/Users/bulkId:kim",
            {"Operations": [{"op": "add", "path": "title", "value": "Boss"}]},
        ),
    )

    assert [outcome["status"] for outcome in outcomes] == ["201", "201", "200"]
    assert [outcome.get("bulkId") for outcome in outcomes[:2]] == ["group", "kim"]
    group = page(scim, "/Groups", filter='displayName eq "new"').json["Resources"][0]
    [kim] = page(scim, filter='userName eq "kim"').json["Resources"]
    assert {member["value"] for member in group["members"]} == {kim["id"], scim.ids["ann"]}
    assert kim["title"] == "Boss"
    assert outcomes[1]["location"] == kim["meta"]["location"]


def test_bulk_does_all_methods_and_honours_versions(scim):
    ann, bob = f"/Users/{scim.ids['ann']}", f"/Users/{scim.ids['Bob']}"

    outcomes = bulk(
        scim,
        an_operation("PUT", ann, {"userName": "ann", "title": "Boss"}, version=etag(scim, ann)),
        an_operation("DELETE", bob, version='W/"999"'),
        an_operation("DELETE", f"/Users/{scim.ids['gus']}"),
    )

    assert [outcome["status"] for outcome in outcomes] == ["200", "412", "204"]
    assert outcomes[0]["version"] == etag(scim, ann)
    assert outcomes[1]["response"]["status"] == "412"
    assert scim.get(bob).status_code == 200
    assert scim.get(f"/Users/{scim.ids['gus']}").status_code == 404


def test_an_unknown_bulk_id_fails_only_its_own_operation(scim):
    members = [{"value": "bulkId:nobody"}]

    outcomes = bulk(
        scim,
        an_operation("POST", "/Groups", {"displayName": "new", "members": members}, bulkId="g"),
        an_operation("POST", "/Users", {"userName": "kim"}, bulkId="kim"),
    )

    assert outcomes[0]["status"] in {"400", "409"}
    assert outcomes[1]["status"] == "201"


@pytest.mark.parametrize(("fail_on_errors", "done"), [(1, 1), (2, 3), (None, 4)])
def test_fail_on_errors_ends_the_request_after_so_many_errors(scim, fail_on_errors, done):
    more = {} if fail_on_errors is None else {"failOnErrors": fail_on_errors}

    outcomes = bulk(
        scim,
        an_operation("POST", "/Users", {"userName": ""}, bulkId="1"),
        an_operation("POST", "/Users", {"userName": "kim"}, bulkId="2"),
        an_operation("POST", "/Users", {"userName": "kim"}, bulkId="3"),
        an_operation("POST", "/Users", {"userName": "lou"}, bulkId="4"),
        **more,
    )

    assert len(outcomes) == done
    assert [o["status"] for o in outcomes] == ["400", "201", "409", "201"][:done]
    assert page(scim, filter='userName eq "lou"').json["totalResults"] == (done == 4)


def test_a_bulk_request_of_1000_operations_is_done(scim):
    ann = f"/Users/{scim.ids['ann']}"
    patch = {"Operations": [{"op": "replace", "path": "active", "value": True}]}

    outcomes = bulk(scim, *[an_operation("PATCH", ann, patch)] * 1000)

    assert {outcome["status"] for outcome in outcomes} == {"200"}


def test_what_is_announced_is_what_is_done(shelf):
    config = shelf.get("/ServiceProviderConfig").json

    assert config["bulk"]["maxOperations"] == 1000
    assert config["filter"]["maxResults"] == 1000
    assert config["pagination"]["cursor"] is True
    assert config["pagination"]["index"] is True
    assert config["pagination"]["cursorTimeout"] == 3600
    assert config["etag"]["supported"] is True
    assert config["sort"]["supported"] is True


def test_a_page_of_a_long_filter_is_answered_over_post_and_get(shelf):
    text = " or ".join(f'userName eq "{name}"' for name in NAMES)

    with_get = shelf.get(f"/Users?filter={quote(text)}")
    with_post = shelf.post("/Users/.search", {"filter": text})

    assert listed(with_get) == NAMES
    assert with_post.json == with_get.json
