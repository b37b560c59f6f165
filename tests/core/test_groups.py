"""From the groups of a source to those of the directory: filters, names, targets."""

import pytest

from usersync_ext.core.groups import (
    GroupMapping,
    Target,
    collisions,
    default_groups,
    directory_name,
    group_filter,
    included,
    targets_of,
)
from usersync_ext.core.options import changed_rules
from usersync_ext.core.scope import SourceGroup
from usersync_ext.errors import InvalidSetting


def a_group(name="Team X", **values):
    return SourceGroup(**{"id": 1, "scim_id": "id-1", "name": name, **values})


def rules(**values):
    return changed_rules({}, values)


def a_row(to="users", **values):
    row = {"id": 1, "group_id": 1, "scim_id": "id-1", "external_id": None, "name": "Team X"}
    return GroupMapping(**{**row, "to": to, **values})


@pytest.mark.parametrize(
    ("text", "names", "found"),
    [
        ("app-crm", ["app-crm"], "app-crm"),
        ("APP-CRM", ["app-crm"], "app-crm"),
        ("app-*", ["app-crm"], "app-crm"),
        ("app-.*", ["app-crm"], "app-crm"),
        ("app-.*", ["APP-crm"], "APP-crm"),
        ("app-.*", ["my-app-crm"], ""),
        ("^app", ["app-crm"], "app-crm"),
        ("crm$", ["app-crm"], "app-crm"),
        ("app-.*, ops", ["ops"], "ops"),
        ("id-7", ["Team X", "id-7"], "id-7"),
        ('"R&D, Berlin"', ["R&D, Berlin"], "R&D, Berlin"),
        ("team.x", ["teamAx"], ""),
        ("", ["anything"], ""),
    ],
)
def test_a_filter_finds_groups_by_name_id_pattern_and_expression(text, names, found):
    assert group_filter(text).finds(names) == found


@pytest.mark.parametrize(
    ("include", "exclude", "inside"),
    [
        ("", "", True),
        ("Team *", "", True),
        ("Other", "", False),
        ("", "team x", False),
        ("Team *", "Team X", False),
        ("ext-1", "", True),
    ],
)
def test_exclusion_wins_over_inclusion(include, exclude, inside):
    group = a_group(external_id="ext-1")

    verdict = included(group, rules(group_include=include, group_exclude=exclude))

    assert verdict.inside is inside
    assert bool(verdict.text) is not inside


@pytest.mark.parametrize("key", ["group_include", "group_exclude", "group_regex"])
def test_an_expression_that_cannot_be_used_is_refused_by_its_key(key):
    with pytest.raises(InvalidSetting) as refused:
        rules(**{key: "(?=x).*"})

    assert refused.value.key == key


def test_a_protected_group_cannot_be_a_default_group():
    with pytest.raises(InvalidSetting, match="'admins' is a protected group"):
        rules(default_groups="staff, admins")


def test_default_groups_are_a_list_without_repetitions():
    assert default_groups(rules(default_groups='staff, "a, b"\nstaff')) == ("staff", "a, b")


@pytest.mark.parametrize(
    ("regex", "replacement", "name", "result"),
    [
        ("", "", "Team X", "Team X"),
        ("^IdP_(.*)$", "$1", "IdP_users", "users"),
        ("^IdP_(.*)$", "$1", "others", "others"),
        ("-", "_", "a-b-c", "a_b_c"),
        ("(.*)", "$$1-$1", "x", "$1-x"),
        ("", "", " padded ", "padded"),
    ],
)
def test_the_name_in_the_directory_follows_the_expression(regex, replacement, name, result):
    found = directory_name(name, rules(group_regex=regex, group_replacement=replacement))

    assert (found.name, found.error) == (result, "")


@pytest.mark.parametrize("name", ["IdP_", "IdP_a\tb", "IdP_" + "x" * 300])
def test_a_name_that_the_directory_cannot_hold_is_an_error_and_no_target(name):
    on_the_fly = rules(group_mode="on_the_fly", group_regex="^IdP_", group_replacement="")

    assert directory_name(name, on_the_fly).error
    assert targets_of(a_group(name), on_the_fly, {}) == ()


def test_in_manual_mode_the_rows_of_the_table_say_what_a_group_stands_for():
    mapped = {1: (a_row("users"), a_row("wiki", allow_protected=True))}

    found = targets_of(a_group(), rules(group_mode="manual"), mapped)

    assert found == (
        Target(name="users", via="Team X"),
        Target(name="wiki", via="Team X", allow_protected=True),
    )


@pytest.mark.parametrize("mode", ["off", "manual", "on_the_fly"])
def test_an_excluded_group_stands_for_nothing_in_any_mode(mode):
    excluded = rules(group_mode=mode, group_exclude="team x")

    assert targets_of(a_group(), excluded, {1: (a_row(),)}) == ()


def test_groups_that_get_one_name_are_listed_together():
    on_the_fly = rules(group_mode="on_the_fly", group_regex="[0-9]", group_replacement="")
    groups = [a_group("Team1", id=1), a_group("team2", id=2), a_group("Ops", id=3)]

    assert collisions(groups, on_the_fly) == [("Team", ("Team1", "team2"))]
