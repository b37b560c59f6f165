"""What has to happen by itself: abandoned runs go on, accounts whose time is over are deleted,
and what tests of dead processes left behind is removed.

A thread drives the ``schedule`` library. It starts with ``usersync serve``, and in a host with the
first request that a process serves: never at import, in a command, or before a fork. Any number
of processes may tick; every job finds out from the database what is left to do.
"""

import logging
import threading
from collections.abc import Callable

import schedule
from sqlalchemy.exc import SQLAlchemyError

from ..errors import UserSyncError
from . import leavers, runs, trials
from .engine import Engine

logger = logging.getLogger("usersync")
TICK_SECONDS = 5.0
RUNS_EVERY_SECONDS = 30
LEAVERS_EVERY_MINUTES = 30


class Ticker:
    """The thread of one process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._schedule = schedule.Scheduler()
        self._schedule.every(RUNS_EVERY_SECONDS).seconds.do(self.safely, self.resume_runs)
        self._schedule.every(LEAVERS_EVERY_MINUTES).minutes.do(self.safely, self.end_leavers)
        self._schedule.every(LEAVERS_EVERY_MINUTES).minutes.do(
            self.safely, self.remove_test_persons
        )

    def ensure_started(self) -> None:
        """Start the thread unless it runs."""
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self.run, name="usersync-tick", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread after the job that it is at."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=TICK_SECONDS)

    def run(self) -> None:
        """Do every job once, then each when its time has come."""
        for job in (self.resume_runs, self.end_leavers, self.remove_test_persons):
            self.safely(job)
        while not self._stopped.wait(TICK_SECONDS):
            self._schedule.run_pending()

    def resume_runs(self) -> None:
        """Go on with runs whose process is gone."""
        runs.resume_abandoned(self._engine)

    def end_leavers(self) -> None:
        """Delete the accounts whose time is over."""
        leavers.delete_all_due(self._engine)

    def remove_test_persons(self) -> None:
        """Remove the test persons of processes that died."""
        trials.remove_leftovers(self._engine)

    def safely(self, job: Callable[[], None]) -> None:
        """Run a job; what goes wrong is logged and tried again at its next time."""
        try:
            job()
        except (UserSyncError, SQLAlchemyError):
            logger.exception("a background job failed; it is tried again later")
