"""What the host sees and decides of memberships: its hook and its signals."""

import pytest
from acting import entries, join, leave, memberships, push, push_group, set_rules, steps

from usersync_ext import Skip
from usersync_ext.core.records import MembershipChange
from usersync_ext.signals import member_added, member_removed
from usersync_ext.state import state_of


@pytest.fixture
def provider(app, provider_of):
    """A provider whose groups give memberships by name, with Ann and Ben."""
    provider = provider_of(app, group_mode="on_the_fly")
    provider.ann, provider.ben = push(provider, "ann"), push(provider, "ben")
    provider.group = push_group(provider, "wiki")
    return provider


@pytest.fixture
def seen(app):
    """What the host's hook was asked; it keeps Ben out of every group."""
    asked = []

    def hook(change):
        asked.append(change)
        is_ben = isinstance(change, MembershipChange) and change.subject == "ben"
        return Skip("Ben works alone") if is_ben else change

    state_of(app).engine.hooks.before_apply.append(hook)
    return asked


def test_the_hook_sees_each_membership_once_and_what_it_passes_is_given(app, provider, seen):
    assert join(provider, provider.group, provider.ann).status_code == 204

    assert [(change.kind, change.subject, change.group.name) for change in seen] == [
        ("add_member", "ann", "wiki")
    ]
    assert memberships(app) == {"wiki": {"ann"}}


def test_a_membership_that_the_hook_skips_is_not_given_and_that_is_written_down(
    app, provider, seen
):
    answer = join(provider, provider.group, provider.ann, provider.ben)

    assert answer.status_code == 204
    assert memberships(app) == {"wiki": {"ann"}}
    [line] = [e for e in entries(app) if e.outcome == "refused"]
    assert (line.kind, line.subject) == ("add_member", "ben")
    assert line.reason == "refused by the host application: Ben works alone"


def test_a_new_account_gets_its_default_groups_only_if_the_hook_agrees(app, provider, seen):
    set_rules(app, provider, default_groups="staff", assign_default_groups_to="new")

    push(provider, "cleo")

    assert memberships(app)["staff"] == {"cleo"}
    assert [change.kind for change in seen] == ["create", "add_member"]
    assert steps(app, "cleo")["default_groups"].text == "in 'staff': default group"


def test_signals_tell_of_memberships_after_the_commit(app, provider):
    told = []

    def receive(_sender, **event):
        told.append((event["group"]["name"], event["account"]["user_name"], memberships(app)))

    with member_added.connected_to(receive), member_removed.connected_to(receive):
        join(provider, provider.group, provider.ann)
        leave(provider, provider.group, provider.ann)

    assert told == [("wiki", "ann", {"wiki": {"ann"}}), ("wiki", "ann", {"wiki": set()})]
