"""The schema comes and goes, fits the models, and several processes may upgrade at once."""

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from usersync_ext.errors import SchemaOutdated
from usersync_ext.store import migrate
from usersync_ext.store.engine import lock_for_upgrade
from usersync_ext.store.schema import Base

UPGRADE = """
import sys
from usersync_ext.store import migrate
from usersync_ext.store.engine import Store
store = Store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
migrate.upgrade(store)
print(migrate.current_version(store))
"""


def tables(store) -> set[str]:
    return set(inspect(store.engine).get_table_names())


@pytest.fixture
def empty(empty_url, store_on):
    return store_on(empty_url)


def test_an_empty_database_has_no_version_and_is_refused(empty):
    assert migrate.current_version(empty) is None

    with pytest.raises(SchemaOutdated, match="usersync upgrade"):
        migrate.require_newest(empty)


def test_an_upgrade_brings_an_empty_database_to_the_newest_version(empty):
    migrate.upgrade(empty)

    migrate.require_newest(empty)
    assert set(Base.metadata.tables) <= tables(empty)
    assert all(name.startswith("usersync_") for name in tables(empty))


def test_a_second_upgrade_changes_nothing(empty):
    migrate.upgrade(empty)

    migrate.upgrade(empty)

    migrate.require_newest(empty)


def test_a_downgrade_removes_every_table_and_can_be_undone(empty):
    migrate.upgrade(empty)

    migrate.downgrade(empty, "base")
    left = tables(empty)
    migrate.upgrade(empty)

    assert left <= {migrate.VERSION_TABLE}
    migrate.require_newest(empty)


def test_the_migrated_schema_is_that_of_the_models(empty):
    migrate.upgrade(empty)

    with empty.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "version_table": migrate.VERSION_TABLE}
        )
        differences = compare_metadata(context, Base.metadata)

    assert differences == []


def test_a_database_of_a_newer_program_is_left_alone(empty):
    migrate.upgrade(empty)
    with empty.writing() as session:
        session.execute(text(f"UPDATE {migrate.VERSION_TABLE} SET version_num = '9999'"))  # noqa: S608

    with pytest.raises(SchemaOutdated, match="newer"):
        migrate.upgrade(empty)
    with pytest.raises(SchemaOutdated, match="newer"):
        migrate.require_newest(empty)


def test_six_processes_that_upgrade_at_once_all_succeed(empty_url, store_on):
    processes = [
        subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", UPGRADE, empty_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    ready = [process.stdout.readline() for process in processes]

    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60) for process in processes]

    assert ready == ["ready\n"] * 6
    assert [(out.strip(), err) for out, err in answers] == [(migrate.newest_version(), "")] * 6


def test_the_lock_for_upgrades_is_taken_on_postgresql(postgresql_url, store_on):
    store = store_on(postgresql_url)

    with store.engine.begin() as connection:
        lock_for_upgrade(connection)
        held = connection.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))

    assert held == 1
