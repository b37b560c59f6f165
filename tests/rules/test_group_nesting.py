"""Groups in groups: direct members only, flattened, or nested in the same way.

Checklist 82; issue 5, "Group sync mode".
"""

import pytest
from acting import (
    engine_of,
    groups_of,
    join,
    leave,
    local_group,
    map_group,
    members_of,
    memberships,
    preview,
    push,
    push_group,
    rename_to,
    set_rules,
)

from usersync_ext.directories.local import LocalAccounts

BY = "because the group {!r} of Acme is mapped to it"


# -- groups in groups: checklist 82 ----------------------------------------------------------------


def nested(app, provider_of, how, **rules):
    """Return a provider with ben in child in parent (ann), and the ids of child and parent."""
    provider = provider_of(app, group_mode="on_the_fly", nested_groups=how, **rules)
    child = push_group(provider, "child", push(provider, "ben"))
    parent = push_group(provider, "parent", push(provider, "ann"), child)
    return provider, child, parent


def nestings(app):
    """Return which groups of the directory are in which, by name."""
    names = {g.group.key: name for name, g in groups_of(app).items()}
    with engine_of(app).store.reading() as session:
        pairs = LocalAccounts(session).nested_in(list(names))
    return {(names[parent], names[child]) for parent, child in pairs}


@pytest.mark.parametrize(
    ("how", "members", "pairs"),
    [
        ("direct", {"ann"}, set()),
        ("flatten", {"ann", "ben"}, set()),
        ("keep", {"ann"}, {("parent", "child")}),
    ],
)
def test_a_group_in_a_group_means_what_was_chosen(app, provider_of, how, members, pairs):
    """Checklist 82"""
    nested(app, provider_of, how)

    assert memberships(app) == {"child": {"ben"}, "parent": members}
    assert nestings(app) == pairs


def test_members_of_subgroups_come_and_go_with_every_change_below(app, provider_of):
    """Checklist 82"""
    provider, child, parent = nested(app, provider_of, "flatten")
    cyd = push(provider, "cyd")
    deep = push_group(provider, "deep", push(provider, "dan"))

    join(provider, child, deep)
    join(provider, deep, cyd)
    assert memberships(app)["parent"] == {"ann", "ben", "cyd", "dan"}
    leave(provider, deep, cyd)
    assert memberships(app)["parent"] == {"ann", "ben", "dan"}
    leave(provider, child, deep)
    assert memberships(app)["parent"] == {"ann", "ben"}
    leave(provider, parent, child)
    assert memberships(app)["parent"] == {"ann"}


def test_a_member_of_a_deleted_subgroup_leaves_the_group_above(app, provider_of):
    """Checklist 82"""
    provider, child, _ = nested(app, provider_of, "flatten", group_delete="delete_empty")

    provider.delete(f"/Groups/{child}")

    assert memberships(app) == {"parent": {"ann"}}


def test_groups_in_a_circle_give_everybody_and_end(app, provider_of):
    """Checklist 82"""
    provider, child, parent = nested(app, provider_of, "flatten")

    assert join(provider, child, parent).status_code == 204

    assert memberships(app) == {"child": {"ann", "ben"}, "parent": {"ann", "ben"}}
    leave(provider, parent, child)
    assert memberships(app) == {"child": {"ann", "ben"}, "parent": {"ann"}}


def test_groups_in_a_circle_may_be_kept(app, provider_of):
    """Checklist 82"""
    provider, child, parent = nested(app, provider_of, "keep")

    assert join(provider, child, parent).status_code == 204

    assert nestings(app) == {("parent", "child"), ("child", "parent")}
    leave(provider, child, parent)
    assert nestings(app) == {("parent", "child")}


def test_a_nesting_of_the_directory_follows_the_providers(app, provider_of):
    """Checklist 82"""
    provider, child, parent = nested(app, provider_of, "keep")

    leave(provider, parent, child)
    assert nestings(app) == set()
    join(provider, parent, child)
    assert nestings(app) == {("parent", "child")}
    provider.delete(f"/Groups/{parent}")
    assert nestings(app) == set()


def test_a_deleted_subgroup_is_taken_out_of_the_directorys_group(app, provider_of):
    """Checklist 82: whoever stays in the group that is kept has no rights of the one above."""
    provider, child, _ = nested(app, provider_of, "keep", group_delete="keep")

    provider.delete(f"/Groups/{child}")

    assert nestings(app) == set()


def test_choosing_another_meaning_is_previewed_and_carried_out(app, provider_of):
    """Checklist 82"""
    provider, *_ = nested(app, provider_of, "direct")

    assert preview(app, provider, nested_groups="flatten").counts["gain"] == 1
    set_rules(app, provider, nested_groups="flatten")
    assert memberships(app)["parent"] == {"ann", "ben"}
    assert preview(app, provider, nested_groups="keep").counts["lose"] == 1
    set_rules(app, provider, nested_groups="keep")
    assert memberships(app)["parent"] == {"ann"}
    assert nestings(app) == {("parent", "child")}
    set_rules(app, provider, nested_groups="direct")
    assert nestings(app) == set()


def test_a_subgroup_that_is_filtered_out_still_leads_to_the_group_above(app, provider_of):
    """Checklist 82: the filter says which groups are given, not how people come into them."""
    nested(app, provider_of, "flatten", group_include="parent")

    assert memberships(app) == {"parent": {"ann", "ben"}}


def test_subgroups_count_in_manual_mode_too(app, provider_of):
    """Checklist 82"""
    provider = provider_of(app, group_mode="manual", nested_groups="flatten")
    child = push_group(provider, "child", push(provider, "ben"))
    push_group(provider, "parent", push(provider, "ann"), child)

    assert map_group(app, provider, "parent", "users").counts["gain"] == 2

    reason = {name: BY.format("parent") for name in ("ann", "ben")}
    assert members_of(app) == {"users": reason}


@pytest.mark.parametrize("rules", [{}, {"protected_groups": "par*"}])
def test_nothing_is_nested_into_a_protected_group(app, provider_of, rules):
    """T-14"""
    local_group(app, "parent", protected=not rules)

    nested(app, provider_of, "keep", **rules)

    assert nestings(app) == set()


def test_a_group_that_moves_to_a_new_one_takes_its_nesting_along(app, provider_of):
    """Checklist 80, 82"""
    provider, _, parent = nested(app, provider_of, "keep", group_rename="new")

    rename_to(provider, parent, "above")

    assert nestings(app) == {("above", "child")}
