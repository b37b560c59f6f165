"""One engine and its two kinds of transaction: ``reading()`` and ``writing()``.

SQLite's driver begins no transaction of its own here: readers ``BEGIN``, writers take a
process-wide lock and then ``BEGIN IMMEDIATE``. Without the lock four threads starve each other in
SQLite's busy loop; with a plain ``BEGIN`` a read-modify-write fails at once with "database is
locked" or, with the driver's default, loses updates without a word.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from ..errors import ConfigError, UserSyncError
from .durability import LogFailed, LogSync

logger = logging.getLogger("usersync")
Session = Connection
"""What a transaction gives: Core statements only. An ORM session would cost each of them more."""
BUSY_TIMEOUT_SECONDS = 5
LOOK_AGAIN_SECONDS = 0.002
MAX_REMEMBERED = 256
"""How many numbers a connection remembers (``remembered``)."""
LOCK_ID = 7_357_001
"""The advisory lock that serialises upgrades on PostgreSQL (any number of ours will do)."""


class StoreBusy(UserSyncError):
    """The database did not answer in time; ask again after ``retry_after_seconds``."""

    retry_after_seconds = 5


class Store:
    """The database of one app: hands out sessions, owns the engine and the writers' lock."""

    def __init__(self, url: str) -> None:
        self.url = checked_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._engine: Engine | None = None
        self._lock = threading.Lock()
        self._log = LogSync(str(self.url.database))
        self._engine_lock = threading.Lock()

    @property
    def engine(self) -> Engine:
        """The engine, made at first use: an app that only starts opens no connection."""
        if self._engine is None:
            with self._engine_lock:
                if self._engine is None:
                    self._engine = build_engine(self.url, sqlite=self.is_sqlite)
        return self._engine

    @property
    def location(self) -> str:
        """The database in words, without its password."""
        return str(self.url.render_as_string(hide_password=True))

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that sees one snapshot; what it writes is rolled back."""
        with translated(), self.engine.connect() as session:
            yield session

    @contextmanager
    def glancing(self) -> Iterator[Session]:
        """Yield a session for one statement: a snapshot of its own, without a transaction."""
        with translated(), self.engine.connect() as session:
            yield session.execution_options(usersync_glance=True)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yield a session whose work is committed at the end, or not at all.

        Never hold it open across a network call, a hook, a directory call that leaves this
        database, a signal or a template.
        """
        with translated():
            if not self.is_sqlite:
                with self.engine.begin() as session:
                    yield session
                return
            if not self._lock.acquire(timeout=BUSY_TIMEOUT_SECONDS):
                raise StoreBusy("the database is busy with another write")
            try:
                writer = self.engine.connect().execution_options(usersync_write=True)
                with writer as session, session.begin():
                    yield session
                commit = self._log.note_commit()
            finally:
                self._lock.release()
            self._log.wait(commit)

    def dispose(self) -> None:
        """Close every connection; the next use opens new ones."""
        if self._engine is not None:
            self._engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """Turn a database that is locked, down or out of reach into ``StoreBusy``."""
    try:
        yield
    except (sqlite3.OperationalError, LogFailed) as error:  # from our own BEGIN, or a failing disk
        logger.warning("the database is not available: %s", one_line(error))
        raise StoreBusy("the database did not answer in time") from error
    except OperationalError as error:
        if "no such table" in str(error.orig) or "no such column" in str(error.orig):
            raise
        logger.warning("the database is not available: %s", one_line(error.orig))
        raise StoreBusy("the database did not answer in time") from error


def one_line(error: BaseException | None) -> str:
    """Return the text of a driver's error, which may go over several lines."""
    return " ".join(str(error).split())


def checked_url(value: str) -> Any:
    """Return the parsed database URL.

    Raises ConfigError for a URL that cannot be read and for SQLite's ``:memory:``, which every
    connection would see empty.
    """
    try:
        url = make_url(value)
    except ArgumentError as error:
        raise ConfigError("USERSYNC_DATABASE_URI is not a database URL") from error
    if url.get_backend_name() == "sqlite" and (url.database or "") in {"", ":memory:"}:
        raise ConfigError(
            "USERSYNC_DATABASE_URI: a database in memory loses everybody at restart and is "
            "different for each thread; name a file"
        )
    return url


def build_engine(url: Any, *, sqlite: bool) -> Engine:
    """Return an engine that behaves the same on both databases."""
    if not sqlite:
        engine = create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=10)
        event.listen(engine, "connect", prepare_postgresql)
        return engine
    engine = create_engine(
        url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
    )
    event.listen(engine, "connect", prepare_sqlite)
    event.listen(engine, "begin", begin_sqlite)
    return engine


def prepare_postgresql(connection: Any, _record: Any) -> None:
    """Let a statement wait for the locks of others as long as on SQLite, not for ever."""
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(f"SET lock_timeout = '{BUSY_TIMEOUT_SECONDS}s'")
    cursor.close()
    connection.autocommit = False


def prepare_sqlite(connection: Any, _record: Any) -> None:
    """Set a new SQLite connection up; ``durability`` says why NORMAL is enough."""
    connection.isolation_level = None
    patiently(connection, "PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=NORMAL")


def begin_sqlite(connection: Connection) -> None:
    """Begin the transaction that the driver would otherwise begin too late."""
    options = connection.get_execution_options()
    if "usersync_glance" in options:
        return
    driver: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
    if "usersync_write" in options:
        patiently(driver, "BEGIN IMMEDIATE")
    else:
        driver.execute("BEGIN")


def patiently(driver: sqlite3.Connection, statement: str) -> None:
    """Execute a statement as soon as no other process stands in its way.

    SQLite's own waiting sleeps up to 100 ms at a time: beside a process that writes one
    transaction after the other, such as a long run, it would hardly ever find its turn. And where
    two connections turn a new file to WAL at once, SQLite does not wait at all.
    """
    give_up_at = time.monotonic() + BUSY_TIMEOUT_SECONDS
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                driver.execute(statement)
                return
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # of any kind
                if not busy or time.monotonic() > give_up_at:
                    raise
                time.sleep(LOOK_AGAIN_SECONDS)
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}")


def remembered(session: Session, key: object, compute: Callable[[], int]) -> int:
    """Return a number that follows from the database, computed again only after a commit.

    SQLite tells a connection when others committed (``PRAGMA data_version``), and the driver how
    many rows this one changed; PostgreSQL does not, so there it is computed each time.
    """
    if session.dialect.name != "sqlite":
        return compute()
    connection = session.connection
    driver: sqlite3.Connection = connection.dbapi_connection  # type: ignore[assignment]
    (version,) = driver.execute("PRAGMA data_version").fetchone()
    state = (version, driver.total_changes)
    known_at, known = connection.info.get("usersync_numbers", (None, {}))
    if known_at != state or len(known) >= MAX_REMEMBERED:
        known = {}
    if key not in known:
        known[key] = compute()
        connection.info["usersync_numbers"] = (state, known)
    return int(known[key])


def lock_for_upgrade(connection: Connection) -> None:
    """Wait until no other process upgrades the same PostgreSQL database."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": LOCK_ID})
