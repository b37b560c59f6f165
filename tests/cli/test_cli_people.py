"""Commands on accounts, people, changes and approvals in a host app."""

import pytest
from cli_helpers import ADA

from usersync_ext.state import state_of
from usersync_ext.store import journal


def test_accounts_are_listed_with_all_that_scripts_need(cli, pushed):
    cli.json("accounts", "add", "root", "--email", "root@corp.example", "--full-name", "Root")
    cli.json("accounts", "protect", "root")

    accounts = {a["user_name"]: a for a in cli.json("accounts", "list")["accounts"]}

    assert accounts["root"] == {
        "user_name": "root",
        "full_name": "Root",
        "email": "root@corp.example",
        "given_name": "",
        "family_name": "",
        "phone": "",
        "title": "",
        "department": "",
        "manager": "",
        "locale": "",
        "attributes": {},
        "active": True,
        "managed_by": None,
        "protected": True,
        "privileged": False,
        "groups": [],
    }
    assert accounts["ada@corp.example"]["managed_by"] == "acme"


def test_an_account_can_be_unprotected_again(cli):
    cli.json("accounts", "add", "root")
    cli.json("accounts", "protect", "ROOT")

    cli.json("accounts", "unprotect", "root")

    assert cli.json("accounts", "list")["accounts"][0]["protected"] is False


def test_a_list_longer_than_a_page_is_complete(cli):
    for n in range(101):
        cli.json("accounts", "add", f"user{n}")

    assert len(cli.json("accounts", "list")["accounts"]) == 101


def test_people_are_listed_with_account_state_and_why(cli, pushed):
    [person] = cli.json("people", "list", "--source", "acme")["people"]

    assert person["why"]
    assert {**person, "why": ""} == {
        "source": "acme",
        "id": pushed["id"],
        "user_name": "ada@corp.example",
        "external_id": "00u1",
        "active": True,
        "account": "ada@corp.example",
        "state": "in_sync",
        "why": "",
    }


@pytest.mark.parametrize("by", ["userName", "id"])
def test_a_person_is_explained_by_name_or_id(cli, pushed, by):
    told = cli.json("people", "explain", pushed[by])

    assert list(told) == [
        "source",
        "person",
        "record",
        "steps",
        "state",
        "why",
        "account",
        "groups",
        "changes",
    ]
    assert told["record"]["externalId"] == "00u1"
    assert told["account"]["user_name"] == "ada@corp.example"
    assert [change["kind"] for change in told["changes"]] == ["create"]
    assert all(set(step) == {"rule", "input", "output", "text"} for step in told["steps"])
    assert told["steps"]


def test_a_person_of_two_sources_must_be_named_with_one(cli, app, provider_of):
    provider_of(app, "One", state="observe").post("/Users", ADA)
    provider_of(app, "Two", state="observe").post("/Users", ADA)

    assert "one, two" in cli.error("people", "explain", "ada@corp.example")
    told = cli.json("people", "explain", "ada@corp.example", "--source", "two")
    assert told["source"] == "two"


def test_changes_have_actor_reason_outcome_and_both_sides(cli, pushed):
    [change] = cli.json("changes", "list", "--source", "acme")["changes"]

    assert list(change) == [
        "at",
        "source",
        "actor",
        "kind",
        "subject",
        "reason",
        "outcome",
        "before",
        "after",
    ]
    assert change["actor"].startswith("token:")
    assert (change["kind"], change["outcome"]) == ("create", "applied")
    assert (change["before"], change["after"]["user_name"]) == (None, "ada@corp.example")


def test_administrators_actions_are_listed_on_request_with_the_systems_user(cli, acme):
    assert cli.json("changes", "list") == {"changes": []}

    [added] = cli.json("changes", "list", "--all")["changes"]

    assert added["kind"] == "source_added"
    assert added["actor"].startswith("cli:")


def test_what_the_guard_holds_is_listed_and_released(cli, app, provider_of):
    scim = provider_of(app, removal_limit_count=0, removal_limit_percent=0)
    person = scim.post("/Users", ADA).get_json()
    scim.patch(f"/Users/{person['id']}", {"op": "replace", "path": "active", "value": False})

    [held] = cli.json("approvals", "list", "acme")["approvals"]
    cli.json("approvals", "release", "acme")

    assert (held["user_name"], held["kind"]) == ("ada@corp.example", "deactivate")
    assert cli.json("approvals", "list", "acme") == {"approvals": []}
    assert cli.json("accounts", "list")["accounts"][0]["active"] is False


def test_what_is_rejected_stays_as_it_is(cli, app, provider_of):
    scim = provider_of(app, removal_limit_count=0, removal_limit_percent=0)
    person = scim.post("/Users", ADA).get_json()
    scim.delete(f"/Users/{person['id']}")

    done = cli.json("approvals", "reject", "acme")

    assert (done["decision"], done["people"]) == ("rejected", 1)
    assert cli.json("accounts", "list")["accounts"][0]["active"] is True


def test_signals_of_a_command_are_confirmed_when_it_ends(cli, app, provider_of):
    provider_of(app, state="observe").post("/Users", ADA)

    cli.json("sources", "set", "acme", "state=active")

    with state_of(app).engine.store.reading() as session:
        assert session.execute(journal.OUTBOX.select()).all() == []


def test_control_characters_of_a_provider_do_not_reach_the_terminal(cli, app, provider_of):
    provider_of(app, state="observe").post("/Users", {**ADA, "userName": "ada\x1b[2J"})

    assert "\x1b" not in cli.run("people", "list").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("sources", "list"),
        ("sources", "show", "acme"),
        ("tokens", "list", "acme"),
        ("accounts", "list"),
        ("people", "list"),
        ("people", "explain", "ada@corp.example"),
        ("changes", "list"),
        ("approvals", "list", "acme"),
        ("sources", "set", "acme", "update_users=off"),
        ("accounts", "add", "bob"),
        ("tokens", "add", "acme"),
        ("upgrade",),
    ],
    ids=" ".join,
)
def test_without_json_a_person_can_read_it(cli, pushed, arguments):
    printed = cli.run(*arguments).stdout

    assert printed.strip()
    assert "{" not in printed
    assert "None" not in printed
