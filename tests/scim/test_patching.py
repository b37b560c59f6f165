"""PATCH: one row per habit of a client (T1-T31), read, split and applied."""

import json
from typing import Any

import pytest
from scim2_models import SCIMException

from usersync_ext.scim.models import (
    ENTERPRISE_URN,
    GROUP_URN,
    PATCH_URN,
    USER_URN,
    GroupModel,
    Model,
    UserModel,
)
from usersync_ext.scim.patching import (
    NormalisedPatch,
    apply_patch,
    normalise_patch,
)

ENT = ENTERPRISE_URN
WORK = 'emails[type eq "work"]'
ADA: dict[str, Any] = {
    "schemas": [USER_URN, ENT],
    "externalId": "00u1",
    "userName": "ada",
    "name": {"givenName": "Ada", "familyName": "Lind"},
    "title": "Dr",
    "active": True,
    "emails": [{"value": "ada@corp.local", "type": "Work", "primary": True}],
    "roles": [{"value": "editor", "displayName": "Editor"}],
    "companyName": "ACME",
    ENT: {"employeeNumber": "4711", "manager": {"value": "u2"}},
}
ENTERPRISE = ADA[ENT]


def patch_of(*operations: Any, model: Model = UserModel) -> NormalisedPatch:
    return normalise_patch({"schemas": [PATCH_URN], "Operations": list(operations)}, model)


def changed(*operations: Any) -> dict[str, Any]:
    """What a patch changes in Ada: new values, and None for what is gone."""
    after = apply_patch(ADA, patch_of(*operations), UserModel)
    return {k: after.get(k) for k in ADA | after if after.get(k) != ADA.get(k)}


def op(verb: str, path: str | None = None, *value: Any, **more: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"op": verb} if path is None else {"op": verb, "path": path}
    return fields | ({"value": value[0]} if value else {}) | more


NAME = {"givenName": "Ada", "familyName": "Lind"}
CHANGES: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "T1 op case": ([op("Replace", "title", "Prof")], {"title": "Prof"}),
    "T2 False": ([op("Replace", "active", "False")], {"active": False}),
    "T2 in a filter": (
        [op("Replace", 'roles[primary eq "True"].value', "boss")],
        {"roles": [ADA["roles"][0], {"value": "boss", "primary": True}]},
    ),
    "T3 no path": ([op("replace", value={"active": False})], {"active": False}),
    "T3 null path": ([op("replace", value={"active": False}, path=None)], {"active": False}),
    "T4 keys are paths": (
        [
            op(
                "replace",
                value={"name.givenName": "A", f"{ENT}:employeeNumber": 7, ENT: {"division": "x"}},
            )
        ],
        {
            "name": NAME | {"givenName": "A"},
            ENT: ENTERPRISE | {"employeeNumber": "7", "division": "x"},
        },
    ),
    "T4 filter in a key": (
        [op("replace", value={f"{WORK}.value": "a@b"})],
        {"emails": [ADA["emails"][0] | {"value": "a@b"}]},
    ),
    "T5 merge": (
        [op("replace", "name", {"familyName": "L"})],
        {"name": NAME | {"familyName": "L"}},
    ),
    "T5 merge and clear": (
        [op("replace", "name", {"familyName": "", "formatted": "A"})],
        {"name": {"givenName": "Ada", "formatted": "A"}},
    ),
    "T6 created with its type": (
        [op("Add", 'phoneNumbers[type eq "mobile"].value', "+43 1")],
        {"phoneNumbers": [{"value": "+43 1", "type": "mobile"}]},
    ),
    "T6 capital part": (
        [op("Replace", 'addresses[type eq "work"].StreetAddress', "Main 1")],
        {"addresses": [{"type": "work", "streetAddress": "Main 1"}]},
    ),
    "T6 part of all, none there": (
        [op("add", "photos.value", "x y")],
        {"photos": [{"value": "x y"}]},
    ),
    "T6 part of all": (
        [op("replace", "emails.value", "a@b")],
        {"emails": [ADA["emails"][0] | {"value": "a@b"}]},
    ),
    "T7 remove what is listed": ([op("remove", "roles", [{"value": "editor"}])], {"roles": None}),
    "T7 remove what is absent": ([op("remove", "roles", [{"value": "x"}])], {}),
    "T7 remove nothing": ([op("remove", "roles", [])], {}),
    "T7 a value beside one value": ([op("remove", "title", "anything")], {"title": None}),
    "T8 remove all": (
        [op("remove", "roles"), op("replace", "emails", [])],
        {"roles": None, "emails": None},
    ),
    "T9 repeat": ([op("add", "roles", ADA["roles"]), op("replace", "title", "Dr")], {}),
    "T11 echo": (
        [op("replace", value={"id": "u1", "schemas": [], "meta": {}, "groups": [], "title": "X"})],
        {"title": "X"},
    ),
    "T12 string": (
        [op("Add", f"{ENT}:manager", "u3")],
        {ENT: ENTERPRISE | {"manager": {"value": "u3"}}},
    ),
    "T12 no URN, list": (
        [op("replace", "manager", [{"$ref": "../u3", "value": "u3"}])],
        {ENT: ENTERPRISE | {"manager": {"value": "u3"}}},
    ),
    "T12 manager.value": (
        [op("replace", f"{ENT}:manager.value", "u3")],
        {ENT: ENTERPRISE | {"manager": {"value": "u3"}}},
    ),
    "T12 empty": ([op("Replace", f"{ENT}:manager", "")], {ENT: {"employeeNumber": "4711"}}),
    "T12 remove": ([op("Remove", "Manager")], {ENT: {"employeeNumber": "4711"}}),
    "T13 name forms": (
        [
            op("replace", f"{USER_URN}:TITLE", "X"),
            op("replace", "urn:scim:schemas:core:2.0:nickName", "A"),
        ],
        {"title": "X", "nickName": "A"},
    ),
    "T14 unknown": (
        [op("add", "companyname", "B"), op("replace", value={"shoe": {"size": 42}})],
        {"companyName": "B", "shoe": {"size": 42}},
    ),
    "T14 unknown part of a list": (
        [op("add", "roles", [{"value": "x", "displayName": "X"}])],
        {"roles": [ADA["roles"][0], {"value": "x", "displayName": "X"}]},
    ),
    "T14 in a known extension": ([op("add", f"{ENT}:shoe", 42)], {ENT: ENTERPRISE | {"shoe": 42}}),
    "T15 draft URN": (
        [op("replace", "urn:ietf:params:scim:schemas:extension:enterprise:2.0User:division", "x")],
        {ENT: ENTERPRISE | {"division": "x"}},
    ),
    "T16 loose keys": (
        [{"OP": "add", "Path": "nickName", "VALUE": "A", "name": "x"}],
        {"nickName": "A"},
    ),
    "T17 null": ([op("replace", "title", None), op("add", "active", None)], {"title": None}),
    "T17 null in a value": (
        [op("replace", value={"title": None, ENT: None})],
        {"title": None, ENT: None, "schemas": [USER_URN]},
    ),
    "T18 empty": (
        [op("replace", "title", ""), op("add", "name.givenName", "")],
        {"title": None, "name": {"familyName": "Lind"}},
    ),
    "T18 empty mail": ([op("Replace", f"{WORK}.value", "")], {"emails": None}),
    "T18 last part": (
        [op("remove", "name.givenName"), op("replace", "name.familyName", "")],
        {"name": None},
    ),
    "T19 wrapped": ([op("Replace", "title", [{"$ref": None, "value": "X"}])], {"title": "X"}),
    "T20 value in a string": (
        [op("replace", value='{"title":"X","active":"false"}')],
        {"title": "X", "active": False},
    ),
    "T21 number": (
        [op("replace", f"{ENT}:employeeNumber", 1)],
        {ENT: ENTERPRISE | {"employeeNumber": "1"}},
    ),
    "T22 one for many": (
        [op("replace", "emails", {"value": "a@b"})],
        {"emails": [{"value": "a@b"}]},
    ),
    "T23 loose values": (
        [
            op("add", 'photos[type eq "photo"].value', "no uri"),
            op("add", "profileUrl", "x y"),
            op("replace", f"{WORK}.value", "Ada@Corp.LOCAL"),
        ],
        {
            "photos": [{"type": "photo", "value": "no uri"}],
            "profileUrl": "x y",
            "emails": [ADA["emails"][0] | {"value": "Ada@Corp.LOCAL"}],
        },
    ),
    "T24 two primaries": (
        [
            op(
                "replace",
                "emails",
                [{"value": "a", "primary": True}, {"value": "b", "primary": "True"}],
            )
        ],
        {"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": False}]},
    ),
    "T24 a new primary": (
        [op("add", "emails", [{"value": "b", "primary": True}])],
        {"emails": [ADA["emails"][0] | {"primary": False}, {"value": "b", "primary": True}]},
    ),
    "T31 password": ([op("replace", value={"password": "x"}), op("replace", "PASSWORD", "y")], {}),
    "remove an extension": ([op("remove", ENT)], {ENT: None, "schemas": [USER_URN]}),
    "order counts": ([op("add", "name.x", 1), op("remove", "name")], {"name": None}),
    "order counts both ways": ([op("remove", "name"), op("add", "name.x", 1)], {"name": {"x": 1}}),
    "remove by filter": ([op("remove", WORK)], {"emails": None}),
    "replace by filter": (
        [op("replace", WORK, {"value": "a@b"})],
        {"emails": [ADA["emails"][0] | {"value": "a@b"}]},
    ),
    "filter without brackets": ([op("remove", 'emails.type eq "work"')], {"emails": None}),
}


@pytest.mark.parametrize(("operations", "after"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_understood(operations: list[dict[str, Any]], after: dict[str, Any]) -> None:
    before = json.dumps(ADA)

    assert changed(*operations) == after
    assert json.dumps(ADA) == before


REFUSED: dict[str, tuple[Any, str, str]] = {
    "other op": (op("Move", "title", "x"), "invalidSyntax", 'op "Move" is not add, replace or rem'),
    "no op": ({"path": "title"}, "invalidSyntax", "Operations[0]: op null"),
    "no object": ("x", "invalidSyntax", 'Operations[0] is "x"'),
    "no value": (op("replace", "title"), "invalidValue", "replace needs a value"),
    "no path, no object": (op("add", value=1), "invalidValue", "Operations[0].value: 1 is not an"),
    "remove without path": (op("remove"), "noTarget", "remove needs a path"),
    "path of numbers": (op("add", value=1, path=7), "invalidPath", "it is not a string"),
    "path with a gap": (op("add", "job title", 1), "invalidPath", 'The path "job title" cannot'),
    "unknown with a filter": (op("add", 'x[type eq "w"].y', 1), "invalidPath", 'is called "x"'),
    "URN with a filter": (op("add", 'urn:a:b:x[y eq "w"]', 1), "invalidPath", 'no schema "urn:a:b'),
    "unknown in a filter": (op("add", "emails[x eq 1].value", 1), "invalidPath", 'has no "x"'),
    "unknown after a filter": (op("add", f"{WORK}.x", 1), "invalidPath", 'emails has no "x"'),
    "filter on one value": (op("add", 'name[x eq "1"]', 1), "invalidPath", "name has one value"),
    "part of a string": (op("add", "title.x", 1), "invalidPath", "title has no parts"),
    "unfinished": (op("add", 'emails[type eq "work"', 1), "invalidPath", "it cannot be read"),
    "another resource": (op("add", f"{GROUP_URN}:members", 1), "invalidPath", "a User has no sch"),
    "Python name": (op("add", "user_name", "x"), "invalidPath", 'the SCIM name is "userName"'),
    "T2 no boolean": (op("replace", "active", "ja"), "invalidValue", 'active: "ja" is not a bool'),
    "T2 in a filter": (
        op("add", 'roles[primary eq "x"].value', "a"),
        "invalidPath",
        "true or false",
    ),
    "T11 path": (op("add", "groups", [{"value": "g"}]), "mutability", "groups is set by this serv"),
    "T11 meta": (op("replace", "meta.created", "x"), "mutability", "meta is set by this service"),
    "remove id": (op("remove", "id"), "mutability", "id is set by this service"),
    "remove userName": (op("remove", "userName"), "mutability", "userName is required"),
    "T17 null userName": (op("replace", "userName", None), "invalidValue", "userName is missing"),
    "T18 empty userName": (
        op("replace", value={"userName": ""}),
        "invalidValue",
        "userName is mis",
    ),
    "T7 nobody listed": (op("remove", "roles", [{}]), "invalidValue", "list of what to remove"),
    "T7 unknown parts": (op("remove", "roles", [{"x": 1}]), "invalidValue", "list of what to rem"),
    "remove everything": (op("remove", USER_URN), "noTarget", "would remove everything"),
    "wrong kind": (op("replace", "name", 5), "invalidValue", "name: 5 is not an object"),
}


@pytest.mark.parametrize(("operation", "scim_type", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_understood_is_400_and_never_a_silent_success(
    operation: Any, scim_type: str, words: str
) -> None:
    with pytest.raises(SCIMException) as caught:
        patch_of(operation)

    assert (caught.value.status, caught.value.scim_type) == (400, scim_type)
    assert words in caught.value.detail
    assert len(caught.value.detail) < 400


@pytest.mark.parametrize(
    ("body", "scim_type", "words"),
    [
        ([], "invalidSyntax", "must be a JSON object with Operations"),
        ({}, "invalidSyntax", "Operations is null"),
        ({"Operations": []}, "invalidSyntax", "one or more operations"),
        ({"Operations": "x"}, "invalidSyntax", "one or more operations"),
        ({"members": [{"value": "u1", "operation": "delete"}]}, "invalidVers", "SCIM 2.0 only"),
        ({"schemas": ["urn:scim:schemas:core:1.0"], "active": False}, "invalidVers", "SCIM 2.0"),
    ],
)
def test_an_envelope_without_operations_is_400(body: Any, scim_type: str, words: str) -> None:
    with pytest.raises(SCIMException) as caught:
        normalise_patch(body, GroupModel)

    assert caught.value.scim_type == scim_type
    assert words in caught.value.detail


def test_the_envelope_is_read_in_any_case_and_with_extra_keys() -> None:
    body = {"operations": op("replace", "title", "X"), "ID": "u1", "failOnErrors": 1}

    patch = normalise_patch(body, UserModel)

    assert patch.operations == (op("replace", "title", "X"),)
    assert patch.body_id == "u1"


def test_two_different_ids_in_one_body_are_400() -> None:
    with pytest.raises(SCIMException, match='id "u2" cannot be set'):
        normalise_patch({"id": "u1", "Operations": [op("add", value={"id": "u2"})]}, UserModel)


def test_a_filter_that_matches_nothing_and_describes_nothing_is_400() -> None:
    patch = patch_of(op("add", 'emails[type ne "work"].value', "a@b"))

    with pytest.raises(SCIMException, match="No entry matches the filter of") as caught:
        apply_patch(ADA, patch, UserModel)

    assert caught.value.scim_type == "noTarget"


def test_notes_name_what_is_not_used_and_hide_values() -> None:
    patch = patch_of(op("replace", value={"shoe": "secret", "password": "secret", "nick_name": 1}))

    assert patch.notes == (
        'unknown attribute "shoe" is kept but not used',
        "password is ignored: usersync never stores passwords",
        'attribute "nick_name" is ignored: its SCIM name is "nickName"',
    )
