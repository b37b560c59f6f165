"""Under which name: the attribute, the expression, collisions, and what a directory demands."""

from dataclasses import replace

import pytest
from acting import accounts, engine_of, mail, person, preview, push, set_rules, steps, why

from usersync_ext.core.options import DEFAULT_RULES
from usersync_ext.core.records import PersonState
from usersync_ext.core.username import NameRules, account_name
from usersync_ext.errors import InvalidSetting


@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        ("userName", "ann@corp.example"),
        ("emails", "ann.bee@mail.example"),
        ('emails[type eq "home"].value', "home@mail.example"),
        ("externalId", "E-17"),
        ("nickName | userName", "ann@corp.example"),
        ("employeeNumber", "4711"),
        ("{name.givenName}.{name.familyName}", "Ann.Bee"),
    ],
)
def test_the_name_may_come_from_any_attribute(app, provider_of, attribute, name):
    provider = provider_of(app, user_name_attribute=attribute)

    push(
        provider,
        "ann@corp.example",
        externalId="E-17",
        name={"givenName": "Ann", "familyName": "Bee"},
        emails=[
            {"value": "home@mail.example", "type": "home"},
            {"value": "ann.bee@mail.example", "type": "work"},
        ],
        **{
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "4711"}
        },
    )

    assert set(accounts(app)) == {name}


def test_the_expression_is_applied_to_the_chosen_attribute(app, provider_of):
    """Checklist 47"""
    provider = provider_of(
        app, user_name_attribute="emails", username_regex="(.*)@.*", username_replacement="$1"
    )

    push(provider, "E17", emails=mail("ann@corp.example"))

    assert set(accounts(app)) == {"ann"}
    assert steps(app, "E17")["user_name_attribute"].output == "ann@corp.example"


def test_who_lacks_the_attribute_gets_no_account_and_is_told_why(app, provider_of):
    """Checklist 53"""
    provider = provider_of(app, user_name_attribute="emails")

    push(provider, "ann")

    assert accounts(app) == {}
    assert person(app, "ann").state is PersonState.FAILED
    assert why(app, "ann") == "the provider sends no emails, from which the name is taken"


def test_a_changed_attribute_renames_the_account(app, provider_of):
    provider = provider_of(app, user_name_attribute="emails")
    ann = push(provider, "E17", emails=mail("ann@corp.example"))
    key = accounts(app)["ann@corp.example"].key

    provider.patch(
        f"/Users/{ann}", {"op": "replace", "path": "emails", "value": mail("ann.bee@corp.example")}
    )

    assert accounts(app)["ann.bee@corp.example"].key == key


def test_collisions_of_a_new_rule_name_the_person_who_has_the_account(app, provider_of):
    provider = provider_of(app)
    push(provider, "ann@a.example")
    push(provider, "ann@b.example")

    counts = preview(app, provider, username_regex="@.*").counts
    set_rules(app, provider, username_regex="@.*")

    assert (counts["rename"], counts["unchanged"]) == (1, 1)
    assert set(accounts(app)) == {"ann", "ann@b.example"}
    assert "'ann'" in why(app, "ann@b.example")


def test_a_path_that_is_none_is_refused(app, provider_of):
    with pytest.raises(InvalidSetting, match="user_name_attribute"):
        set_rules(app, provider_of(app), user_name_attribute="user name")


def test_an_emptied_attribute_is_the_default_again(app, provider_of):
    provider = provider_of(app, user_name_attribute="emails")

    set_rules(app, provider, user_name_attribute=" ")
    push(provider, "ann")

    assert set(accounts(app)) == {"ann"}


@pytest.mark.parametrize(
    ("demands", "name", "error"),
    [
        (NameRules(lower_case=True), "ann.bee", ""),
        (NameRules(illegal="\\/.:"), "Ann.Bee", "has ., which its directory does not allow"),
        (NameRules(max_length=5), "Ann.Bee", "longer than 5 characters"),
    ],
)
def test_a_directory_may_demand_more_of_names(demands, name, error):
    result = account_name("Ann.Bee", DEFAULT_RULES, demands)

    assert result.name == name
    assert error in result.error
    assert bool(error) == bool(result.error)


def test_names_of_a_directory_in_lower_case_are_no_renames(app, provider_of):
    local = engine_of(app).directories["local"]
    local.name_rules = replace(local.name_rules, lower_case=True)
    provider = provider_of(app)

    push(provider, "Ann")
    summary = set_rules(app, provider, update_users=False)

    assert set(accounts(app)) == {"ann"}
    assert summary.counts["rename"] == 0
    assert steps(app, "Ann")["username_regex"].text == "the directory takes 'Ann' as 'ann'"
