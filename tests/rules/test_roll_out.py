"""Roll-out in steps: observe, active for some, active for all."""

from acting import (
    accounts,
    disable,
    local_account,
    person,
    preview,
    push,
    push_group,
    set_rules,
    steps,
    why,
)

from usersync_ext.core.records import PersonState


def test_a_source_that_observes_tells_what_it_would_do_for_everybody(app, provider_of):
    provider = provider_of(app, state="observe")
    for name in ("ann", "bob"):
        push(provider, name)
    local_account(app, "cyd")
    push(provider, "cyd")

    counts = preview(app, provider, state="active").counts

    assert (counts["create"], counts["unchanged"]) == (2, 1)
    assert set(accounts(app)) == {"cyd"}


def test_an_active_source_acts_first_for_chosen_people_only(app, provider_of):
    provider = provider_of(app, active_for="user:ann, group:Pilot")

    push(provider, "ann")
    bob, cyd = push(provider, "bob"), push(provider, "cyd")
    push_group(provider, "Pilot", bob)

    assert set(accounts(app)) == {"ann", "bob"}
    assert person(app, "cyd").state is PersonState.OBSERVED
    assert why(app, "cyd").startswith("observed only, would be: created")
    assert steps(app, "cyd")["active_for"].output == "off"
    assert disable(provider, cyd).status_code == 200


def test_widening_the_circle_creates_the_others(app, provider_of):
    provider = provider_of(app, active_for="ann")
    push(provider, "ann")
    push(provider, "bob")

    before = preview(app, provider, active_for="").counts
    summary = set_rules(app, provider, active_for="")

    assert before == summary.counts
    assert summary.counts["create"] == 1
    assert set(accounts(app)) == {"ann", "bob"}


def test_a_person_who_is_only_observed_is_never_refused(app, provider_of):
    first = provider_of(app)
    push(first, "ann")
    second = provider_of(app, name="Other", active_for="nobody")

    assert second.post("/Users", {"userName": "ann"}).status_code == 201
    assert "already used by 'ann' from source 'acme'" in why(app, "ann", second)


def test_leaving_the_circle_keeps_the_account_and_only_observes(app, provider_of):
    provider = provider_of(app)
    ann = push(provider, "ann")
    set_rules(app, provider, active_for="group:Pilot")

    disable(provider, ann)

    assert accounts(app)["ann"].active
    assert "account disabled" in why(app, "ann")
