"""Commands on sources and tokens in a host app: names, JSON keys, statuses, one-line errors."""

import json

import pytest
from cli_helpers import ADA, Terminal
from sqlalchemy import text

from usersync_ext.state import state_of


def test_an_added_source_says_where_its_scim_service_is(cli):
    added = cli.json("sources", "add", "Acme Okta", "--kind", "okta")

    assert added == {
        "source": "acme-okta",
        "name": "Acme Okta",
        "kind": "okta",
        "state": "observe",
        "scim_path": "/usersync/scim/acme-okta/v2",
        "scim_base_url": None,
    }


def test_the_base_url_is_known_where_the_public_url_is(make_app):
    cli = Terminal(make_app(USERSYNC_PUBLIC_URL="https://x.test/a", USERSYNC_URL_PREFIX="/sync/"))

    added = cli.json("sources", "add", "Acme", "--kind", "entra")

    assert added["scim_path"] == "/sync/scim/acme/v2"
    assert added["scim_base_url"] == "https://x.test/a/sync/scim/acme/v2"


def test_every_command_says_on_stderr_which_database_it_speaks_to(cli):
    result = cli.run("sources", "list", "--json")

    assert json.loads(result.stdout) == {"sources": []}
    assert result.stderr.startswith("Database: sqlite:///")
    assert len(result.stderr.splitlines()) == 1


def test_settings_can_be_given_when_a_source_is_added(cli):
    values = ("--set", "import_users=off", "--set", "username_regex=(.*)@.*")
    cli.json("sources", "add", "Acme", "--kind", "okta", *values)

    shown = cli.json("sources", "show", "acme")

    assert shown["settings"]["import_users"] is False
    assert shown["settings"]["username_regex"] == "(.*)@.*"
    assert shown["directory"] == "local"


@pytest.mark.parametrize(
    ("arguments", "said", "status"),
    [
        (("sources", "show", "nobody"), "there is no source 'nobody'", 1),
        (("sources", "add", "X", "--kind", "nope"), "no kind of source called 'nope'", 1),
        (("sources", "add", "!!!", "--kind", "okta"), "name: must have", 1),
        (("sources", "add", "X", "--kind", "okta", "--set", "a=b"), "no such setting", 1),
        (("sources", "add", "X", "--kind", "okta", "--set", "oops"), "KEY=VALUE", 2),
        (("sources", "add", "X", "--kind", "okta", "--set", "directory=moon"), "directory", 1),
        (("sources", "add", "X", "--kind", "okta", "--state", "on"), "'observe'", 2),
        (("sources", "add"), "Missing argument 'NAME'", 2),
        (("sources", "fly"), "No such command 'fly'", 2),
        (("tokens", "add", "nobody"), "there is no source 'nobody'", 1),
        (("accounts", "protect", "nobody"), "there is no account 'nobody'", 1),
        (("people", "explain", "nobody"), "no source has a person 'nobody'", 1),
        (("people", "list", "--source", "nobody"), "there is no source 'nobody'", 1),
        (("approvals", "list", "nobody"), "there is no source 'nobody'", 1),
        (("changes", "list", "--colour"), "No such option", 2),
    ],
)
def test_a_failure_is_one_line_that_says_what_is_wrong(cli, arguments, said, status):
    assert said in cli.error(*arguments, status=status)


def test_a_second_source_of_one_name_is_refused(cli, acme):
    assert "already a source 'acme-okta'" in cli.error(
        "sources", "add", "acme OKTA", "--kind", "entra"
    )


def test_setting_a_source_counts_what_became_of_its_people(cli, app, provider_of):
    provider_of(app, state="observe").post("/Users", ADA)

    done = cli.json("sources", "set", "acme", "state=active", "username_regex=@.*")

    assert done == {
        "counts": {
            "create": 1,
            "update": 0,
            "rename": 0,
            "disable": 0,
            "delete": 0,
            "adopt": 0,
            "unchanged": 0,
        },
        "held": 0,
    }
    assert [a["user_name"] for a in cli.json("accounts", "list")["accounts"]] == ["ada"]


def test_a_preview_changes_nothing(cli, app, provider_of):
    provider_of(app, state="observe").post("/Users", ADA)

    seen = cli.json("sources", "set", "acme", "--preview", "state=active")

    assert seen["counts"]["create"] == 1
    assert cli.json("sources", "show", "acme")["state"] == "observe"
    assert cli.json("accounts", "list") == {"accounts": []}


def test_a_setting_that_is_wrong_changes_none(cli, acme):
    cli.error("sources", "set", "acme-okta", "import_users=off", "inactive_action=burn")

    assert cli.json("sources", "show", "acme-okta")["settings"]["import_users"] is True


def test_accounts_are_not_ended_by_a_script_without_a_yes(cli, acme):
    refused = cli.error("sources", "remove", "acme-okta", "--accounts", "disable", status=2)

    assert "--yes" in refused
    assert len(cli.json("sources", "list")["sources"]) == 1


def test_a_script_may_remove_a_source_that_keeps_its_accounts(cli, acme):
    cli.json("sources", "remove", "acme-okta")

    assert cli.json("sources", "list")["sources"] == []


@pytest.mark.parametrize(
    ("what", "active"), [("keep", [True]), ("disable", [False]), ("delete", [])]
)
def test_removing_a_source_does_with_its_accounts_what_was_said(cli, pushed, what, active):
    done = cli.json("sources", "remove", "acme", "--accounts", what, "--yes")

    assert done["count"] == 1
    left = cli.json("accounts", "list")["accounts"]
    assert [account["active"] for account in left] == active
    assert [account["managed_by"] for account in left] == [None] * len(active)
    assert cli.json("sources", "list") == {"sources": []}


def test_detaching_keeps_the_source_but_ends_its_tokens(cli, pushed):
    cli.json("sources", "detach", "acme", "--yes")

    assert cli.json("sources", "show", "acme")["state"] == "off"
    assert all(t["revoked_at"] for t in cli.json("tokens", "list", "acme")["tokens"])


def test_a_token_is_printed_once_and_works(cli, app, acme):
    made = cli.json("tokens", "add", "acme-okta", "--label", "Okta", "--expires-in-days", "30")

    base = acme["scim_path"]
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert app.test_client().get(f"{base}/Users", headers=headers).status_code == 200
    assert set(made) == {"token", "prefix", "expires_at"}
    assert made["expires_at"].endswith("Z")
    assert made["token"] not in cli.run("tokens", "list", "acme-okta", "--json").stdout


def test_a_revoked_token_opens_nothing(cli, app, acme):
    made = cli.json("tokens", "add", "acme-okta", "--read-only")

    cli.json("tokens", "revoke", "acme-okta", made["prefix"])

    headers = {"Authorization": f"Bearer {made['token']}"}
    assert app.test_client().get(f"{acme['scim_path']}/Users", headers=headers).status_code == 401


def test_the_doctor_finds_nothing_wrong_with_a_good_installation(make_app):
    found = Terminal(make_app(USERSYNC_SECRET_KEY="k" * 32)).json("doctor")

    assert found["ok"] is True
    assert [check["name"] for check in found["checks"]] == [
        "database",
        "schema",
        "secret key",
        "public URL",
        "sources",
    ]


def test_the_doctor_fails_for_a_short_secret_key(cli):
    result = cli.run("doctor", "--json", status=1)

    failed = [c for c in json.loads(result.stdout)["checks"] if not c["ok"]]
    assert [check["name"] for check in failed] == ["secret key"]


def test_a_database_that_is_not_ours_to_upgrade_must_be_upgraded_by_command(make_app, tmp_path):
    cli = Terminal(make_app(USERSYNC_DATABASE_URI=f"sqlite:///{tmp_path / 'new.sqlite3'}"))
    assert "usersync upgrade" in cli.error("sources", "list")

    cli.json("upgrade")

    assert cli.json("sources", "list") == {"sources": []}


def test_our_own_file_is_upgraded_by_the_first_command(make_app):
    cli = Terminal(make_app(USERSYNC_DATABASE_URI=None))

    assert cli.json("sources", "list") == {"sources": []}


def test_a_database_out_of_reach_is_one_line(make_app):
    cli = Terminal(make_app(USERSYNC_DATABASE_URI="postgresql+psycopg://x@127.0.0.1:1/x"))

    assert "did not answer" in cli.error("sources", "list")


def test_a_database_of_another_program_is_one_line(make_app, app):
    with state_of(app).engine.store.writing() as session:
        session.execute(text("ALTER TABLE usersync_source RENAME TO elsewhere"))

    assert "the database refused" in Terminal(app).error("sources", "list")
