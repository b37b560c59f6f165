"""What trust.md asks about other people's accounts, where nobody may take, change or end them."""

import pytest
from acting import (
    ADMIN,
    accounts,
    engine_of,
    local_account,
    mail,
    make_administrator,
    person,
    push,
    replaced,
    set_rules,
    source_of,
    steps,
    why,
)

from usersync_ext.core.records import PersonState
from usersync_ext.store import people
from usersync_ext.sync import admin, adopting, leavers, runs

POLICIES = ["link_only", "external_id", "user_name", "email_verified"]
TWINS = {
    "case": "ANN",
    "dot": "ann.",
    "zero width": "a\u200bnn",
    "full width": "\uff41nn",
    "soft hyphen": "ann\u00ad",
}
WRITES = {
    "POST": lambda provider, _, name: provider.post("/Users", {"userName": name}),
    "PUT": lambda provider, eve, name: provider.put(f"/Users/{eve}", {"userName": name}),
    "PATCH": lambda provider, eve, name: provider.patch(
        f"/Users/{eve}", replaced("userName", name)
    ),
}


def proposal_of(app, provider, user_name):
    found = adopting.every_proposal(engine_of(app), source_of(app, provider))
    return next(each for each in found if each.person.user_name == user_name)


# -- one account, one owner ------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES)
def test_name_and_mail_changed_in_one_request_mean_the_same_account(app, provider_of, policy):
    """T-05"""
    provider = provider_of(app, match_policy=policy)
    ann = push(provider, "ann", emails=mail("ann@a.test"))
    local_account(app, "bee", email="bee@a.test", verified=True)
    key = accounts(app)["ann"].key

    answer = provider.patch(
        f"/Users/{ann}", replaced("userName", "a.bee"), replaced("emails", mail("bee@a.test"))
    )

    assert answer.status_code == 200
    assert (accounts(app)["a.bee"].key, accounts(app)["a.bee"].email) == (key, "bee@a.test")
    assert accounts(app)["bee"].owner is None


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)
def test_a_name_like_another_sources_is_a_409_that_names_both(
    app, provider_of, policy, write, twin
):
    """T-05, S-13"""
    owner = provider_of(app, name="Owner")
    push(owner, "ann", emails=mail("ann@a.test"))
    thief = provider_of(app, name="Thief", match_policy=policy)
    eve = push(thief, "eve", emails=mail("ann@a.test"))
    before = accounts(app)

    answer = write(thief, eve, twin)

    assert answer.status_code == 409
    assert "'ann' from source 'owner'" in answer.json["detail"]
    assert accounts(app) == before


def test_a_name_that_ends_with_a_blank_makes_no_account_beside_the_other(app, provider):
    """S-13"""
    push(provider, "ann")

    push(provider, "ann ")

    assert set(accounts(app)) == {"ann"}
    assert "begins or ends with a blank" in why(app, "ann ")


@pytest.mark.parametrize("twin", ["ann.", "a\u200bnn", "\uff41nn"])
def test_two_people_of_one_source_who_look_alike_get_no_two_accounts(app, provider, twin):
    """S-13"""
    push(provider, "ann")

    answer = provider.post("/Users", {"userName": twin})

    assert answer.status_code == 409
    assert "'ann'" in answer.json["detail"]
    assert set(accounts(app)) == {"ann"}


def test_a_rule_that_makes_twins_leaves_the_second_without_an_account(app, provider_of):
    """S-13"""
    provider = provider_of(app, import_users=False)
    for name in ("ann-1", "ANN-2"):
        push(provider, name)

    summary = set_rules(app, provider, import_users=True, username_regex="-.")

    assert summary.counts["create"] == 1
    assert set(accounts(app)) == {"ann"}
    assert person(app, "ANN-2").state is PersonState.FAILED
    assert "already used or wanted" in why(app, "ANN-2")


# -- accounts that are not the source's ------------------------------------------------------------


@pytest.mark.parametrize("policy", ["link_only", "external_id", "email_verified"])
def test_who_waits_for_an_account_cannot_change_it(app, provider_of, policy):
    """S-03"""
    provider = provider_of(app, match_policy=policy)
    local_account(app, "ann", email="ann@a.test")
    before = accounts(app)
    ann = push(provider, "ann", externalId="1", emails=mail("eve@b.test"))

    for path, value in (
        ("emails", mail("eve@c.test")),
        ("displayName", "Eve"),
        ("active", False),
        ("active", True),
        ("externalId", "2"),
    ):
        assert provider.patch(f"/Users/{ann}", replaced(path, value)).status_code == 200
    assert provider.delete(f"/Users/{ann}").status_code == 204

    assert accounts(app) == before


@pytest.mark.parametrize("policy", POLICIES)
def test_an_inactive_person_never_deletes_an_account_that_is_not_theirs(app, provider_of, policy):
    """T-20"""
    provider = provider_of(app, match_policy=policy, inactive_action="delete")
    local_account(app, "ann", email="ann@a.test", verified=True)
    before = accounts(app)

    push(provider, "ann", emails=mail("ann@a.test"), active=False)

    assert accounts(app) == before
    assert person(app, "ann").state in {PersonState.NOT_IMPORTED, PersonState.PROPOSED}


def test_an_accepted_account_of_somebody_inactive_is_not_deleted(app, provider_of):
    """T-20"""
    provider = provider_of(app, inactive_action="delete")
    local_account(app, "ann")
    ann = push(provider, "ann", active=False)

    adopting.decide(
        engine_of(app),
        ADMIN,
        source_of(app, provider),
        proposal_of(app, provider, "ann").person,
        accept=True,
    )
    assert accounts(app)["ann"].owner is None
    provider.patch(f"/Users/{ann}", replaced("active", True))

    assert accounts(app)["ann"].owner == provider.source


def test_an_account_that_is_deleted_on_return_leaves_no_owner_behind(app, provider_of):
    """T-20"""
    provider = provider_of(app)
    ann = push(provider, "ann", externalId="1")
    key = accounts(app)["ann"].key
    gone = person(app, "ann").id
    provider.delete(f"/Users/{ann}")
    leavers.restore(engine_of(app), ADMIN, source_of(app, provider), gone)
    set_rules(app, provider, inactive_action="delete")
    assert accounts(app)["ann"].active

    push(provider, "ann", externalId="1", active=False)

    with engine_of(app).store.reading() as session:
        assert people.links_of_accounts(session, "local", [key]) == {}
    assert accounts(app) == {}


# -- e-mail ----------------------------------------------------------------------------------------


def test_a_mail_that_a_source_set_is_not_verified_for_another_source(app, provider_of):
    """S-11"""
    first = provider_of(app, name="First")
    eve = push(first, "eve", emails=mail("eve@a.test"))
    first.patch(f"/Users/{eve}", replaced("emails", mail("boss@a.test")))
    admin.leave_source(engine_of(app), ADMIN, source_of(app, first), accounts="keep", remove=False)
    second = provider_of(app, name="Second", match_policy="email_verified")

    push(second, "boss", emails=mail("boss@a.test"))

    assert accounts(app)["eve"].owner is None
    assert accounts(app)["boss"].owner == second.source
    assert "e-mail of eve" in steps(app, "boss")["email"].text


# -- administrators --------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES)
def test_an_administrators_account_is_adopted_by_a_click_that_was_warned(app, provider_of, policy):
    """S-14"""
    provider = provider_of(app, match_policy=policy)
    local_account(app, "boss", email="boss@a.test", verified=True, admin_of="administrators")
    push(provider, "boss", emails=mail("boss@a.test"))
    proposal = proposal_of(app, provider, "boss")
    assert accounts(app)["boss"].owner is None
    assert proposal.evidence[0].risks == ("administrator: the person would get these rights",)
    assert adopting.accept_safe(engine_of(app), ADMIN, source_of(app, provider)) == 0

    adopting.decide(engine_of(app), ADMIN, source_of(app, provider), proposal.person, accept=True)

    assert accounts(app)["boss"].owner == provider.source


def test_an_account_that_became_an_administrators_is_not_given_back_by_rule(app, provider_of):
    """S-14"""
    provider = provider_of(app)
    push(provider, "ann", externalId="1")
    admin.leave_source(
        engine_of(app), ADMIN, source_of(app, provider), accounts="keep", remove=False
    )
    make_administrator(app, accounts(app)["ann"].key, "administrators")

    set_rules(app, provider, state="active", match_policy="external_id")

    assert accounts(app)["ann"].owner is None
    assert "is an administrator's" in why(app, "ann")
    assert "rights" in proposal_of(app, provider, "ann").evidence[0].risks[0]


# -- the guard -------------------------------------------------------------------------------------


def test_deletions_do_not_lower_the_limit_for_the_rest_of_their_plan(app, provider_of, monkeypatch):
    """T-01"""
    monkeypatch.setattr(runs, "APPLIED_AT_ONCE", 2)
    provider = provider_of(app, removal_limit_count=0, removal_limit_percent=75)
    for n in range(8):
        push(provider, f"user{n}", active=n > 5)

    seen = set_rules(app, provider, inactive_action="delete")

    assert (seen.counts["delete"], seen.held) == (6, 0)
    assert set(accounts(app)) == {"user6", "user7"}


def test_a_leaver_who_is_an_administrator_is_not_deleted_when_too_few_are_left(app, provider_of):
    """T-19"""
    provider = provider_of(app, delete_after_days=1, minimum_admins=1)
    for name in ("ann", "ben"):
        push(provider, name)
        make_administrator(app, accounts(app)[name].key, "administrators")

    answers = [
        provider.patch(f"/Users/{person(app, name).scim_id}", replaced("active", False))
        for name in ("ann", "ben")
    ]

    assert [answer.status_code for answer in answers] == [200, 403]
    assert "1 must stay" in answers[1].json["detail"]
    assert [name for name, a in accounts(app).items() if a.active and a.privileged] == ["ben"]
    assert leavers.delete_due(engine_of(app), source_of(app, provider)) == 0
