"""Groups on both databases: searching, mapping, moving, holding, nesting, and two at once."""

import threading

import pytest
from acting import (
    ADMIN,
    engine_of,
    entries,
    held,
    join,
    leave,
    memberships,
    preview,
    push,
    push_group,
    rename_to,
    set_rules,
    source_of,
)

from usersync_ext.store import group_tree, mappings
from usersync_ext.sync import admin, group_admin


@pytest.fixture
def app(database_url, make_app):
    """An app on SQLite and on PostgreSQL."""
    return make_app(USERSYNC_DATABASE_URI=database_url, USERSYNC_AUTOMATIC_UPGRADE="on")


@pytest.fixture
def provider(app, provider_of):
    """A provider of three people in two groups, mapped by hand to one."""
    provider = provider_of(app, group_mode="manual")
    provider.ids = [push(provider, name) for name in ("ann", "ben", "cleo")]
    provider.it = push_group(provider, "IT", *provider.ids[:2])
    provider.hr = push_group(provider, "HR", *provider.ids[1:])
    changes = [adding(app, provider, name, "staff") for name in ("IT", "HR")]
    set_rules(app, provider, mappings=changes)
    return provider


def adding(app, provider, name, to):
    group = group_admin.find_source_group(engine_of(app), source_of(app, provider), name)
    return group_admin.adding(group, to)


def test_a_mapping_gives_and_takes_memberships(app, provider):
    leave(provider, provider.it, *provider.ids[:2])

    assert memberships(app) == {"staff": {"ben", "cleo"}}
    assert [(e.kind, e.subject) for e in entries(app)][-1] == ("remove_member", "ann")


def test_groups_and_rows_are_found_by_the_beginning_of_their_names(app, provider):
    source_id = source_of(app, provider).id
    push_group(provider, "Sales")

    with engine_of(app).store.reading() as session:
        found = group_tree.list_groups(session, source_id, search="s")
        by_source = mappings.list_mappings(session, source_id, search="i")
        by_target = mappings.list_mappings(session, source_id, search="sta")
        unmapped = mappings.unmapped_groups(session, source_id, search="sal")

    assert [group.name for group in found] == ["Sales"]
    assert [row.name for row in by_source] == ["IT"]
    assert [row.name for row in by_target] == ["IT", "HR"]
    assert [row.display_name for row in unmapped] == ["Sales"]


def test_what_is_previewed_is_done_and_what_is_too_much_is_held(app, provider):
    set_rules(app, provider, removal_limit_count=1, removal_limit_percent=0)
    [row] = group_admin.mapping_of(engine_of(app), source_of(app, provider), "IT", "staff")
    [other] = group_admin.mapping_of(engine_of(app), source_of(app, provider), "HR", "staff")
    changes = [group_admin.removing(row), group_admin.removing(other)]

    would = preview(app, provider, mappings=changes)
    did = set_rules(app, provider, mappings=changes)

    assert (would.counts["lose"], would.held) == (did.counts["lose"], did.held) == (3, 3)
    assert memberships(app) == {"staff": {"ann", "ben", "cleo"}}
    admin.decide_held(engine_of(app), ADMIN, source_of(app, provider), release=True)
    assert memberships(app) == {"staff": set()}
    assert held(app, provider) == 0


def test_groups_follow_names_on_the_fly_and_nest(app, provider):
    set_rules(
        app, provider, group_mode="on_the_fly", nested_groups="flatten", removal_limit_count=100
    )

    join(provider, provider.it, provider.hr)
    rename_to(provider, provider.it, "Systems")

    assert memberships(app) == {
        "staff": set(),
        "Systems": {"ann", "ben", "cleo"},
        "HR": {"ben", "cleo"},
    }


def test_somebody_who_leaves_both_groups_at_once_is_no_member_any_more(app, provider):
    """Two requests at the same moment: each sees what the other took away."""
    ben = provider.ids[1]
    leavers = [
        threading.Thread(target=leave, args=(provider, group, ben))
        for group in (provider.it, provider.hr)
    ]

    for thread in leavers:
        thread.start()
    for thread in leavers:
        thread.join()

    assert memberships(app) == {"staff": {"ann", "cleo"}}
