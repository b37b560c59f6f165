"""Committed means durable: SQLite's log is on disk before anybody is told of a commit.

With ``synchronous=FULL`` SQLite waits for the disk inside the write transaction, so writers queue
for one wait each. Here the database runs with NORMAL, and each writer makes the write-ahead log
durable itself after its commit and after letting the next writer in: writers that wait together
share one ``fsync``. What was acknowledged survives a power cut all the same (a provider does not
send a deactivation twice).
"""

import os
import threading
from pathlib import Path

DIRECTORY_FLAG = getattr(os, "O_DIRECTORY", 0)


class LogFailed(Exception):
    """The disk did not take the log: what was committed may not survive a power cut."""


class LogSync:
    """The write-ahead log of one SQLite file, made durable for many commits at once."""

    def __init__(self, database: str) -> None:
        self._log = Path(f"{database}-wal")
        self._lock = threading.Lock()
        self._committed = 0
        self._durable = 0
        self._known: tuple[int, int] | None = None

    def note_commit(self) -> int:
        """Return the number of a commit that was just made; the writers' lock is held."""
        self._committed += 1
        return self._committed

    def wait(self, number: int) -> None:
        """Return once a commit is durable. Raises LogFailed."""
        with self._lock:
            if self._durable >= number:
                return
            upto = self._committed  # every one of these was in the log before we look at it
            try:
                self._sync()
            except OSError as error:
                raise LogFailed(str(error)) from error
            self._durable = upto

    def _sync(self) -> None:
        """Write the log through; a log that is gone was moved into the database durably."""
        try:
            descriptor = os.open(self._log, os.O_RDWR)
        except FileNotFoundError:
            return
        try:
            os.fsync(descriptor)
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if self._known != (status.st_dev, status.st_ino):
            self._sync_folder()
            self._known = (status.st_dev, status.st_ino)

    def _sync_folder(self) -> None:
        """Make a new log's name durable, where the system lets folders be synced."""
        if not DIRECTORY_FLAG:
            return
        descriptor = os.open(self._log.parent, os.O_RDONLY | DIRECTORY_FLAG)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
