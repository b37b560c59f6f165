"""Existing accounts: matched by policy, proposed with evidence, refused, handed over."""

import pytest
from acting import (
    ADMIN,
    accounts,
    engine_of,
    entries,
    local_account,
    mail,
    person,
    push,
    replaced,
    set_rules,
    source_of,
    why,
)

from usersync_ext.core.records import PersonState
from usersync_ext.errors import InvalidSetting, NotFound, Protected
from usersync_ext.sync import adopting


def proposals(app, provider):
    return list(adopting.every_proposal(engine_of(app), source_of(app, provider)))


def decide(app, provider, name, *, accept, account_name=""):
    adopting.decide(
        engine_of(app),
        ADMIN,
        source_of(app, provider),
        person(app, name, provider),
        accept=accept,
        account_name=account_name,
    )


def test_a_proposal_shows_what_speaks_for_and_against_it(app, provider):
    local_account(app, "ann", email="ann@corp.example", full_name="Ann Bee")

    push(provider, "ann", emails=mail("ann@corp.example"), displayName="Ann Bee")

    [proposal] = proposals(app, provider)
    [evidence] = proposal.evidence
    assert evidence.matches == (
        "same user name 'ann'",
        "same e-mail 'ann@corp.example'",
        "same full name 'Ann Bee'",
    )
    assert evidence.risks == ("the account's e-mail is not verified",)
    assert not proposal.is_safe


def test_an_accepted_proposal_is_adopted_at_once(app, provider):
    key = local_account(app, "ann").key
    push(provider, "ann", title="Editor")

    decide(app, provider, "ann", accept=True)

    ann = accounts(app)["ann"]
    assert (ann.key, ann.owner, ann.title) == (key, provider.source, "Editor")
    assert person(app, "ann").state is PersonState.IN_SYNC
    assert [e.kind for e in entries(app, category=None)][-3:] == [
        "adoption_accepted",
        "adopt",
        "update",
    ]


def test_a_refused_proposal_does_not_come_back(app, provider):
    local_account(app, "ann")
    ann = push(provider, "ann")

    decide(app, provider, "ann", accept=False)
    provider.patch(f"/Users/{ann}", replaced("title", "Editor"))

    assert proposals(app, provider) == []
    assert accounts(app)["ann"].owner is None
    assert "an administrator refused" in why(app, "ann")
    assert person(app, "ann").state is PersonState.NOT_IMPORTED


def test_all_safe_proposals_are_accepted_and_risky_ones_wait(app, provider):
    for name in ("ann", "bob"):
        local_account(app, name, email=f"{name}@corp.example", verified=True)
    local_account(app, "root", email="root@corp.example", verified=True, admin_of="administrators")
    for name in ("ann", "bob", "root"):
        push(provider, name, emails=mail(f"{name}@corp.example"))

    count = adopting.accept_safe(engine_of(app), ADMIN, source_of(app, provider))

    owners = {name: account.owner for name, account in accounts(app).items()}
    assert count == 2
    assert owners == {"ann": provider.source, "bob": provider.source, "root": None}
    [left] = proposals(app, provider)
    assert "administrator" in left.evidence[0].risks[0]


@pytest.mark.parametrize("policy", ["link_only", "external_id", "user_name", "email_verified"])
def test_an_administrators_account_waits_for_a_click_under_every_policy(app, provider_of, policy):
    """S-14"""
    provider = provider_of(app, match_policy=policy)
    local_account(app, "root", email="root@corp.example", verified=True, admin_of="administrators")

    push(provider, "root", emails=mail("root@corp.example"))

    assert accounts(app)["root"].owner is None
    assert person(app, "root").state is PersonState.PROPOSED


def test_two_accounts_with_the_verified_mail_wait_for_a_choice(app, provider_of):
    """T-05"""
    provider = provider_of(app, match_policy="email_verified")
    for name in ("ann", "ann2"):
        local_account(app, name, email="ann@corp.example", verified=True)

    push(provider, "a.bee", emails=mail("ann@corp.example"))

    assert "'ann', 'ann2'" in why(app, "a.bee")
    with pytest.raises(InvalidSetting, match="say which account"):
        decide(app, provider, "a.bee", accept=True)
    decide(app, provider, "a.bee", accept=True, account_name="ann2")
    assert {name for name, a in accounts(app).items() if a.owner} == {"a.bee"}


def test_deciding_where_nothing_waits_is_refused(app, provider):
    push(provider, "ann")

    with pytest.raises(NotFound, match="no account waits for 'ann'"):
        decide(app, provider, "ann", accept=True)


def test_a_protected_name_is_never_adopted_changed_or_removed(app, provider_of):
    local_account(app, "svc-backup")
    provider = provider_of(app, match_policy="user_name", protected_names="svc-*, root")

    answer = provider.post("/Users", {"userName": "svc-backup"})

    assert answer.status_code == 403
    assert accounts(app)["svc-backup"].owner is None


def test_protecting_by_name_later_keeps_a_managed_account_as_it_is(app, provider_of):
    provider = provider_of(app)
    ann = push(provider, "ann")
    set_rules(app, provider, protected_names="ann")

    answer = provider.patch(f"/Users/{ann}", replaced("active", False))

    assert answer.status_code == 403
    assert accounts(app)["ann"].active


# -- hand-over -------------------------------------------------------------------------------------


@pytest.fixture
def other(app, provider_of):
    return provider_of(app, name="Other", state="observe")


def test_an_account_is_handed_over_to_the_same_person_of_another_source(app, provider, other):
    push(provider, "ann", title="Editor")
    push(other, "ann", title="Chief")
    set_rules(app, other, state="active")
    key = accounts(app)["ann"].key

    plan = adopting.plan_hand_over(engine_of(app), key, other.source)
    assert (plan.source.key, plan.to.user_name) == (provider.source, "ann")
    assert "title brought in line with the provider" in plan.changes
    adopting.hand_over(engine_of(app), ADMIN, plan)

    ann = accounts(app)["ann"]
    assert (ann.key, ann.owner, ann.title) == (key, other.source, "Chief")
    assert "handed over" in why(app, "ann", provider)


def test_an_account_waits_for_a_person_who_is_not_there_yet(app, provider, other):
    push(provider, "ann")
    set_rules(app, other, state="active")
    key = accounts(app)["ann"].key

    plan = adopting.plan_hand_over(engine_of(app), key, other.source)
    assert plan.to is None
    adopting.hand_over(engine_of(app), ADMIN, plan)
    assert accounts(app)["ann"].owner is None
    push(other, "ann")

    assert (accounts(app)["ann"].key, accounts(app)["ann"].owner) == (key, other.source)


def test_the_old_source_does_not_take_a_handed_over_account_back(app, provider_of, other):
    provider = provider_of(app, match_policy="user_name")
    ann = push(provider, "ann")
    plan = adopting.plan_hand_over(engine_of(app), accounts(app)["ann"].key, other.source)
    adopting.hand_over(engine_of(app), ADMIN, plan)

    answer = provider.patch(f"/Users/{ann}", replaced("title", "Chief"))

    assert answer.status_code == 200
    assert accounts(app)["ann"].owner is None
    assert "an administrator refused" in why(app, "ann", provider)


def test_a_protected_account_is_not_handed_over(app, provider, other):
    push(provider, "ann")
    set_rules(app, other, protected_names="ann")

    with pytest.raises(Protected):
        adopting.plan_hand_over(engine_of(app), accounts(app)["ann"].key, other.source)
