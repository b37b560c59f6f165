"""Default groups, and what becomes of memberships when people and sources come and go.

Checklist 61 to 65 and 84; issue 5, "Default groups", "Disable and re-enable", "Deleting".
"""

import pytest
from acting import (
    ADMIN,
    accounts,
    disable,
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
    members_of,
    memberships,
    preview,
    problems,
    push,
    push_group,
    replaced,
    set_rules,
    source_of,
    steps,
    why,
)

from usersync_ext.errors import InvalidSetting
from usersync_ext.sync import admin, adopting, by_hand, group_admin

ALL = {"default_groups": "staff, wiki", "assign_default_groups_to": "all"}
NEW = {"default_groups": "staff, wiki", "assign_default_groups_to": "new"}
BY_GROUP = "because the group {!r} of Acme is mapped to it"


# -- default groups: checklist 61 to 65 ------------------------------------------------------------


def test_every_default_group_is_given(app, provider_of):
    """Checklist 61"""
    provider = provider_of(app, **ALL)

    push(provider, "ann")

    reason = {"ann": "default group of Acme"}
    assert members_of(app) == {"staff": reason, "wiki": reason}


@pytest.mark.parametrize(
    ("whom", "members"), [("none", set()), ("new", {"ben"}), ("all", {"ann", "ben"})]
)
def test_default_groups_go_to_nobody_to_new_people_or_to_all(app, provider, whom, members):
    """Checklist 62, 190"""
    local_group(app, "staff")
    push(provider, "ann")

    set_rules(app, provider, default_groups="staff", assign_default_groups_to=whom)
    push(provider, "ben")

    assert memberships(app) == {"staff": members}


def test_an_updated_person_is_not_new(app, provider_of):
    """Checklist 62"""
    provider = provider_of(app)
    ann = push(provider, "ann")
    set_rules(app, provider, **NEW)

    provider.patch(f"/Users/{ann}", replaced("displayName", "Ann Bee"))

    assert memberships(app) == {}


def test_choosing_all_is_shown_before_it_is_done(app, provider):
    """Checklist 62, issue 5 "Preview" """
    for name in ("ann", "ben"):
        push(provider, name)

    seen = preview(app, provider, **ALL)

    assert (seen.counts["gain"], seen.held) == (2, 0)
    assert memberships(app) == {}
    assert set_rules(app, provider, **ALL).counts == seen.counts
    assert memberships(app) == {"staff": {"ann", "ben"}, "wiki": {"ann", "ben"}}


def test_the_licensed_group_is_given_with_a_new_account(app, provider_of):
    """Checklist 63"""
    local_group(app, "licensed")
    provider = provider_of(app, default_groups="licensed", assign_default_groups_to="all")

    push(provider, "ann")

    assert explained(app, "ann").groups == (("licensed", "default group of Acme"),)


def test_a_missing_default_group_is_created_once_with_its_origin(app, provider_of):
    """Checklist 64"""
    provider = provider_of(app, default_groups="staff", assign_default_groups_to="all")

    for name in ("ann", "ben"):
        push(provider, name)

    assert groups_of(app)["staff"].managed_by == provider.source
    assert memberships(app) == {"staff": {"ann", "ben"}}


def test_a_default_group_that_must_not_be_created_is_one_message_and_no_error(app, provider_of):
    """Checklist 64"""
    provider = provider_of(app, **ALL, create_groups=False)
    local_group(app, "wiki")

    for name in ("ann", "ben", "cyd"):
        push(provider, name)

    assert memberships(app) == {"wiki": {"ann", "ben", "cyd"}}
    assert problems(app, provider) == [
        "The directory has no default group 'staff': create it, or choose another one."
    ]
    assert {e.outcome for e in entries(app)} == {"applied"}
    assert "none is created" in steps(app, "ann")["create_groups"].text


def test_group_sync_leaves_default_groups_alone(app, provider_of):
    """Checklist 65"""
    provider = provider_of(app, **ALL, group_mode="on_the_fly", keep_existing_groups=False)
    ann = push(provider, "ann")
    group = push_group(provider, "staff", ann)

    leave(provider, group, ann)
    set_rules(app, provider, keep_existing_users=False)

    assert memberships(app) == {"staff": {"ann"}, "wiki": {"ann"}}


def test_a_default_group_stays_when_it_is_none_any_more(app, provider_of):
    """Checklist 65: nobody loses what they were given as a default group."""
    provider = provider_of(app, **ALL)
    push(provider, "ann")

    set_rules(app, provider, default_groups="wiki", group_mode="on_the_fly")
    set_rules(app, provider, assign_default_groups_to="none")

    assert memberships(app) == {"staff": {"ann"}, "wiki": {"ann"}}


def test_default_group_names_compare_as_the_directory_compares_them(app, provider_of):
    """Checklist 83"""
    local_group(app, "Staff")
    provider = provider_of(app, default_groups="STAFF, staff", assign_default_groups_to="all")

    push(provider, "ann")

    assert memberships(app) == {"Staff": {"ann"}}


def test_a_default_group_whose_name_has_a_comma_stands_in_quotes(app, provider_of):
    provider = provider_of(
        app, default_groups='"Sales, EMEA", wiki', assign_default_groups_to="all"
    )

    push(provider, "ann")

    assert set(memberships(app)) == {"Sales, EMEA", "wiki"}


@pytest.mark.parametrize("name", ["admins", "ADMINISTRATORS", "wiki-admins", "\uff41dmins"])
def test_a_protected_group_cannot_be_a_default_group(app, provider, name):
    with pytest.raises(InvalidSetting, match=r"default_groups: .* is a protected group"):
        set_rules(app, provider, default_groups=f"staff, {name}")


def test_a_default_group_that_is_protected_later_is_given_to_nobody_and_named(app, provider_of):
    provider = provider_of(app, default_groups="ops", assign_default_groups_to="all")
    local_group(app, "ops", protected=True)

    push(provider, "ann")

    assert memberships(app) == {"ops": set()}
    assert problems(app, provider) == ["The default group 'ops' is protected, so nobody gets it."]
    assert "is protected" in steps(app, "ann")["protected_groups"].text


# -- settings: checklist 84 ------------------------------------------------------------------------

EVERY_SETTING = {
    "default_groups": 'staff, "Sales, EMEA"',
    "assign_default_groups_to": "new",
    "create_groups": False,
    "group_mode": "on_the_fly",
    "group_include": r"^app-(.*)$, wiki*, 3f0c",
    "group_exclude": "app-old",
    "group_regex": r"^app-(\w+) ",
    "group_replacement": " $1$$",
    "keep_existing_users": False,
    "keep_existing_groups": False,
    "nested_groups": "flatten",
    "group_rename": "new",
    "group_delete": "delete_empty",
    "protected_groups": "root, *-boss",
}


def test_every_setting_about_groups_survives_a_restart(app, provider, make_app):
    """Checklist 84"""
    push_group(provider, "IdP_users")
    map_group(app, provider, "IdP_users", "users", allow_protected=True)
    set_rules(app, provider, **EVERY_SETTING)

    again = make_app()

    rules = source_of(again, provider).rules
    assert {key: rules[key] for key in EVERY_SETTING} == EVERY_SETTING
    [row] = group_admin.mapping_of(engine_of(again), source_of(again, provider), "IdP_users", "")
    assert (row.name, row.to, row.allow_protected) == ("IdP_users", "users", True)


# -- disabled and enabled again --------------------------------------------------------------------


def grouped(app, provider_of, **rules):
    """Return a provider whose ann and ben are in team, her id, and the group's."""
    provider = provider_of(app, group_mode="on_the_fly", **rules)
    ann, ben = push(provider, "ann", externalId="1"), push(provider, "ben")
    return provider, ann, push_group(provider, "team", ann, ben)


def test_a_disabled_person_keeps_memberships_and_has_them_when_enabled_again(app, provider_of):
    """Checklist 37: providers do not send memberships again."""
    provider, ann, _ = grouped(app, provider_of)

    disable(provider, ann)

    assert memberships(app) == {"team": {"ann", "ben"}}
    assert accounts(app)["ann"].active is False
    provider.patch(f"/Users/{ann}", replaced("active", True))
    assert members_of(app)["team"]["ann"] == BY_GROUP.format("team")


def test_a_disabled_person_leaves_a_group_and_joins_another(app, provider_of):
    provider, ann, team = grouped(app, provider_of)
    wiki = push_group(provider, "wiki")
    disable(provider, ann)

    assert leave(provider, team, ann).status_code == 204
    assert join(provider, wiki, ann).status_code == 204

    assert memberships(app) == {"team": {"ben"}, "wiki": {"ann"}}


def test_a_person_whose_account_was_deleted_gets_the_groups_back_with_a_new_one(app, provider_of):
    provider, ann, _ = grouped(app, provider_of, inactive_action="delete")

    disable(provider, ann)

    assert set(accounts(app)) == {"ben"}
    assert memberships(app) == {"team": {"ben"}}
    provider.patch(f"/Users/{ann}", replaced("active", True))
    assert memberships(app) == {"team": {"ann", "ben"}}


# -- people and groups that are deleted ------------------------------------------------------------


def test_a_deleted_person_leaves_the_groups_on_both_sides(app, provider_of):
    provider, ann, team = grouped(app, provider_of)

    provider.delete(f"/Users/{ann}")

    assert ann not in provider.get(f"/Groups/{team}").text
    assert memberships(app) == {"team": {"ben"}}
    assert accounts(app)["ann"].active is False


def test_who_comes_back_after_a_deletion_is_in_no_group_until_added(app, provider_of):
    provider, ann, team = grouped(app, provider_of)
    provider.delete(f"/Users/{ann}")

    again = push(provider, "ann", externalId="1")

    assert memberships(app) == {"team": {"ben"}}
    join(provider, team, again)
    assert memberships(app) == {"team": {"ann", "ben"}}


def test_a_deleted_person_keeps_what_was_given_by_hand(app, provider_of):
    provider, ann, _ = grouped(app, provider_of)
    local_group(app, "wiki")
    give_by_hand(app, "ann", "wiki")

    provider.delete(f"/Users/{ann}")

    assert memberships(app) == {"team": {"ben"}, "wiki": {"ann"}}


def test_a_deleted_group_leaves_both_sides(app, provider_of):
    """Checklist 81"""
    provider, _, team = grouped(app, provider_of, group_delete="delete_empty")

    assert provider.delete(f"/Groups/{team}").status_code == 204

    assert provider.get(f"/Groups/{team}").status_code == 404
    assert memberships(app) == {}
    assert explained(app, "ann").source_groups == ()


def test_a_group_deleted_by_hand_is_given_anew_by_the_next_change(app, provider_of):
    provider, ann, team = grouped(app, provider_of)

    by_hand.remove_group(engine_of(app), ADMIN, groups_of(app)["team"].group.key)

    assert memberships(app) == {}
    leave(provider, team, ann)
    set_rules(app, provider, update_users=False)
    assert memberships(app) == {"team": {"ben"}}


# -- memberships that wait for an account ----------------------------------------------------------


def test_memberships_wait_while_import_is_off_and_come_with_the_account(app, provider_of):
    provider = provider_of(app, group_mode="on_the_fly", import_users=False)
    ann = push(provider, "ann")
    team = push_group(provider, "team")

    assert join(provider, team, ann).status_code == 204

    assert accounts(app) == {}
    assert [m["value"] for m in provider.get(f"/Groups/{team}").json["members"]] == [ann]
    counts = set_rules(app, provider, import_users=True).counts
    assert (counts["create"], counts["gain"]) == (1, 1)
    assert memberships(app) == {"team": {"ann"}}


def test_an_observed_source_gives_nothing_and_says_what_it_would_give(app, provider_of):
    provider = provider_of(app, state="observe", group_mode="on_the_fly")
    ann = push(provider, "ann")

    answer = join(provider, push_group(provider, "team"), ann)

    assert answer.status_code == 204
    assert memberships(app) == {}
    assert "observed only, would be" in why(app, "ann")


def test_leaving_observe_grants_what_waited(app, provider_of):
    provider = provider_of(app, state="observe", group_mode="on_the_fly", **ALL)
    ann = push(provider, "ann")
    push_group(provider, "team", ann)

    seen = preview(app, provider, state="active")
    done = set_rules(app, provider, state="active")

    assert (seen.counts["create"], seen.counts["gain"]) == (1, 1)
    assert done.counts == seen.counts
    assert memberships(app) == {"staff": {"ann"}, "team": {"ann"}, "wiki": {"ann"}}


def test_an_observed_source_takes_nothing_away_until_it_acts_again(app, provider_of):
    provider, ann, team = grouped(app, provider_of)
    set_rules(app, provider, state="observe")

    leave(provider, team, ann)

    assert memberships(app) == {"team": {"ann", "ben"}}
    assert set_rules(app, provider, state="active").counts["lose"] == 1
    assert memberships(app) == {"team": {"ben"}}


def test_a_proposed_adoption_gets_the_groups_with_the_account(app, provider_of):
    provider = provider_of(app, group_mode="on_the_fly")
    local_account(app, "ann")
    push_group(provider, "team", push(provider, "ann"))
    assert memberships(app) == {"team": set()}

    source = source_of(app, provider)
    [proposal] = adopting.every_proposal(engine_of(app), source)
    adopting.decide(engine_of(app), ADMIN, source, proposal.person, accept=True)

    assert memberships(app) == {"team": {"ann"}}


# -- sources that let go ---------------------------------------------------------------------------


def test_switching_group_sync_off_keeps_what_was_given(app, provider_of):
    provider, ann, team = grouped(app, provider_of)

    summary = set_rules(app, provider, group_mode="off")
    leave(provider, team, ann)

    assert summary.counts["lose"] == 0
    assert memberships(app) == {"team": {"ann", "ben"}}


def test_a_detached_source_leaves_memberships_and_says_where_they_came_from(app, provider_of):
    provider, *_ = grouped(app, provider_of)

    admin.leave_source(
        engine_of(app), ADMIN, source_of(app, provider), accounts="keep", remove=False
    )

    reason = "kept from before: given by Acme until it let go"
    assert members_of(app) == {"team": {"ann": reason, "ben": reason}}


def test_a_removed_source_leaves_memberships_and_no_trace_in_the_tables(app, provider_of):
    provider, *_ = grouped(app, provider_of)
    source = source_of(app, provider)

    admin.leave_source(engine_of(app), ADMIN, source, accounts="keep", remove=True)

    assert memberships(app) == {"team": {"ann", "ben"}}
    assert groups_of(app)["team"].managed_by is None


def test_a_detached_source_that_comes_back_does_not_take_what_it_left(app, provider_of):
    provider, ann, team = grouped(app, provider_of)
    admin.leave_source(
        engine_of(app), ADMIN, source_of(app, provider), accounts="keep", remove=False
    )
    token, _ = admin.add_token(engine_of(app), ADMIN, source_of(app, provider), label="again")
    provider.token = token
    set_rules(app, provider, state="active", match_policy="user_name")

    leave(provider, team, ann)

    assert memberships(app) == {"team": {"ann", "ben"}}


def handed_over(app, provider_of, **rules):
    """Hand ann, who is in team, over to another source; return its provider and her id there."""
    grouped(app, provider_of)
    new = provider_of(app, name="Next", state="observe", **rules)
    ann = push(new, "ann")
    set_rules(app, new, state="active")
    key = accounts(app)["ann"].key
    adopting.hand_over(engine_of(app), ADMIN, adopting.plan_hand_over(engine_of(app), key, "next"))
    return new, ann


def test_a_handed_over_account_keeps_its_groups_while_the_new_source_syncs_none(app, provider_of):
    handed_over(app, provider_of)

    reason = members_of(app)["team"]["ann"]

    assert reason == "given by Next, which does not say so any more"
    assert accounts(app)["ann"].owner == "next"


def test_a_handed_over_grant_is_the_new_sources_to_take(app, provider_of):
    handed_over(app, provider_of, group_mode="on_the_fly")

    assert memberships(app) == {"team": {"ben"}}
    assert ("remove_member", "ann", "team", "applied") in lines(app, "remove_member")


def test_a_handed_over_account_stays_where_the_new_sources_group_is(app, provider_of):
    new, ann = handed_over(app, provider_of)
    group = push_group(new, "team", ann)

    set_rules(app, new, group_mode="on_the_fly")

    assert members_of(app)["team"]["ann"] == "because the group 'team' of Next is mapped to it"
    leave(new, group, ann)
    assert memberships(app) == {"team": {"ben"}}
