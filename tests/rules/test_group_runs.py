"""Runs that move memberships: planned in numbers, done in slices, and safe to kill."""

from datetime import UTC, datetime, timedelta

import pytest
from acting import (
    ADMIN,
    engine_of,
    entries,
    held,
    join,
    leave,
    memberships,
    push,
    push_group,
    set_rules,
    source_of,
    why,
)
from sqlalchemy import update

from usersync_ext.core.records import RunState
from usersync_ext.errors import InvalidSetting
from usersync_ext.store import planned_groups
from usersync_ext.store import runs as store_runs
from usersync_ext.store.columns import table_of
from usersync_ext.store.planned_groups import PlannedGroup
from usersync_ext.store.schema import RunRow
from usersync_ext.sync import group_admin, regrouping, runs

NAMES = {f"user{n}" for n in range(7)}


@pytest.fixture
def staff(app, provider_of, monkeypatch):
    """A provider of nine people, seven in a group that gives ``before``; three at a time."""
    monkeypatch.setattr(runs, "SLICE", 3)
    monkeypatch.setattr(runs, "APPLIED_AT_ONCE", 2)
    provider = provider_of(app, removal_limit_count=100, group_mode="manual")
    provider.ids = [push(provider, f"user{n}") for n in range(9)]
    provider.group = push_group(provider, "Team", *provider.ids[:7])
    set_rules(app, provider, mappings=[mapped(app, provider, "before")])
    return provider


def mapped(app, provider, to):
    engine = engine_of(app)
    group = group_admin.find_source_group(engine, source_of(app, provider), "Team")
    return group_admin.adding(group, to)


def moved(app, provider):
    """Return the changes that let the group give ``after`` instead."""
    [row] = group_admin.mapping_of(engine_of(app), source_of(app, provider), "Team", "before")
    return [group_admin.removing(row), mapped(app, provider, "after")]


def started(app, provider, *, applies):
    engine, source = engine_of(app), source_of(app, provider)
    values = {"mappings": moved(app, provider)}
    return runs.start(engine, ADMIN, source, values, applies=applies)


def stored(app, run):
    with engine_of(app).store.reading() as session:
        return store_runs.get_run(session, run.id)


def member_lines(app):
    """Return the journal's lines about memberships as kind, person and group."""
    return [
        (e.kind, e.subject, (e.after or e.before)["group"])
        for e in entries(app)
        if e.kind in {"add_member", "remove_member"}
    ]


def test_a_moved_mapping_is_planned_for_the_members_of_the_group_alone(app, staff):
    run = runs.work_on(engine_of(app), started(app, staff, applies=False))

    assert (run.state, run.done, run.total) == (RunState.PLANNED, 7, 7)
    assert (run.counts["gain"], run.counts["lose"], run.counts["update"]) == (7, 7, 7)
    with engine_of(app).store.reading() as session:
        found = planned_groups.list_planned_groups(session, run.id)
    assert found == [
        PlannedGroup(name="before", losses=7),
        PlannedGroup(name="after", gains=7, change="created"),
    ]
    assert memberships(app) == {"before": NAMES}


def test_progress_is_told_slice_by_slice_and_other_writes_go_on_meanwhile(app, staff):
    told = []

    def progress(run):
        told.append((str(run.state), run.done))
        join(staff, staff.group, staff.ids[7])

    runs.work_on(engine_of(app), started(app, staff, applies=True), progress)

    assert ("planning", 3) in told
    assert [done for state, done in told if state == "applying"] == [0, 2, 4, 6, 8]
    assert memberships(app) == {"before": set(), "after": {*NAMES, "user7"}}


@pytest.mark.parametrize("killed_after", range(9))
def test_killing_it_anywhere_loses_nothing_and_does_nothing_twice(app, staff, killed_after):
    class Killed(BaseException):
        pass

    def kill(_run, left=[killed_after]):  # noqa: B006 - counts down
        if left[0] == 0:
            raise Killed
        left[0] -= 1

    engine = engine_of(app)
    before = len(member_lines(app))
    run = started(app, staff, applies=True)
    with pytest.raises(Killed):
        runs.work_on(engine, run, kill)
    with engine.store.writing() as session:
        long_ago = datetime.now(UTC) - timedelta(minutes=5)
        session.execute(update(table_of(RunRow)).values(beat_at=long_ago))

    runs.resume_abandoned(engine)

    assert stored(app, run).state is RunState.FINISHED
    assert memberships(app) == {"before": set(), "after": NAMES}
    lines = member_lines(app)[before:]
    assert len(lines) == len(set(lines)) == 14


def test_a_move_that_takes_away_too_much_is_held_and_members_gain_the_new_group(app, staff):
    set_rules(app, staff, removal_limit_count=3, removal_limit_percent=0)

    run = runs.work_on(engine_of(app), started(app, staff, applies=True))

    assert (run.state, run.held) == (RunState.NEEDS_APPROVAL, 7)
    assert memberships(app) == {"before": NAMES, "after": NAMES}
    assert held(app, staff) == 7
    assert "remove_member is held back" in why(app, "user1")


def test_a_change_of_more_people_than_one_request_may_look_at_is_done_by_a_run(
    app, staff, monkeypatch
):
    monkeypatch.setattr(regrouping, "MOST_MOVED", 3)
    monkeypatch.setattr(runs, "in_background", runs.work_on)

    answer = leave(staff, staff.group, *staff.ids[:5])

    assert answer.status_code == 204
    assert memberships(app) == {"before": {"user5", "user6"}}


def test_groups_that_would_be_deleted_are_named_before(app, provider_of):
    provider = provider_of(app, group_mode="on_the_fly", group_rename="new")
    push_group(provider, "IdP_users", push(provider, "ann"))
    values = {"group_regex": "^IdP_", "group_delete": "delete_empty"}
    engine, source = engine_of(app), source_of(app, provider)

    run = runs.work_on(engine, runs.start(engine, ADMIN, source, values, applies=False))

    with engine.store.reading() as session:
        found = planned_groups.list_planned_groups(session, run.id)
    assert found == [
        PlannedGroup(name="IdP_users", losses=1, change="deleted"),
        PlannedGroup(name="users", gains=1, change="created"),
    ]
    assert memberships(app) == {"IdP_users": {"ann"}}
    runs.work_on(engine, runs.begin(engine, run))
    assert memberships(app) == {"users": {"ann"}}


def test_a_removed_mapping_takes_away_what_it_gave_and_nothing_else(app, staff):
    [row] = group_admin.mapping_of(engine_of(app), source_of(app, staff), "Team", "before")

    summary = set_rules(app, staff, mappings=[group_admin.removing(row)])

    assert (summary.counts["lose"], summary.counts["gain"]) == (7, 0)
    assert memberships(app) == {"before": set()}


def test_a_mapping_that_changed_since_the_preview_is_not_applied(app, staff):
    engine = engine_of(app)
    run = runs.work_on(engine, started(app, staff, applies=False))
    set_rules(app, staff, mappings=[mapped(app, staff, "other")])

    with pytest.raises(InvalidSetting, match="preview again"):
        runs.begin(engine, run)

    assert memberships(app) == {"before": NAMES, "other": NAMES}
