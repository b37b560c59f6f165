"""Apps on any database for tests that push, and what a push leaves behind in the tables."""

import os
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import MetaData, create_engine, event, make_url, select, text

from usersync_ext import UserSync
from usersync_ext.state import state_of
from usersync_ext.store.record_tables import JournalRow
from usersync_ext.store.schema import Base

Rows = dict[str, list[dict[str, Any]]]
BUFFERED = frozenset(
    f"usersync_{name}" for name in ("request", "stray", "token", "source", "outbox")
)
"""Tables that requests change without changing anything about people."""


def host_app(url: str, folder: Path, extension: UserSync | None = None, **config: object) -> Flask:
    """Return an app with usersync on a database."""
    app = Flask("host", instance_path=str(folder), static_folder=None)
    app.config.update(
        {"SECRET_KEY": "test", "USERSYNC_DATABASE_URI": url, "TESTING": True, **config}
    )
    (extension or UserSync(is_admin=lambda: True)).init_app(app)
    return app


def stored(app: Flask) -> Rows:
    """Return all that is stored about people and groups, without refusals in the journal."""
    metadata: MetaData = Base.metadata
    found: Rows = {}
    with state_of(app).engine.store.reading() as session:
        for table in metadata.sorted_tables:
            if table.name in BUFFERED:
                continue
            query = select(table).order_by(*table.primary_key.columns)
            if table.name == JournalRow.__tablename__:
                query = query.where(table.c.outcome != "refused")
            found[table.name] = [dict(row) for row in session.execute(query).mappings()]
    return found


@contextmanager
def statements(app: Flask) -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements and parameters that this thread sends to an app's database."""
    seen: list[tuple[str, Any]] = []
    thread = threading.get_ident()
    engine = state_of(app).engine.store.engine

    def note(_connection, _cursor, statement, parameters, _context, _many) -> None:
        if threading.get_ident() == thread:
            seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


@contextmanager
def copied(kind: str, request, folder: Path) -> Iterator[str]:
    """Yield the URL of a fresh, migrated database for more than one test."""
    template = request.getfixturevalue(f"{kind}_template")
    if kind == "sqlite":
        yield f"sqlite:///{shutil.copy(template, folder / 'usersync.sqlite3')}"
        return
    name = f"usersync_test_{uuid.uuid4().hex[:12]}"
    server = make_url(os.environ["USERSYNC_TEST_DATABASE"])
    owner = create_engine(server, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with owner.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    owner.dispose()
