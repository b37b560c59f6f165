"""Runs: what settings would do, shown for each person, then done exactly so."""

import csv
import io
import threading

import pytest

from usersync_ext.core.options import DEFAULT_RULES
from usersync_ext.core.records import Actor, RunState
from usersync_ext.store import runs as store_runs
from usersync_ext.sync import admin, runs

RULES_PATH = "/sources/acme/rules"
ADMIN = Actor(kind="admin", name="eve")
SHORT_NAMES = {"username_regex": "(.*)@.*", "username_replacement": "$1"}


def entered(**changes):
    """Return the form as a browser sends it: switches that are off are left out."""
    values = {"directory": "local", **DEFAULT_RULES, **changes}
    return {key: value for key, value in values.items() if value is not False}


def planned(site, source, values=SHORT_NAMES):
    """Return a previewed run."""
    engine = site.state.engine
    return runs.work_on(engine, runs.start(engine, ADMIN, source, values, applies=False))


def stored(site, run_id):
    with site.state.engine.store.reading() as session:
        return store_runs.get_run(session, run_id)


def join_runs():
    """Wait for the threads that work on runs."""
    for thread in threading.enumerate():
        if thread.name.startswith("usersync-run-"):
            thread.join(20)


@pytest.fixture
def acme(site):
    source = site.add_source(state="active")
    site.push(source, "ann@x.test", "ben@x.test", "cat")
    return source


@pytest.fixture
def large(monkeypatch):
    """Every source is large."""
    monkeypatch.setattr(runs, "BACKGROUND_ABOVE", 0)


def accounts(site):
    return [site.words(a) for a in site.get("/directory").select("tbody th a, tbody td a")]


def button(page, text):
    return next((b for b in page.select("button") if b.text.strip() == text), None)


def test_a_preview_is_applied_exactly(site, acme):
    page = site.post(RULES_PATH, status=200, preview="1", **entered(**SHORT_NAMES))
    form = button(page, "Save and apply exactly this").find_parent("form")

    applied = site.post(form["action"].removeprefix(site.prefix), apply="1")

    assert "Saved. Changes: 2 rename." in site.words(applied)
    assert "Done" in site.words(applied.select_one(".next"))
    assert "ann" in accounts(site)
    assert site.source().rules["username_regex"] == "(.*)@.*"


def test_the_preview_leads_to_the_people_of_each_count(site, acme):
    page = site.post(RULES_PATH, status=200, preview="1", **entered(**SHORT_NAMES))

    [link] = page.select(".counts a")
    people = site.get(link["href"].removeprefix(site.prefix))

    assert link.text == "Rename"
    rows = [site.words(row) for row in people.select("#people tbody tr")]
    assert len(rows) == 2
    assert "user name: ann@x.test ann" in rows[0]


def test_people_who_are_only_observed_are_not_behind_a_count(site):
    source = site.add_source()
    site.push(source, "ann", "ben")
    run = planned(site, source, {"state": "active", "active_for": "ann"})

    page = site.get(f"/sources/acme/runs/{run.id}?kind=create")

    assert run.counts["create"] == 1
    assert [site.words(row.th) for row in page.select("#people tbody tr")] == ["ann"]


def test_a_run_shows_its_settings_in_words(site, acme):
    run = planned(site, acme, {"inactive_action": "delete", "import_users": False})

    text = site.words(site.get(f"/sources/acme/runs/{run.id}"))

    assert "Users inactive in the provider: Delete the account" in text
    assert "Import Users: off" in text
    assert "Nothing is changed yet" in text


def test_a_preview_that_takes_away_too_much_says_that_all_is_held(site):
    rules = {"removal_limit_count": "1", "removal_limit_percent": "0"}
    site.push(site.add_source(state="active", rules=rules), "ann@x.test", "ben@x.test")

    page = site.post(
        RULES_PATH,
        status=200,
        preview="1",
        **entered(**SHORT_NAMES, removal_limit_count="1", removal_limit_percent="0"),
    )
    run = site.get("/sources/acme/runs/1")

    assert "So all 2 of these changes would wait under Approvals" in site.words(page)
    assert "Held" in site.words(run.select_one("#people tbody tr"))


def test_settings_changed_by_others_since_the_preview_are_not_overwritten(site, acme):
    run = planned(site, acme)
    admin.change_source(site.state.engine, ADMIN, acme, {"update_users": False})

    page = site.post(f"/sources/acme/runs/{run.id}", status=200, apply="1")

    alert = site.words(page.select_one("[role=alert]"))
    assert "changed by somebody else since the preview" in alert
    assert page.find("a", href=f"{site.prefix}{RULES_PATH}?run={run.id}")
    assert site.source().rules["username_regex"] == ""


def test_the_settings_of_a_run_can_be_changed_further(site, acme):
    run = planned(site, acme)

    page = site.get(f"{RULES_PATH}?run={run.id}")

    assert page.select_one("input[name=username_regex]")["value"] == "(.*)@.*"
    assert button(page, "Save and apply exactly this")
    assert site.source().rules["username_regex"] == ""


def test_a_run_is_applied_only_once(site, acme):
    run = planned(site, acme)
    site.post(f"/sources/acme/runs/{run.id}", apply="1")

    page = site.post(f"/sources/acme/runs/{run.id}", status=200, apply="1")

    assert "cannot be applied" in site.words(page.select_one("[role=alert]"))


def test_a_previewed_run_can_be_cancelled(site, acme):
    run = planned(site, acme)

    page = site.post(f"/sources/acme/runs/{run.id}", cancel="1")

    assert "Cancelled" in site.words(page.select_one(".next"))
    assert not button(page, "Save and apply exactly this")
    assert stored(site, run.id).state is RunState.CANCELLED


def test_a_run_that_stopped_while_it_was_applied_goes_on(site, acme):
    engine = site.state.engine
    begun = runs.begin(engine, planned(site, acme))
    run = runs.finish(engine, begun, RunState.FAILED, why="the disk was full")

    page = site.get(f"/sources/acme/runs/{run.id}")
    after = site.post(f"/sources/acme/runs/{run.id}", resume="1")

    assert "The disk was full." in site.words(page.select_one(".next"))
    assert button(page, "Go on")
    assert "Done" in site.words(after.select_one(".next"))
    assert "ann" in accounts(site)


def test_a_run_that_stopped_while_it_was_planned_does_not_go_on(site, acme):
    engine = site.state.engine
    begun = runs.start(engine, ADMIN, acme, SHORT_NAMES, applies=True)
    run = runs.finish(engine, begun, RunState.FAILED, why="the disk was full")

    page = site.post(f"/sources/acme/runs/{run.id}", status=200, resume="1")

    assert "cannot go on" in site.words(page.select_one("[role=alert]"))
    assert not button(page, "Go on")
    assert stored(site, run.id).state is RunState.FAILED


def test_nothing_is_applied_while_another_run_is_at_work(site, acme):
    run = planned(site, acme)
    busy = runs.start(site.state.engine, ADMIN, acme, {"import_users": False}, applies=True)

    page = site.post(f"/sources/acme/runs/{run.id}", status=200, apply="1")

    assert f"Run {busy.id} still works on this source" in site.words(
        page.select_one("[role=alert]")
    )


@pytest.mark.parametrize("page", ["", "/plan.csv", "/plan.json"])
def test_the_run_of_another_source_is_not_found(site, acme, page):
    run = planned(site, acme)
    site.add_source("Other")

    assert site.client.get(f"{site.prefix}/sources/acme/runs/{run.id}{page}").status_code == 200
    assert site.client.get(f"{site.prefix}/sources/other/runs/{run.id}{page}").status_code == 404
    assert site.client.get(f"{site.prefix}/sources/other/rules?run={run.id}").status_code == 404


def test_an_unknown_button_or_file_is_refused(site, acme):
    run = planned(site, acme)

    site.post(f"/sources/acme/runs/{run.id}", status=400)
    site.get(f"/sources/acme/runs/{run.id}/plan.exe", status=404)


def test_without_csrf_token_nothing_is_applied(site, acme):
    run = planned(site, acme)

    answer = site.client.post(f"{site.prefix}/sources/acme/runs/{run.id}", data={"apply": "1"})

    assert answer.status_code == 400
    assert stored(site, run.id).state is RunState.PLANNED


# -- export and paging -----------------------------------------------------------------------------


def test_a_plan_is_exported_as_json(site, acme):
    run = planned(site, acme)

    answer = site.client.get(f"{site.prefix}/sources/acme/runs/{run.id}/plan.json")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="acme-run-1.json"'
    assert answer.json["counts"]["rename"] == 2
    assert [person["person"] for person in answer.json["people"]] == ["ann@x.test", "ben@x.test"]
    assert answer.json["people"][0]["changes"][0]["after"]["user_name"] == "ann"


def test_an_empty_plan_is_exported_too(site, acme):
    run = planned(site, acme, {"removal_window_minutes": 61})

    assert (
        site.client.get(f"{site.prefix}/sources/acme/runs/{run.id}/plan.json").json["people"] == []
    )


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_spreadsheet_does_not_run_what_a_provider_sent(site, name):
    source = site.add_source()
    site.push(source, name)
    run = planned(site, source, {"state": "active"})

    answer = site.client.get(f"{site.prefix}/sources/acme/runs/{run.id}/plan.csv")
    [row] = csv.DictReader(io.StringIO(answer.text))

    assert answer.mimetype == "text/csv"
    assert row["person"] == f"'{name}"
    assert row["change"] == "create"


def test_an_export_is_as_filtered_as_the_page(site, acme):
    site.push(acme, "dan")
    run = planned(site, acme)

    answer = site.client.get(f"{site.prefix}/sources/acme/runs/{run.id}/plan.csv?kind=create")

    assert list(csv.DictReader(io.StringIO(answer.text))) == []


def test_people_of_a_run_are_paged(site):
    source = site.add_source()
    site.push(source, *(f"p{number:02}" for number in range(51)))
    run = planned(site, source, {"state": "active"})

    first = site.get(f"/sources/acme/runs/{run.id}?kind=create")
    following = first.select_one("a[rel=next]")["href"]
    second = site.get(following.removeprefix(site.prefix))

    assert len(first.select("#people tbody tr")) == 50
    assert len(second.select("#people tbody tr")) == 1
    assert "kind=create" in following


# -- history ---------------------------------------------------------------------------------------


def test_the_history_tells_when_who_what_and_how_many(site, acme):
    planned(site, acme)

    [row] = site.get("/sources/acme/runs").select("tbody tr")

    text = site.words(row)
    assert "by admin:eve" in text
    assert "Previewed" in text
    assert "Apply Regular expression on username field: (.*)@.*; Replacement: $1" in text
    assert "2 rename" in text


def test_an_empty_history_says_what_makes_a_run(site):
    site.add_source()

    page = site.get("/sources/acme/runs")

    assert "No run yet" in site.words(page)
    assert page.select_one(f".empty a[href='{site.prefix}{RULES_PATH}']")


# -- many people: in the background ----------------------------------------------------------------


def test_a_large_source_is_saved_in_the_background(site, acme, large):
    page = site.post(RULES_PATH, save="1", **entered(**SHORT_NAMES))

    join_runs()

    assert page.h1.text == "Run 1"
    assert "Done" in site.words(site.get("/sources/acme/runs/1").select_one(".next"))
    assert "ann" in accounts(site)


def test_a_large_source_is_previewed_in_the_background(site, acme, large):
    page = site.post(RULES_PATH, status=200, preview="1", **entered(**SHORT_NAMES))
    join_runs()

    run = site.get("/sources/acme/runs/1")

    assert page.select_one("#preview a[href*='/runs/1']")
    assert page.select_one("input[name=username_regex]")["value"] == "(.*)@.*"
    assert button(run, "Save and apply exactly this")
    assert "ann@x.test" in accounts(site)


def test_a_run_at_work_shows_its_progress_and_loads_again(site, acme, monkeypatch, large):
    monkeypatch.setattr(runs, "in_background", lambda engine, run: None)
    site.post(RULES_PATH, save="1", **entered(**SHORT_NAMES))

    answer = site.client.get(f"{site.prefix}/sources/acme/runs/1")
    page = site.get("/sources/acme/runs/1")

    assert answer.headers["Refresh"] == "3"
    assert page.select_one("progress")["max"] == "3"
    assert "0 of 3 people" in site.words(page.select_one(".next"))
    assert button(page, "Cancel")


def test_a_run_that_is_over_does_not_load_again(site, acme):
    run = planned(site, acme)

    answer = site.client.get(f"{site.prefix}/sources/acme/runs/{run.id}")

    assert "Refresh" not in answer.headers


def test_a_second_save_waits_for_the_run_at_work(site, acme, monkeypatch, large):
    monkeypatch.setattr(runs, "in_background", lambda engine, run: None)
    site.post(RULES_PATH, save="1", **entered(**SHORT_NAMES))

    page = site.post(RULES_PATH, status=200, save="1", **entered(import_users=False))

    assert "Run 1 still works on this source" in site.words(page.select_one("[role=alert]"))
    assert not page.select_one("input[name=import_users]").has_attr("checked")


def test_a_large_source_goes_active_by_a_preview(site, large):
    source = site.add_source()
    site.push(source, "ann@x.test")

    asked = site.get("/sources/acme/state/active")
    page = site.post("/sources/acme/state/active", preview="1")
    join_runs()

    assert not asked.select(".counts")
    assert button(asked, "Preview going active")
    assert page.h1.text == "Run 1"
    assert site.source().state == "observe"
    site.post("/sources/acme/runs/1", apply="1")
    join_runs()
    assert site.source().state == "active"
    assert "ann@x.test" in accounts(site)


def test_a_large_source_is_switched_off_at_once(site, acme, large):
    page = site.post("/sources/acme/state/off")

    assert "The source is off now." in site.words(page)
