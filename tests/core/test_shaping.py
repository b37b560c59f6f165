"""Which groups a directory gets on the fly."""

import pytest

from usersync_ext.core.options import changed_rules
from usersync_ext.core.records import DirectoryGroup
from usersync_ext.core.scope import SourceGroup
from usersync_ext.core.shaping import shapes


def told(name, *, own=None, taken=(), **values):
    """Return kind and name of what is to be done about one group of the source."""
    rules = changed_rules({}, {"group_mode": "on_the_fly", **values})
    group = SourceGroup(id=1, scim_id="id-1", name=name)
    existing = {g.name.lower(): g for g in taken}
    created = {1: own} if own is not None else {}
    found = shapes([group], rules, created, existing, lambda name: name == "Admin")
    return [(str(shape.kind), shape.name) for shape in found]


OLD, TEAM = DirectoryGroup(key="1", name="old"), DirectoryGroup(key="2", name="Team")


@pytest.mark.parametrize(
    ("name", "case", "expected"),
    [
        ("team", {}, [("create", "team")]),
        ("team", {"taken": [TEAM]}, []),
        ("team", {"own": DirectoryGroup(key="1", name="team")}, []),
        ("Team", {"own": DirectoryGroup(key="1", name="team")}, [("rename", "Team")]),
        ("team", {"own": OLD}, [("rename", "team")]),
        (
            "team",
            {"own": OLD, "taken": [DirectoryGroup(key="2", name="team")]},
            [("let_go", "team")],
        ),
        ("team", {"own": OLD, "group_rename": "new"}, [("let_go", "team"), ("create", "team")]),
        ("Admin", {}, [("refuse", "Admin")]),
        ("x-admins", {}, [("refuse", "x-admins")]),
        ("Admin", {"own": OLD}, [("refuse", "Admin")]),
        ("a\tb", {}, [("refuse", "a\tb")]),
        ("team", {"create_groups": "off"}, [("refuse", "team")]),
        ("team", {"group_exclude": "team"}, []),
        ("team", {"group_mode": "manual"}, []),
        ("IdP_x", {"group_regex": "^IdP_", "own": OLD}, [("rename", "x")]),
    ],
)
def test_a_group_of_the_source_shapes_the_directory(name, case, expected):
    assert told(name, **case) == expected


def test_a_protected_group_is_never_renamed():
    protected = DirectoryGroup(key="1", name="old", protected=True)

    assert told("team", own=protected) == [("let_go", "team"), ("create", "team")]


def test_two_groups_of_one_name_are_created_once():
    rules = changed_rules({}, {"group_mode": "on_the_fly"})
    groups = [SourceGroup(id=n, scim_id=f"id-{n}", name=name) for n, name in ((1, "A"), (2, "a"))]

    found = shapes(groups, rules, {}, {}, lambda _name: False)

    assert [(str(shape.kind), shape.name) for shape in found] == [("create", "A")]
