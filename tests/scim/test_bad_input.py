"""Whatever is sent, the answer is a SCIM error with a cause, and nothing is half applied."""

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pushing import copied, host_app, stored

from usersync_ext.scim.body import MAX_BODY_BYTES, MAX_DEPTH
from usersync_ext.scim.models import ENTERPRISE_URN, MAX_BULK_OPERATIONS, MAX_MEMBERS, PATCH_URN
from usersync_ext.testing import release, scim_client

ERROR_URN = "urn:ietf:params:scim:api:messages:2.0:Error"
BULK_URN = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
FUZZ = settings(
    deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def scim(request, tmp_path_factory):
    """A provider whose source has one person, ann, and one group, staff, on both databases.

    The tests of this module share it: what is refused leaves nothing behind.
    """
    folder = tmp_path_factory.mktemp("bad_input")
    with copied(request.param, request, folder) as url:
        app = host_app(url, folder)
        client = scim_client(app)
        client.ann = client.post("/Users", {"userName": "ann", "externalId": "1"}).json["id"]
        client.staff = client.post(
            "/Groups", {"displayName": "staff", "members": [{"value": client.ann}]}
        ).json["id"]
        yield client
        release(app)


@pytest.fixture
def fuzzed(sqlite_url, tmp_path):
    """A provider on SQLite to fuzz."""
    app = host_app(sqlite_url, tmp_path)
    client = scim_client(app)
    client.ann = client.post("/Users", {"userName": "ann", "externalId": "1"}).json["id"]
    client.staff = client.post("/Groups", {"displayName": "staff"}).json["id"]
    yield client
    release(app)


def words(text):
    return text.split()


def send(scim, method, path, body, **headers):
    """Send bytes as they are; ``{ann}`` and ``{staff}`` in the path are their ids."""
    path = path.format(ann=scim.ann, staff=scim.staff)
    headers = {"Content-Type": "application/scim+json", **headers}
    return scim.request(method, path, data=body, headers=headers)


def assert_refused(response, status, scim_type=None):
    assert response.status_code == status, response.text
    assert response.mimetype == "application/scim+json"
    error = response.get_json()
    assert error["schemas"] == [ERROR_URN]
    assert error["status"] == str(status)
    assert error.get("scimType") == scim_type
    assert error["detail"]
    return error["detail"]


def deep(levels):
    return b'{"userName":"x","a":' + b"[" * levels + b"]" * levels + b"}"


def many_operations(count):
    operation = {"op": "replace", "path": "displayName", "value": "x"}
    return json.dumps({"schemas": [PATCH_URN], "Operations": [operation] * count}).encode()


def patch_body(*operations):
    return json.dumps({"schemas": [PATCH_URN], "Operations": list(operations)}).encode()


SYNTAX = (400, "invalidSyntax")
VALUE = (400, "invalidValue")
BODIES = {
    "nothing": (b"", *SYNTAX),
    "blanks": (b"  \n ", *SYNTAX),
    "no JSON": (b"userName=ann", *SYNTAX),
    "half of it": (b'{"userName": "an', *SYNTAX),
    "more after it": (b'{"userName":"x"} {}', *SYNTAX),
    "NaN": (b'{"userName":"x","a":NaN}', *SYNTAX),
    "Infinity": (b'{"userName":"x","a":-Infinity}', *SYNTAX),
    "a number out of range": (b'{"userName":"x","a":1e999}', *SYNTAX),
    "an integer of 65 bits": (b'{"userName":"x","a":18446744073709551616}', *SYNTAX),
    "an integer of 10,000 digits": (b'{"userName":"x","a":' + b"9" * 10_000 + b"}", *SYNTAX),
    "a key twice": (b'{"userName":"x","userName":"y"}', *SYNTAX),
    "a key twice inside": (b'{"userName":"x","name":{"a":1,"a":2}}', *SYNTAX),
    "too deep": (deep(MAX_DEPTH + 1), *SYNTAX),
    "so deep that recursion ends": (deep(200_000), *SYNTAX),
    "half a surrogate pair": (rb'{"userName":"\ud83d"}', *SYNTAX),
    "half a surrogate pair in a key": (rb'{"userName":"x","\udc00":1}', *SYNTAX),
    "NUL": (rb'{"userName":"a\u0000b"}', *SYNTAX),
    "NUL as it is": (b'{"userName":"a\x00b"}', *SYNTAX),
    "no UTF-8": (b'{"userName":"\xff\xfe"}', *SYNTAX),
    "UTF-8 of a surrogate": (b'{"userName":"\xed\xa0\x80"}', *SYNTAX),
    "UTF-16": ('{"userName":"x"}'.encode("utf-16"), *SYNTAX),
    "a list": (b'[{"userName":"x"}]', *SYNTAX),
    "a string": (b'"x"', *SYNTAX),
    "null": (b"null", *SYNTAX),
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/Users"),
        ("POST", "/Groups"),
        ("PUT", "/Users/{ann}"),
        ("PUT", "/Groups/{staff}"),
        ("PATCH", "/Users/{ann}"),
        ("PATCH", "/Groups/{staff}"),
        ("POST", "/Bulk"),
        ("POST", "/.search"),
        ("POST", "/Users/.search"),
    ],
)
def test_a_body_that_is_no_clear_json_object_is_invalid_syntax(scim, method, path):
    """S-23"""
    before = stored(scim.app)

    answers = {name: send(scim, method, path, body) for name, (body, _, _) in BODIES.items()}

    for name, (_, status, scim_type) in BODIES.items():
        assert answers[name].status_code == status, (name, answers[name].text)
        assert_refused(answers[name], status, scim_type)
    assert stored(scim.app) == before


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "application/x-www-form-urlencoded", "json", "text/html"],
)
def test_a_body_of_another_content_type_is_refused_with_415(scim, content_type):
    body = b'{"userName":"x"}'

    answers = [
        send(scim, method, path, body, **{"Content-Type": content_type})
        for method, path in [
            ("POST", "/Users"),
            ("PUT", "/Users/{ann}"),
            ("PATCH", "/Users/{ann}"),
            ("POST", "/Bulk"),
            ("POST", "/.search"),
        ]
    ]

    for answer in answers:
        assert content_type in assert_refused(answer, 415)


def test_a_body_of_more_than_8_mib_is_refused_with_413(scim):
    """S-23"""
    before = stored(scim.app)
    body = b'{"userName":"' + b"x" * MAX_BODY_BYTES + b'"}'

    answers = [
        send(scim, method, path, body)
        for method, path in [("POST", "/Users"), ("PATCH", "/Groups/{staff}"), ("POST", "/Bulk")]
    ]

    for answer in answers:
        assert str(MAX_BODY_BYTES) in assert_refused(answer, 413)
    assert stored(scim.app) == before


def test_a_limit_of_the_host_for_its_forms_does_not_limit_scim(sqlite_url, tmp_path):
    scim = scim_client(host_app(sqlite_url, tmp_path, MAX_CONTENT_LENGTH=100))

    created = scim.post("/Users", {"userName": "ann", "displayName": "x" * 1000})

    assert created.status_code == 201
    release(scim.app)


@pytest.mark.parametrize("path", ["/Users/{ann}", "/Groups/{staff}"])
def test_more_than_5000_operations_are_refused_with_413(scim, path):
    before = stored(scim.app)

    answer = send(scim, "PATCH", path, many_operations(5001))

    assert "5001" in assert_refused(answer, 413)
    assert stored(scim.app) == before


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/Groups"), ("PUT", "/Groups/{staff}"), ("PATCH", "/Groups/{staff}")],
)
def test_more_than_5000_members_are_refused_with_413(scim, method, path):
    before = stored(scim.app)
    members = [{"value": str(number)} for number in range(MAX_MEMBERS + 1)]
    body = json.dumps({"displayName": "big", "members": members}).encode()
    if method == "PATCH":
        body = patch_body({"op": "add", "path": "members", "value": members})

    answer = send(scim, method, path, body)

    assert str(MAX_MEMBERS) in assert_refused(answer, 413)
    assert stored(scim.app) == before


@pytest.mark.parametrize(
    ("body", "scim_type"),
    [
        ({}, "invalidValue"),
        ({"userName": None}, "invalidValue"),
        ({"userName": ""}, "invalidValue"),
        ({"userName": "   "}, "invalidValue"),
        ({"userName": ["a", "b"]}, "invalidValue"),
        ({"userName": "x", "name": "Ann"}, "invalidValue"),
        ({"userName": "x", "active": "perhaps"}, "invalidValue"),
        ({"userName": "x", "emails": [["a"]]}, "invalidValue"),
        ({"userName": "x", "schemas": 7}, "invalidSyntax"),
    ],
)
def test_an_attribute_that_cannot_be_used_is_named(scim, body, scim_type):
    before = stored(scim.app)

    created = scim.post("/Users", body)
    replaced = scim.put(f"/Users/{scim.ann}", body)

    named = next((key for key in body if key != "userName"), "userName")
    assert named in assert_refused(created, 400, scim_type)
    assert named in assert_refused(replaced, 400, scim_type)
    assert stored(scim.app) == before


UNREADABLE_PATHS = [
    "emails[",
    "emails[type eq",
    'emails[type eq "work"',
    'emails[type eq "work"]]',
    'emails[type zz "work"].value',
    'nothing[value eq "1"]',
    'name[givenName eq "a"]',
    "name..givenName",
    ".",
    "a b",
    "user Name",
    "1st",
    'emails[type eq "work"].value.more',
    "urn:",
    ":",
    "[]",
    "\U0001d532ser",
    "(" * 5_000,
]


PATCH_TYPES = {"invalidSyntax", "invalidValue", "invalidPath", "noTarget", "mutability"}


@pytest.mark.parametrize("op", ["add", "replace", "remove"])
def test_a_patch_path_that_cannot_be_read_is_refused(scim, op):
    before = stored(scim.app)
    value = {} if op == "remove" else {"value": "x"}

    answers = {
        path: scim.patch(
            f"/Users/{scim.ann}",
            {"op": "replace", "path": "displayName", "value": "half"},
            {"op": op, "path": path, **value},
        )
        for path in UNREADABLE_PATHS
    }

    for path, answer in answers.items():
        assert answer.status_code == 400, (path, answer.text)
        assert answer.json["scimType"] in {"invalidPath", "invalidFilter", "invalidValue"}, path
        assert len(answer.json["detail"]) < 1000
    assert stored(scim.app) == before


@pytest.mark.parametrize(
    "operation",
    [
        7,
        None,
        "replace",
        [],
        {},
        {"op": "replace"},
        {"op": None, "path": "displayName", "value": "x"},
        {"op": "move", "path": "displayName", "value": "x"},
        {"op": ["add"], "path": "displayName", "value": "x"},
        {"op": "add", "path": 7, "value": "x"},
        {"op": "add", "path": ["displayName"], "value": "x"},
        {"op": "add", "value": "x"},
        {"op": "add", "value": [1, 2]},
        {"op": "remove"},
        {"op": "replace", "path": "name", "value": 7},
        {"op": "replace", "path": "active", "value": "perhaps"},
        {"op": "replace", "path": "userName", "value": ""},
        {"op": "remove", "path": "userName"},
        {"op": "replace", "path": "userName", "value": {"a": 1}},
        {"op": "add", "path": "emails", "value": [["a"]]},
    ],
)
def test_a_patch_operation_that_cannot_be_used_undoes_the_whole_patch(scim, operation):
    before = stored(scim.app)

    answer = scim.patch(
        f"/Users/{scim.ann}",
        {"op": "replace", "path": "displayName", "value": "half"},
        operation,
    )

    assert answer.status_code == 400, answer.text
    assert answer.json["scimType"] in PATCH_TYPES
    assert stored(scim.app) == before


@pytest.mark.parametrize("body", [{}, {"Operations": []}, {"Operations": 7}, {"Operations": None}])
def test_a_patch_without_operations_is_refused(scim, body):
    answer = scim.request("PATCH", f"/Users/{scim.ann}", body)

    assert answer.status_code == 400, answer.text
    assert answer.json["scimType"] in {"invalidSyntax", "invalidValue"}


def test_members_that_do_not_exist_are_all_named_and_nobody_is_added(scim):
    before = stored(scim.app)
    members = [{"value": scim.ann}, {"value": "nobody-1"}, {"value": "nobody-2"}]

    answers = [
        scim.post("/Groups", {"displayName": "new", "members": members}),
        scim.put(f"/Groups/{scim.staff}", {"displayName": "staff", "members": members}),
        scim.patch(f"/Groups/{scim.staff}", {"op": "add", "path": "members", "value": members}),
        scim.patch(f"/Groups/{scim.staff}", {"op": "replace", "path": "members", "value": members}),
        scim.patch(f"/Groups/{scim.staff}", {"op": "add", "value": {"members": members}}),
    ]

    for answer in answers:
        detail = assert_refused(answer, *VALUE)
        assert "nobody-1" in detail
        assert "nobody-2" in detail
        assert scim.ann not in detail
    assert stored(scim.app) == before


def test_a_member_that_does_not_exist_is_removed_without_a_word(scim):
    answer = scim.patch(
        f"/Groups/{scim.staff}", {"op": "remove", "path": 'members[value eq "nobody"]'}
    )

    assert answer.status_code == 204


def test_a_group_cannot_be_its_own_member(scim):
    before = stored(scim.app)

    answer = scim.patch(
        f"/Groups/{scim.staff}", {"op": "add", "path": "members", "value": [{"value": scim.staff}]}
    )

    assert_refused(answer, *VALUE)
    assert stored(scim.app) == before


ODD_PATHS = [
    "/Nothing",
    "/Users/x/y",
    "/Users/%00",
    "/Users/a%00b",
    "/%00",
    "/Groups/%00",
    "/Users/%ED%A0%80",
    "/Users/%FF",
    "/Users/%2e%2e/Users",
    "/Users/..%2f..",
    "/Users;x",
    "/Users/x;y=1",
    "/../../etc/passwd",
    "/Users/" + "x" * 5000,
    "/Schemas/urn:nothing",
    "/ResourceTypes/Nothing",
    "/%E2%80%AE",
    "/Users//x//y",
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "FOO"])
def test_an_unknown_path_is_a_scim_error_whatever_the_method(scim, method):
    before = stored(scim.app)
    body = None if method in {"GET", "HEAD", "DELETE"} else {"userName": "x"}

    answers = {path: scim.request(method, path, body) for path in ODD_PATHS}

    for path, answer in answers.items():
        assert answer.status_code in {404, 405}, (path, answer.text)
        assert answer.mimetype == "application/scim+json", path
        assert "Location" not in answer.headers, path
    assert stored(scim.app) == before


@pytest.mark.parametrize("path", ["//Users", "/Users//", "/Users/", "/users", "/USERS"])
def test_slashes_and_case_of_an_endpoint_are_tolerated_without_a_redirect(scim, path):
    answer = scim.get(path)

    assert answer.status_code == 200
    assert answer.json["totalResults"] == 1


@pytest.mark.parametrize("method", ["FOO", "TRACE", "OPTIONS", "CONNECT", "PROPFIND", "get", "G-T"])
def test_an_unknown_method_is_refused_with_405_and_the_allowed_ones(scim, method):
    answers = [
        scim.request(method, path)
        for path in ("", "/", "/Users", f"/Users/{scim.ann}", "/Bulk", "/.search", "/Me")
    ]

    for answer in answers:
        if method == "get":
            continue
        assert answer.status_code == 405
        assert answer.mimetype == "application/scim+json"
        assert answer.headers["Allow"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/Users", {"GET", "POST"}),
        ("POST", "/Users/{ann}", {"GET", "PUT", "PATCH", "DELETE"}),
        ("GET", "/Bulk", {"POST"}),
        ("DELETE", "/ServiceProviderConfig", {"GET"}),
        ("POST", "/Schemas", {"GET"}),
    ],
)
def test_a_method_that_a_path_does_not_have_is_refused_with_405(scim, method, path, allowed):
    answer = send(scim, method, path, b"{}")

    assert_refused(answer, 405)
    assert set(answer.headers["Allow"].replace(" ", "").split(",")) >= allowed


def test_head_answers_what_get_answers_without_a_body(scim):
    path = f"/Users/{scim.ann}"

    head, get = scim.request("HEAD", path), scim.get(path)

    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == get.headers["ETag"]
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


BAD_FILTERS = [
    "(",
    "userName",
    "userName eq",
    'userName eq "ann" and',
    'userName xx "ann"',
    'nothing eq "ann"',
    'password eq "x"',
    "userName gt true",
    'active gt "x"',
    'active co "tr"',
    'emails[type eq "work"',
    "not userName pr",
    '"ann"',
    "\x00",
    'userName eq "\\u0000"',
    'userName eq "\\ud800"',
    'meta.created gt "yesterday"',
    "' OR 1=1 --",
    'userName eq "a"); DROP TABLE usersync_identity; --',
    'userName eq "x" ' * 3,
    " or ".join(['userName eq "x"'] * 51),
    "not (" * 40 + "userName pr" + ")" * 40,
    f'userName eq "{"x" * 4096}"',
    "(" * 4000,
    "userName pr and " * 250,
]


def test_a_filter_that_cannot_be_used_is_an_invalid_filter(scim):
    """S-20"""
    answers = {
        text: (
            scim.get("/Users", query_string={"filter": text}),
            scim.post("/Users/.search", {"filter": text}),
            scim.get("", query_string={"filter": text}),
        )
        for text in BAD_FILTERS
    }

    for text, found in answers.items():
        for answer in found:
            assert answer.status_code == 400, (text[:80], answer.text[:300])
            assert answer.json["scimType"] in {"invalidFilter", "invalidSyntax"}, text
            assert len(answer.json["detail"]) < 1000


@pytest.mark.parametrize("wildcard", ["%", "_", "a%", "%a%", "\\", "*", "?", "a_n", "\\%"])
@pytest.mark.parametrize("operator", ["co", "sw", "ew", "eq"])
def test_wildcards_of_sql_are_plain_text_in_filters(scim, operator, wildcard):
    """S-20"""
    text = f"userName {operator} {json.dumps(wildcard)}"

    answer = scim.get("/Users", query_string={"filter": text})

    assert answer.status_code == 200, answer.text
    assert answer.json["totalResults"] == 0


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ("count=abc", "invalidValue"),
        ("startIndex=x", "invalidValue"),
        ("sortBy=nothing", "invalidPath"),
        ("sortBy=%00", "invalidPath"),
        ("sortOrder=up", "invalidValue"),
        ("cursor=nothing", "invalidCursor"),
        ("cursor=%FF%00", "invalidCursor"),
        ("cursor=&startIndex=1", "invalidValue"),
    ],
)
def test_a_search_parameter_that_cannot_be_used_is_refused(scim, query, scim_type):
    answer = scim.get(f"/Users?{query}")

    assert_refused(answer, 400, scim_type)


@pytest.mark.parametrize(
    "query",
    ["count=-1", "count=99999999999999999999", "startIndex=99999999999999999999", "startIndex=-1"],
)
def test_numbers_out_of_range_are_cut_to_what_is_there(scim, query):
    assert scim.get(f"/Users?{query}").status_code == 200


BULKS = {
    "no operations": ({}, 400),
    "operations that are no list": ({"Operations": {"a": 1}}, 400),
    "an operation that is no object": ({"Operations": [7]}, 400),
    "an unknown method": ({"Operations": [{"method": "GET", "path": "/Users"}]}, 400),
    "a method that is a list": ({"Operations": [{"method": [], "path": "/Users"}]}, 400),
    "no path": ({"Operations": [{"method": "DELETE"}]}, 400),
    "a POST without bulkId": ({"Operations": [{"method": "POST", "path": "/Users"}]}, 400),
    "failOnErrors as text": ({"failOnErrors": "x", "Operations": []}, 400),
    "too many operations": (
        {"Operations": [{"method": "DELETE", "path": "/Users/x"}] * (MAX_BULK_OPERATIONS + 1)},
        413,
    ),
}


@pytest.mark.parametrize("name", BULKS)
def test_a_bulk_envelope_that_cannot_be_used_is_refused_as_a_whole(scim, name):
    body, status = BULKS[name]
    before = stored(scim.app)

    answer = scim.post("/Bulk", {"schemas": [BULK_URN], **body})

    assert answer.status_code == status, answer.text
    assert answer.json["schemas"] == [ERROR_URN]
    assert stored(scim.app) == before


@pytest.mark.parametrize(
    ("method", "path", "data", "status"),
    [
        ("POST", "/Nothing", {"userName": "x"}, "404"),
        ("POST", "/Bulk", {"Operations": []}, "404"),
        ("POST", "/Users", None, "400"),
        ("POST", "/Users", "x", "400"),
        ("POST", "/Users", {"userName": ""}, "400"),
        ("POST", "/.search", {}, "404"),
        ("PUT", "/Users", {"userName": "x"}, "405"),
        ("PUT", "/Users/nobody", {"userName": "x"}, "404"),
        ("PATCH", "/Users/nobody", {"Operations": []}, "404"),
        ("PATCH", "/Users/bulkId:nothing", {"Operations": []}, "409"),
        ("DELETE", "/Users/%00", None, "404"),
        ("DELETE", "//", None, "405"),
        ("DELETE", "", None, "405"),
        ("DELETE", "/Me", None, "501"),
    ],
)
def test_a_bulk_operation_that_fails_is_answered_on_its_own(scim, method, path, data, status):
    before = stored(scim.app)
    operation = {"method": method, "path": path, "data": data, "bulkId": "a"}

    answer = scim.post("/Bulk", {"schemas": [BULK_URN], "Operations": [operation]})

    assert answer.status_code == 200, answer.text
    [outcome] = answer.json["Operations"]
    assert 400 <= int(outcome["status"]) < 500 or outcome["status"] == "501"
    assert outcome["response"]["schemas"] == [ERROR_URN]
    assert stored(scim.app) == before


def test_an_attribute_of_a_person_that_only_groups_have_is_kept_like_any_unknown_one(scim):
    kept = {"members": True, "Members": [{"value": "x"}]}

    created = scim.post("/Users", {"userName": "kim", **kept})

    assert created.status_code == 201, created.text
    read = scim.get(f"/Users/{created.json['id']}").json
    assert {key: read[key] for key in kept} == kept
    assert scim.delete(f"/Users/{created.json['id']}").status_code == 204


# -- Anything at all -------------------------------------------------------------------------------

NAMES = st.sampled_from(
    [
        *words("schemas id externalId userName name givenName familyName formatted displayName"),
        *words("active emails value type primary display members groups meta $ref roles photos"),
        *words("addresses manager title phoneNumbers x509Certificates entitlements password"),
        *words("Operations op path bulkId method data version filter attributes count"),
        *words("startIndex cursor sortBy sortOrder failOnErrors"),
        ENTERPRISE_URN,
        "urn:example:more",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["ann", "", " ", "true", "False", "work", "\ud800", "\x00", "İ", "ß", "%"]),
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.just(2**63), st.just(-(2**70))
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | TEXTS, inner, max_size=5),
    max_leaves=12,
)
PEOPLE = st.fixed_dictionaries({"userName": TEXTS}, optional={}).flatmap(
    lambda known: st.dictionaries(NAMES, VALUES, max_size=6).map(lambda more: {**more, **known})
)
BODY = st.one_of(PEOPLE, st.dictionaries(NAMES, VALUES, max_size=6), VALUES)
PATHS = st.one_of(
    NAMES,
    st.builds("{}.{}".format, NAMES, NAMES),
    st.builds('{}[{} eq "{}"].{}'.format, NAMES, NAMES, TEXTS, NAMES),
    st.builds("{}:{}".format, st.just(ENTERPRISE_URN), NAMES),
    st.text(max_size=30),
)
OPERATIONS = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"op": st.sampled_from(["add", "replace", "remove", "Replace"])},
            optional={"path": PATHS, "value": VALUES},
        ),
        VALUES,
    ),
    max_size=4,
)
PATCHES = st.one_of(
    st.builds(lambda o: {"schemas": [PATCH_URN], "Operations": o}, OPERATIONS), BODY
)
BULK_OPERATIONS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "GET"]),
        "path": st.sampled_from(["/Users", "/Groups", "/Users/x", "/Users/bulkId:a", "/Bulk", "/"])
        | TEXTS,
    },
    optional={"data": BODY | PATCHES, "bulkId": st.sampled_from(["a", "b"]), "version": TEXTS},
)
BULK = st.one_of(
    st.builds(
        lambda o: {"schemas": [BULK_URN], "Operations": o}, st.lists(BULK_OPERATIONS, max_size=4)
    ),
    BODY,
)
SEARCHES = st.dictionaries(
    st.sampled_from(words("filter sortBy sortOrder count startIndex cursor attributes")),
    VALUES | PATHS,
    max_size=4,
)


def assert_refused_or_done(scim, method, path, body):
    """Send anything; the answer is no server error, and an error leaves nothing behind."""
    before = stored(scim.app)

    answer = scim.request(
        method, path, data=json.dumps(body), headers={"Content-Type": "application/scim+json"}
    )

    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.json["schemas"] == [ERROR_URN]
        assert stored(scim.app) == before
    return answer


def assert_reads_the_same(scim, answer):
    """What a write answers is what the next GET answers."""
    if answer.status_code in {200, 201}:
        read = scim.get(f"/{answer.json['meta']['resourceType']}s/{answer.json['id']}")
        assert read.json == answer.json
        assert read.headers["ETag"] == answer.headers["ETag"]


@FUZZ
@given(body=BODY, endpoint=st.sampled_from(["/Users", "/Groups"]))
def test_any_body_that_is_posted_is_refused_or_stored_as_answered(fuzzed, body, endpoint):
    assert_reads_the_same(fuzzed, assert_refused_or_done(fuzzed, "POST", endpoint, body))


@FUZZ
@given(body=BODY, kind=st.sampled_from(["Users", "Groups"]))
def test_any_body_that_is_put_is_refused_or_stored_as_answered(fuzzed, body, kind):
    path = f"/{kind}/{fuzzed.ann if kind == 'Users' else fuzzed.staff}"

    assert_reads_the_same(fuzzed, assert_refused_or_done(fuzzed, "PUT", path, body))


@FUZZ
@given(body=PATCHES, kind=st.sampled_from(["Users", "Groups"]))
def test_any_patch_is_refused_or_stored_as_answered(fuzzed, body, kind):
    path = f"/{kind}/{fuzzed.ann if kind == 'Users' else fuzzed.staff}"

    assert_reads_the_same(fuzzed, assert_refused_or_done(fuzzed, "PATCH", path, body))


@FUZZ
@given(body=BULK)
def test_any_bulk_request_is_refused_or_answered_operation_by_operation(fuzzed, body):
    answer = assert_refused_or_done(fuzzed, "POST", "/Bulk", body)

    outcomes = answer.json.get("Operations", [])
    assert all(int(o["status"]) < 500 or o["status"] == "501" for o in outcomes), outcomes


@FUZZ
@given(body=SEARCHES, path=st.sampled_from(["/.search", "/Users/.search", "/Groups/.search"]))
def test_any_search_body_is_refused_or_answered(fuzzed, body, path):
    assert_refused_or_done(fuzzed, "POST", path, body)


FILTER_WORDS = st.sampled_from(
    [
        *words("userName emails emails.value active name.familyName meta.created members"),
        *words("groups.value eq ne co sw ew gt ge lt le pr and or not ( ) [ ] true false null"),
        *('"ann"', '""', "1", "-1.5", '"2026-01-01T00:00:00Z"', '"\'"', '";--"', '"%"', "\\"),
        *("urn:ietf:params:scim:schemas:core:2.0:User:userName", ".", ",", ":", "'", '"', "$"),
    ]
)
FILTERS = st.one_of(
    st.lists(FILTER_WORDS, max_size=14).map(" ".join),
    st.text(max_size=60),
    st.builds(
        "{} {} {}".format,
        FILTER_WORDS,
        st.sampled_from(["eq", "co", "sw", "ew", "gt"]),
        st.text(max_size=20).map(json.dumps),
    ),
)


@settings(FUZZ, max_examples=250)
@given(text=FILTERS, endpoint=st.sampled_from(["/Users", "/Groups", ""]))
def test_any_filter_is_refused_or_answered(fuzzed, text, endpoint):
    """S-20"""
    answer = fuzzed.get(f"{endpoint}?filter={quote(text, errors='replace')}")

    assert answer.status_code in {200, 400}, (text, answer.text)
    if answer.status_code == 400:
        assert answer.json["scimType"] in {"invalidFilter", "invalidValue"}, (text, answer.text)
