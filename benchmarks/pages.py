"""What the pages cost the server: milliseconds and statements with few and with many people.

``python benchmarks/pages.py [--users 100000]``: pages are asked for within the process, each five
times; the middle one counts. The database has two lines of the journal for each person.
"""

import argparse
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import seed
from flask import Flask
from sqlalchemy import event, select

from usersync_ext import UserSync
from usersync_ext.core.records import Actor
from usersync_ext.state import state_of
from usersync_ext.store import journal
from usersync_ext.store.schema import IdentityRow
from usersync_ext.sync import admin
from usersync_ext.sync.startup import ensure_schema

FEW = 1_000
ROUNDS = 5
EVE = Actor(kind="admin", name="eve")
KINDS = ("create", "update")
PAGES = (
    "/",
    "/people",
    "/people?after={half}",
    "/people?state=failed",
    "/people?search=user9",
    "/people?search=user",
    "/people?search=nobody",
    "/people/{half}",
    "/activity",
    "/activity?before={half}",
    "/activity?what=delete",
    "/activity?outcome=refused",
    "/activity?search=user99",
    "/activity?since={day}&until={day}",
    "/directory?search=user9",
    "/sources/acme/",
    "/sources/acme/requests",
)


def filled(folder: str, users: int) -> Flask:
    """Return an app with people of one source, their accounts and the history of a month."""
    app = Flask("pages", instance_path=folder)
    app.config.update(SECRET_KEY="pages", TESTING=True)
    UserSync(app, is_admin=lambda: True)
    state = state_of(app)
    ensure_schema(state)
    source = admin.add_source(state.engine, EVE, name="Acme", kind="okta", state="active")
    seed.add_people(state.engine.store, source.id, 0, users)
    now = datetime.now(UTC)
    with state.engine.store.writing() as session:
        ids = session.scalars(select(IdentityRow.id)).all()
        for kind in KINDS:
            journal.add_entries(session, [line(source.key, kind, i, now) for i in ids])
    return app


def line(source: str, kind: str, person: int, now: datetime) -> dict:
    """Return a line of the journal, some minutes ago."""
    return {
        "at": now - timedelta(minutes=person % 40_000),
        "source": source,
        "actor": "token:usx_0000…",
        "category": "change",
        "kind": kind,
        "subject": f"user{person}",
        "reason": "the provider sent it",
        "outcome": "applied",
        "destructive": False,
        "before": None,
        "after": {"user_name": f"user{person}"},
        "request_id": None,
        "identity_id": person,
        "directory": "local",
        "account_key": str(person),
        "group_key": None,
    }


def measured(app: Flask, path: str) -> tuple[float, int]:
    """Return the milliseconds of the middle round, and the statements of one."""
    client, seen, times = app.test_client(), [], []
    engine = state_of(app).engine.store.engine
    client.get(path)
    event.listen(engine, "before_cursor_execute", lambda *_: seen.append(1))
    for _ in range(ROUNDS):
        started = time.perf_counter()
        answer = client.get(path)
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, answer.text
    return statistics.median(times), len(seen) // ROUNDS


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=100_000)
    users = parser.parse_args().users
    day = (datetime.now(UTC) - timedelta(days=1)).date()
    print(f"| page | {FEW:,} people | {users:,} people | statements |\n|--|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as few, tempfile.TemporaryDirectory() as many:
        apps = [(filled(few, FEW), FEW), (filled(many, users), users)]
        size = Path(many, "usersync.sqlite3").stat().st_size / 1e6
        for page in PAGES:
            row = [
                measured(app, "/usersync" + page.format(half=count // 2, day=day))
                for app, count in apps
            ]
            cells = " | ".join(f"{milliseconds:.0f} ms" for milliseconds, _ in row)
            print(f"| `{page}` | {cells} | {row[-1][1]} |", flush=True)
        print(f"\nThe larger database has {size:,.0f} MB.")


if __name__ == "__main__":
    main()
