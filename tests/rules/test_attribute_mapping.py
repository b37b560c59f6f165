"""With which attributes: the mapping table, its small language, and the switches around it."""

import pytest
from acting import ENTERPRISE, accounts, mail, preview, push, replaced, set_rules, steps

from usersync_ext.errors import InvalidSetting

FULL = {
    "displayName": "Ann Bee",
    "name": {"givenName": "Ann", "familyName": "Bee"},
    "emails": mail("ann@corp.example"),
    "phoneNumbers": [
        {"value": "+44 1", "type": "mobile"},
        {"value": "+44 2", "type": "work"},
    ],
    "title": "Editor",
    "locale": "en-GB",
    ENTERPRISE: {"department": "Press", "costCenter": "C9"},
}


def test_an_account_gets_every_known_attribute_by_default(app, provider):
    """Checklist 26, 188"""
    push(provider, "ann", **FULL)

    ann = accounts(app)["ann"]

    assert (ann.full_name, ann.given_name, ann.family_name) == ("Ann Bee", "Ann", "Bee")
    assert (ann.email, ann.phone, ann.title) == ("ann@corp.example", "+44 2", "Editor")
    assert (ann.department, ann.locale, ann.manager) == ("Press", "en-GB", "")
    assert ann.attributes == ()


@pytest.mark.parametrize(
    ("row", "field", "value"),
    [
        ("title = nickName | title", "title", "Editor"),
        ('title = "Staff"', "title", "Staff"),
        ("full_name = {name.familyName}, {name.givenName}", "full_name", "Bee, Ann"),
        ("full_name = {name.middleName} {name.familyName}", "full_name", "Bee"),
        ("email = emails > upper", "email", "ANN@CORP.EXAMPLE"),
        ('phone = phoneNumbers[type eq "mobile"].value', "phone", "+44 1"),
        (f"department = {ENTERPRISE}:department > lower", "department", "press"),
        (
            '[{"field": "phone", "from": "phoneNumbers", "regex": "[^0-9]", "replacement": ""}]',
            "phone",
            "442",
        ),
    ],
)
def test_a_field_may_come_from_elsewhere(app, provider_of, row, field, value):
    provider = provider_of(app, attribute_mapping=row)

    push(provider, "ann", **FULL)

    assert getattr(accounts(app)["ann"], field) == value


def test_free_attributes_reach_the_account_only_by_a_mapping(app, provider_of):
    provider = provider_of(app, attribute_mapping='cost = costCenter; site = x | "HQ"')

    push(provider, "ann", **FULL)

    assert accounts(app)["ann"].attributes == (("cost", "C9"), ("site", "HQ"))


def test_a_field_that_comes_from_nowhere_is_left_alone(app, provider_of):
    provider = provider_of(app)
    ann = push(provider, "ann", **FULL)

    set_rules(app, provider, attribute_mapping="title =")
    provider.patch(f"/Users/{ann}", replaced("title", "Chief"))

    assert accounts(app)["ann"].title == "Editor"


def test_a_manager_is_known_by_their_user_name(app, provider):
    boss = push(provider, "boss@corp.example")

    push(provider, "ann", **{ENTERPRISE: {"manager": {"value": boss}}})

    assert accounts(app)["ann"].manager == "boss@corp.example"


@pytest.mark.parametrize(("clear", "title"), [(True, ""), (False, "Editor")])
def test_an_attribute_that_is_cleared_is_cleared_or_kept(app, provider_of, clear, title):
    """Checklist 31"""
    provider = provider_of(app, clear_attributes=clear)
    ann = push(provider, "ann", **FULL)

    provider.patch(f"/Users/{ann}", {"op": "remove", "path": "title"})

    assert accounts(app)["ann"].title == title
    assert "None" not in str(accounts(app)["ann"])


def test_with_update_users_off_attributes_stay_and_status_follows(app, provider_of):
    """Checklist 30"""
    provider = provider_of(app, update_users=False)
    ann = push(provider, "ann", **FULL)

    provider.patch(f"/Users/{ann}", replaced("title", "Chief"))
    provider.patch(f"/Users/{ann}", replaced("active", False))

    assert (accounts(app)["ann"].title, accounts(app)["ann"].active) == ("Editor", False)
    assert steps(app, "ann")["update_users"].text == "title stays as it is: Update Users is off"


def test_a_new_mapping_is_counted_before_and_applied_after(app, provider_of):
    provider = provider_of(app)
    push(provider, "ann", **FULL)
    push(provider, "bob")

    counts = preview(app, provider, attribute_mapping='locale = locale | "de"').counts
    done = set_rules(app, provider, attribute_mapping='locale = locale | "de"').counts

    assert counts == done
    assert (counts["update"], counts["unchanged"]) == (1, 1)
    assert accounts(app)["bob"].locale == "de"


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("user_name = emails", "user_name_attribute"),
        ("protected = title", "cannot be the name of a field"),
        ("title = [x", "title"),
        ("title = {name.givenName", "brace"),
        ("title = a |", "before or after"),
        ("title = title; title = nickName", "twice"),
        ('[{"field": "title", "from": "title", "regex": "("}]', "title: not a valid regular"),
        ('[{"field": "title", "from": "title", "case": "camel"}]', "case must be"),
        ('[{"field": "title", "from": "title", "secret": "x"}]', "unknown key"),
        ("[{", "not a JSON list"),
        ("title", "must look like"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_by_name(app, provider_of, mapping, message):
    with pytest.raises(InvalidSetting, match=message):
        set_rules(app, provider_of(app), attribute_mapping=mapping)
