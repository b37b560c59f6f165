"""Rules, approvals, adoption, leavers and runs from the command line."""

import json

from usersync_ext.sync import runs

ADA = {"userName": "ada@corp.example", "externalId": "1"}
OUT = ("exclude_people=*", "out_of_scope_action=disable")


def staff(app, provider_of, count=5, **rules):
    """Return the provider of some people of source acme."""
    provider = provider_of(app, removal_limit_count=3, removal_limit_percent=0, **rules)
    for n in range(count):
        provider.post("/Users", {"userName": f"user{n}"})
    return provider


def test_every_setting_of_issue_four_is_set_and_shown(cli, app, provider_of):
    staff(app, provider_of)
    values = {
        "scope_filter": 'department eq "Sales"',
        "scope_groups": "Sales",
        "exclude_people": "svc-*",
        "out_of_scope_action": "keep",
        "user_name_attribute": "emails",
        "delete_after_days": "30",
        "minimum_admins": "2",
        "protected_names": "root",
        "active_for": "ann",
        "clear_attributes": "off",
        "attribute_mapping": "title = nickName",
    }

    cli.json("sources", "set", "acme", *(f"{k}={v}" for k, v in values.items()))

    settings = cli.json("sources", "show", "acme")["settings"]
    assert settings["delete_after_days"] == 30
    assert settings["clear_attributes"] is False
    assert json.loads(settings["attribute_mapping"])[0]["from"] == "nickName"
    assert {k: settings[k] for k in ("scope_filter", "active_for")} == {
        "scope_filter": 'department eq "Sales"',
        "active_for": "ann",
    }


def test_a_preview_counts_what_the_change_then_does(cli, app, provider_of):
    staff(app, provider_of, count=3)

    seen = cli.json("sources", "set", "acme", *OUT, "--preview")
    done = cli.json("sources", "set", "acme", *OUT)

    assert seen == done
    assert done["counts"]["disable"] == 3
    assert done["held"] == 0


def test_what_is_held_is_listed_and_released_for_one_and_rejected_for_the_rest(
    cli, app, provider_of
):
    staff(app, provider_of)

    assert cli.json("sources", "set", "acme", *OUT)["held"] == 5
    assert len(cli.json("approvals", "list", "acme")["approvals"]) == 5
    assert {a["source"] for a in cli.json("approvals", "list")["approvals"]} == {"acme"}
    assert cli.json("approvals", "release", "acme", "user1")["people"] == 1
    assert cli.json("approvals", "reject", "acme")["people"] == 4

    accounts = cli.json("accounts", "list")["accounts"]
    assert {a["user_name"] for a in accounts if not a["active"]} == {"user1"}
    assert cli.json("approvals", "list", "acme")["approvals"] == []


def test_a_script_may_ask_for_an_exit_status_where_changes_wait(cli, app, provider_of):
    """T-09"""
    staff(app, provider_of)

    held = cli.run("sources", "set", "acme", *OUT, "--fail-on-held", "--json", status=3)

    assert json.loads(held.stdout)["held"] == 5
    [run, *_] = cli.json("runs", "list", "acme")["runs"]
    assert (run["state"], run["held"]) == ("needs_approval", 5)


def test_proposals_are_listed_accepted_and_refused(cli, app, provider_of):
    provider = provider_of(app)
    for name in ("ann", "bob", "cyd"):
        cli.json("accounts", "add", name, "--email", f"{name}@corp.example")
        provider.post("/Users", {"userName": name})

    listed = cli.json("adoption", "list", "acme")["adoption"]
    assert [p["user_name"] for p in listed] == ["ann", "bob", "cyd"]
    assert cli.json("adoption", "list")["adoption"] == listed
    assert listed[0]["candidates"][0]["matches"][0] == "same user name 'ann'"
    assert cli.json("adoption", "accept", "acme", "ann")["people"] == 1
    assert cli.json("adoption", "refuse", "acme", "bob")["people"] == 1
    assert cli.json("adoption", "accept", "acme", "--safe")["people"] == 0

    owners = {a["user_name"]: a["managed_by"] for a in cli.json("accounts", "list")["accounts"]}
    assert owners == {"ann": "acme", "bob": None, "cyd": None}


def test_accepting_nobody_is_wrong_use(cli, app, provider_of):
    provider_of(app)

    assert "name people, or say --safe" in cli.error("adoption", "accept", "acme", status=2)
    assert "--safe" in cli.error("adoption", "accept", "acme", "ann", "--safe", status=2)
    assert "has a person" in cli.error("adoption", "accept", "acme", "ann")


def test_a_leaver_is_listed_and_restored(cli, app, provider_of):
    provider = provider_of(app, delete_after_days=7)
    ada = provider.post("/Users", ADA).json["id"]
    provider.patch(f"/Users/{ada}", {"op": "replace", "path": "active", "value": False})

    [leaver] = cli.json("leavers", "list", "acme")["leavers"]
    assert leaver["account"] == "ada@corp.example"
    assert leaver["delete_at"] > leaver["disabled_at"]
    assert cli.json("accounts", "restore", "ada@corp.example")["active"] is True
    assert cli.json("leavers", "list", "acme")["leavers"] == []
    assert "no disabled account" in cli.error("accounts", "restore", "ada@corp.example")
    assert cli.json("leavers", "delete-due") == {"deleted": 0}


def test_a_run_is_cancelled_and_one_that_failed_is_resumed(cli, app, provider_of, monkeypatch):
    staff(app, provider_of, count=3)
    monkeypatch.setattr(runs, "apply_slice", failing)
    error = cli.error("sources", "set", "acme", "username_regex=user")
    monkeypatch.undo()
    [run, *_] = cli.json("runs", "list", "acme")["runs"]

    assert "the disk is full" in error
    assert run["state"] == "failed"
    assert cli.json("runs", "resume", str(run["run"]))["state"] == "finished"
    assert cli.json("runs", "cancel", str(run["run"]))["state"] == "finished"


def failing(_engine, _run):
    raise runs.UserSyncError("the disk is full")


def test_an_explanation_has_every_step_with_input_and_output(cli, app, provider_of):
    provider_of(app, scope_filter='title eq "x"').post("/Users", ADA)

    told = cli.json("people", "explain", "ada@corp.example")

    assert told["state"] == "out_of_scope"
    assert told["steps"][0] == {
        "rule": "scope_filter",
        "input": 'title eq "x"',
        "output": "off",
        "text": 'out of scope: does not match title eq "x"',
    }
