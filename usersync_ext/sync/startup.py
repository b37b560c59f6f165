"""Bringing the database to the schema of this code, or saying that somebody must."""

import threading

from ..state import State
from ..store import migrate

UPGRADING = threading.Lock()
"""Alembic's ``op`` and ``context`` are global to the process: one upgrade at a time."""


def ensure_serving(state: State, *, testing: bool) -> None:
    """Return once this process may serve: the schema is there, background jobs have their thread.

    Tests (``app.testing``) get no thread. Raises SchemaOutdated.
    """
    ensure_schema(state)
    if not testing:
        state.ticker.ensure_started()


def ensure_schema(state: State) -> None:
    """Return once the database has the schema of this code; looks only once per process.

    Our own SQLite file is upgraded; any other database is an administrator's to upgrade. Raises
    SchemaOutdated.
    """
    if state.store_ready:
        return
    store = state.engine.store
    with UPGRADING:
        outdated = migrate.current_version(store) != migrate.newest_version()
        if outdated and state.settings.automatic_upgrade:
            migrate.upgrade(store)
    migrate.require_newest(store)
    state.store_ready = True


def upgrade_schema(state: State) -> str:
    """Bring the database to the schema of this code because somebody asked; return the version."""
    with UPGRADING:
        migrate.upgrade(state.engine.store)
    return migrate.newest_version()
