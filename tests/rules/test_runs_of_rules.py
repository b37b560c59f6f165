"""Runs: a plan is stored, shown, applied exactly, cancelled, and goes on after a kill."""

from datetime import UTC, datetime, timedelta

import pytest
from acting import (
    ADMIN,
    accounts,
    active_names,
    disable,
    engine_of,
    entries,
    held,
    preview,
    push,
    replaced,
    set_rules,
    source_of,
    why,
)
from sqlalchemy import update

from usersync_ext.core.records import RunState
from usersync_ext.errors import InvalidSetting
from usersync_ext.store import runs as store_runs
from usersync_ext.store.columns import table_of
from usersync_ext.store.schema import RunRow
from usersync_ext.sync import admin, counting, runs

SHORTER = {"username_regex": "@.*"}


@pytest.fixture
def staff(app, provider_of, monkeypatch):
    """A provider of nine people, looked at three at a time."""
    monkeypatch.setattr(runs, "SLICE", 3)
    monkeypatch.setattr(runs, "APPLIED_AT_ONCE", 3)
    provider = provider_of(app, removal_limit_count=100)
    provider.ids = [push(provider, f"user{n}@corp.example") for n in range(9)]
    return provider


def planned(app, provider, **values):
    """Return a run that waits to be applied."""
    engine = engine_of(app)
    run = runs.start(engine, ADMIN, source_of(app, provider), values, applies=False)
    return runs.work_on(engine, run)


def applied(app, run):
    engine = engine_of(app)
    return runs.work_on(engine, runs.begin(engine, run))


def plan_of(app, run):
    with engine_of(app).store.reading() as session:
        return store_runs.list_planned(session, run.id)


def stored(app, run):
    with engine_of(app).store.reading() as session:
        return store_runs.get_run(session, run.id)


def test_a_planned_run_shows_everybody_before_and_after_and_changes_nothing(app, staff):
    run = planned(app, staff, **SHORTER)

    assert run.state is RunState.PLANNED
    assert (run.counts["rename"], run.done, run.total, run.held) == (9, 9, 9, 0)
    first = plan_of(app, run)[0]
    assert first.kinds == ("rename",)
    assert first.changes[0]["before"]["user_name"] == "user0@corp.example"
    assert first.changes[0]["after"]["user_name"] == "user0"
    assert source_of(app, staff).rules["username_regex"] == ""
    assert "user0" not in accounts(app)


def test_applying_does_exactly_what_was_planned(app, staff):
    run = planned(app, staff, **SHORTER)
    before = len(entries(app))

    done = applied(app, run)

    assert done.state is RunState.FINISHED
    assert {f"user{n}" for n in range(9)} == set(accounts(app))
    lines = entries(app)[before:]
    assert [(e.kind, e.before, e.after) for e in lines] == [
        (c["kind"], c["before"], c["after"]) for p in plan_of(app, run) for c in p.changes
    ]


def test_a_plan_that_takes_away_too_much_is_held_as_a_whole(app, provider_of):
    """T-01, T-02"""
    provider = provider_of(app, removal_limit_count=3, removal_limit_percent=0)
    for n in range(10):
        push(provider, f"user{n}", active=True)
    rules = {"exclude_people": "user*", "out_of_scope_action": "disable"}

    seen = preview(app, provider, **rules)
    summary = set_rules(app, provider, **rules)

    assert seen.held == summary.held == held(app, provider) == 10
    assert len(active_names(app)) == 10
    with engine_of(app).store.reading() as session:
        [newest, *_] = store_runs.list_runs(session, source_of(app, provider).id)
    assert newest.state is RunState.NEEDS_APPROVAL


@pytest.mark.parametrize(("people", "held_back"), [(3, 0), (4, 4)])
def test_the_limit_itself_passes_and_one_more_is_held(app, provider_of, people, held_back):
    """T-09"""
    provider = provider_of(app, removal_limit_count=3, removal_limit_percent=0)
    for n in range(people):
        push(provider, f"user{n}")

    summary = set_rules(app, provider, exclude_people="user*", out_of_scope_action="disable")

    assert summary.held == held_back


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("0%", 0), ("100%", 100), (" 7 ", 7), ("12 %", 12)]
)
def test_a_percentage_is_read_with_or_without_its_sign(app, provider_of, text, value):
    """T-09"""
    provider = provider_of(app)

    set_rules(app, provider, removal_limit_percent=text)

    assert source_of(app, provider).rules["removal_limit_percent"] == value


@pytest.mark.parametrize("text", ["abc", "", "-1", "101%", "1.5"])
def test_a_percentage_that_is_none_is_refused(app, provider_of, text):
    """T-09"""
    with pytest.raises(InvalidSetting, match="removal_limit_percent"):
        set_rules(app, provider_of(app), removal_limit_percent=text)


def test_releasing_one_person_lets_only_theirs_happen(app, provider_of):
    """T-01"""
    provider = provider_of(app, removal_limit_count=1, removal_limit_percent=0)
    ids = [push(provider, f"user{n}") for n in range(4)]
    for scim_id in ids:
        disable(provider, scim_id)
    assert held(app, provider) == 3
    with engine_of(app).store.reading() as session:
        waiting = admin.journal.decisions_on_held(session, range(100))
    person_id = min(identity_id for identity_id, *_ in waiting)

    count = admin.decide_held(
        engine_of(app), ADMIN, source_of(app, provider), release=True, people_ids=[person_id]
    )

    assert count == 1
    assert held(app, provider) == 2
    assert len(active_names(app)) == 2


def test_a_removal_that_nobody_saw_in_the_preview_is_held(app, staff):
    run = planned(app, staff, exclude_people="user1@*", out_of_scope_action="disable")
    answer = staff.patch(f"/Users/{staff.ids[5]}", replaced("userName", "user1@x.example"))
    assert answer.status_code == 200

    applied(app, run)

    assert "user1@corp.example" not in active_names(app)
    assert "user1@x.example" in active_names(app)
    assert "not in the plan that was previewed" in why(app, "user1@x.example")


def test_settings_that_changed_since_the_preview_are_not_overwritten(app, staff):
    run = planned(app, staff, **SHORTER)
    set_rules(app, staff, update_users=False)

    with pytest.raises(InvalidSetting, match="preview again"):
        runs.begin(engine_of(app), run)

    assert source_of(app, staff).rules["username_regex"] == ""


def test_a_cancelled_run_stops_where_it_is(app, staff):
    engine = engine_of(app)
    run = runs.begin(engine, planned(app, staff, **SHORTER))
    run = runs.apply_slice(engine, run)

    runs.cancel(engine, ADMIN, run)
    ended = runs.work_on(engine, run)

    assert (ended.state, ended.done, ended.total) == (RunState.CANCELLED, 3, 9)
    assert sum("@" not in name for name in accounts(app)) == 3
    assert source_of(app, staff).rules["username_regex"] == "@.*"


@pytest.mark.parametrize("killed_after", range(8))
def test_a_run_that_is_killed_goes_on_elsewhere(app, staff, killed_after):
    """T-15"""

    class Killed(BaseException):
        pass

    def kill(_run, left=[killed_after]):  # noqa: B006 - counts down
        if left[0] == 0:
            raise Killed
        left[0] -= 1

    engine = engine_of(app)
    run = runs.start(engine, ADMIN, source_of(app, staff), SHORTER, applies=True)
    with pytest.raises(Killed):
        runs.work_on(engine, run, kill)
    assert runs.resume_abandoned(engine) == []
    table = table_of(RunRow)
    with engine.store.writing() as session:
        session.execute(update(table).values(beat_at=datetime.now(UTC) - timedelta(minutes=5)))
    at_work = stored(app, run).is_at_work

    ended = runs.resume_abandoned(engine) if at_work else [runs.work_on(engine, stored(app, run))]

    assert [each.state for each in ended] == [RunState.FINISHED]
    assert {f"user{n}" for n in range(9)} == set(accounts(app))
    renamed = [e.subject for e in entries(app) if e.kind == "rename"]
    assert sorted(renamed) == sorted(set(renamed))


def test_two_workers_on_one_run_do_nothing_twice(app, staff):
    engine = engine_of(app)
    run = runs.begin(engine, planned(app, staff, **SHORTER))
    runs.apply_slice(engine, run)

    with pytest.raises(runs.Overtaken):
        runs.apply_slice(engine, run)

    assert sum(e.kind == "rename" for e in entries(app)) == 3


def test_a_new_preview_ends_one_that_is_still_planned(app, staff):
    engine, source = engine_of(app), source_of(app, staff)
    old = runs.plan_slice(engine, runs.start(engine, ADMIN, source, SHORTER, applies=False))

    planned(app, staff, import_users=False)

    assert stored(app, old).state is RunState.CANCELLED


def test_nobody_starts_a_second_run_while_one_is_carried_out(app, staff):
    engine, source = engine_of(app), source_of(app, staff)
    runs.begin(engine, planned(app, staff, **SHORTER))

    with pytest.raises(InvalidSetting, match="wait for it, or cancel it"):
        runs.start(engine, ADMIN, source, {"update_users": False}, applies=True)


def test_a_second_run_of_the_same_rules_changes_nothing(app, staff):
    """T-17"""
    set_rules(app, staff, **SHORTER)
    before = len(entries(app))

    run = runs.start(engine_of(app), ADMIN, source_of(app, staff), {}, applies=True)
    done = runs.work_on(engine_of(app), run)

    assert done.counts == {**counting.NO_COUNTS, "unchanged": 9}
    assert (done.total, len(entries(app))) == (0, before)


def test_a_preview_without_a_run_writes_nothing_at_all(app, staff):
    """T-10"""
    with engine_of(app).store.reading() as session:
        driver = session.connection.dbapi_connection
        before = driver.execute("PRAGMA data_version").fetchone(), driver.total_changes

    preview(app, staff, **SHORTER)

    with engine_of(app).store.reading() as session:
        driver = session.connection.dbapi_connection
        assert (driver.execute("PRAGMA data_version").fetchone(), driver.total_changes) == before


def test_only_the_newest_runs_of_a_source_are_kept(app, provider_of, monkeypatch):
    monkeypatch.setattr(store_runs, "KEPT_PER_SOURCE", 3)
    provider = provider_of(app)
    push(provider, "ann")
    for n in range(5):
        set_rules(app, provider, username_regex=f"x{n}")

    with engine_of(app).store.reading() as session:
        found = store_runs.list_runs(session, source_of(app, provider).id, limit=100)

    assert [run.settings["username_regex"] for run in found] == ["x4", "x3", "x2"]
