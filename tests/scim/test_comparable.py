"""The comparable form holds every value in the form that scim2-models compares."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scim2_models.path import Path
from scim2_server.utils import load_default_provider, parametrize

from tests.scim.searching import odd_people
from usersync_ext.scim.comparable import comparable_record, email_keys
from usersync_ext.scim.models import ENTERPRISE_URN, USER_URN, GroupModel, UserModel

DEFAULT = load_default_provider()
URN = "urn:example:Thing"


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_texts_are_in_the_form_that_the_library_compares(text):
    record = {"userName": text, "externalId": text, ENTERPRISE_URN: {"department": text}}

    found = comparable_record(record, UserModel)

    assert found["userName"] == comparable_in_library("userName", text)
    assert found["externalId"] == comparable_in_library("externalId", text)
    assert found[ENTERPRISE_URN] == {
        "department": comparable_in_library(f"{ENTERPRISE_URN}:department", text)
    }


def comparable_in_library(path, text):
    return parametrize(Path, UserModel)(path).resolve().comparable(text)


def test_what_filters_do_not_read_is_left_out():
    record = {
        "schemas": [USER_URN],
        "id": "x",
        "meta": {"version": "1"},
        "groups": [{"value": "g"}],
        "userName": "Ada",
        "title": None,
        "unknown": 1,
        "active": "true",
        "nickName": 5,
        "emails": {"value": "a"},
        "roles": [None, "x", {"value": "R", "unknown": 1}],
        "urn:unknown": {"a": 1},
    }

    assert comparable_record(record, UserModel) == {
        "schemas": [USER_URN.lower()],
        "userName": "ada",
        "roles": [{"value": "r"}],
    }


def test_a_password_is_left_out():
    model = DEFAULT.model_for("User")

    assert comparable_record({"userName": "a", "password": "s"}, model) == {"userName": "a"}


def test_names_are_those_of_the_schemas():
    record = {
        "USERNAME": "A",
        "Name": {"GIVENNAME": "B"},
        ENTERPRISE_URN.upper(): {"Division": "C"},
    }

    assert comparable_record(record, UserModel) == {
        "userName": "a",
        "name": {"givenName": "b"},
        ENTERPRISE_URN: {"division": "c"},
    }


def test_empty_values_are_kept():
    record = {"title": "", "name": {}, "emails": [], "roles": [{}], ENTERPRISE_URN: {}}

    assert comparable_record(record, UserModel) == record


def test_the_primary_entry_comes_first():
    entries = [{"value": "a"}, {"value": "b", "primary": True}, {"value": "c", "primary": True}]

    found = comparable_record({"emails": entries}, UserModel)

    assert [entry["value"] for entry in found["emails"]] == ["b", "a", "c"]


def test_members_are_not_copied():
    record = {"displayName": "Ä", "members": [{"value": "x"}]}

    assert comparable_record(record, GroupModel) == {"displayName": "ä"}


def test_e_mail_keys_are_those_of_every_entry():
    emails = [{"value": "A@b"}, {"type": "work"}, {"value": ""}, {"value": "a@B"}]

    assert email_keys(comparable_record({"emails": emails}, UserModel)) == {"a@b", ""}
    assert email_keys({}) == frozenset()


@pytest.mark.parametrize("person", odd_people())
def test_the_form_is_json_and_applying_it_again_changes_nothing(person):
    found = comparable_record(person, UserModel)

    assert json.loads(json.dumps(found)) == found
    assert comparable_record(found, UserModel) == found
