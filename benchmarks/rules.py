"""A rule that changes half of the people of a source: what planning and applying it costs.

``python benchmarks/rules.py [--users 100000]``: first in a process alone (time, statements, peak
memory), then while a server answers providers: once in a process beside it, as the command line
does it, once in a thread of the server, as pages do it.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import load
import scim
from load import Request, run
from sqlalchemy import event, update

from usersync_ext.core.records import Run
from usersync_ext.directories.local import LocalDirectory
from usersync_ext.settings import read_settings
from usersync_ext.store import runs as store_runs
from usersync_ext.store import sources
from usersync_ext.store.columns import table_of
from usersync_ext.store.engine import Store
from usersync_ext.store.schema import RunRow
from usersync_ext.sync import runs
from usersync_ext.sync.engine import Engine

ROW = {"field": "title", "from": "userName", "regex": ".*[02468]@.*", "replacement": "Engineer"}
HALF = {"attribute_mapping": json.dumps([ROW])}
"""Whose number is even keeps the title Engineer, all others get another one."""
BACK = {"attribute_mapping": ""}


def engine_on(database: str) -> Engine:
    """Return an engine on a database that is filled."""
    settings = read_settings({"SECRET_KEY": "x", "USERSYNC_DATABASE_URI": database}, ".")
    return Engine(settings, Store(database), {"local": LocalDirectory()})


def start(engine: Engine, settings: dict[str, str], *, applies: bool) -> Run:
    """Store a run for new settings."""
    with engine.store.reading() as session:
        source = sources.get_source(session, "acme")
    return runs.start(engine, scim.ACTOR, source, settings, applies=applies)


def alone(database: str) -> None:
    """Plan and apply; print time, statements and peak memory of this process."""
    engine = engine_on(database)
    counted = [0]

    def count(*_: object) -> None:
        counted[0] += 1

    event.listen(engine.store.engine, "before_cursor_execute", count)
    began, run_ = time.perf_counter(), start(engine, HALF, applies=False)
    run_ = runs.work_on(engine, run_)
    planned = time.perf_counter() - began
    statements = counted[0]
    runs.work_on(engine, runs.begin(engine, run_))
    applied = time.perf_counter() - began - planned
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"alone: {run_.total:,} people, {run_.counts['update']:,} changed; planned in "
        f"{planned:.1f} s with {statements:,} statements, applied in {applied:.1f} s with "
        f"{counted[0] - statements:,}; peak memory {peak:.0f} MB"
    )


def robots(ids: list[str]) -> scim.Make:
    """Return what providers ask meanwhile: nine people read, one changed."""

    def make(worker: int) -> Iterator[Request]:
        number = 0
        while True:
            number += 1
            path = f"/usersync/scim/acme/v2/Users/{ids[(worker * 7919 + number) % len(ids)]}"
            if number % 10:
                yield "GET", path, None
            else:
                value = f"Nick {time.perf_counter_ns()}"
                operation = {"op": "replace", "path": "nickName", "value": value}
                yield "PATCH", path, scim.patch_body(operation)

    return make


def meanwhile(server: scim.Server, token: str, make: scim.Make, engine: Engine, run_: Run) -> None:
    """Ask for as long as a run is at work; print what providers saw."""
    began = time.perf_counter()
    slowest, rates = 0.0, []
    while True:
        seen: load.Load = run(server.address, token, make, seconds=2)
        slowest, rates = max(slowest, seen.p99_ms), [*rates, seen.per_second]
        with engine.store.reading() as session:
            now = store_runs.get_run(session, run_.id)
        if not now.is_at_work:
            break
    took = time.perf_counter() - began
    print(
        f"  {now.state} after {took:.0f} s; providers meanwhile: "
        f"{sum(rates) / len(rates):.0f} requests/s, p99 of the worst two seconds {slowest:.0f} ms"
    )


def make_abandoned(engine: Engine, run_: Run) -> None:
    """Let the next process that ticks find a run that nobody works on."""
    table = table_of(RunRow)
    with engine.store.writing() as session:
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        session.execute(update(table).where(table.c.id == run_.id).values(beat_at=long_ago))


def main() -> None:
    """Measure on a source of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--alone", metavar="DATABASE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        alone(options.alone)
        return
    scim.GROUP_SIZE = 10
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'usersync.sqlite3'}"
        token, ids, _ = scim.fill(database, options.users)
        me = [sys.executable, __file__, "--alone", database]
        subprocess.run(me, check=True, env=scim.environment())
        engine = engine_on(database)
        with scim.server("usersync", database) as server:
            quiet = run(server.address, token, robots(ids), seconds=4)
            print(f"no run: {quiet.per_second:.0f} requests/s, p99 {quiet.p99_ms:.0f} ms")
            print("in a process beside the server:")
            run_ = start(engine, BACK, applies=True)
            code = f"import rules; rules.continue_run({database!r}, {run_.id})"
            beside = subprocess.Popen(
                [sys.executable, "-c", code], cwd=scim.HERE, env=scim.environment()
            )
            meanwhile(server, token, robots(ids), engine, run_)
            beside.wait()
        print("in a thread of the server:")
        run_ = start(engine, HALF, applies=True)
        make_abandoned(engine, run_)
        with scim.server("usersync", database) as server:
            meanwhile(server, token, robots(ids), engine, run_)


def continue_run(database: str, run_id: int) -> None:
    """Work on a stored run, as the command line does."""
    engine = engine_on(database)
    with engine.store.reading() as session:
        run_ = store_runs.get_run(session, run_id)
    runs.work_on(engine, run_)


if __name__ == "__main__":
    main()
