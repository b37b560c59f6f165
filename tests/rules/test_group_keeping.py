"""Whom a mapped group keeps, whose membership is whose, and what is told before and after.

Checklist 74 and 77; issue 5, "Ownership", "Preview", "Explanation".
"""

import pytest
from acting import (
    ADMIN,
    accounts,
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
    mapping_table,
    members_of,
    memberships,
    preview,
    problems,
    push,
    push_group,
    removing,
    replaced,
    set_rules,
    source_of,
    steps,
    unmap,
)

from usersync_ext import signals
from usersync_ext.errors import InvalidSetting
from usersync_ext.store import planned_groups, runs
from usersync_ext.sync import admin, by_hand, group_admin
from usersync_ext.sync import runs as at_work

BY = "because the group {!r} of {} is mapped to it"


@pytest.fixture
def manual(app, provider_of):
    """A provider in manual mode."""
    return provider_of(app, group_mode="manual")


# -- whom a mapped group keeps: checklist 74 -------------------------------------------------------


@pytest.fixture
def mixed(app, manual):
    """A provider whose ann is mapped into users, where ben (its own) and zoe are by hand."""
    ann, _ = push(manual, "ann"), push(manual, "ben")
    push_group(manual, "one", ann)
    local_group(app, "users")
    local_account(app, "zoe")
    for name in ("ben", "zoe"):
        give_by_hand(app, name, "users")
    map_group(app, manual, "one", "users")
    return manual


def test_members_whom_the_provider_does_not_know_stay_by_default(app, mixed):
    """Checklist 74"""
    assert members_of(app)["users"] == {
        "ann": BY.format("one", "Acme"),
        "ben": "given by hand by admin:root",
        "zoe": "given by hand by admin:root",
    }


def test_a_group_that_keeps_nobody_has_only_whom_a_rule_names(app, mixed):
    """Checklist 74: shown first, then done."""
    seen = preview(app, mixed, keep_existing_users=False)
    assert memberships(app)["users"] == {"ann", "ben", "zoe"}

    done = set_rules(app, mixed, keep_existing_users=False)

    assert (seen.counts["lose"], seen.held) == (2, 0)
    assert done.counts == seen.counts
    assert memberships(app)["users"] == {"ann"}
    assert sorted(lines(app, "remove_member")) == [
        ("remove_member", "ben", "users", "applied"),
        ("remove_member", "zoe", "users", "applied"),
    ]


def test_a_stored_preview_names_who_loses_a_group_and_why(app, mixed):
    """Checklist 74, issue 5 "Preview" """
    run = run_of(app, mixed, keep_existing_users=False)

    with engine_of(app).store.reading() as session:
        [outsider] = planned_groups.list_outsiders(session, run)
        [group] = planned_groups.list_planned_groups(session, run)

    assert (outsider.group, outsider.user_name) == ("users", "zoe")
    assert outsider.reason == "given by hand by admin:root"
    assert (group.name, group.gains, group.losses) == ("users", 0, 2)
    assert memberships(app)["users"] == {"ann", "ben", "zoe"}


def run_of(app, provider, **values):
    """Plan new settings as a page does, and return the run's number."""
    source = source_of(app, provider)
    run = at_work.start(engine_of(app), ADMIN, source, values, applies=False)
    return at_work.work_on(engine_of(app), run).id


def test_who_is_put_in_by_hand_afterwards_leaves_with_the_next_change(app, mixed):
    """Checklist 74"""
    set_rules(app, mixed, keep_existing_users=False)
    give_by_hand(app, "zoe", "users")
    group = mixed.get('/Groups?filter=displayName eq "one"').json["Resources"][0]["id"]

    join(mixed, group, push(mixed, "cyd"))

    assert memberships(app)["users"] == {"ann", "cyd"}


def test_a_group_that_is_not_mapped_keeps_everybody(app, mixed):
    """Checklist 74"""
    local_group(app, "other")
    give_by_hand(app, "zoe", "other", "users")

    set_rules(app, mixed, keep_existing_users=False)

    assert memberships(app) == {"users": {"ann"}, "other": {"zoe"}}


def test_default_protected_and_other_sources_grants_are_kept(app, mixed, provider_of):
    """Checklist 74, 77; issue 5 "Ownership" """
    other = provider_of(app, name="Other", group_mode="manual")
    push_group(other, "theirs", push(other, "olga"))
    map_group(app, other, "theirs", "users")
    third = provider_of(app, name="Third", default_groups="users", assign_default_groups_to="all")
    push(third, "tom")
    local_account(app, "root", protected=True)
    give_by_hand(app, "root", "users")

    set_rules(app, mixed, keep_existing_users=False)

    assert memberships(app)["users"] == {"ann", "olga", "tom", "root"}


def test_a_protected_group_is_not_emptied(app, mixed):
    """Issue 5 "Protected groups" """
    key = groups_of(app)["users"].group.key
    by_hand.protect_group(engine_of(app), ADMIN, key, protected=True)

    summary = set_rules(app, mixed, keep_existing_users=False)

    assert summary.counts["lose"] == 0
    assert memberships(app)["users"] == {"ann", "ben", "zoe"}
    assert "is protected" in steps(app, "ben")["protected_groups"].text


def test_a_default_group_of_the_source_keeps_everybody(app, mixed):
    """Checklist 65, 74"""
    set_rules(
        app,
        mixed,
        default_groups="users",
        assign_default_groups_to="new",
        keep_existing_users=False,
    )

    assert memberships(app)["users"] == {"ann", "ben", "zoe"}


# -- which groups a person keeps: checklist 77 -----------------------------------------------------


def test_people_lose_groups_that_no_rule_names_when_these_are_not_kept(app, mixed, provider_of):
    """Checklist 77, also in manual mode"""
    for name in ("own", "boss"):
        local_group(app, name)
    by_hand.protect_group(engine_of(app), ADMIN, groups_of(app)["boss"].group.key, protected=True)
    give_by_hand(app, "ann", "own", "boss")

    seen = preview(app, mixed, keep_existing_groups=False)
    set_rules(app, mixed, keep_existing_groups=False)

    assert seen.counts["lose"] == 2
    assert memberships(app) == {"users": {"ann", "zoe"}, "own": set(), "boss": {"ann"}}


def test_a_group_given_by_hand_goes_at_once_when_it_is_not_to_be_kept(app, mixed):
    """Checklist 77"""
    set_rules(app, mixed, keep_existing_groups=False)
    local_group(app, "own")

    give_by_hand(app, "ann", "own")

    assert memberships(app)["own"] == set()


# -- ownership -------------------------------------------------------------------------------------


def test_who_was_a_member_by_hand_before_stays_when_the_provider_lets_go(app, mixed):
    """Issue 5 "Ownership": we remove only what we gave."""
    group = mixed.get('/Groups?filter=displayName eq "one"').json["Resources"][0]["id"]
    ben = mixed.get('/Users?filter=userName eq "ben"').json["Resources"][0]["id"]

    join(mixed, group, ben)
    leave(mixed, group, ben)

    assert memberships(app)["users"] == {"ann", "ben", "zoe"}


def test_what_a_hand_took_back_is_still_given_by_the_rule(app, mixed):
    give_by_hand(app, "ann")

    assert members_of(app)["users"]["ann"] == BY.format("one", "Acme")


def test_two_sources_give_one_group_and_each_takes_only_its_own(app, provider_of):
    """Issue 5 "Ownership" """
    first = provider_of(app, name="First", group_mode="manual")
    second = provider_of(app, name="Second", group_mode="manual", keep_existing_users=False)
    one = push_group(first, "one", push(first, "ann"))
    push_group(second, "two", push(second, "ben"))
    map_group(app, first, "one", "users")
    map_group(app, second, "two", "users")

    first.patch(f"/Groups/{one}", {"op": "remove", "path": "members"})

    assert members_of(app)["users"] == {"ben": BY.format("two", "Second")}
    unmap(app, second, "two")
    assert memberships(app)["users"] == set()


# -- preview, explanation, history -----------------------------------------------------------------


def test_a_preview_says_who_gains_and_who_loses_and_changes_nothing(app, manual):
    """Issue 5 "Preview" """
    ann, ben = push(manual, "ann"), push(manual, "ben")
    push_group(manual, "one", ann)
    push_group(manual, "two", ben)
    map_group(app, manual, "one", "users")
    change = [*removing(app, manual, "one"), adding(app, manual, "two", "wiki")]

    seen = preview(app, manual, mappings=change)

    assert (seen.counts["gain"], seen.counts["lose"], seen.held) == (1, 1, 0)
    assert memberships(app) == {"users": {"ann"}}
    assert mapping_table(app, manual) == {("one", "users")}
    assert change_table(app, manual, *change).counts == seen.counts


def test_a_preview_by_group_says_which_are_created(app, manual):
    """Issue 5 "Preview" """
    push_group(manual, "one", push(manual, "ann"), push(manual, "ben"))
    local_group(app, "old")

    changes = [adding(app, manual, "one", "old"), adding(app, manual, "one", "new")]
    run = run_of(app, manual, mappings=changes)

    with engine_of(app).store.reading() as session:
        found = planned_groups.list_planned_groups(session, run)
        plan = runs.list_planned(session, run)
    assert [(g.name, g.gains, g.losses, g.change) for g in found] == [
        ("new", 2, 0, "created"),
        ("old", 2, 0, ""),
    ]
    assert [len(person.changes) for person in plan] == [2, 2]


def test_a_change_that_somebody_else_overtook_is_not_carried_out(app, manual):
    """Issue 5 "Preview": saving applies exactly the previewed plan."""
    push_group(manual, "one", push(manual, "ann"))
    run = run_of(app, manual, mappings=[adding(app, manual, "one", "users")])
    set_rules(app, manual, group_exclude="two")

    with engine_of(app).store.reading() as session:
        planned = runs.get_run(session, run)
    with pytest.raises(InvalidSetting, match="changed by somebody else since the preview"):
        at_work.begin(engine_of(app), planned)

    assert memberships(app) == {}


def test_a_person_is_told_why_for_each_group(app, mixed):
    """Issue 5 "Explanation" """
    local_group(app, "own")
    give_by_hand(app, "ann", "own")
    set_rules(app, mixed, default_groups="staff", assign_default_groups_to="all")

    assert dict(explained(app, "ann").groups) == {
        "own": "given by hand by admin:root",
        "staff": "default group of Acme",
        "users": BY.format("one", "Acme"),
    }


def test_a_groups_history_names_who_came_and_went(app, manual):
    """Issue 5 "Explanation" """
    ann = push(manual, "ann")
    group = push_group(manual, "one", ann)
    map_group(app, manual, "one", "users")
    leave(manual, group, ann)

    found = group_admin.history_of(engine_of(app), groups_of(app)["users"].group.key)

    kinds = [(e.kind, e.subject) for e in found if e.kind.endswith("_member")]
    assert kinds == [("remove_member", "ann"), ("add_member", "ann")]
    assert found[0].before == {"group": "users"}
    assert found[0].actor.startswith("token:")


def test_a_membership_leaves_one_line_and_one_signal(app, manual):
    told = []
    receiver = signals.member_added.connect(lambda _, **values: told.append(values), weak=False)
    ann = push(manual, "ann")
    group = push_group(manual, "one")
    map_group(app, manual, "one", "users")

    join(manual, group, ann)
    join(manual, group, ann)

    signals.member_added.disconnect(receiver)
    assert lines(app, "add_member") == [("add_member", "ann", "users", "applied")]
    assert len(told) == 1


def test_a_changed_table_is_in_the_journal_with_who_did_it(app, manual):
    push_group(manual, "one")

    map_group(app, manual, "one", "users")

    [entry] = [e for e in entries(app, category="admin") if e.kind == "source_changed"]
    assert (entry.actor, entry.reason) == ("admin:root", "mappings: +one→users")


def test_a_mapped_group_that_must_not_be_created_is_named(app, provider_of):
    """Checklist 64, for mapped groups"""
    provider = provider_of(app, group_mode="manual", create_groups=False)
    push_group(provider, "one", push(provider, "ann"))

    map_group(app, provider, "one", "users")

    assert memberships(app) == {}
    assert problems(app, provider) == [
        "The directory has no group 'users', to which 'one' is mapped."
    ]
    local_group(app, "users")
    group_of_ann = admin.reconcile_people(
        engine_of(app), ADMIN, source_of(app, provider), [explained(app, "ann").person.id]
    )
    assert group_of_ann
    assert memberships(app) == {"users": {"ann"}}


@pytest.mark.parametrize("name", ["one", "g-1"])
def test_a_group_is_named_by_name_or_by_any_of_its_ids(app, manual, name):
    manual.post("/Groups", {"displayName": "One", "externalId": "g-1"})

    map_group(app, manual, name, "users")

    assert mapping_table(app, manual) == {("One", "users")}


def test_renaming_an_account_keeps_its_groups(app, manual):
    ann = push(manual, "ann")
    push_group(manual, "one", ann)
    map_group(app, manual, "one", "users")

    manual.patch(f"/Users/{ann}", replaced("userName", "anna"))

    assert set(accounts(app)) == {"anna"}
    assert memberships(app) == {"users": {"anna"}}
