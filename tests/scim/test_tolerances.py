"""The liberal reader: one row per habit of a client (T1-T32), for POST and PUT bodies."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scim2_models import Context, InvalidSyntaxException, SCIMException

from usersync_ext.scim.models import (
    ENTERPRISE_URN,
    GROUP_URN,
    POLICY,
    USER_URN,
    GroupModel,
    Model,
    UserModel,
)
from usersync_ext.scim.tolerances import normalise_resource

ENT = ENTERPRISE_URN
ADSCIM = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


def a_user(**attributes: Any) -> dict[str, Any]:
    return {"userName": "ada", **attributes}


def read(record: dict[str, Any], model: Model = UserModel) -> dict[str, Any]:
    return normalise_resource(record, model).record


ACCEPTED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "T2 True": ({"active": "True"}, {"active": True}),
    "T2 false": ({"active": " false "}, {"active": False}),
    "T2 in an entry": (
        {"emails": [{"value": "a@b", "primary": "TRUE"}]},
        {"emails": [{"value": "a@b", "primary": True}]},
    ),
    "T4 dotted key": ({"name.givenName": "Ada"}, {"name": {"givenName": "Ada"}}),
    "T4 dotted keys beside the object": (
        {"name": {"familyName": "Lind"}, "name.givenName": "Ada"},
        {"name": {"familyName": "Lind", "givenName": "Ada"}},
    ),
    "T4 URN key": ({f"{ENT}:department": "R&D"}, {ENT: {"department": "R&D"}}),
    "T11 echo": (
        {"id": "u1", "meta": {"location": "x"}, "groups": [{"value": "g1"}], "schemas": [USER_URN]},
        {},
    ),
    "T12 string": ({ENT: {"manager": "u2"}}, {ENT: {"manager": {"value": "u2"}}}),
    "T12 list": ({ENT: {"manager": [{"value": "u2"}]}}, {ENT: {"manager": {"value": "u2"}}}),
    "T12 managerId": ({ENT: {"manager": {"managerId": "u2"}}}, {ENT: {"manager": {"value": "u2"}}}),
    "T12 capital": ({ENT: {"Manager": {"Value": "u2"}}}, {ENT: {"manager": {"value": "u2"}}}),
    "T12 reference": (
        {ENT: {"manager": {"value": "u2", "$ref": "../Users/u2", "displayName": "Bea"}}},
        {ENT: {"manager": {"value": "u2"}}},
    ),
    "T12 without URN": ({"manager": {"value": "u2"}}, {ENT: {"manager": {"value": "u2"}}}),
    "T12 empty": ({ENT: {"manager": "", "division": "x"}}, {ENT: {"division": "x"}}),
    "T12 only a name": ({ENT: {"manager": {"displayName": "Bea"}}}, {}),
    "T13 core URN as key": ({USER_URN: {"title": "Dr"}}, {"title": "Dr"}),
    "T13 core URN in a key": ({f"{USER_URN}:title": "Dr"}, {"title": "Dr"}),
    "T14 unknown": (
        {"companyName": "ACME", "x": {"y": [1]}},
        {"companyName": "ACME", "x": {"y": [1]}},
    ),
    "T14 unknown part": (
        {"roles": [{"value": "a", "displayName": "A"}]},
        {"roles": [{"value": "a", "displayName": "A"}]},
    ),
    "T14 no colon": (
        {"urn:ietf:params:scim:schemas:extension:enterprise:2.0User": {"costCenter": "7"}},
        {ENT: {"costCenter": "7"}},
    ),
    "T15 draft URN": (
        {"urn:scim:schemas:extension:enterprise:1.0": {"costCenter": "7"}},
        {ENT: {"costCenter": "7"}},
    ),
    "T16 case": (
        {"DISPLAYNAME": "Ada", "Emails": [{"Primary": True, "VALUE": "a@b"}]},
        {"displayName": "Ada", "emails": [{"primary": True, "value": "a@b"}]},
    ),
    "T17 nulls": ({"addresses": None, "title": None, "name": {"givenName": None}, ENT: None}, {}),
    "T17 null in an unknown": ({"x": {"a": None, "b": [1, None]}}, {"x": {"b": [1]}}),
    "T18 empty": ({"title": "", "profileUrl": "", "name": {"familyName": ""}, "active": ""}, {}),
    "T18 empty mail": ({"emails": [{"type": "work", "value": "", "primary": True}]}, {}),
    "T18 empty lists": ({"photos": [], "roles": [], "emails": [""], "addresses": [{}]}, {}),
    "T19 wrapped": ({"title": [{"$ref": None, "value": "Dr"}]}, {"title": "Dr"}),
    "T19 list of one": ({"title": ["Dr"], "active": ["true"]}, {"title": "Dr", "active": True}),
    "T20 object in a string": ({"name": '{"givenName":"Ada"}'}, {"name": {"givenName": "Ada"}}),
    "T20 a string stays one": (
        {"roles": [{"value": '{"id":"1"}'}], "title": "{x"},
        {"roles": [{"value": '{"id":"1"}'}], "title": "{x"},
    ),
    "T21 numbers": (
        {"addresses": [{"postalCode": 1010}], ENT: {"employeeNumber": 4711.0, "costCenter": 1.5}},
        {
            "addresses": [{"postalCode": "1010"}],
            ENT: {"employeeNumber": "4711", "costCenter": "1.5"},
        },
    ),
    "T22 one for many": ({"emails": {"value": "a@b"}}, {"emails": [{"value": "a@b"}]}),
    "T22 bare values": ({"roles": ["a", 7]}, {"roles": [{"value": "a"}, {"value": "7"}]}),
    "T23 loose values": (
        {
            "emails": [{"value": "Ada <Ada@Corp.LOCAL>", "type": "Work"}],
            "photos": [{"value": "no uri", "type": "Photo"}],
            "profileUrl": "x y",
            "x509Certificates": [{"value": "not base64!"}],
        },
        {
            "emails": [{"value": "Ada <Ada@Corp.LOCAL>", "type": "Work"}],
            "photos": [{"value": "no uri", "type": "Photo"}],
            "profileUrl": "x y",
            "x509Certificates": [{"value": "not base64!"}],
        },
    ),
    "T24 two primaries": (
        {"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]},
        {"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": False}]},
    ),
    "T31 password": ({"password": "1mz050nq", "Password": "x"}, {}),
    "type only, as ssosync sends": (
        {"addresses": [{"type": "work"}]},
        {"addresses": [{"type": "work"}]},
    ),
    "emails.display": (
        {"emails": [{"value": "a@b", "display": "A"}]},
        {"emails": [{"value": "a@b", "display": "A"}]},
    ),
}


@pytest.mark.parametrize(("sent", "kept"), ACCEPTED.values(), ids=ACCEPTED)
def test_a_user_is_read(sent: dict[str, Any], kept: dict[str, Any]) -> None:
    record = read(a_user(**sent))

    schemas = [USER_URN, ENT] if ENT in kept else [USER_URN]
    assert record == {"schemas": schemas, "userName": "ada", **kept}
    assert_the_library_keeps(record, UserModel)


MEMBERS: dict[str, tuple[Any, list[str]]] = {
    "T10 objects": ([{"value": "u1", "$ref": None, "display": "A"}, {"Value": "u2"}], ["u1", "u2"]),
    "T10 relative reference": ([{"value": "u1", "$ref": "Users/u1", "type": "User"}], ["u1"]),
    "T10 one object": ({"value": "u1", "displayName": "A"}, ["u1"]),
    "T10 bare": (["u1", 2, "u1"], ["u1", "2"]),
    "T8 nobody": ([], []),
    "T17 null": (None, []),
}


@pytest.mark.parametrize(("members", "ids"), MEMBERS.values(), ids=MEMBERS)
def test_members_are_read_by_id_alone(members: Any, ids: list[str]) -> None:
    record = read({"displayName": "Editors", "members": members}, GroupModel)

    assert [member["value"] for member in record.get("members", [])] == ids
    assert all(member.keys() == {"value"} for member in record.get("members", []))
    assert_the_library_keeps(record, GroupModel)


SCHEMAS: dict[str, tuple[Any, list[str]]] = {
    "missing": (None, [USER_URN]),
    "T15 drafts": (
        ["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"],
        [USER_URN],
    ),
    "T13 case": ([USER_URN.upper()], [USER_URN]),
    "T14 no colon": (["urn:ietf:params:scim:schemas:core:2.0User"], [USER_URN]),
    "one string": (USER_URN, [USER_URN]),
    "T14 foreign ones are kept": ([ADSCIM, USER_URN], [USER_URN, ADSCIM]),
    "only a foreign one": (["urn:okta:custom:user:1.0"], [USER_URN, "urn:okta:custom:user:1.0"]),
    "an extension without attributes": ([USER_URN, ENT], [USER_URN]),
}


@pytest.mark.parametrize(("sent", "kept"), SCHEMAS.values(), ids=SCHEMAS)
def test_schemas_become_the_right_urns(sent: Any, kept: list[str]) -> None:
    assert read(a_user(schemas=sent))["schemas"] == kept


def test_the_urns_of_extensions_in_use_are_added_to_schemas() -> None:
    record = read(a_user(**{"urn:okta:acme:1.0:user": {"shoe": 42}, ENT: {"division": "x"}}))

    assert record["schemas"] == [USER_URN, ENT, "urn:okta:acme:1.0:user"]
    assert_the_library_keeps(record, UserModel)


REFUSED_USERS: dict[str, tuple[Any, str, str]] = {
    "T18 empty userName": ({"userName": " "}, "invalidValue", "userName is missing or empty"),
    "null userName": ({"userName": None}, "invalidValue", "userName is missing or empty"),
    "T2 no boolean": ({"active": "ja"}, "invalidValue", 'active: "ja" is not a boolean'),
    "number for a boolean": ({"active": 1}, "invalidValue", "active: 1 is not a boolean"),
    "boolean for a string": ({"title": True}, "invalidValue", "title: true is not a string"),
    "object for a string": ({"title": {"a": 1}}, "invalidValue", 'title: {"a": 1} is not a str'),
    "T19 many for one": ({"title": [1, 2]}, "invalidValue", "title: [1, 2] is not one value"),
    "string for an object": ({"name": "Ada"}, "invalidValue", 'name: "Ada" is not an object'),
    "number for a list": ({"addresses": 7}, "invalidValue", "addresses: 7 is not an object"),
    "list in a list": ({"emails": [["x"]]}, "invalidValue", 'emails: ["x"] is not an object'),
    "boolean for an entry": ({"emails": [True]}, "invalidValue", "emails: true is not an object"),
    "T20 broken JSON": ({"name": "{"}, "invalidValue", 'name: "{" is not JSON'),
    "T20 doubtful JSON": ({"name": '{"a":1,"a":2}'}, "invalidValue", 'The key "a" is there twice'),
    "string for an extension": ({ENT: "x"}, "invalidValue", f'{ENT}: "x" is not an object'),
    "T12 no id": ({ENT: {"manager": True}}, "invalidValue", "manager: true is not an id"),
    "T12 two": ({"manager": ["a", "b"]}, "invalidValue", 'manager: ["a", "b"] is not one object'),
    "T16 two spellings": ({"title": "a", "TITLE": "b"}, "invalidValue", "title is there twice"),
    "T15 SCIM 1.1": ({"schemas": ["urn:scim:schemas:core:1.0"]}, "invalidVers", "SCIM 2.0 only"),
    "another resource": ({"schemas": [GROUP_URN]}, "invalidValue", "does not describe a User"),
    "schemas of numbers": ({"schemas": [1]}, "invalidSyntax", "schemas: 1 is not a schema URN"),
}


@pytest.mark.parametrize(("sent", "scim_type", "words"), REFUSED_USERS.values(), ids=REFUSED_USERS)
def test_a_user_that_cannot_be_understood_is_400_by_name(
    sent: dict[str, Any], scim_type: str, words: str
) -> None:
    with pytest.raises(SCIMException) as caught:
        normalise_resource(a_user() | sent, UserModel)

    assert (caught.value.status, caught.value.scim_type) == (400, scim_type)
    assert words in caught.value.detail
    assert len(caught.value.detail) < 300


REFUSED_GROUPS: dict[str, tuple[Any, int, str, str]] = {
    "no displayName": ({"displayName": ""}, 400, "invalidValue", "displayName is missing"),
    "member without id": ({"members": [{"type": "User"}]}, 400, "invalidValue", "with the id of"),
    "member with empty id": ({"members": [{"value": ""}]}, 400, "invalidValue", "with the id of"),
    "SCIM 1.1": (
        {"members": [{"value": "u1", "operation": "delete"}]},
        400,
        "invalidVers",
        "SCIM 2.0 only",
    ),
    "too many": ({"members": [str(i) for i in range(5001)]}, 413, "", "5001 members, at most 5000"),
}


@pytest.mark.parametrize(
    ("sent", "status", "scim_type", "words"), REFUSED_GROUPS.values(), ids=REFUSED_GROUPS
)
def test_a_group_that_cannot_be_understood_is_refused_by_name(
    sent: dict[str, Any], status: int, scim_type: str, words: str
) -> None:
    with pytest.raises(SCIMException) as caught:
        normalise_resource({"displayName": "Editors"} | sent, GroupModel)

    assert (caught.value.status, caught.value.scim_type) == (status, scim_type)
    assert words in caught.value.detail


@pytest.mark.parametrize("body", [[], None, "x", 1])
def test_a_resource_is_an_object(body: Any) -> None:
    with pytest.raises(InvalidSyntaxException, match="A User must be a JSON object"):
        normalise_resource(body, UserModel)


def test_what_is_left_out_or_not_used_is_noted_without_values() -> None:
    body = a_user(
        companyName="secret-1", password="secret-2", user_name="secret-3", roles=[{"x": "secret-4"}]
    )

    notes = normalise_resource(body, UserModel).notes

    assert notes == (
        'unknown attribute "companyName" is kept but not used',
        "password is ignored: usersync never stores passwords",
        'attribute "user_name" is ignored: its SCIM name is "userName"',
        'unknown attribute "roles.x" is kept but not used',
    )
    assert (
        len(normalise_resource(a_user(**{f"x{i}": 1 for i in range(500)}), UserModel).notes) == 50
    )


@pytest.mark.parametrize("name", ["user_name", "DISPLAY_NAME", "EnterpriseUser", "external_id"])
def test_names_of_the_librarys_python_fields_cannot_set_attributes(name: str) -> None:
    """scim2-models would read ``user_name`` as userName (S-16)."""
    assert read(a_user(**{name: "evil"})) == {"schemas": [USER_URN], "userName": "ada"}


def assert_the_library_keeps(record: dict[str, Any], model: Model) -> None:
    """The library validates a record and dumps it with the same values."""
    resource = model.model_validate(
        record, scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=POLICY
    )
    assert resource.model_dump(scim_policy=POLICY) == record


NAMES = st.sampled_from(
    ["schemas", "id", "meta", "externalId", "userName", "USERNAME", "user_name", "name", "active",
     "name.givenName", "name.foo", "displayName", "emails", "emails.value", "roles", "groups",
     "password", "members", "manager", "photos", "title", "addresses", "x509Certificates",
     "companyName", "foo.bar", ENT, f"{ENT}:manager", f"{ENT}:x", "enterpriseuser", "urn:x:y:z",
     "urn:scim:schemas:core:2.0", USER_URN, f"{USER_URN}:userName", GROUP_URN, "value", "Value",
     "type", "primary", "$ref", "ref", "givenName", "given_name", "operation", "", "a b", "id",
     "__class__", "model_config"]
) | st.text(max_size=4)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-5, 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "True", "u1", "work", '{"a":1}', "{", " ", USER_URN, GROUP_URN, ENT])
    | st.text(max_size=4)
)
JSON = st.recursive(
    LEAVES, lambda v: st.lists(v, max_size=3) | st.dictionaries(NAMES, v, max_size=4), max_leaves=8
)


@given(JSON, st.sampled_from([UserModel, GroupModel]))
def test_any_json_is_read_or_refused_as_a_scim_error(body: Any, model: Model) -> None:
    with suppress(SCIMException):
        normalise_resource(body, model)


@given(st.dictionaries(NAMES, JSON, max_size=6), st.sampled_from([UserModel, GroupModel]))
def test_reading_is_idempotent_and_survives_the_library(body: dict[str, Any], model: Model) -> None:
    with suppress(SCIMException):
        record = read({"userName": "ada", "displayName": "Editors"} | body, model)

        assert list(read(record, model).items()) == list(record.items())
        assert_the_library_keeps(record, model)


def test_a_password_inside_an_unknown_attribute_is_dropped_too():
    """T31."""
    record = {"userName": "ada", "custom": {"password": "canary", "kept": [{"Password": "canary"}]}}

    normalised = normalise_resource(record, UserModel)

    assert normalised.record["custom"] == {"kept": [{}]}
