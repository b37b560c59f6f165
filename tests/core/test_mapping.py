"""From a SCIM record to the person that rules work on."""

import pytest

from usersync_ext.core.mapping import identity_from_record


def identity(**record):
    return identity_from_record({"userName": "ann", **record})


@pytest.mark.parametrize(
    ("record", "full_name"),
    [
        ({"displayName": "Ann Bee", "name": {"formatted": "Dr Bee"}}, "Ann Bee"),
        ({"name": {"formatted": "Dr Bee", "givenName": "Ann"}}, "Dr Bee"),
        ({"name": {"givenName": "Ann", "familyName": "Bee"}}, "Ann Bee"),
        ({"name": {"familyName": "Bee"}}, "Bee"),
        ({"displayName": "  ", "name": None}, ""),
        ({}, ""),
    ],
)
def test_the_full_name_is_the_best_that_there_is(record, full_name):
    assert identity(**record).full_name == full_name


@pytest.mark.parametrize(
    ("emails", "email"),
    [
        ([{"value": "h@x"}, {"value": "w@x", "type": "Work"}], "w@x"),
        ([{"value": "w@x", "type": "work"}, {"value": "p@x", "primary": True}], "p@x"),
        ([{"value": "h@x", "type": "home"}], "h@x"),
        ([{"type": "work"}, {"value": ""}], ""),
        (None, ""),
        ([{"value": "ann@localhost"}], "ann@localhost"),
    ],
)
def test_the_email_is_the_primary_one_else_work_else_the_first(emails, email):
    assert identity(emails=emails).email == email


@pytest.mark.parametrize(("active", "result"), [(True, True), (False, False), (None, None)])
def test_a_person_is_active_as_the_provider_says_and_unknown_where_it_says_nothing(active, result):
    assert identity(active=active).active is result
