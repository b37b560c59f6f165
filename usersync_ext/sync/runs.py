"""Runs: what new settings of a source do to everybody, planned, shown, then carried out.

A run is stored. Planning walks all people in slices and keeps what would become of each; applying
saves the settings and walks that plan, each slice in one transaction with the run's cursor: a
process that dies in the middle loses nothing, and another one goes on. Whoever works on a run
renews its ``beat_at``; a worker that finds another value there was overtaken and stops.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ..core.guard import count_removals, ends_administrator
from ..core.records import (
    Actor,
    Decision,
    Run,
    RunState,
    Source,
    SourceState,
)
from ..errors import InvalidSetting, UserSyncError
from ..store import mirror, people, runs, sources
from ..store.engine import Session, StoreBusy
from ..store.journal import Event, add_admin_entry
from .counting import NO_COUNTS, count_held, matters, planned_row, tally
from .engine import Engine
from .guarding import current_budget
from .members import release_memberships
from .outsiders import Sweep
from .planning import living_or_linked, plan_people
from .reconcile import carry_out
from .run_groups import (
    begin_groups,
    concerned_after,
    count_concerned,
    finish_groups,
    note_groups,
    note_memberships,
    store_mapping_changes,
    sweep_of,
)
from .source_settings import changed_columns, settings_as_words, with_settings
from .work import Planned, Work

logger = logging.getLogger("usersync")
SLICE = 200
APPLIED_AT_ONCE = 50
"""A transaction holds the writers' lock: smaller ones let providers' writes in between."""
BACKGROUND_ABOVE = 2000
"""Runs over more people than this are worked on in the background."""
PAUSE_SECONDS = 0.005
"""After each slice: requests of this process, and writes of others, come in between."""
ABANDONED_AFTER = timedelta(seconds=30)
MOST_TRIES = 10
Progress = Callable[[Run], None]
Step = Callable[[Engine, Run], Run]


class Overtaken(UserSyncError):
    """Somebody else works on the run now, or cancelled it."""


def start(
    engine: Engine,
    actor: Actor,
    source: Source,
    values: Mapping[str, Any],
    *,
    applies: bool,
    queued: bool = False,
) -> Run:
    """Store a run for new settings; nothing is planned yet. Raises InvalidSetting.

    ``applies`` says that it is carried out as soon as it is planned. Without settings a run looks
    at everybody by the rules as they are, ``queued`` even while another run is at work.
    """
    changed = with_settings(engine, source, values)
    now = datetime.now(UTC)
    with engine.store.writing() as session:
        busy = runs.at_work(session, source.id)
        if busy is not None and busy.state is RunState.PLANNING and not busy.applies:
            runs.advance(session, busy, now, state=RunState.CANCELLED, finished_at=now)
        elif busy is not None and not queued:
            raise InvalidSetting(
                "settings", f"run {busy.id} still works on this source: wait for it, or cancel it"
            )
        return runs.add_run(
            session,
            source_id=source.id,
            actor=str(actor),
            settings=dict(values),
            source_version=source.version,
            applies=applies,
            total=count_concerned(session, changed, values),
            created_at=now,
            beat_at=now,
        )


def is_large(engine: Engine, source: Source) -> bool:
    """Tell whether a run over a source is worked on in the background."""
    with engine.store.reading() as session:
        return sources.count_identities(session, source.id) > BACKGROUND_ABOVE


def work_on(engine: Engine, run: Run, progress: Progress | None = None) -> Run:
    """Plan a run, or carry it out, until there is nothing left to do; return how it ended."""
    try:
        while (step := next_step(run)) is not None:
            run = patiently(step, engine, run)
            if progress is not None:
                progress(run)
            time.sleep(PAUSE_SECONDS)
    except Overtaken:
        logger.info("run %s was overtaken or cancelled", run.id)
    except UserSyncError as error:
        logger.warning("run %s failed: %s", run.id, error)
        with suppress(Overtaken):
            finish(engine, run, RunState.FAILED, why=str(error))
    with engine.store.reading() as session:
        return runs.get_run(session, run.id)


def patiently(step: Step, engine: Engine, run: Run) -> Run:
    """Take a step of a run; a database that is busy is asked again, several times."""
    for _ in range(MOST_TRIES - 1):
        try:
            return step(engine, run)
        except StoreBusy:
            time.sleep(1)
    return step(engine, run)


def next_step(run: Run) -> Step | None:
    """Return what is to be done next for a run, None if it waits for somebody or is over."""
    if run.state is RunState.PLANNED and run.applies:
        return begin
    if run.state is RunState.PLANNING:
        return plan_slice
    return apply_slice if run.state is RunState.APPLYING else None


def in_background(engine: Engine, run: Run) -> threading.Thread:
    """Work on a run in a thread of this process."""
    thread = threading.Thread(target=work_on, args=(engine, run), name=f"usersync-run-{run.id}")
    thread.daemon = True
    thread.start()
    return thread


def resume_abandoned(engine: Engine) -> list[Run]:
    """Go on with runs whose process is gone; return how each ended."""
    with engine.store.reading() as session:
        found = runs.left_alone(session, datetime.now(UTC) - ABANDONED_AFTER)
    return [work_on(engine, run) for run in found]


# -- planning -------------------------------------------------------------------------------------


def plan_slice(engine: Engine, run: Run) -> Run:
    """Plan the next people of a run; the last step says what the guard would hold."""
    with engine.store.reading() as session:
        source = with_settings(engine, sources.get_source(session, run.source), run.settings)
        if not acts(source):
            return planned(engine, run, run.removals, Sweep())
        work = replace(engine.work_for(source, actor_of(run)), admins_gone=run.admins_gone)
        ids = concerned_after(session, source, run.settings, run.cursor, SLICE)
        if not ids:
            left = current_budget(session, work).left
            return planned(engine, run, left, sweep_of(session, work, run), work)
        found = decide_people(session, work, ids)
    counts = {**NO_COUNTS, **run.counts}
    for decision in found:
        tally(counts, decision)
    removals = sum(count_removals(d) for d in found if not d.observed)
    values = {
        "cursor": ids[-1],
        "done": run.done + len(ids),
        "counts": counts,
        "removals": run.removals + removals,
        "admins_gone": run.admins_gone + sum(map(ends_administrator, found)),
    }
    rows = [planned_row(work, decision) for decision in found if matters(work, decision)]
    with engine.store.writing() as session:
        runs.add_planned(session, run.id, rows)
        note_memberships(session, run.id, found)
        return advanced(session, run, **values)


def acts(source: Source) -> bool:
    """Tell whether a source looks after accounts at all."""
    return source.state is not SourceState.OFF and bool(source.directory)


def decide_people(session: Session, work: Work, ids: Sequence[int]) -> list[Decision]:
    """Return what becomes of some people of a source who can still have an account."""
    found = mirror.get_identities(session, work.source.id, ids)
    identities = living_or_linked(session, found)
    return plan_people(session, work, identities)[: len(identities)]


def planned(engine: Engine, run: Run, left: int, sweep: Sweep, work: Work | None = None) -> Run:
    """Record that a run is planned; more removals than are left are all held."""
    counts = {**NO_COUNTS, **run.counts}
    holds = run.removals > left
    held = run.removals if holds else 0
    outsiders = len({row.account_key for row in sweep.outsiders})
    counts["lose"] += outsiders
    if sweep.is_held:
        held += outsiders
    with engine.store.writing() as session:
        if work is not None:
            note_groups(session, work, run, sweep)
        return advanced(session, run, state=RunState.PLANNED, counts=counts, holds=holds, held=held)


# -- applying -------------------------------------------------------------------------------------


def begin(engine: Engine, run: Run) -> Run:
    """Save a planned run's settings and make it ready to be carried out. Raises InvalidSetting.

    The settings must not have been changed by others since it was planned.
    """
    if run.state is not RunState.PLANNED:
        raise InvalidSetting("run", f"run {run.id} is {run.state}: only a planned one is applied")
    now = datetime.now(UTC)
    with engine.store.writing() as session:
        source = sources.get_source(session, run.source)
        if run.settings and source.version != run.source_version:
            raise InvalidSetting(
                "settings", "were changed by somebody else since the preview: preview again"
            )
        columns = changed_columns(engine, source, run.settings)
        rows = columns.pop("mapping_changes", ())
        if columns or rows:
            changed = replace(source, mapping_changes=rows)
            store_mapping_changes(session, changed, run.actor, now)
            if columns.get("directory", source.directory) != source.directory:
                left = engine.directories.get(source.directory)
                release_memberships(session, left, source)
            source = sources.change_source(session, source, **columns)
            words = settings_as_words(run.settings)
            actor = actor_of(run)
            add_admin_entry(session, actor, source.key, "source_changed", source.name, words, now)
        if acts(source):
            begin_groups(session, engine.work_for(source, actor_of(run)))
        total = runs.count_planned(session, run.id)
        return advanced(
            session,
            run,
            state=RunState.APPLYING,
            began_at=now,
            cursor=0,
            done=0,
            held=0,
            total=total,
            source_version=source.version,
        )


def apply_slice(engine: Engine, run: Run) -> Run:
    """Carry out the next part of a plan, in one transaction with the run's progress."""
    with engine.store.reading() as session:
        source = sources.get_source(session, run.source)
        found = runs.list_planned(session, run.id, after_id=run.cursor, limit=APPLIED_AT_ONCE)
    if not found or not acts(source):
        return finished(engine, run, source)
    ids = [person.identity_id for person in found]
    plan: Planned = {person.identity_id: person.changes for person in found}

    def unit(session: Session, work: Work) -> tuple[Run, list[Event]]:
        held, events = reconcile_ids(session, work, ids)
        values = {"cursor": ids[-1], "done": run.done + len(ids), "held": run.held + held}
        return advanced(session, run, **values), events

    work = engine.work_for(source, actor_of(run))
    return engine.perform(replace(work, planned=plan, hold_removals=run.holds), unit)


def reconcile_ids(session: Session, work: Work, ids: Sequence[int]) -> tuple[int, list[Event]]:
    """Bring the accounts of some people in line; return how many changes are held, and signals."""
    people.lock_identities(session, ids)
    found = living_or_linked(session, mirror.get_identities(session, work.source.id, ids))
    results, events = carry_out(session, work, plan_people(session, work, found), len(found))
    return sum(map(count_held, results)), events


def finished(engine: Engine, run: Run, source: Source) -> Run:
    """Look at the people who changed since the plan was made, then end the run."""
    held, after = run.held, 0
    while acts(source):
        with engine.store.reading() as session:
            ids = mirror.modified_since(session, source.id, run.created_at, after, SLICE)
            known = runs.planned_ids(session, run.id, ids)
        if not ids:
            break
        after = ids[-1]
        rest = [id_ for id_ in ids if id_ not in known]

        def unit(session: Session, work: Work, rest: list[int] = rest) -> tuple[int, list[Event]]:
            return reconcile_ids(session, work, rest)

        if rest:
            work = replace(engine.work_for(source, actor_of(run)), planned={})
            held += engine.perform(work, unit)
    if acts(source):
        work = engine.work_for(source, actor_of(run))
        held += engine.perform(work, lambda session, work: finish_groups(session, work, run))
    state = RunState.NEEDS_APPROVAL if held else RunState.FINISHED
    return finish(engine, run, state, held=held)


def finish(engine: Engine, run: Run, state: RunState, **values: Any) -> Run:
    """End a run, unless somebody else did. Raises Overtaken."""
    with engine.store.writing() as session:
        return advanced(session, run, state=state, finished_at=datetime.now(UTC), **values)


def cancel(engine: Engine, actor: Actor, run: Run) -> None:
    """End a run where it is: what was done stays, the rest is not done."""
    now = datetime.now(UTC)
    with engine.store.writing() as session:
        run = runs.get_run(session, run.id)
        if run.is_at_work or run.state is RunState.PLANNED:
            runs.advance(session, run, now, state=RunState.CANCELLED, finished_at=now)
            text = f"run {run.id}: {run.done} of {run.total} people were done"
            add_admin_entry(session, actor, run.source, "run_cancelled", run.source, text, now)


def resume(engine: Engine, run: Run) -> Run:
    """Make a run that failed while it was carried out go on from where it stopped.

    Raises InvalidSetting for one that failed earlier: its plan is not complete.
    """
    if run.state is not RunState.FAILED or run.began_at is None:
        raise InvalidSetting("run", f"run {run.id} did not fail while it was carried out")
    with engine.store.writing() as session:
        return advanced(session, run, state=RunState.APPLYING, why="", finished_at=None)


def advanced(session: Session, run: Run, **values: Any) -> Run:
    """Store a run's progress and return the run as it is then. Raises Overtaken."""
    if not runs.advance(session, run, datetime.now(UTC), **values):
        raise Overtaken(f"run {run.id} was overtaken or cancelled")
    return runs.get_run(session, run.id)


def actor_of(run: Run) -> Actor:
    """Return who caused a run."""
    kind, _, name = run.actor.partition(":")
    return Actor(kind=kind, name=name)
