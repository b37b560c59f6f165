"""Whose account it is stays decided: what trust.md asks of matching, names and e-mails."""

import pytest
from acting import (
    accounts,
    local_account,
    mail,
    person,
    push,
    replaced,
    set_rules,
    steps,
    why,
)

from usersync_ext.core.records import PersonState

POLICIES = ["link_only", "external_id", "user_name", "email_verified"]


@pytest.mark.parametrize("policy", POLICIES)
def test_after_the_link_a_new_name_and_mail_mean_the_same_account(app, provider_of, policy):
    """T-05"""
    provider = provider_of(app, match_policy=policy)
    ann = push(provider, "ann", externalId="1", emails=mail("ann@a.test"))
    key = accounts(app)["ann"].key

    provider.patch(f"/Users/{ann}", replaced("userName", "a.bee"))
    provider.patch(f"/Users/{ann}", replaced("emails", mail("a.bee@b.test")))

    assert accounts(app)["a.bee"].key == key
    assert accounts(app)["a.bee"].email == "a.bee@b.test"


@pytest.mark.parametrize("policy", POLICIES)
def test_two_sources_with_the_same_mail_never_share_an_account(app, provider_of, policy):
    """T-05"""
    first = provider_of(app, match_policy=policy)
    second = provider_of(app, name="Other", match_policy=policy)
    push(first, "ann", emails=mail("ann@a.test"))

    push(second, "a.bee", emails=mail("ann@a.test"))

    assert {name: a.owner for name, a in accounts(app).items()} == {
        "ann": first.source,
        "a.bee": second.source,
    }
    assert "e-mail of ann" in steps(app, "a.bee")["email"].text


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("way", ["POST", "PUT", "PATCH"])
def test_no_request_takes_an_account_that_is_not_the_sources(app, provider_of, policy, way):
    """S-03"""
    owner = provider_of(app, name="Owner")
    push(owner, "ann", externalId="1", emails=mail("ann@a.test"))
    local_account(app, "boss", email="boss@a.test", admin_of="administrators", verified=True)
    before = {name: accounts(app)[name] for name in ("ann", "boss")}
    thief = provider_of(app, name="Thief", match_policy=policy)
    record = {"externalId": "1", "emails": mail("eve@a.test")}

    if way == "POST":
        answers = [
            thief.post("/Users", {"userName": "ann", **record}),
            thief.post("/Users", {"userName": "boss", "emails": mail("boss@a.test")}),
        ]
    else:
        eve = push(thief, "eve")
        body = {"userName": "ann", **record}
        answers = [
            thief.put(f"/Users/{eve}", body)
            if way == "PUT"
            else thief.patch(f"/Users/{eve}", replaced("userName", "ann")),
            thief.patch(f"/Users/{eve}", replaced("emails", mail("boss@a.test"))),
        ]

    assert answers[0].status_code == 409
    assert "from source 'owner'" in answers[0].json["detail"]
    assert {name: accounts(app)[name] for name in ("ann", "boss")} == before


def test_an_email_that_changes_is_not_verified_any_more(app, provider_of):
    """S-03, S-04"""
    provider = provider_of(app, match_policy="email_verified")
    local_account(app, "ann", email="ann@a.test", verified=True)
    ann = push(provider, "ann", emails=mail("ann@a.test"))
    assert accounts(app)["ann"].email_verified

    provider.patch(f"/Users/{ann}", replaced("emails", mail("ann@b.test")))

    assert not accounts(app)["ann"].email_verified


def test_an_email_that_a_user_can_edit_matches_nobody(app, provider_of):
    """S-11"""
    provider = provider_of(app, match_policy="email_verified")
    local_account(app, "eve", email="boss@a.test")

    push(provider, "boss", emails=mail("boss@a.test"))

    assert accounts(app)["eve"].owner is None
    assert accounts(app)["boss"].owner == provider.source


@pytest.mark.parametrize(
    "twin",
    ["ANN", "ann.", "ann ", "a\u200bnn", "\uff41nn", "ann\u00ad"],
    ids=["case", "dot", "blank", "zero width", "full width", "soft hyphen"],
)
def test_who_looks_like_another_gets_no_account_beside_them(app, provider_of, twin):
    """S-13"""
    push(provider_of(app), "ann")
    other = provider_of(app, name="Other")

    answer = other.post("/Users", {"userName": twin})

    assert answer.status_code in {400, 409} or person(app, twin, other).state is PersonState.FAILED
    assert set(accounts(app)) == {"ann"}


def test_a_name_in_mixed_scripts_is_reported(app, provider):
    """S-13"""
    push(provider, "\u0430nn")

    assert "CYRILLIC and LATIN letters" in steps(app, "\u0430nn")["username_regex"].text


def test_an_email_that_is_another_persons_user_name_is_reported(app, provider):
    """S-13"""
    push(provider, "boss@a.test")

    push(provider, "eve", emails=mail("boss@a.test"))

    assert "boss@a.test" in steps(app, "eve")["email"].text


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_that_is_chosen_later_adopts_no_administrator(app, provider_of, policy):
    """S-14"""
    local_account(app, "boss", email="boss@a.test", verified=True, admin_of="administrators")
    provider = provider_of(app)
    push(provider, "boss", emails=mail("boss@a.test"))

    summary = set_rules(app, provider, match_policy=policy)

    assert summary.counts["adopt"] == 0
    assert accounts(app)["boss"].owner is None
    assert "an administrator" in why(app, "boss")
