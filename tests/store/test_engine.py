"""Transactions lose nothing, and a database that does not answer is said to be busy."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text, update

from usersync_ext.errors import ConfigError
from usersync_ext.store import engine as store_engine
from usersync_ext.store.engine import Store, StoreBusy, remembered
from usersync_ext.store.requests import VALUES, get_value, set_value

THREADS, ROUNDS = 4, 100


@pytest.fixture
def store(database_url, store_on):
    return store_on(database_url)


def add_one(store: Store) -> None:
    with store.writing() as session:
        value = get_value(session, "counter", lock=True)
        set_value(session, "counter", str(int(value) + 1))


def test_400_read_modify_writes_of_four_threads_are_all_kept(store):
    with store.writing() as session:
        set_value(session, "counter", "0")

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: add_one(store), range(THREADS * ROUNDS)))

    with store.reading() as session:
        assert get_value(session, "counter") == str(THREADS * ROUNDS)


def test_two_stores_on_one_file_lose_nothing_either(sqlite_url, store_on):
    stores = [store_on(sqlite_url), store_on(sqlite_url)]
    with stores[0].writing() as session:
        set_value(session, "counter", "0")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda n: add_one(stores[n % 2]), range(100)))

    with stores[1].reading() as session:
        assert get_value(session, "counter") == "100"


def number_in(store: Store) -> int:
    with store.reading() as session:
        return remembered(session, "counter", lambda: int(get_value(session, "counter")))


def write_number(store: Store, value: int) -> None:
    with store.writing() as session:
        set_value(session, "counter", str(value))


def test_a_remembered_number_follows_the_writes_of_its_own_and_of_other_connections(
    database_url, store_on
):
    ours, other = store_on(database_url), store_on(database_url)
    write_number(ours, 1)
    seen = [number_in(ours)]
    write_number(ours, 2)  # through the pool's one connection, which is also the reader's
    seen.append(number_in(ours))
    write_number(other, 3)
    seen.append(number_in(ours))

    with ours.reading() as session:
        get_value(session, "counter")
        write_number(other, 4)  # after the snapshot of the reader
        seen.append(remembered(session, "counter", lambda: int(get_value(session, "counter"))))
    seen.append(number_in(ours))

    assert seen[:3] == [1, 2, 3]
    assert seen[3] in {3, 4}  # PostgreSQL reads what is committed, SQLite its snapshot
    assert seen[4] == 4


def test_a_number_is_not_computed_again_on_sqlite_while_nobody_writes(sqlite_url, store_on):
    store = store_on(sqlite_url)
    write_number(store, 1)
    computed = []

    def compute() -> int:
        computed.append(1)
        return 7

    for _ in range(3):
        with store.reading() as session:
            assert remembered(session, "n", compute) == 7

    assert len(computed) == 1


def test_an_error_within_a_write_leaves_nothing_behind(store):
    def fail_after_writing() -> None:
        with store.writing() as session:
            set_value(session, "half", "done")
            raise LookupError

    with pytest.raises(LookupError):
        fail_after_writing()

    with store.reading() as session:
        assert get_value(session, "half") is None


def test_what_is_written_while_reading_is_rolled_back(store):
    with store.reading() as session:
        set_value(session, "sneaked", "in")

    with store.reading() as session:
        assert get_value(session, "sneaked") is None


def test_a_reader_sees_one_snapshot_while_somebody_writes(sqlite_url, store_on):
    store = store_on(sqlite_url)
    with store.writing() as session:
        set_value(session, "name", "before")

    with store.reading() as reader:
        first = get_value(reader, "name")
        with store.writing() as writer:
            set_value(writer, "name", "after")
        second = get_value(reader, "name")

    assert (first, second) == ("before", "before")


def test_a_locked_file_is_busy_not_broken(sqlite_url, store_on, monkeypatch):
    monkeypatch.setattr(store_engine, "BUSY_TIMEOUT_SECONDS", 0)
    store = store_on(sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreBusy), store.writing() as session:
        set_value(session, "name", "value")

    other.execute("ROLLBACK")
    other.close()


def test_a_new_file_that_somebody_writes_to_is_opened_as_soon_as_they_are_done(tmp_path, store_on):
    path = tmp_path / "new.sqlite3"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")  # not WAL yet: SQLite does not wait to change that
    other.execute("CREATE TABLE thing (id INTEGER)")
    done = threading.Timer(0.2, other.execute, ["COMMIT"])
    done.start()

    with store_on(f"sqlite:///{path}").reading() as session:
        mode = session.exec_driver_sql("PRAGMA journal_mode").scalar()

    done.join()
    assert mode == "wal"


def test_a_writer_that_waits_too_long_for_another_one_is_told_so(sqlite_url, store_on, monkeypatch):
    store = store_on(sqlite_url)
    monkeypatch.setattr(store_engine, "BUSY_TIMEOUT_SECONDS", 0.05)
    errors: list[BaseException] = []

    def write() -> None:
        try:
            with store.writing():
                pass
        except StoreBusy as error:
            errors.append(error)

    with store.writing():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()

    assert [type(error) for error in errors] == [StoreBusy]


def test_a_lock_on_postgresql_keeps_the_other_writer_waiting(postgresql_url, store_on):
    store = store_on(postgresql_url)
    with store.writing() as session:
        set_value(session, "name", "first")

    def write_second() -> None:
        with store.writing() as other:
            other.execute(text("SET LOCAL lock_timeout = '50ms'"))
            other.execute(update(VALUES).where(VALUES.c.name == "name").values(value="second"))

    with store.writing() as session:
        get_value(session, "name", lock=True)
        with pytest.raises(StoreBusy):
            write_second()

    with store.reading() as session:
        assert session.scalar(select(VALUES.c.value)) == "first"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "no url"])
def test_a_database_that_cannot_work_is_refused_by_name(url):
    with pytest.raises(ConfigError, match="USERSYNC_DATABASE_URI"):
        Store(url)


def test_a_store_that_was_only_made_has_opened_nothing(tmp_path):
    Store(f"sqlite:///{tmp_path / 'never.sqlite3'}")

    assert list(tmp_path.iterdir()) == []


def test_the_location_does_not_show_the_password():
    store = Store("postgresql+psycopg://ada:hunter2@127.0.0.1/db")  # not a secret

    assert "hunter2" not in store.location
    assert store.location.startswith("postgresql+psycopg://ada:***@")
