"""Groups, the mapping table and the settings about groups from the command line."""

import getpass

import pytest
from cli_helpers import Terminal

from usersync_ext.state import state_of
from usersync_ext.store import journal

BY = "because the group 'IdP_users' of Acme is mapped to it"


@pytest.fixture
def idp(app, provider_of):
    """A provider in manual mode with ann and ben in IdP_users and ann in IdP_admins."""
    provider = provider_of(app, group_mode="manual")
    ids = [provider.post("/Users", {"userName": name}).json["id"] for name in ("ann", "ben")]
    for name, members in (("IdP_users", ids), ("IdP_admins", ids[:1])):
        body = {"displayName": name, "externalId": f"g-{name}"}
        provider.post("/Groups", {**body, "members": [{"value": each} for each in members]})
    return provider


def mapped(cli, source="IdP_users", to="users", *more):
    return cli.json("mappings", "add", "acme", "--from", source, "--to", to, *more)


def groups(cli):
    """Return the listed groups by name."""
    return {group.pop("name"): group for group in cli.json("groups", "list")["groups"]}


def members(cli):
    """Return who is in each group."""
    return {
        name: {member["user_name"] for member in group["members"]}
        for name, group in groups(cli).items()
    }


# -- groups list -----------------------------------------------------------------------------------


def test_groups_are_listed_with_their_members_and_why(cli, idp):
    """Checklist 69; issue 5 "Command line" """
    cli.run("groups", "add", "wiki-admins")
    mapped(cli)

    listed = cli.json("groups", "list")

    assert listed == {
        "groups": [
            {
                "name": "users",
                "managed_by": "acme",
                "protected": False,
                "minimum_members": 0,
                "members": [{"user_name": "ann", "why": BY}, {"user_name": "ben", "why": BY}],
            },
            {
                "name": "wiki-admins",
                "managed_by": None,
                "protected": True,
                "minimum_members": 0,
                "members": [],
            },
        ]
    }


def test_the_list_without_groups_says_what_to_do(cli):
    assert "usersync groups add NAME" in cli.run("groups", "list").stdout
    assert cli.json("groups", "list") == {"groups": []}


def test_groups_are_listed_as_a_table(cli, idp):
    cli.run("groups", "add", "wiki-admins")
    mapped(cli)

    head, *rows = cli.run("groups", "list").stdout.splitlines()

    assert head.split() == ["NAME", "MEMBERS", "MANAGED", "BY", "PROTECTED"]
    assert [row.split()[:3] for row in rows] == [["users", "2", "acme"], ["wiki-admins", "0", "-"]]


def test_what_was_given_by_hand_says_by_whom(app, cli, idp, tmp_path):
    cli.run("groups", "add", "wiki")
    cli.run("accounts", "add", "zoe")
    cli.json("sources", "set", "acme", "default_groups=wiki", "assign_default_groups_to=all")

    assert [m["why"] for m in groups(cli)["wiki"]["members"]] == ["default group of Acme"] * 2


# -- groups add, protect, minimum, remove ----------------------------------------------------------


def test_a_group_is_added_protected_and_removed(cli):
    assert cli.run("groups", "add", "wiki").stdout == "The group wiki was added.\n"
    assert "is protected now" in cli.run("groups", "protect", "WIKI").stdout
    assert groups(cli)["wiki"]["protected"] is True
    assert "is not protected now" in cli.run("groups", "unprotect", "wiki").stdout
    assert groups(cli)["wiki"]["protected"] is False
    assert cli.run("groups", "remove", "wiki").stdout == "The group wiki was deleted.\n"
    assert groups(cli) == {}


def test_a_group_of_administrators_is_protected_from_the_start_and_says_so(cli):
    told = cli.run("groups", "add", "Administrators").stdout

    assert "It is protected: its members are administrators." in told
    assert groups(cli)["Administrators"]["protected"] is True


def test_a_minimum_is_set_shown_and_kept(cli, idp):
    mapped(cli)

    cli.run("groups", "minimum", "users", "1")
    cli.json("mappings", "remove", "acme", "--from", "IdP_users")

    assert groups(cli)["users"]["minimum_members"] == 1
    assert len(members(cli)["users"]) == 1


def test_what_is_done_to_groups_is_in_the_journal_with_who_did_it(app, cli):
    cli.run("groups", "add", "wiki")
    cli.run("groups", "minimum", "wiki", "2")
    cli.run("groups", "protect", "wiki")
    cli.run("groups", "remove", "wiki")

    with state_of(app).engine.store.reading() as session:
        found = journal.list_entries(session, journal.Lines(category="admin"))[::-1]

    assert [(e.kind, e.subject) for e in found] == [
        ("group_added", "wiki"),
        ("group_minimum", "wiki"),
        ("group_protected", "wiki"),
        ("group_removed", "wiki"),
    ]
    assert {e.actor for e in found} == {f"cli:{getpass.getuser()}"}


@pytest.mark.parametrize("command", ["protect", "unprotect", "remove"])
def test_a_group_that_is_not_there_is_an_error(cli, command):
    assert cli.error("groups", command, "wiki") == "Error: there is no group 'wiki'"
    assert cli.error("groups", "minimum", "wiki", "1") == "Error: there is no group 'wiki'"


def test_a_group_that_is_there_already_is_an_error(cli):
    cli.run("groups", "add", "wiki")

    assert cli.error("groups", "add", "WIKI") == "Error: there is already a group 'WIKI'"


@pytest.mark.parametrize("name", ["", " ", "...", "a\tb", "g" * 256])
def test_a_name_that_no_group_can_have_is_an_error(cli, name):
    assert cli.error("groups", "add", name).startswith("Error: name: ")


def test_the_message_about_a_groups_name_does_not_speak_of_user_names(cli):
    assert "username" not in cli.error("groups", "add", "...")


@pytest.mark.parametrize("count", ["-1", "many", "1.5"])
def test_a_minimum_that_is_no_number_is_wrong_use(cli, count):
    cli.run("groups", "add", "wiki")

    assert "COUNT" in cli.error("groups", "minimum", "--", "wiki", count, status=2)


# -- mappings --------------------------------------------------------------------------------------


def test_a_mapping_is_previewed_added_listed_and_removed(cli, idp):
    """Checklist 69, 71"""
    seen = mapped(cli, "IdP_users", "users", "--preview")
    assert members(cli) == {}
    done = mapped(cli)

    assert seen == done
    assert (done["groups"], done["held"]) == ({"gain": 2}, 0)
    assert members(cli) == {"users": {"ann", "ben"}}
    [row] = cli.json("mappings", "list", "acme")["mappings"]
    assert {key: row[key] for key in ("from", "to", "allow_protected", "deleted")} == {
        "from": "IdP_users",
        "to": "users",
        "allow_protected": False,
        "deleted": False,
    }
    removed = ("mappings", "remove", "acme", "--from", "IdP_users")
    assert cli.json(*removed, "--preview")["groups"] == {"lose": 2}
    assert cli.json(*removed)["groups"] == {"lose": 2}
    assert cli.json("mappings", "list", "acme") == {"mappings": []}
    assert members(cli) == {"users": set()}


def test_mappings_are_told_in_words(cli, idp):
    arguments = ("mappings", "add", "acme", "--from", "IdP_users", "--to", "users")

    assert "Nothing was changed; it would be: " in cli.run(*arguments, "--preview").stdout
    told = cli.run(*arguments).stdout
    listed = cli.run("mappings", "list", "acme").stdout.splitlines()
    removed = cli.run("mappings", "remove", "acme", "--from", "IdP_users").stdout

    assert "2 gain groups" in told
    assert listed[0].split() == ["FROM", "TO", "ALLOW", "PROTECTED", "DELETED"]
    assert listed[1].split()[:2] == ["IdP_users", "users"]
    assert "2 lose groups" in removed


def test_a_group_is_named_by_any_of_its_names(cli, idp):
    """Checklist 69"""
    scim_id = idp.get('/Groups?filter=displayName eq "IdP_users"').json["Resources"][0]["id"]

    mapped(cli, "IDP_USERS", "one")
    mapped(cli, "g-IdP_users", "two")
    mapped(cli, scim_id, "three")

    assert set(members(cli)) == {"one", "two", "three"}
    cli.json("mappings", "remove", "acme", "--from", scim_id, "--to", "TWO")
    assert members(cli) == {"one": {"ann", "ben"}, "two": set(), "three": {"ann", "ben"}}


def test_all_rows_of_a_group_are_removed_where_none_is_named(cli, idp):
    for to in ("one", "two"):
        mapped(cli, "IdP_users", to)

    cli.json("mappings", "remove", "acme", "--from", "idp_users")

    assert members(cli) == {"one": set(), "two": set()}


def test_a_protected_group_is_mapped_by_hand_only_with_a_word_for_it(cli, idp):
    """T-14"""
    assert "groups" not in mapped(cli, "IdP_admins", "administrators")
    cli.json("mappings", "remove", "acme", "--from", "IdP_admins")

    given = mapped(cli, "IdP_admins", "administrators", "--allow-protected")

    assert given["groups"] == {"gain": 1}
    assert members(cli) == {"administrators": {"ann"}}
    [row] = cli.json("mappings", "list", "acme")["mappings"]
    assert row["allow_protected"] is True


def test_a_row_of_a_deleted_group_is_marked_and_can_be_removed(cli, idp):
    """Checklist 81"""
    mapped(cli)
    scim_id = idp.get('/Groups?filter=displayName eq "IdP_users"').json["Resources"][0]["id"]
    idp.delete(f"/Groups/{scim_id}")

    [row] = cli.json("mappings", "list", "acme")["mappings"]
    cli.json("mappings", "remove", "acme", "--from", "IdP_users")

    assert (row["from"], row["deleted"]) == ("IdP_users", True)
    assert cli.json("mappings", "list", "acme") == {"mappings": []}


def test_the_list_says_that_the_table_does_not_count_in_another_mode(cli, idp):
    """Checklist 68"""
    mapped(cli)
    cli.json("sources", "set", "acme", "group_mode=on_the_fly")

    told = cli.run("mappings", "list", "acme")

    assert "count in group_mode=manual; it is on_the_fly" in told.stderr


def test_an_empty_table_says_what_to_do(cli, idp):
    told = cli.run("mappings", "list", "acme").stdout

    assert "usersync mappings add acme --from GROUP --to GROUP" in told


def test_too_many_people_who_lose_a_group_wait_for_approval(cli, idp):
    """T-01"""
    mapped(cli)
    cli.json("sources", "set", "acme", "removal_limit_count=1", "removal_limit_percent=0")

    held = cli.json("mappings", "remove", "acme", "--from", "IdP_users")

    assert held["held"] == 2
    assert members(cli) == {"users": {"ann", "ben"}}
    waiting = cli.json("approvals", "list", "acme")["approvals"]
    assert {(a["user_name"], a["kind"]) for a in waiting} == {
        ("ann", "remove_member"),
        ("ben", "remove_member"),
    }
    assert cli.json("approvals", "release", "acme", "ann")["people"] == 1
    assert cli.json("approvals", "reject", "acme", "ben")["people"] == 1
    assert members(cli) == {"users": {"ben"}}


MISTAKES = {
    "no such source": (("list", "acne"), "acne"),
    "no such source to add to": (
        ("add", "acne", "--from", "IdP_users", "--to", "users"),
        "acne",
    ),
    "no such group": (
        ("add", "acme", "--from", "nobody", "--to", "users"),
        "Acme has told us of no group 'nobody'",
    ),
    "no such row": (("remove", "acme", "--from", "IdP_users"), "'IdP_users' is not mapped"),
    "no such row to a group": (
        ("remove", "acme", "--from", "IdP_users", "--to", "x"),
        "'IdP_users' is not mapped to 'x'",
    ),
    "no name": (("add", "acme", "--from", "IdP_users", "--to", ""), "mappings: "),
    "a bad name": (("add", "acme", "--from", "IdP_users", "--to", "a\tb"), "mappings: "),
}


@pytest.mark.parametrize(("arguments", "text"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_that_names_it(cli, idp, arguments, text):
    assert text in cli.error("mappings", *arguments)
    assert cli.json("mappings", "list", "acme") == {"mappings": []}


def test_an_ambiguous_name_is_an_error_that_lists_the_ids(cli, idp):
    ids = [
        idp.post("/Groups", {"displayName": "twin", "externalId": key}).json["id"] for key in "ab"
    ]

    error = cli.error("mappings", "add", "acme", "--from", "twin", "--to", "users")

    assert "'twin' means several groups" in error
    assert all(scim_id in error for scim_id in ids)


@pytest.mark.parametrize("missing", ["--from", "--to"])
def test_a_missing_option_is_wrong_use(cli, idp, missing):
    given = {"--from": "IdP_users", "--to": "users"}
    rest = [word for key in given if key != missing for word in (key, given[key])]

    assert missing in cli.error("mappings", "add", "acme", *rest, status=2)


# -- settings --------------------------------------------------------------------------------------


def test_every_setting_about_groups_is_set_and_shown(cli, idp):
    """Checklist 84"""
    values = {
        "default_groups": 'staff, "Sales, EMEA"',
        "assign_default_groups_to": "new",
        "create_groups": "off",
        "group_mode": "on_the_fly",
        "group_include": "app-.*, wiki",
        "group_exclude": "app-old",
        "group_regex": "^IdP_(.*)$",
        "group_replacement": "$1",
        "keep_existing_users": "off",
        "keep_existing_groups": "off",
        "nested_groups": "flatten",
        "group_rename": "new",
        "group_delete": "delete_empty",
        "protected_groups": "root, *-boss",
    }

    cli.json("sources", "set", "acme", *(f"{key}={value}" for key, value in values.items()))

    settings = cli.json("sources", "show", "acme")["settings"]
    booleans = {"create_groups", "keep_existing_users", "keep_existing_groups"}
    assert {key: settings[key] for key in values if key not in booleans} == {
        key: value for key, value in values.items() if key not in booleans
    }
    assert not any(settings[key] for key in booleans)


BAD = {
    "a mode": ("group_mode=both", "group_mode: must be one of off, manual, on_the_fly"),
    "whom": ("assign_default_groups_to=some", "assign_default_groups_to: must be one of none"),
    "a regex": ("group_regex=(", "group_regex: not a valid regular expression"),
    "a lookahead": ("group_regex=(?=a)", "group_regex: lookarounds such as (?=…) are not"),
    "a replacement": ("group_regex=a group_replacement=$9", "group_replacement: $9 does not"),
    "a filter": ("group_include=app-[", "group_include: not a valid regular expression"),
    "an exclusion": ("group_exclude=(", "group_exclude: not a valid regular expression"),
    "nesting": ("nested_groups=deep", "nested_groups: must be one of direct, flatten, keep"),
    "renaming": ("group_rename=maybe", "group_rename: must be one of rename, new"),
    "deleting": ("group_delete=all", "group_delete: must be one of delete_empty, keep"),
    "a switch": ("keep_existing_users=perhaps", "keep_existing_users: must be on or off"),
    "a protected default": ("default_groups=Admins", "default_groups: 'Admins' is a protected"),
    "no such key": ("group_modus=off", "group_modus: there is no such setting"),
}


@pytest.mark.parametrize(("values", "text"), BAD.values(), ids=BAD)
def test_a_bad_setting_is_refused_by_its_name(cli, idp, values, text):
    before = cli.json("sources", "show", "acme")["settings"]

    assert text in cli.error("sources", "set", "acme", *values.split())

    assert cli.json("sources", "show", "acme")["settings"] == before


def test_a_setting_about_groups_is_previewed(cli, idp):
    """Issue 5 "Preview" """
    values = ("sources", "set", "acme", "group_mode=on_the_fly", "group_include=IdP_users")

    seen = cli.json(*values, "--preview")
    assert members(cli) == {}
    done = cli.json(*values)

    assert seen == done
    assert done["groups"] == {"gain": 2}
    assert members(cli) == {"IdP_users": {"ann", "ben"}}


def test_settings_and_the_table_survive_a_restart(cli, idp, make_app):
    """Checklist 84"""
    mapped(cli)
    before = cli.json("sources", "show", "acme")["settings"]

    again = Terminal(make_app())

    assert again.json("sources", "show", "acme")["settings"] == before
    assert again.json("mappings", "list", "acme") == cli.json("mappings", "list", "acme")
    assert again.json("groups", "list") == cli.json("groups", "list")
