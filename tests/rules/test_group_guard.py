"""The guard and groups: too much at once is held as a whole, minimums are kept.

T-01 and T-19 of trust.md for groups; on both kinds of database.
"""

import pytest
from acting import (
    ADMIN,
    accounts,
    adding,
    change_table,
    engine_of,
    entries,
    give_by_hand,
    groups_of,
    held,
    held_kinds,
    join,
    leave,
    lines,
    local_account,
    local_group,
    map_group,
    member,
    memberships,
    person,
    preview,
    problems,
    push,
    push_group,
    rename_to,
    replaced,
    set_rules,
    source_of,
    steps,
    unmap,
    why,
)

from usersync_ext.sync import admin, by_hand

PEOPLE = ("ann", "ben", "cyd", "dan", "eve")
TIGHT = {"removal_limit_count": 2, "removal_limit_percent": 0}


@pytest.fixture
def app(database_url, make_app):
    return make_app(USERSYNC_DATABASE_URI=database_url)


@pytest.fixture
def big(app, provider_of):
    """A provider whose five people are in team, of whom two may lose something in an hour."""
    provider = provider_of(app, group_mode="on_the_fly", **TIGHT)
    ids = [push(provider, name) for name in PEOPLE]
    provider.team = push_group(provider, "team", *ids)
    map_group(app, provider, "team", "team")
    return provider


def decide(app, provider, *names, release):
    ids = [person(app, name).id for name in names] or None
    source = source_of(app, provider)
    return admin.decide_held(engine_of(app), ADMIN, source, release=release, people_ids=ids)


# -- T-01: each alone stops before the first removal -----------------------------------------------

EMPTYING = {
    "remove all": lambda p: p.patch(f"/Groups/{p.team}", {"op": "remove", "path": "members"}),
    "replace with nobody": lambda p: p.patch(f"/Groups/{p.team}", member("replace")),
    "PUT without members": lambda p: p.put(f"/Groups/{p.team}", {"displayName": "team"}),
    "DELETE": lambda p: p.delete(f"/Groups/{p.team}"),
    "renamed out of reach": lambda p: rename_to(p, p.team, "x" * 256),
}


@pytest.mark.parametrize("empty", EMPTYING.values(), ids=EMPTYING)
def test_a_request_that_empties_a_group_is_answered_and_held_as_a_whole(app, big, empty):
    """T-01"""
    assert empty(big).status_code in {200, 204}

    assert memberships(app)["team"] == set(PEOPLE)
    assert held_kinds(app, big) == {(name, "remove_member") for name in PEOPLE}
    assert "more than 2 removals" in why(app, "ann")


CHANGES = {
    "mode": {"group_mode": "manual", "group_exclude": "nothing"},
    "narrower filter": {"group_include": "other"},
    "excluded": {"group_exclude": "te.*"},
    "regex": {"group_regex": "^team$", "group_replacement": "admins"},
}


@pytest.mark.parametrize("values", CHANGES.values(), ids=CHANGES)
def test_settings_that_empty_a_group_are_held_as_previewed(app, big, values):
    """T-01"""
    unmap(app, big, "team")

    seen = preview(app, big, **values)
    done = set_rules(app, big, **values)

    assert (seen.counts["lose"], seen.held, done.held) == (5, 5, 5)
    assert memberships(app)["team"] == set(PEOPLE)
    assert held(app, big) == 5


def test_a_row_that_is_removed_from_the_table_is_held(app, big):
    """T-01"""
    set_rules(app, big, group_mode="manual")

    summary = unmap(app, big, "team")

    assert (summary.counts["lose"], summary.held) == (5, 5)
    assert memberships(app)["team"] == set(PEOPLE)


def test_a_row_that_is_replaced_gives_and_holds(app, big):
    """T-01: what the same change gives is given."""
    set_rules(app, big, group_mode="manual")
    wiki = adding(app, big, "team", "wiki")

    summary = change_table(
        app, big, {"op": "remove", "group": big.team, "name": "team", "to": "team"}, wiki
    )

    assert (summary.counts["gain"], summary.held) == (5, 5)
    assert memberships(app) == {"team": set(PEOPLE), "wiki": set(PEOPLE)}


def test_outsiders_of_whom_there_are_too_many_stay_and_are_told(app, big):
    """T-01"""
    for n in range(3):
        local_account(app, f"zoe{n}")
        give_by_hand(app, f"zoe{n}", "team")

    summary = set_rules(app, big, keep_existing_users=False)

    assert (summary.counts["lose"], summary.held) == (3, 3)
    assert memberships(app)["team"] == {*PEOPLE, "zoe0", "zoe1", "zoe2"}


def test_outsiders_whom_a_request_would_remove_and_who_are_too_many_are_told_of(app, provider_of):
    """T-01: what is held must be seen, not only where settings were changed."""
    provider = provider_of(app, group_mode="on_the_fly", keep_existing_users=False, **TIGHT)
    local_group(app, "team")
    for name in ("xia", "yan", "zoe"):
        local_account(app, name)
        give_by_hand(app, name, "team")

    push_group(provider, "team", push(provider, "ann"))

    assert memberships(app)["team"] == {"ann", "xia", "yan", "zoe"}
    assert any("3 accounts" in text for text in problems(app, provider))


def test_within_the_limit_people_lose_a_group_at_once(app, big):
    leave(big, big.team, *[person(app, name).scim_id for name in PEOPLE[:2]])

    assert memberships(app)["team"] == {"cyd", "dan", "eve"}
    assert held(app, big) == 0


def test_groups_that_one_person_loses_count_once(app, big):
    ann = person(app, "ann").scim_id
    groups = [push_group(big, f"g{n}", ann) for n in range(4)]

    for group in groups:
        leave(big, group, ann)

    assert {name: found for name, found in memberships(app).items() if name != "team"} == {
        f"g{n}": set() for n in range(4)
    }
    assert held(app, big) == 0


def test_one_by_one_is_held_as_well(app, big):
    """T-01: a provider that sends a request for each person is stopped at the same number."""
    for name in PEOPLE:
        assert leave(big, big.team, person(app, name).scim_id).status_code == 204

    assert memberships(app)["team"] == {"cyd", "dan", "eve"}
    assert held(app, big) == 3


def test_what_a_source_disables_and_what_it_takes_out_of_groups_counts_together(app, big):
    """T-01"""
    big.patch(f"/Users/{person(app, 'ann').scim_id}", replaced("active", False))
    leave(big, big.team, person(app, "ben").scim_id)

    leave(big, big.team, person(app, "cyd").scim_id)

    assert memberships(app)["team"] == {"ann", "cyd", "dan", "eve"}
    assert held_kinds(app, big) == {("cyd", "remove_member")}


# -- released, rejected, put back ------------------------------------------------------------------


@pytest.fixture
def emptied(app, big):
    """The same provider after it emptied team, which is held."""
    EMPTYING["remove all"](big)
    return big


def test_releasing_all_removes_exactly_what_was_staged(app, emptied):
    """T-01"""
    new = push(emptied, "new")
    join(emptied, emptied.team, new)

    assert decide(app, emptied, release=True) == 5

    assert memberships(app) == {"team": {"new"}}
    assert held(app, emptied) == 0


def test_releasing_one_person_leaves_the_others_waiting(app, emptied):
    decide(app, emptied, "ben", release=True)

    assert memberships(app)["team"] == {"ann", "cyd", "dan", "eve"}
    assert held_kinds(app, emptied) == {(n, "remove_member") for n in ("ann", "cyd", "dan", "eve")}


def test_rejecting_one_person_keeps_the_membership_whatever_comes(app, emptied):
    decide(app, emptied, "ben", release=False)
    decide(app, emptied, release=True)

    set_rules(app, emptied, update_users=False)

    assert memberships(app)["team"] == {"ben"}
    assert "rejected by an administrator" in why(app, "ben")


def test_who_is_put_back_is_not_held_any_more(app, emptied):
    """The hold goes away when the newest plan does not contain it."""
    join(emptied, emptied.team, person(app, "ann").scim_id)

    assert ("ann", "remove_member") not in held_kinds(app, emptied)
    assert len(held_kinds(app, emptied)) == 4
    decide(app, emptied, release=True)
    assert memberships(app)["team"] == {"ann"}


def test_putting_everybody_back_ends_all_holds(app, emptied):
    ids = [person(app, name).scim_id for name in PEOPLE]

    emptied.patch(f"/Groups/{emptied.team}", member("replace", *ids))

    assert held(app, emptied) == 0
    assert memberships(app)["team"] == set(PEOPLE)
    assert {line[3] for line in lines(app, "remove_member")} == {"held"}


def test_a_held_deletion_of_a_group_is_finished_when_it_is_released(app, provider_of):
    """Checklist 81"""
    provider = provider_of(app, group_mode="on_the_fly", group_delete="delete_empty", **TIGHT)
    team = push_group(provider, "team", *[push(provider, name) for name in PEOPLE])
    provider.delete(f"/Groups/{team}")
    assert memberships(app) == {"team": set(PEOPLE)}

    decide(app, provider, release=True)

    assert memberships(app) == {}


def test_a_raised_limit_lets_the_next_request_through(app, big):
    set_rules(app, big, removal_limit_count=5)

    EMPTYING["remove all"](big)

    assert memberships(app)["team"] == set()


# -- minimums --------------------------------------------------------------------------------------


def test_a_group_keeps_its_minimum_and_the_refusal_is_told(app, provider_of):
    """Issue 5 "Protected groups": never below N members."""
    provider = provider_of(app, group_mode="on_the_fly")
    local_group(app, "team", minimum=2)
    ids = [push(provider, name) for name in PEOPLE]
    team = push_group(provider, "team", *ids)

    answer = provider.patch(f"/Groups/{team}", {"op": "remove", "path": "members"})

    assert answer.status_code == 204
    assert provider.get(f"/Groups/{team}").json.get("members", []) == []
    assert memberships(app)["team"] == {"dan", "eve"}
    assert "must keep 2 members" in steps(app, "eve")["minimum_members"].text
    assert ("remove_member", "eve", "team", "refused") in lines(app, "remove_member")


def test_a_request_of_which_the_minimum_leaves_nothing_is_a_403(app, provider_of):
    provider = provider_of(app, group_mode="on_the_fly")
    local_group(app, "team", minimum=1)
    ann = push(provider, "ann")
    team = push_group(provider, "team", ann)

    answer = leave(provider, team, ann)

    assert answer.status_code == 403
    assert "must keep 1 members" in answer.json["detail"]
    assert [m["value"] for m in provider.get(f"/Groups/{team}").json["members"]] == [ann]
    assert memberships(app)["team"] == {"ann"}


def test_outsiders_do_not_leave_below_the_minimum(app, provider_of):
    provider = provider_of(app, group_mode="on_the_fly")
    local_group(app, "team", minimum=2)
    for name in ("yan", "zoe"):
        local_account(app, name)
        give_by_hand(app, name, "team")
    push_group(provider, "team", push(provider, "ann"))

    set_rules(app, provider, keep_existing_users=False)

    assert len(memberships(app)["team"]) == 2
    assert "ann" in memberships(app)["team"]


def test_the_last_administrators_stay_in_a_protected_group_that_a_row_may_give(app, provider_of):
    """T-19"""
    provider = provider_of(app, group_mode="manual", minimum_admins=1)
    ann, ben = push(provider, "ann"), push(provider, "ben")
    group = push_group(provider, "IdP_admins", ann, ben)
    map_group(app, provider, "IdP_admins", "administrators", allow_protected=True)
    assert memberships(app)["administrators"] == {"ann", "ben"}

    assert leave(provider, group, ann).status_code == 204
    answer = leave(provider, group, ben)

    assert answer.status_code == 403
    assert "1 must stay" in answer.json["detail"]
    assert memberships(app)["administrators"] == {"ben"}
    assert accounts(app)["ben"].privileged


def test_a_minimum_that_is_taken_back_is_none(app, provider_of):
    provider = provider_of(app, group_mode="on_the_fly")
    local_group(app, "team", minimum=1)
    ann = push(provider, "ann")
    team = push_group(provider, "team", ann)

    by_hand.set_minimum(engine_of(app), ADMIN, groups_of(app)["team"].group.key, 0)

    assert leave(provider, team, ann).status_code == 204
    assert memberships(app)["team"] == set()


# -- what is written -------------------------------------------------------------------------------


def test_a_held_membership_is_one_line_however_often_it_is_asked_for(app, emptied):
    before = len(entries(app))

    set_rules(app, emptied, update_users=False)
    set_rules(app, emptied, update_users=True)

    assert len(entries(app)) == before
    assert [line[3] for line in lines(app, "remove_member")] == ["held"] * 5
