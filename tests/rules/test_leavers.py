"""Who leaves: disabled, deleted after days, restored, and never the last administrator."""

from datetime import UTC, datetime, timedelta

import pytest
from acting import (
    ADMIN,
    accounts,
    active_names,
    disable,
    engine_of,
    held,
    mail,
    make_administrator,
    person,
    push,
    replaced,
    set_rules,
    source_of,
    why,
)
from sqlalchemy import update

from usersync_ext.core.records import PersonState
from usersync_ext.errors import InvalidSetting
from usersync_ext.store.columns import table_of
from usersync_ext.store.schema import LinkRow
from usersync_ext.sync import leavers


def disabled_for(app, days):
    """Make every disabled account look as if it was disabled so many days ago."""
    at = datetime.now(UTC) - timedelta(days=days)
    link = table_of(LinkRow)
    with engine_of(app).store.writing() as session:
        session.execute(update(link).where(link.c.disabled_at.is_not(None)).values(disabled_at=at))


@pytest.fixture
def provider(app, provider_of):
    return provider_of(app, delete_after_days=30)


def test_a_disabled_account_is_deleted_when_its_days_are_over(app, provider):
    ann = push(provider, "ann")
    bob = push(provider, "bob")
    disable(provider, ann)
    provider.delete(f"/Users/{bob}")
    disabled_for(app, 29)
    assert leavers.delete_all_due(engine_of(app)) == 0
    disabled_for(app, 30)

    assert leavers.delete_all_due(engine_of(app)) == 2

    assert accounts(app) == {}
    assert "disabled for 30 days" in why(app, "ann")


def test_leavers_are_listed_with_the_day_on_which_they_go(app, provider):
    disable(provider, push(provider, "ann"))
    push(provider, "bob")

    [leaver] = leavers.list_leavers(engine_of(app), source_of(app, provider))

    assert leaver.account.user_name == "ann"
    assert leaver.delete_at - leaver.disabled_at == timedelta(days=30)


def test_too_many_leavers_at_once_are_held_like_any_removal(app, provider_of):
    provider = provider_of(
        app, delete_after_days=30, removal_limit_count=100, removal_limit_percent=0
    )
    for n in range(4):
        disable(provider, push(provider, f"user{n}"))
    set_rules(app, provider, removal_limit_count=5)
    disabled_for(app, 31)

    leavers.delete_all_due(engine_of(app))

    assert len(accounts(app)) == 3  # four were disabled within the window: one more may go
    assert held(app, provider) == 3


def test_a_restored_account_stays_until_the_person_comes_back(app, provider):
    ann = push(provider, "ann")
    disable(provider, ann)

    leavers.restore(engine_of(app), ADMIN, source_of(app, provider), person(app, "ann").id)
    provider.patch(f"/Users/{ann}", replaced("title", "Editor"))
    disabled_for(app, 99)
    leavers.delete_all_due(engine_of(app))

    assert active_names(app) == {"ann"}
    assert "restored" in why(app, "ann")
    provider.patch(f"/Users/{ann}", replaced("active", True))
    disable(provider, ann)
    assert active_names(app) == set()


def test_a_restored_account_of_somebody_out_of_scope_stays(app, provider_of):
    provider = provider_of(app)
    ann = push(provider, "ann")
    set_rules(app, provider, exclude_people="ann", out_of_scope_action="disable")

    leavers.restore(engine_of(app), ADMIN, source_of(app, provider), person(app, "ann").id)
    provider.patch(f"/Users/{ann}", replaced("title", "Editor"))

    assert active_names(app) == {"ann"}
    assert "restored" in why(app, "ann")


def test_a_leaver_of_another_source_is_not_restored(app, provider, provider_of):
    disable(provider, push(provider, "ann"))
    other = provider_of(app, name="Other")

    with pytest.raises(InvalidSetting, match="no disabled account"):
        leavers.restore(engine_of(app), ADMIN, source_of(app, other), person(app, "ann").id)


def test_who_comes_back_is_not_deleted_later(app, provider):
    """Checklist 37"""
    ann = push(provider, "ann")
    key = accounts(app)["ann"].key
    disable(provider, ann)
    provider.patch(f"/Users/{ann}", replaced("active", True))
    disabled_for(app, 99)

    leavers.delete_all_due(engine_of(app))

    assert accounts(app)["ann"].key == key


def test_people_out_of_scope_are_disabled_but_never_deleted(app, provider):
    push(provider, "ann")
    set_rules(app, provider, exclude_people="ann", out_of_scope_action="disable")
    disabled_for(app, 99)

    assert leavers.delete_all_due(engine_of(app)) == 0
    [leaver] = leavers.list_leavers(engine_of(app), source_of(app, provider))
    assert leaver.delete_at is None


def test_the_last_administrator_is_not_disabled(app, provider_of):
    """T-19"""
    provider = provider_of(app, minimum_admins=1)
    ann, bob = push(provider, "ann"), push(provider, "bob")
    for name in ("ann", "bob"):
        make_administrator(app, accounts(app)[name].key, "administrators")

    first, second = disable(provider, ann), disable(provider, bob)

    assert (first.status_code, second.status_code) == (200, 403)
    assert "one of the last 1 administrators" in second.json["detail"]
    assert active_names(app) == {"bob"}


def test_a_rule_change_keeps_enough_administrators(app, provider_of):
    """T-19"""
    provider = provider_of(app, minimum_admins=2, removal_limit_count=100)
    for n in range(5):
        push(provider, f"user{n}")
        make_administrator(app, accounts(app)[f"user{n}"].key, "administrators")

    summary = set_rules(app, provider, exclude_people="user*", out_of_scope_action="disable")

    assert summary.counts["disable"] == 3
    assert len(active_names(app)) == 2
    assert person(app, "user4").state is PersonState.PROTECTED


def test_minimum_admins_zero_switches_the_guard_of_administrators_off(app, provider_of):
    provider = provider_of(app, minimum_admins=0)
    ann = push(provider, "ann", emails=mail("ann@corp.example"))
    make_administrator(app, accounts(app)["ann"].key, "administrators")

    assert disable(provider, ann).status_code == 200
    assert active_names(app) == set()
