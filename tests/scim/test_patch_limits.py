"""PATCH: limits, speed of growth, and random requests compared with the library."""

import json
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scim2_models import Context, PatchOp, Path, PayloadTooLargeException, SCIMException
from scim2_models.path import AttrPath

from usersync_ext.scim.models import (
    ENTERPRISE_URN,
    GROUP_URN,
    PATCH_URN,
    POLICY,
    USER_URN,
    GroupModel,
    Model,
    UserModel,
)
from usersync_ext.scim.patch_paths import _parsed
from usersync_ext.scim.patching import NormalisedPatch, apply_patch, normalise_patch, split_members
from usersync_ext.scim.tolerances import normalise_resource

ENT = ENTERPRISE_URN
ADA: dict[str, Any] = {
    "schemas": [USER_URN, ENT],
    "userName": "ada",
    "name": {"givenName": "Ada", "x": 1},
    "emails": [{"value": "ada@corp.local", "type": "Work", "primary": True}],
    ENT: {"manager": {"value": "u2"}, "y": 2},
}


def patch_of(*operations: Any, model: Model = UserModel) -> NormalisedPatch:
    return normalise_patch({"Operations": list(operations)}, model)


@pytest.mark.parametrize(
    ("operations", "model", "words"),
    [
        ([{"op": "remove", "path": "title"}] * 5001, UserModel, "5001 operations, at most 5000"),
        (
            [{"op": "add", "value": {f"x{number}": 1 for number in range(5001)}}],
            UserModel,
            "more than 1000 unknown attributes",
        ),
        (
            [{"op": "add", "path": "members", "value": [str(n) for n in range(part, part + 3000)]}
             for part in (0, 3000)],
            GroupModel,
            "6000 members, at most 5000",
        ),
        (
            [{"op": "add", "path": f'emails[type eq "{n:0200}"].value', "value": "x"}
             for n in range(500)],
            UserModel,
            "paths with",
        ),
    ],
)  # fmt: skip
def test_a_request_that_asks_for_too_much_is_413(
    operations: list[Any], model: Model, words: str
) -> None:
    with pytest.raises(PayloadTooLargeException) as caught:
        patch_of(*operations, model=model)

    assert words in caught.value.detail


def test_list_changes_that_would_take_minutes_are_413() -> None:
    """scim2-models looks at every entry for every filter: 1,200 of them took 70 s."""
    patch = patch_of(
        *[{"op": "add", "path": f'roles[value eq "{n}"].display', "value": "x"} for n in range(400)]
    )

    with pytest.raises(PayloadTooLargeException, match="400 changes of lists"):
        apply_patch(ADA, patch, UserModel)


def test_five_thousand_single_values_and_members_are_done_at_once() -> None:
    started = time.perf_counter()
    titles = [{"op": "replace", "path": "title", "value": f"x{n}"} for n in range(5000)]
    removes = [{"op": "remove", "path": f'members[value eq "u{n}"]'} for n in range(5000)]

    assert apply_patch(ADA, patch_of(*titles), UserModel)["title"] == "x4999"
    assert len(split_members(patch_of(*removes, model=GroupModel))[0]) == 5000
    assert time.perf_counter() - started < 5


def test_keys_keep_their_order() -> None:
    patch = patch_of(
        {"op": "replace", "value": {f"{ENT}:division": "x", "name.familyName": "L", "title": "T"}},
        {"op": "replace", "path": 'emails[type eq "work"].primary', "value": False},
    )

    after = apply_patch(ADA, patch, UserModel)

    assert list(after) == [*ADA, "title"]
    assert list(after["name"]) == ["givenName", "x", "familyName"]
    assert list(after["emails"][0]) == ["value", "type", "primary"]


def test_read_only_attributes_of_the_record_are_left_out() -> None:
    record = {"id": "u1", "meta": {"version": "1"}, **ADA, "groups": [{"value": "g1"}]}

    assert (
        apply_patch(record, patch_of({"op": "add", "path": "emails", "value": []}), UserModel)
        == ADA
    )


def by_the_library(record: dict[str, Any], patch: NormalisedPatch) -> dict[str, Any]:
    """The record as scim2-models alone would patch it."""
    body = {"schemas": [PATCH_URN], "Operations": list(patch.operations)}
    with POLICY:
        resource = UserModel.model_validate(record)
        message: Any = PatchOp[UserModel]  # type: ignore[valid-type]
        message.model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST).patch(resource)
        return resource.model_dump()


SINGLE_PATHS = st.sampled_from(
    ["title", "active", "externalId", "displayName", "name", "name.givenName", "name.familyName",
     "manager", f"{ENT}:manager.value", f"{ENT}:division", f"{ENT}:employeeNumber", ENT]
)  # fmt: skip
SINGLE_VALUES = st.sampled_from(
    ["x", "", "true", True, None, {"value": "u3"}, {"givenName": "", "familyName": "B"}, {},
     {"division": "d", "manager": "u4"}, {"manager": None, "division": ""}, ["x"]]
)  # fmt: skip
NOTHING = {"op": "add", "value": {}}
VERBS = st.sampled_from(["add", "replace", "remove"])
SINGLE = st.fixed_dictionaries({"op": VERBS, "path": SINGLE_PATHS, "value": SINGLE_VALUES})


@given(st.lists(SINGLE, max_size=6))
def test_single_values_are_edited_as_the_library_would(operations: list[dict[str, Any]]) -> None:
    understood = []
    for operation in operations:
        with suppress(SCIMException):
            patch_of(operation)
            understood.append(operation)
    patch = replace(patch_of(*understood or [NOTHING]), unknown=())
    if patch.operations:
        assert apply_patch(ADA, patch, UserModel) == by_the_library(ADA, patch)


@given(st.from_regex(r"\$?[a-zA-Z$_-][a-zA-Z0-9$_.-]{0,8}", fullmatch=True))
def test_simple_paths_are_split_as_the_grammar_would(text: str) -> None:
    with suppress(SCIMException):
        expected = Path(text).ast

        assert isinstance(expected, AttrPath)
        assert _parsed(text, text) == expected


PATHS = st.sampled_from(
    ["title", "active", "name", "name.x", "emails", "emails.value", 'emails[type eq "work"].value',
     'emails[type eq "work"]', 'emails[type eq "home" and primary eq "True"].value', "photos",
     'phoneNumbers[not (type eq "work")].value', "roles", 'roles[primary eq "True"].value',
     "addresses.locality", "x509Certificates", "groups", "schemas", "id", "meta.version", "manager",
     ENT, f"{ENT}:x", f"{ENT}:a b", f"{ENT}:id", USER_URN, GROUP_URN, "urn:x:y:z", "urn:x:y:z:a",
     "companyName", "foo.bar", "user_name", "title.x", "members", 'members[value eq "u1"]',
     "members.value", "displayName", "", "a b", "emails.type pr", "password", "urn:"]
)  # fmt: skip
VALUES = st.sampled_from(
    ["", "True", False, 7, None, "u1", {"value": "u1"}, {}, [], [""], ["x", "y"], '{"title":"x"}',
     [{"value": "u1", "type": "work", "primary": True}], {"displayName": "Q", "emails": ["a@b"]},
     [{"value": "u1"}, {"value": "u2", "primary": "true", "foo": 1}], {ENT: None},
     {"givenName": "", "familyName": "B", "foo": 1}, {"a": {"b": 1, "c": None}},
     {ENT: {"manager": "u1", "foo": 2, "id": 3}, "urn:x:y:z": {"q": 1}}, {"a b": 1, "user_name": 2},
     {"name.familyName": "Z", "active": "false", "members": ["u1"], "emails.value": "x"}]
)  # fmt: skip
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["Add", "replace", "Remove", "x"]), "value": VALUES},
    optional={"path": PATHS},
)
START = st.sampled_from(
    [(UserModel, ADA), (GroupModel, {"schemas": [GROUP_URN], "displayName": "Editors"})]
)


@given(START, st.lists(OPERATIONS, max_size=6))
def test_any_patch_gives_a_strict_record_or_a_scim_error(
    start: tuple[Model, dict[str, Any]], operations: list[dict[str, Any]]
) -> None:
    model, record = start
    before = json.dumps(record)
    understood = []
    for operation in operations:
        with suppress(SCIMException):
            patch_of(operation, model=model)
            understood.append(operation)
    with suppress(SCIMException):
        after = apply_patch(record, patch_of(*understood, model=model), model)

        assert normalise_resource(after, model).record == after
    assert json.dumps(record) == before
