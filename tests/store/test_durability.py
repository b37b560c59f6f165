"""What was committed is on disk before anybody is told, and writers share the wait."""

import os
import threading

import pytest
from sqlalchemy import text

from usersync_ext.store.durability import LogFailed
from usersync_ext.store.engine import Store, StoreBusy


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/x.sqlite3")
    with store.writing() as session:
        session.execute(text("CREATE TABLE number (value INTEGER)"))
    yield store
    store.dispose()


def write(store: Store, value: int) -> None:
    with store.writing() as session:
        session.execute(text("INSERT INTO number VALUES (:value)"), {"value": value})


def synced_files(monkeypatch) -> list[str]:
    """Note the name of each file that is synced from now on."""
    names: list[str] = []
    real = os.fsync

    def noting(descriptor: int) -> None:
        names.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    return names


def test_a_commit_is_followed_by_a_sync_of_the_log(store, monkeypatch):
    names = synced_files(monkeypatch)

    write(store, 1)

    assert names == ["x.sqlite3-wal"]


def test_a_transaction_that_failed_syncs_nothing(store, monkeypatch):
    names = synced_files(monkeypatch)

    with pytest.raises(ZeroDivisionError), store.writing():
        raise ZeroDivisionError

    assert names == []


def test_writers_that_wait_together_share_one_sync(store, monkeypatch):
    started, go_on = threading.Event(), threading.Event()
    syncs: list[int] = []
    real = os.fsync

    def slow(descriptor: int) -> None:
        syncs.append(descriptor)
        started.set()
        go_on.wait(5)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    first = threading.Thread(target=write, args=(store, 0))
    first.start()
    started.wait(5)
    others = [threading.Thread(target=write, args=(store, n)) for n in range(1, 9)]
    for thread in others:
        thread.start()
    while store._log._committed < 10:  # all are in the log: the table's own commit and nine
        threading.Event().wait(0.01)
    go_on.set()
    for thread in (first, *others):
        thread.join(5)

    assert len(syncs) == 2  # the first writer's, and one for all who came during it
    with store.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM number")) == 9


def test_a_disk_that_fails_is_not_an_acknowledgement(store, monkeypatch):
    def failing(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing)

    with pytest.raises(StoreBusy) as caught:
        write(store, 1)
    assert isinstance(caught.value.__cause__, LogFailed)
