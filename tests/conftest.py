"""Fixtures for every suite: databases, engines, apps, and a real server.

A database is migrated once a process and then copied: the migrations have tests of their own.
"""

import os
import shutil
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import waitress
from flask import Flask
from sqlalchemy import create_engine, make_url, text
from waitress import wasyncore

from usersync_ext import UserSync
from usersync_ext.core.records import Actor
from usersync_ext.directories.local import LocalDirectory
from usersync_ext.settings import read_settings
from usersync_ext.state import state_of
from usersync_ext.store import migrate
from usersync_ext.store.engine import Store
from usersync_ext.sync import admin
from usersync_ext.sync.engine import Engine

POSTGRESQL = os.environ.get("USERSYNC_TEST_DATABASE")
NO_POSTGRESQL = (
    "PostgreSQL is not tested: set USERSYNC_TEST_DATABASE to a URL such as "
    "postgresql+psycopg://postgres@127.0.0.1:5432/postgres, or run .ci/run, which starts one"
)
NOTHING_SKIPPED = os.environ.get("USERSYNC_TEST_NOTHING_SKIPPED") == "1"
ADMIN = Actor(kind="system", name="test")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn a skip into a failure where everything must run."""
    report = yield
    if NOTHING_SKIPPED and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, but nothing may be: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Turn a module that skips itself into a failure where everything must run."""
    report = yield
    if NOTHING_SKIPPED and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped, but nothing may be: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "usersync.sqlite3"
    store = Store(f"sqlite:///{path}")
    migrate.upgrade(store)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.dispose()
    return path


def run_on_server(statement: str) -> None:
    """Run a statement outside of any transaction on the PostgreSQL server."""
    engine = create_engine(POSTGRESQL, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def url_of_database(name: str) -> str:
    return make_url(POSTGRESQL).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def postgresql_template():
    """A migrated PostgreSQL database to copy."""
    if not POSTGRESQL:
        pytest.skip(NO_POSTGRESQL)
    name = f"usersync_template_{uuid.uuid4().hex[:12]}"
    run_on_server(f"CREATE DATABASE {name}")
    store = Store(url_of_database(name))
    migrate.upgrade(store)
    store.dispose()
    yield name
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(sqlite_template, tmp_path):
    """The URL of a fresh, migrated SQLite file."""
    path = tmp_path / "usersync.sqlite3"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_template):
    """The URL of a fresh, migrated PostgreSQL database."""
    name = f"usersync_test_{uuid.uuid4().hex[:12]}"
    run_on_server(f"CREATE DATABASE {name} TEMPLATE {postgresql_template}")
    yield url_of_database(name)
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """The URL of a fresh, migrated database: each test runs on both kinds."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path):
    """The URL of a database without any table: each test runs on both kinds."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    if not POSTGRESQL:
        pytest.skip(NO_POSTGRESQL)
    name = f"usersync_test_{uuid.uuid4().hex[:12]}"
    run_on_server(f"CREATE DATABASE {name}")
    yield url_of_database(name)
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store_on():
    """Make stores on database URLs; they are closed at the end."""
    stores: list[Store] = []

    def make(url: str) -> Store:
        stores.append(Store(url))
        return stores[-1]

    yield make
    for store in stores:
        store.dispose()


@pytest.fixture
def engine_for():
    """Make engines on database URLs; they are closed at the end."""
    engines: list[Engine] = []

    def make(url: str, **config: object) -> Engine:
        settings = read_settings(
            {"SECRET_KEY": "test", "USERSYNC_DATABASE_URI": url, **config}, "instance"
        )
        engine = Engine(settings, Store(url), {"local": LocalDirectory()})
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.recorder.flush()
        engine.store.dispose()


@pytest.fixture
def engine(database_url, engine_for):
    """An engine on both kinds of database."""
    return engine_for(database_url)


@pytest.fixture
def make_app(sqlite_url, tmp_path) -> Iterator[Callable[..., Flask]]:
    """Make apps with usersync on a fresh SQLite file; keyword arguments are configuration.

    ``usersync`` gives the arguments of ``UserSync``; by default every visitor is an administrator.
    """
    apps: list[Flask] = []

    def make(usersync: dict | None = None, **config: object) -> Flask:
        app = Flask("host", instance_path=str(tmp_path))
        defaults = {"SECRET_KEY": "test", "USERSYNC_DATABASE_URI": sqlite_url, "TESTING": True}
        app.config.update({**defaults, **config})
        UserSync(app, **({"is_admin": lambda: True} if usersync is None else usersync))
        apps.append(app)
        return app

    yield make
    for app in apps:
        engine = state_of(app).engine
        engine.recorder.flush()
        engine.store.dispose()


@pytest.fixture
def app(make_app):
    """An app with usersync on a fresh SQLite file."""
    return make_app()


class Provider:
    """An identity provider's client of one source, on the test client or a real server."""

    def __init__(self, app: Flask, source: str, token: str) -> None:
        self.app = app
        self.source = source
        self.token = token
        self.base = f"{state_of(app).settings.url_prefix}/scim/{source}/v2"
        self.client = app.test_client()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def request(self, method: str, path: str, json=None, headers=None, **kw):
        """Send a request to a path below the base URL."""
        return self.client.open(
            f"{self.base}{path}",
            method=method,
            json=json,
            headers={**self.headers, **(headers or {})},
            **kw,
        )

    def get(self, path: str, **kw):
        return self.request("GET", path, **kw)

    def post(self, path: str, json=None, **kw):
        return self.request("POST", path, json, **kw)

    def put(self, path: str, json=None, **kw):
        return self.request("PUT", path, json, **kw)

    def delete(self, path: str, **kw):
        return self.request("DELETE", path, **kw)

    def patch(self, path: str, *operations: dict, **kw):
        """Send a PATCH of these operations."""
        body = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": list(operations),
        }
        return self.request("PATCH", path, body, **kw)


@pytest.fixture
def provider_of():
    """Add a source to an app and return its provider's client."""

    def make(app: Flask, name: str = "Acme", kind: str = "custom-scim", state="active", **rules):
        engine = state_of(app).engine
        source = admin.add_source(engine, ADMIN, name=name, kind=kind, state=state, rules=rules)
        token, _ = admin.add_token(engine, ADMIN, source, label="test")
        return Provider(app, source.key, token)

    return make


@pytest.fixture
def provider(app, provider_of):
    """The client of an active custom SCIM source."""
    return provider_of(app)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def serve():
    """Serve a WSGI app under waitress on 127.0.0.1 (a context manager giving its address)."""

    @contextmanager
    def serving(app, threads: int = 4) -> Iterator[str]:
        sockets: dict = {}
        server = waitress.create_server(app, map=sockets, host="127.0.0.1", port=0, threads=threads)
        stopping = threading.Event()

        def run() -> None:
            while not stopping.is_set():
                wasyncore.loop(timeout=0.05, map=sockets, count=1)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.effective_port}"
        finally:  # closing what the loop still waits for would be an error in its thread
            stopping.set()
            thread.join(5)
            server.task_dispatcher.shutdown()
            wasyncore.close_all(sockets)

    return serving
