"""Who is in: filter, groups and exclusions, for push, rule changes and explanation alike."""

import pytest
from acting import (
    accounts,
    active_names,
    disable,
    held,
    person,
    preview,
    push,
    push_group,
    replaced,
    set_rules,
    steps,
    why,
    works_in,
)

from usersync_ext.core.records import PersonState
from usersync_ext.errors import InvalidSetting

SALES = 'department eq "Sales" and not userName ew "@partner.example"'


def test_only_people_who_match_the_filter_get_an_account(app, provider_of):
    """user-voice 27"""
    provider = provider_of(app, scope_filter=SALES)

    push(provider, "ann@corp.example", **works_in("sales"))
    push(provider, "bob@partner.example", **works_in("Sales"))
    push(provider, "cyd@corp.example", **works_in("IT"))

    assert set(accounts(app)) == {"ann@corp.example"}
    assert person(app, "cyd@corp.example").state is PersonState.OUT_OF_SCOPE
    assert why(app, "bob@partner.example") == f"out of scope: does not match {SALES}"
    assert steps(app, "ann@corp.example")["scope_filter"].text == f"in scope: matches {SALES}"


@pytest.mark.parametrize(("action", "enabled"), [("keep", True), ("disable", False)])
def test_who_leaves_the_scope_keeps_or_loses_access_as_the_action_says(
    app, provider_of, action, enabled
):
    provider = provider_of(app, scope_filter=SALES, out_of_scope_action=action)
    ann = push(provider, "ann", **works_in("Sales"))

    answer = provider.patch(f"/Users/{ann}", {"op": "add", "value": works_in("IT")})

    assert answer.status_code == 200
    assert accounts(app)["ann"].active is enabled
    assert person(app, "ann").state is PersonState.OUT_OF_SCOPE


def test_who_comes_back_into_scope_is_enabled_again_with_the_same_account(app, provider_of):
    provider = provider_of(app, scope_filter=SALES, out_of_scope_action="disable")
    ann = push(provider, "ann", **works_in("Sales"))
    key = accounts(app)["ann"].key
    provider.patch(f"/Users/{ann}", {"op": "add", "value": works_in("IT")})

    provider.patch(f"/Users/{ann}", {"op": "add", "value": works_in("Sales")})

    assert (accounts(app)["ann"].key, accounts(app)["ann"].active) == (key, True)


def test_an_excluded_person_is_excluded_from_removal_too(app, provider_of):
    """user-voice 28"""
    provider = provider_of(app)
    ann = push(provider, "ann@corp.example")
    set_rules(app, provider, exclude_people="ANN@corp.example, svc-*")

    disable(provider, ann)
    provider.delete(f"/Users/{ann}")
    push(provider, "svc-backup")

    assert set(accounts(app)) == {"ann@corp.example"}
    assert accounts(app)["ann@corp.example"].active
    assert "'svc-backup' is excluded" in why(app, "svc-backup")


def test_joining_a_group_in_scope_creates_the_account_at_once(app, provider_of):
    provider = provider_of(app, scope_groups="Pilot", out_of_scope_action="disable")
    ann, bob = push(provider, "ann"), push(provider, "bob")
    assert accounts(app) == {}

    group = push_group(provider, "Pilot", ann)
    assert active_names(app) == {"ann"}
    provider.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": bob}]})
    assert active_names(app) == {"ann", "bob"}
    provider.patch(f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{ann}"]'})

    assert active_names(app) == {"bob"}


@pytest.mark.parametrize("way", ["rename", "delete", "empty"])
def test_a_group_in_scope_that_goes_takes_its_members_out(app, provider_of, way):
    provider = provider_of(app, scope_groups="Pilot", out_of_scope_action="disable")
    group = push_group(provider, "Pilot", push(provider, "ann"), push(provider, "bob"))
    assert active_names(app) == {"ann", "bob"}

    if way == "rename":
        provider.patch(f"/Groups/{group}", replaced("displayName", "Other"))
    elif way == "delete":
        provider.delete(f"/Groups/{group}")
    else:
        provider.patch(f"/Groups/{group}", replaced("members", []))

    assert active_names(app) == set()


def test_emptying_a_large_group_in_scope_is_held_above_the_limit(app, provider_of):
    """T-01"""
    provider = provider_of(
        app,
        scope_groups="Pilot",
        out_of_scope_action="disable",
        removal_limit_count=3,
        removal_limit_percent=0,
    )
    group = push_group(provider, "Pilot", *(push(provider, f"user{n}") for n in range(8)))

    answer = provider.patch(f"/Groups/{group}", replaced("members", []))

    assert answer.status_code in {200, 204}
    assert len(active_names(app)) >= 5
    assert held(app, provider) == len(active_names(app))


def test_a_group_may_be_named_by_its_id_and_with_stars(app, provider_of):
    provider = provider_of(app)
    push_group(provider, "Sales, EMEA", push(provider, "ann"))
    other = push_group(provider, "IT", push(provider, "bob"))
    push(provider, "cyd")

    counts = preview(app, provider, scope_groups=f'"Sales*", {other}').counts

    assert counts["unchanged"] == 3
    disabled = preview(
        app, provider, scope_groups='"Sales, *"', out_of_scope_action="disable"
    ).counts
    assert (disabled["disable"], disabled["unchanged"]) == (2, 1)


def test_enable_users_off_keeps_the_status_of_people_out_of_scope(app, provider_of):
    """Checklist 36"""
    provider = provider_of(app, enable_users=False)
    push(provider, "ann")

    set_rules(app, provider, exclude_people="ann", out_of_scope_action="disable")

    assert accounts(app)["ann"].active


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('department eq "Sales', "cannot be read"),
        ("department is Sales", "cannot be read"),
        ("department", "cannot be read"),
        ("x" * 5000, "longer than"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(app, provider_of, text, message):
    with pytest.raises(InvalidSetting, match=message):
        set_rules(app, provider_of(app), scope_filter=text)


def test_a_protected_account_out_of_scope_is_not_disabled(app, provider_of):
    provider = provider_of(app)
    push(provider, "ann")

    summary = set_rules(
        app,
        provider,
        exclude_people="ann",
        out_of_scope_action="disable",
        protected_names="an*",
    )

    assert accounts(app)["ann"].active
    assert summary.counts["disable"] == 0
    assert person(app, "ann").state is PersonState.PROTECTED
