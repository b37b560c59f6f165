"""Manual mapping: the table, filters, and groups that the provider renames and deletes.

Checklist 66 to 73, 80, 81 and 83; issue 5, "Group sync mode".
"""

import pytest
from acting import (
    adding,
    change_table,
    engine_of,
    join,
    leave,
    lines,
    local_group,
    map_group,
    mapping_table,
    members_of,
    memberships,
    problems,
    push,
    push_group,
    removing,
    rename_to,
    set_rules,
    source_of,
    unmap,
)

from usersync_ext.errors import InvalidSetting, NotFound
from usersync_ext.sync import group_admin

BY = "because the group {!r} of {} is mapped to it"


@pytest.fixture
def manual(app, provider_of):
    """A provider in manual mode."""
    return provider_of(app, group_mode="manual")


# -- given and taken away: checklist 66 to 70 ------------------------------------------------------


def test_a_mapped_group_gives_and_takes_away(app, manual):
    """Checklist 66, 67, 69"""
    ann, ben = push(manual, "ann"), push(manual, "ben")
    group = push_group(manual, "IdP_users", ann)

    map_group(app, manual, "IdP_users", "jira-software-users")

    reason = BY.format("IdP_users", "Acme")
    assert members_of(app) == {"jira-software-users": {"ann": reason}}
    join(manual, group, ben)
    assert memberships(app) == {"jira-software-users": {"ann", "ben"}}
    leave(manual, group, ann)
    assert memberships(app) == {"jira-software-users": {"ben"}}


def test_there_are_exactly_three_modes(app, manual):
    """Checklist 68"""
    with pytest.raises(InvalidSetting, match="group_mode: must be one of off, manual, on_the_fly"):
        set_rules(app, manual, group_mode="both")


@pytest.mark.parametrize("mode", ["off", "manual"])
def test_an_unmapped_group_creates_nothing(app, provider_of, mode):
    """Checklist 70"""
    provider = provider_of(app, group_mode=mode)

    push_group(provider, "IdP_users", push(provider, "ann"))

    assert memberships(app) == {}


def test_the_mapping_table_means_nothing_in_another_mode(app, manual):
    """Checklist 68"""
    push_group(manual, "IdP_users", push(manual, "ann"))
    map_group(app, manual, "IdP_users", "users")

    set_rules(app, manual, group_mode="on_the_fly")

    assert memberships(app) == {"IdP_users": {"ann"}, "users": set()}
    set_rules(app, manual, group_mode="manual")
    assert memberships(app) == {"IdP_users": set(), "users": {"ann"}}


# -- many to many: checklist 71 --------------------------------------------------------------------


def test_leaving_one_of_two_groups_that_are_mapped_to_one_keeps_the_membership(app, manual):
    """Checklist 71"""
    ann = push(manual, "ann")
    one, two = push_group(manual, "one", ann), push_group(manual, "two", ann)
    map_group(app, manual, "one", "users")
    map_group(app, manual, "two", "users")
    assert members_of(app)["users"]["ann"] == (
        "because the group 'one', 'two' of Acme is mapped to it"
    )

    leave(manual, one, ann)

    assert members_of(app)["users"]["ann"] == BY.format("two", "Acme")
    leave(manual, two, ann)
    assert memberships(app) == {"users": set()}


def test_one_group_gives_two(app, manual):
    """Checklist 71"""
    ann = push(manual, "ann")
    group = push_group(manual, "IdP_users", ann)

    map_group(app, manual, "IdP_users", "users")
    map_group(app, manual, "IdP_users", "wiki")

    assert memberships(app) == {"users": {"ann"}, "wiki": {"ann"}}
    leave(manual, group, ann)
    assert memberships(app) == {"users": set(), "wiki": set()}


def test_a_removed_row_takes_back_what_only_it_gave(app, manual):
    """Checklist 71"""
    push_group(manual, "one", push(manual, "ann"))
    map_group(app, manual, "one", "users")
    map_group(app, manual, "one", "wiki")

    summary = unmap(app, manual, "one", "wiki")

    assert (summary.counts["lose"], summary.held) == (1, 0)
    assert memberships(app) == {"users": {"ann"}, "wiki": set()}


def test_rows_are_changed_together_in_one_step(app, manual):
    push_group(manual, "one", push(manual, "ann"))
    map_group(app, manual, "one", "users")

    summary = change_table(
        app, manual, *removing(app, manual, "one"), adding(app, manual, "one", "wiki")
    )

    assert (summary.counts["gain"], summary.counts["lose"]) == (1, 1)
    assert memberships(app) == {"users": set(), "wiki": {"ann"}}


@pytest.mark.parametrize("again", ["users", "USERS", "Users ", "\uff55sers"])
def test_the_same_row_twice_is_one_row(app, manual, again):
    """Checklist 83: names of the directory's groups compare as the directory compares them."""
    push_group(manual, "one", push(manual, "ann"))
    map_group(app, manual, "one", "users")

    map_group(app, manual, "one", again.strip())

    assert len(group_admin.mapping_of(engine_of(app), source_of(app, manual), "one", "")) == 1
    assert memberships(app) == {"users": {"ann"}}


def test_the_same_row_twice_in_one_change_is_one_row(app, manual):
    push_group(manual, "one", push(manual, "ann"))

    change_table(
        app, manual, adding(app, manual, "one", "users"), adding(app, manual, "one", "USERS")
    )

    assert len(group_admin.mapping_of(engine_of(app), source_of(app, manual), "one", "")) == 1


def test_a_row_that_is_added_and_removed_in_one_change_is_none(app, manual):
    push_group(manual, "one", push(manual, "ann"))
    change = adding(app, manual, "one", "users")

    change_table(app, manual, change, {**change, "op": "remove"})

    assert mapping_table(app, manual) == set()
    assert memberships(app) == {}


def test_a_row_is_removed_by_its_name_in_another_case(app, manual):
    push_group(manual, "one", push(manual, "ann"))
    map_group(app, manual, "one", "users")
    [change] = removing(app, manual, "one")

    summary = change_table(app, manual, {**change, "to": "USERS"})

    assert summary.counts["lose"] == 1
    assert memberships(app) == {"users": set()}
    assert mapping_table(app, manual) == set()


# -- picking from what the source has told: checklist 72 -------------------------------------------


def test_groups_that_the_source_told_of_are_there_to_be_picked(app, manual):
    """Checklist 72"""
    push_group(manual, "one", push(manual, "ann"))
    push_group(manual, "two")
    map_group(app, manual, "two", "users")

    found = group_admin.list_source_groups(engine_of(app), source_of(app, manual))

    assert [(line.group.name, line.member_count, line.targets) for line in found] == [
        ("one", 1, ()),
        ("two", 0, ("users",)),
    ]


def test_the_sources_groups_are_searched_and_paged(app, manual):
    """Checklist 72"""
    for name in ("App-a", "app-b", "app-c", "wiki"):
        push_group(manual, name)
    source = source_of(app, manual)

    first = group_admin.list_source_groups(engine_of(app), source, search="APP", limit=2)
    rest = group_admin.list_source_groups(
        engine_of(app), source, search="APP", after_id=first[-1].group.id
    )

    assert [line.group.name for line in first] == ["App-a", "app-b"]
    assert [line.group.name for line in rest] == ["app-c"]


def test_a_group_that_the_source_never_told_of_cannot_be_mapped(app, manual):
    with pytest.raises(NotFound, match="Acme has told us of no group 'one'"):
        map_group(app, manual, "one", "users")
    with pytest.raises(InvalidSetting, match="mappings: Acme has no group abc"):
        change_table(app, manual, {"op": "add", "group": "abc", "name": "one", "to": "users"})


@pytest.mark.parametrize("to", ["", " ", " users", "us\ners", "u" * 256])
def test_a_name_that_no_group_can_have_is_refused(app, manual, to):
    push_group(manual, "one")

    with pytest.raises(InvalidSetting, match="mappings: "):
        map_group(app, manual, "one", to)


# -- the table follows the provider's groups: checklist 80, 81 -------------------------------------


def test_a_renamed_group_keeps_its_row_and_shows_its_new_name(app, manual):
    """Checklist 80"""
    ann, ben = push(manual, "ann"), push(manual, "ben")
    group = push_group(manual, "one", ann)
    map_group(app, manual, "one", "users")

    rename_to(manual, group, "two")
    join(manual, group, ben)

    assert mapping_table(app, manual) == {("two", "users")}
    assert members_of(app) == {"users": dict.fromkeys(("ann", "ben"), BY.format("two", "Acme"))}
    assert lines(app, "remove_member") == []


def test_a_new_group_of_the_old_name_is_not_mapped(app, manual):
    """Checklist 80: the row is bound to the group, not to its name."""
    ann, ben = push(manual, "ann"), push(manual, "ben")
    rename_to_two = push_group(manual, "one", ann)
    map_group(app, manual, "one", "users")
    rename_to(manual, rename_to_two, "two")

    push_group(manual, "one", ben)

    assert memberships(app) == {"users": {"ann"}}


def test_a_deleted_group_takes_its_members_out_and_leaves_its_row_marked(app, manual):
    """Checklist 81"""
    ann = push(manual, "ann")
    group = push_group(manual, "one", ann)
    push_group(manual, "other", ann)
    map_group(app, manual, "one", "users")
    map_group(app, manual, "one", "wiki")
    map_group(app, manual, "other", "wiki")

    manual.delete(f"/Groups/{group}")

    assert memberships(app) == {"users": set(), "wiki": {"ann"}}
    assert "The provider deleted the group 'one', which was mapped to 'users'." in problems(
        app, manual
    )


def test_a_group_that_comes_back_with_its_external_id_has_its_row_again(app, manual):
    """Checklist 81"""
    ann = push(manual, "ann")
    record = {"displayName": "one", "externalId": "g-1", "members": [{"value": ann}]}
    group = manual.post("/Groups", record).json["id"]
    map_group(app, manual, "one", "users")
    manual.delete(f"/Groups/{group}")

    manual.post("/Groups", {**record, "displayName": "One again"})

    assert mapping_table(app, manual) == {("One again", "users")}
    assert memberships(app) == {"users": {"ann"}}


def test_a_group_that_comes_back_without_an_external_id_is_another_one(app, manual):
    ann = push(manual, "ann")
    group = push_group(manual, "one", ann)
    map_group(app, manual, "one", "users")
    manual.delete(f"/Groups/{group}")

    push_group(manual, "one", ann)

    assert memberships(app) == {"users": set()}


# -- filters: checklist 73 -------------------------------------------------------------------------

FILTERS = {
    "name": ("App-One, nothing", {"app-one"}),
    "star": ("app-*", {"app-one", "app-two"}),
    "regular expression": ("app-(one|two)", {"app-one", "app-two"}),
    "dots": ("app-.*", {"app-one", "app-two"}),
    "anchored": ("^app-t", {"app-two"}),
    "id": ("g-wiki", {"wiki"}),
    "quoted": ('"wiki"', {"wiki"}),
    "several lines": ("wiki\napp-one", {"app-one", "wiki"}),
    "nothing": ("", {"app-one", "app-two", "wiki"}),
}


@pytest.fixture
def three(app, manual):
    """A provider whose ann is in three groups, each mapped to one of the same name."""
    ann = push(manual, "ann")
    for name in ("app-one", "app-two", "wiki"):
        manual.post(
            "/Groups",
            {"displayName": name, "externalId": f"g-{name}", "members": [{"value": ann}]},
        )
        map_group(app, manual, name, name)
    return manual


def given_to_ann(app):
    return {name for name, members in memberships(app).items() if "ann" in members}


@pytest.mark.parametrize(("text", "names"), FILTERS.values(), ids=FILTERS)
def test_only_groups_that_a_filter_means_are_looked_at(app, three, text, names):
    """Checklist 73"""
    set_rules(app, three, group_include=text)

    assert given_to_ann(app) == names


@pytest.mark.parametrize(("text", "names"), FILTERS.values(), ids=FILTERS)
def test_excluded_groups_change_nothing(app, three, text, names):
    """Checklist 73"""
    set_rules(app, three, group_exclude=text)

    excluded = names if text else set()
    assert given_to_ann(app) == {"app-one", "app-two", "wiki"} - excluded


def test_a_group_is_found_by_the_id_that_we_gave_it(app, manual):
    """Checklist 73"""
    ann = push(manual, "ann")
    ids = {name: push_group(manual, name, ann) for name in ("one", "two")}
    for name in ids:
        map_group(app, manual, name, name)

    set_rules(app, manual, group_include=ids["two"])

    assert given_to_ann(app) == {"two"}


def test_an_excluded_group_is_excluded_although_it_is_included(app, three):
    """Checklist 73"""
    set_rules(app, three, group_include="app-*, wiki", group_exclude="app-two")

    assert given_to_ann(app) == {"app-one", "wiki"}
    found = group_admin.list_source_groups(engine_of(app), source_of(app, three))
    assert [line.why_not for line in found] == ["", "the group 'app-two' is excluded", ""]


def test_members_of_an_excluded_group_come_and_go_without_effect(app, three):
    """Checklist 73"""
    set_rules(app, three, group_exclude="wiki")
    ben = push(three, "ben")
    wiki = three.get('/Groups?filter=displayName eq "wiki"').json["Resources"][0]["id"]

    assert join(three, wiki, ben).status_code == 204
    assert rename_to(three, wiki, "wiki").status_code == 204

    assert memberships(app)["wiki"] == set()
    assert lines(app, "add_member")[3:] == []


def test_a_group_renamed_into_the_filter_is_looked_at_from_then_on(app, three):
    """Checklist 73, 80"""
    set_rules(app, three, group_include="app-*")
    wiki = three.get('/Groups?filter=displayName eq "wiki"').json["Resources"][0]["id"]
    assert given_to_ann(app) == {"app-one", "app-two"}

    rename_to(three, wiki, "app-wiki")

    assert given_to_ann(app) == {"app-one", "app-two", "wiki"}
    rename_to(three, wiki, "wiki")
    assert given_to_ann(app) == {"app-one", "app-two"}


@pytest.mark.parametrize("key", ["group_include", "group_exclude"])
@pytest.mark.parametrize("text", ["(", "app-[", "(?=x)a", r"(a)\1", "x" * 201 + ".*"])
def test_a_filter_that_cannot_be_read_is_refused_by_its_name(app, manual, key, text):
    """Checklist 51, 73"""
    with pytest.raises(InvalidSetting, match=f"{key}: "):
        set_rules(app, manual, **{key: text})


def test_a_runaway_filter_is_harmless(app, manual):
    """Checklist 52, 73: RE2 needs linear time."""
    set_rules(app, manual, group_include="(a+)+$")

    push_group(manual, "a" * 200 + "!", push(manual, "ann"))

    assert memberships(app) == {}


# -- case: checklist 83 ----------------------------------------------------------------------------


def test_case_makes_no_other_group_of_the_directory(app, manual):
    """Checklist 83"""
    local_group(app, "Team-X")
    push_group(manual, "one", push(manual, "ann"))

    map_group(app, manual, "one", "team-x")

    assert memberships(app) == {"Team-X": {"ann"}}
