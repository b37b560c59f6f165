"""On the fly: groups of the same name, expressions on names, renaming, deleting.

Checklist 75 to 81 and 83; issue 5, "Group sync mode".
"""

import pytest
from acting import (
    adding,
    change_table,
    engine_of,
    entries,
    explained,
    give_by_hand,
    groups_of,
    join,
    leave,
    lines,
    local_account,
    local_group,
    map_group,
    member,
    members_of,
    memberships,
    preview,
    problems,
    push,
    push_group,
    rename_to,
    set_rules,
    source_of,
)

from usersync_ext.errors import InvalidSetting
from usersync_ext.sync import group_admin

BY = "because the group {!r} of Acme is mapped to it"


@pytest.fixture
def fly(app, provider_of):
    """A provider in on-the-fly mode whose rules are the defaults."""
    return provider_of(app, group_mode="on_the_fly")


# -- the same name: checklist 75, 76 ---------------------------------------------------------------


def test_a_group_gives_the_one_of_the_same_name(app, fly):
    """Checklist 75"""
    local_group(app, "team-x")
    local_account(app, "zoe")
    give_by_hand(app, "zoe", "team-x")

    push_group(fly, "team-x", push(fly, "ann"))

    assert members_of(app) == {
        "team-x": {"zoe": "given by hand by admin:root", "ann": BY.format("team-x")}
    }
    assert groups_of(app)["team-x"].managed_by is None


def test_a_group_that_does_not_exist_is_created_before_it_has_members(app, fly):
    """Checklist 76"""
    group = push_group(fly, "team-x")
    assert memberships(app) == {"team-x": set()}

    join(fly, group, push(fly, "ann"))

    assert memberships(app) == {"team-x": {"ann"}}
    assert groups_of(app)["team-x"].managed_by == fly.source
    assert [e.kind for e in entries(app)] == ["group_created", "create", "add_member"]


def test_a_group_is_not_created_where_that_is_off_and_the_reason_is_shown(app, provider_of):
    """Checklist 76"""
    provider = provider_of(app, group_mode="on_the_fly", create_groups=False)
    local_group(app, "old")
    ann = push(provider, "ann")

    for name in ("old", "new"):
        push_group(provider, name, ann)

    assert memberships(app) == {"old": {"ann"}}
    assert problems(app, provider) == [
        "The provider's group 'new' gives nothing: the directory has no group 'new', and none is "
        "created."
    ]


def test_switching_to_on_the_fly_creates_and_gives_what_was_previewed(app, provider):
    """Checklist 68, 76"""
    push_group(provider, "one", push(provider, "ann"))
    push_group(provider, "empty")

    seen = preview(app, provider, group_mode="on_the_fly")

    assert seen.counts["gain"] == 1
    assert memberships(app) == {}
    assert set_rules(app, provider, group_mode="on_the_fly").counts == seen.counts
    assert memberships(app) == {"one": {"ann"}, "empty": set()}


@pytest.mark.parametrize("name", ["a\tb", "g" * 256, "..."])
def test_a_name_that_no_group_can_have_gives_nothing_and_is_told(app, fly, name):
    ann = push(fly, "ann")

    answer = fly.post("/Groups", {"displayName": name, "members": [{"value": ann}]})

    assert answer.status_code == 201
    assert memberships(app) == {}
    [text] = problems(app, fly)
    assert text.startswith(f"The provider's group {name!r} gives nothing: ")


# -- filter: checklist 78 --------------------------------------------------------------------------


def test_only_filtered_groups_are_created_and_given(app, provider_of):
    """Checklist 78"""
    provider = provider_of(app, group_mode="on_the_fly", group_include="app-.*")
    ann = push(provider, "ann")

    for name in ("app-one", "APP-two", "web-app-x", "wiki"):
        push_group(provider, name, ann)

    assert memberships(app) == {"app-one": {"ann"}, "APP-two": {"ann"}}


def test_narrowing_the_filter_takes_away_what_it_leaves_out(app, fly):
    """Checklist 78"""
    ann = push(fly, "ann")
    for name in ("app-one", "wiki"):
        push_group(fly, name, ann)

    summary = set_rules(app, fly, group_include="app-*")

    assert (summary.counts["lose"], summary.held) == (1, 0)
    assert memberships(app) == {"app-one": {"ann"}, "wiki": set()}


# -- expressions on names: checklist 79 ------------------------------------------------------------

NAMES = {
    "checklist 79": ("^IdP_(.*)$", "$1", "IdP_users", "users"),
    "no match": ("^IdP_(.*)$", "$1", "users", "users"),
    "two groups": (r"(\w+)-(\w+)", "$2.$1", "ann-bee", "bee.ann"),
    "dollar": ("^x", "$$", "xy", "$y"),
    "backslash dollar": ("^x", r"\$", "xy", "$y"),
    "every match": ("_", "-", "a_b_c", "a-b-c"),
    "blanks at the ends": ("^IdP", "", "IdP users", "users"),
}


@pytest.mark.parametrize(("regex", "replacement", "name", "result"), NAMES.values(), ids=NAMES)
def test_an_expression_makes_the_name(app, provider_of, regex, replacement, name, result):
    """Checklist 79, 49, 50"""
    rules = {"group_regex": regex, "group_replacement": replacement}
    provider = provider_of(app, group_mode="on_the_fly", **rules)

    push_group(provider, name, push(provider, "ann"))

    assert members_of(app) == {result: {"ann": BY.format(name)}}


REFUSED = {
    "syntax": ("group_regex", "(", ""),
    "lookahead": ("group_regex", "(?=a)", ""),
    "back-reference": ("group_regex", r"(a)\1", ""),
    "too long": ("group_regex", "a" * 201, ""),
    "no such group": ("group_replacement", "a", "$9"),
    "lonely dollar": ("group_replacement", "a", "$"),
}


@pytest.mark.parametrize(("key", "regex", "replacement"), REFUSED.values(), ids=REFUSED)
def test_an_expression_that_cannot_be_used_is_refused_by_its_name(
    app, fly, key, regex, replacement
):
    """Checklist 49, 51, 79"""
    with pytest.raises(InvalidSetting, match=f"^{key}: "):
        set_rules(app, fly, group_regex=regex, group_replacement=replacement)

    assert source_of(app, fly).rules["group_regex"] == ""


def test_a_runaway_expression_is_harmless(app, provider_of):
    """Checklist 52, 79: RE2 needs linear time."""
    provider = provider_of(app, group_mode="on_the_fly", group_regex="(a+)+$")

    push_group(provider, "a" * 200 + "!", push(provider, "ann"))

    assert set(memberships(app)) == {"a" * 200 + "!"}


def test_an_expression_that_leaves_nothing_gives_nothing_and_is_told(app, provider_of):
    """Checklist 53, 79"""
    provider = provider_of(app, group_mode="on_the_fly", group_regex="^IdP.*")

    push_group(provider, "IdP_users", push(provider, "ann"))

    assert memberships(app) == {}
    assert problems(app, provider) == [
        "The provider's group 'IdP_users' gives nothing: the rule for group names makes an empty "
        "name of 'IdP_users'."
    ]


def test_a_name_too_long_for_an_expression_gives_nothing_and_is_told(app, provider_of):
    """Checklist 53, 79"""
    provider = provider_of(app, group_mode="on_the_fly", group_regex="a", group_replacement="b")

    push_group(provider, "a" * 257, push(provider, "ann"))

    assert memberships(app) == {}
    assert "longer than 256 characters" in problems(app, provider)[0]


def test_groups_that_get_one_name_are_listed_and_leaving_one_keeps_the_membership(app, fly):
    """Checklist 54, 71, 79"""
    ann, ben = push(fly, "ann"), push(fly, "ben")
    one, _ = push_group(fly, "A_users", ann), push_group(fly, "B_users", ann, ben)

    set_rules(app, fly, group_regex="^._", group_delete="delete_empty")

    assert memberships(app)["users"] == {"ann", "ben"}
    assert problems(app, fly) == [
        "The groups 'A_users', 'B_users' have one name in the directory: 'users'."
    ]
    leave(fly, one, ann)
    assert memberships(app)["users"] == {"ann", "ben"}


def test_a_new_expression_renames_the_groups_that_were_created(app, fly):
    """Checklist 79, 80"""
    push_group(fly, "IdP_users", push(fly, "ann"))
    key = groups_of(app)["IdP_users"].group.key

    set_rules(app, fly, group_regex="^IdP_")

    assert memberships(app) == {"users": {"ann"}}
    assert groups_of(app)["users"].group.key == key
    assert lines(app, "remove_member") == []


# -- renamed in the provider: checklist 80 ---------------------------------------------------------


def test_a_renamed_group_renames_the_one_that_was_created_for_it(app, fly):
    """Checklist 80"""
    group = push_group(fly, "one", push(fly, "ann"))
    key = groups_of(app)["one"].group.key

    assert rename_to(fly, group, "two").status_code == 204

    assert members_of(app) == {"two": {"ann": BY.format("two")}}
    assert groups_of(app)["two"].group.key == key
    assert lines(app, "group_renamed", "remove_member") == [
        ("group_renamed", "two", "two", "applied")
    ]


def test_a_renamed_group_may_be_a_new_one_to_which_the_members_move(app, provider_of):
    """Checklist 80"""
    rules = {"group_rename": "new", "group_delete": "delete_empty"}
    provider = provider_of(app, group_mode="on_the_fly", **rules)
    group = push_group(provider, "one", push(provider, "ann"))

    rename_to(provider, group, "two")

    assert memberships(app) == {"two": {"ann"}}
    assert [line[0] for line in lines(app, "group_created", "group_deleted")] == [
        "group_created",
        "group_created",
        "group_deleted",
    ]


def test_a_group_renamed_to_one_that_exists_moves_its_members_there(app, fly):
    """Checklist 80: no orphan memberships."""
    local_group(app, "two")
    local_account(app, "zoe")
    give_by_hand(app, "zoe", "two")
    group = push_group(fly, "one", push(fly, "ann"))

    rename_to(fly, group, "two")

    assert memberships(app) == {"one": set(), "two": {"ann", "zoe"}}


def test_a_group_that_was_there_before_is_not_renamed(app, fly):
    """Checklist 80: only groups that were created for it follow the name."""
    local_group(app, "one")
    local_account(app, "zoe")
    give_by_hand(app, "zoe", "one")
    group = push_group(fly, "one", push(fly, "ann"))

    rename_to(fly, group, "two")

    assert memberships(app) == {"one": {"zoe"}, "two": {"ann"}}


def test_members_of_another_group_of_the_same_name_stay_behind_when_one_is_renamed(
    app, provider_of
):
    """Checklist 80: no orphan memberships."""
    provider = provider_of(app, group_mode="on_the_fly", group_regex="^._")
    first = push_group(provider, "A_users", push(provider, "ann"))
    push_group(provider, "B_users", push(provider, "ben"))

    rename_to(provider, first, "A_staff")

    assert memberships(app) == {"users": {"ben"}, "staff": {"ann"}}


def test_members_of_another_source_stay_behind_when_a_group_is_renamed(app, fly, provider_of):
    """Checklist 80: what another source gave stays where it gave it."""
    other = provider_of(app, name="Other", group_mode="on_the_fly")
    group = push_group(fly, "team", push(fly, "ann"))
    push_group(other, "team", push(other, "olga"))

    rename_to(fly, group, "staff")

    assert memberships(app) == {"team": {"olga"}, "staff": {"ann"}}


def test_an_emptied_group_that_another_source_stands_for_is_not_deleted(app, provider_of):
    """Checklist 81"""
    one, two = (
        provider_of(app, name=name, group_mode="on_the_fly", group_delete="delete_empty")
        for name in ("One", "Two")
    )
    group = push_group(one, "team", push(one, "ann"))
    push_group(two, "team")

    one.delete(f"/Groups/{group}")

    assert memberships(app) == {"team": set()}


def test_a_default_group_keeps_its_name_when_the_group_it_was_created_for_is_renamed(
    app, provider_of
):
    """Checklist 65, 80"""
    rules = {"default_groups": "staff", "assign_default_groups_to": "all"}
    provider = provider_of(app, group_mode="on_the_fly", **rules)
    group = push_group(provider, "staff")
    ann = push(provider, "ann")
    join(provider, group, ann)

    rename_to(provider, group, "crew")

    assert memberships(app) == {"staff": {"ann"}, "crew": {"ann"}}


def test_two_groups_swap_their_names(app, fly):
    """Checklist 80"""
    ann, ben = push(fly, "ann"), push(fly, "ben")
    one, two = push_group(fly, "one", ann), push_group(fly, "two", ben)

    rename_to(fly, one, "tmp")
    rename_to(fly, two, "one")
    rename_to(fly, one, "two")

    assert memberships(app) == {"one": {"ben"}, "two": {"ann"}}


def test_a_renamed_group_follows_the_provider_after_an_expression_named_it(app, fly):
    """Checklist 79, 80"""
    group = push_group(fly, "one", push(fly, "ann"))
    set_rules(app, fly, group_regex="^one$", group_replacement="two")

    rename_to(fly, group, "three")

    assert memberships(app) == {"three": {"ann"}}


# -- case: checklist 83 ----------------------------------------------------------------------------


def test_groups_that_differ_in_case_are_one(app, fly):
    """Checklist 83"""
    ann, ben = push(fly, "ann"), push(fly, "ben")
    for name, key, who in (("Team-X", "1", ann), ("team-x", "2", ben)):
        record = {"displayName": name, "externalId": key, "members": [{"value": who}]}
        assert fly.post("/Groups", record).status_code == 201

    assert memberships(app) == {"Team-X": {"ann", "ben"}}
    assert "'Team-X', 'team-x' have one name" in problems(app, fly)[0]


def test_a_group_renamed_in_case_only_is_renamed_in_place(app, fly):
    """Checklist 83"""
    group = push_group(fly, "team-x", push(fly, "ann"))

    rename_to(fly, group, "Team-X")

    assert memberships(app) == {"Team-X": {"ann"}}
    assert lines(app, "remove_member") == []


# -- deleted in the provider: checklist 81 ---------------------------------------------------------


@pytest.mark.parametrize(("choice", "left"), [("delete_empty", {}), ("keep", {"team": set()})])
def test_a_deleted_group_is_emptied_and_deleted_if_wanted(app, provider_of, choice, left):
    """Checklist 81"""
    provider = provider_of(app, group_mode="on_the_fly", group_delete=choice)
    group = push_group(provider, "team", push(provider, "ann"))

    provider.delete(f"/Groups/{group}")

    assert memberships(app) == left
    assert lines(app, "remove_member") == [("remove_member", "ann", "team", "applied")]


def test_a_deleted_group_stays_while_somebody_else_is_in_it(app, provider_of):
    """Checklist 81: unless still granted otherwise."""
    provider = provider_of(app, group_mode="on_the_fly", group_delete="delete_empty")
    other = provider_of(app, name="Other", group_mode="on_the_fly")
    group = push_group(provider, "team", push(provider, "ann"))
    push_group(other, "team", push(other, "olga"))

    provider.delete(f"/Groups/{group}")

    assert memberships(app) == {"team": {"olga"}}


def test_a_group_that_was_there_before_is_never_deleted(app, provider_of):
    """Checklist 81"""
    provider = provider_of(app, group_mode="on_the_fly", group_delete="delete_empty")
    local_group(app, "team")
    group = push_group(provider, "team", push(provider, "ann"))

    provider.delete(f"/Groups/{group}")

    assert memberships(app) == {"team": set()}


def test_a_group_that_is_pushed_again_after_its_deletion_is_given_again(app, fly):
    """Checklist 81"""
    ann = push(fly, "ann")
    fly.delete(f"/Groups/{push_group(fly, 'team', ann)}")

    push_group(fly, "team", ann)

    assert memberships(app) == {"team": {"ann"}}


# -- whom and what it keeps: checklist 74, 77 ------------------------------------------------------


def test_groups_that_a_person_has_outside_of_the_provider_stay(app, fly):
    """Checklist 77"""
    local_group(app, "own")
    push_group(fly, "team", push(fly, "ann"))

    give_by_hand(app, "ann", "own")

    assert memberships(app) == {"own": {"ann"}, "team": {"ann"}}


def test_groups_that_a_person_has_outside_of_the_provider_go_if_wanted(app, fly):
    """Checklist 77: default and protected groups, and other people's groups, excepted."""
    set_rules(app, fly, default_groups="staff", assign_default_groups_to="all")
    push_group(fly, "team", push(fly, "ann"))
    local_account(app, "zoe")
    for name in ("own", "boss"):
        local_group(app, name, protected=name == "boss")
    give_by_hand(app, "ann", "own", "boss")
    give_by_hand(app, "zoe", "own")

    seen = preview(app, fly, keep_existing_groups=False)
    summary = set_rules(app, fly, keep_existing_groups=False)

    assert (seen.counts["lose"], summary.counts["lose"], summary.held) == (1, 1, 0)
    assert memberships(app) == {
        "own": {"zoe"},
        "boss": {"ann"},
        "staff": {"ann"},
        "team": {"ann"},
    }


def test_existing_members_of_groups_on_the_fly_go_if_wanted(app, fly):
    """Checklist 74, in the other mode"""
    for name in ("team", "other"):
        local_group(app, name)
    local_account(app, "zoe")
    give_by_hand(app, "zoe", "team", "other")
    push_group(fly, "team", push(fly, "ann"))

    summary = set_rules(app, fly, keep_existing_users=False)

    assert summary.counts["lose"] == 1
    assert memberships(app) == {"team": {"ann"}, "other": {"zoe"}}


def test_changing_the_mode_moves_everybody_and_says_so(app, fly):
    """Checklist 68"""
    ann, ben = push(fly, "ann"), push(fly, "ben")
    push_group(fly, "one", ann)
    push_group(fly, "two", ben)
    map_group(app, fly, "one", "one")

    seen = preview(app, fly, group_mode="manual")
    set_rules(app, fly, group_mode="manual")

    assert (seen.counts["gain"], seen.counts["lose"]) == (0, 1)
    assert memberships(app) == {"one": {"ann"}, "two": set()}


def test_the_table_is_filled_while_another_mode_is_on(app, fly):
    push_group(fly, "one", push(fly, "ann"))

    summary = change_table(app, fly, adding(app, fly, "one", "users"))

    assert (summary.counts["gain"], summary.counts["lose"]) == (0, 0)
    assert set_rules(app, fly, group_mode="manual").counts["gain"] == 1
    assert memberships(app) == {"one": set(), "users": {"ann"}}


# -- what people are told --------------------------------------------------------------------------


def test_a_person_is_told_of_the_group_that_gives_each_one(app, fly):
    """Issue 5 "Explanation" """
    ann = push(fly, "ann")
    push_group(fly, "one", ann)
    push_group(fly, "two", ann)

    told = explained(app, "ann")

    assert told.groups == (("one", BY.format("one")), ("two", BY.format("two")))
    assert sorted(told.source_groups) == ["one", "two"]


def test_the_list_of_the_sources_groups_says_what_each_stands_for(app, fly):
    """Issue 5 "Explanation" """
    set_rules(app, fly, group_regex="^IdP_", group_exclude="old")
    for name in ("IdP_users", "old"):
        push_group(fly, name)

    found = group_admin.list_source_groups(engine_of(app), source_of(app, fly))

    assert [(line.group.name, line.targets, line.why_not) for line in found] == [
        ("IdP_users", ("users",), ""),
        ("old", (), "the group 'old' is excluded"),
    ]


def test_a_request_that_changes_nothing_writes_nothing(app, fly):
    ann = push(fly, "ann")
    group = push_group(fly, "team", ann)
    before = entries(app)

    fly.patch(f"/Groups/{group}", member("add", ann), member("replace", ann))
    rename_to(fly, group, "team")

    assert entries(app) == before
