"""PATCH: member changes of groups, and attributes that no schema defines."""

from typing import Any

import pytest
from scim2_models import SCIMException

from usersync_ext.scim.models import GROUP_URN, GroupModel, Model, UserModel
from usersync_ext.scim.patching import (
    NormalisedPatch,
    apply_unknown,
    normalise_patch,
    split_members,
)


def patch_of(*operations: Any, model: Model = UserModel) -> NormalisedPatch:
    return normalise_patch({"Operations": list(operations)}, model)


def op(verb: str, path: str | None = None, *value: Any, **more: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"op": verb} if path is None else {"op": verb, "path": path}
    return fields | ({"value": value[0]} if value else {}) | more


UNKNOWN: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "add to a list": ([op("add", "x", [2, 3])], {"x": [1, 2, 3]}),
    "replace a list": ([op("replace", "x", [2, 3])], {"x": [2, 3]}),
    "remove elements": ([op("remove", "x", [1])], {"x": [2]}),
    "remove": ([op("remove", "X")], {}),
    "null removes": ([op("replace", "x", None)], {}),
    "add null": ([op("add", "x", None)], {"x": [1, 2]}),
    "dotted": ([op("add", "y.z", 1)], {"x": [1, 2], "y": {"z": 1}}),
    "dotted remove": ([op("add", "y.z", 1), op("remove", "y.z")], {"x": [1, 2]}),
    "objects merge": (
        [op("add", value={"y": {"a": 1, "b": 2}}), op("replace", value={"y": {"a": None, "c": 3}})],
        {"x": [1, 2], "y": {"b": 2, "c": 3}},
    ),
    "foreign URN": (
        [op("add", "urn:a:b:c:shoe", 42)],
        {"x": [1, 2], "urn:a:b:c": {"shoe": 42}, "schemas": ["urn:a:b:c"]},
    ),
    "whole foreign URN": (
        [op("add", value={"urn:a:b:c": {"shoe": 42}}), op("replace", "urn:a:b:c:shoe", 43)],
        {"x": [1, 2], "urn:a:b:c": {"shoe": 43}, "schemas": ["urn:a:b:c"]},
    ),
    "foreign URN removed": (
        [op("add", "urn:a:b:c:shoe", 42), op("remove", "urn:a:b:c:shoe")],
        {"x": [1, 2], "schemas": []},
    ),
    "odd names": ([op("add", value={"a b": 1, "": 2})], {"x": [1, 2], "a b": 1, "": 2}),
}


@pytest.mark.parametrize(("operations", "after"), UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_attributes_are_kept_as_they_came(
    operations: list[dict[str, Any]], after: dict[str, Any]
) -> None:
    assert apply_unknown({"x": [1, 2]}, patch_of(*operations).unknown) == after


MEMBERS: dict[str, tuple[list[dict[str, Any]], tuple[Any, ...]]] = {
    "T7 Entra, OneLogin": (
        [op("Remove", "members", [{"$ref": None, "value": "u1"}])],
        (("remove", ("u1",)),),
    ),
    "T8 mitodl": ([op("remove", "members")], (("replace", ()),)),
    "T8 null": ([op("replace", "members", None)], (("replace", ()),)),
    "T8 empty": ([op("replace", "members", [])], (("replace", ()),)),
    "T8 Okta Push Now": (
        [op("replace", "members", [{"value": "u1"}, {"value": "u2"}])],
        (("replace", ("u1", "u2")),),
    ),
    "T7 nobody": ([op("remove", "members", []), op("add", "members", [])], ()),
    "T10 bare": ([op("add", "Members", ["u1", "u1"])], (("add", ("u1",)),)),
    "T10 one": ([op("add", f"{GROUP_URN}:members", {"value": "u1"})], (("add", ("u1",)),)),
    "T10 in a value": ([op("add", value={"members": [{"value": "u1"}]})], (("add", ("u1",)),)),
    "filter": ([op("remove", 'members[value eq "u1"]')], (("remove", ("u1",)),)),
    "filter with or": (
        [op("remove", 'Members[value Eq "u1" OR Value eq "u2"]')],
        (("remove", ("u1", "u2")),),
    ),
    "filter with escapes": ([op("remove", 'members[value eq "a\\"]"]')], (("remove", ('a"]',)),)),
    "in order": (
        [
            op("remove", 'members[value eq "u2"]'),
            op("add", "members", ["u1"]),
            op("remove", "members"),
        ],
        (("remove", ("u2",)), ("add", ("u1",)), ("replace", ())),
    ),
}


@pytest.mark.parametrize(("operations", "changes"), MEMBERS.values(), ids=MEMBERS)
def test_member_changes_are_split_off_in_order(
    operations: list[dict[str, Any]], changes: tuple[Any, ...]
) -> None:
    rename = op("replace", value={"id": "g1", "displayName": "Editors EU"})

    found, rest = split_members(patch_of(rename, *operations, model=GroupModel))

    assert found == changes
    assert rest.operations == (op("replace", "displayName", "Editors EU"),)
    assert rest.body_id == "g1"


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (op("remove", 'members[display eq "Ada"]'), "select members by their ids"),
        (op("remove", 'members[value sw "u"]'), "select members by their ids"),
        (op("remove", 'members[value eq "u1" and type eq "User"]'), "select members by their ids"),
        (op("add", 'members[value eq "u1"]', {}), "add members with the path members"),
        (op("replace", "members.value", "u1"), "use the path members"),
        (op("remove", "members", [{"type": "User"}]), "with the id of a person"),
        (op("remove", "members", ""), "with the id of a person"),
        (op("replace", "members", ""), "with the id of a person"),
        (op("add", "members", [{"value": "u1", "operation": "delete"}]), "SCIM 2.0 only"),
    ],
)
def test_member_changes_that_could_mean_too_much_are_400(
    operation: dict[str, Any], words: str
) -> None:
    with pytest.raises(SCIMException) as caught:
        patch_of(operation, model=GroupModel)

    assert caught.value.status == 400
    assert words in caught.value.detail
