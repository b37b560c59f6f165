"""What requests leave behind: kept in memory, written at most every five seconds.

Reads write nothing: a write for each GET would double the slowest answers. A crash may lose the
last seconds of this, never anything about people.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from ..core import arrivals
from ..core.arrivals import Stray
from ..core.records import RequestRecord
from ..errors import UserSyncError
from ..store import journal, requests, strays, tokens
from ..store.engine import Session, Store
from ..store.journal import Event
from ..store.requests import KEPT_FAILED, KEPT_PER_SOURCE

logger = logging.getLogger("usersync")
FLUSH_SECONDS = 5.0
UNCONFIRMED_AFTER = timedelta(seconds=60)
MAX_STRAYS = 50
"""How many kinds of requests that came to no source are told apart in one flush."""
MAX_OF_UNKNOWN_SOURCES = 25
"""How many of them may be of keys that no source had at the last flush: anybody invents those."""


class Newest:
    """The newest requests of one source, and the newest that failed among the older ones."""

    def __init__(self) -> None:
        self._failed: deque[RequestRecord] = deque(maxlen=KEPT_FAILED)
        self._all: deque[RequestRecord] = deque()

    def add(self, record: RequestRecord) -> None:
        """Remember a request; a robot that polls pushes no failure out."""
        self._all.append(record)
        if len(self._all) > KEPT_PER_SOURCE:
            oldest = self._all.popleft()
            if oldest.status >= 400:
                self._failed.append(oldest)

    def records(self) -> list[RequestRecord]:
        """Return what is remembered in the order in which it came."""
        return [*self._failed, *self._all]


class Recorder:
    """Buffers request records, strays, token use and sent signals of one process."""

    def __init__(self, store: Store, send: Callable[[Event], None]) -> None:
        self._store = store
        self._send = send
        self._lock = threading.Lock()
        self._requests: dict[int, Newest] = {}
        self._strays: dict[tuple[str, str, str, str], Stray] = {}
        self._keys: frozenset[str] = frozenset()
        self._token_use: dict[int, tuple[datetime, str]] = {}
        self._heard: dict[int, datetime] = {}
        self._confirmed: list[int] = []
        self._timer: threading.Timer | None = None

    def note_request(self, record: RequestRecord, token_id: int | None) -> None:
        """Remember a SCIM request and, if it was let in, its token's use."""
        with self._lock:
            newest = self._requests.get(record.source_id)
            if newest is None:
                newest = self._requests[record.source_id] = Newest()
            newest.add(record)
            if token_id is not None:
                self._token_use[token_id] = (record.at, record.client)
                self._heard[record.source_id] = record.at
            self._arm()

    def note_stray(self, stray: Stray) -> None:
        """Count a request that came to no source."""
        with self._lock:
            room = MAX_STRAYS if stray.source in self._keys else MAX_OF_UNKNOWN_SOURCES
            arrivals.tally(self._strays, stray, room)
            self._arm()

    def confirm(self, event_ids: Sequence[int]) -> None:
        """Remember that signals were sent."""
        if event_ids:
            with self._lock:
                self._confirmed.extend(event_ids)
                self._arm()

    def _arm(self) -> None:
        """Start the timer unless it runs; the lock is held."""
        if self._timer is None:
            self._timer = threading.Timer(FLUSH_SECONDS, self._flush_by_timer)
            self._timer.daemon = True
            self._timer.start()

    def _flush_by_timer(self) -> None:
        """Write what was remembered; a database that is busy loses it, and says so in the log."""
        try:
            self.flush()
            self.send_left_over()
        except (UserSyncError, SQLAlchemyError):
            logger.warning("request records of the last seconds could not be written")

    def flush(self) -> None:
        """Write what was remembered now."""
        with self._lock:
            newest, self._requests = self._requests, {}
            counted, self._strays = self._strays, {}
            used, self._token_use = self._token_use, {}
            heard, self._heard = self._heard, {}
            confirmed, self._confirmed = self._confirmed, []
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if not (newest or used or confirmed or counted):
            return
        records = [record for source in newest.values() for record in source.records()]
        with self._store.writing() as session:
            known = requests.known_sources(session, {r.source_id for r in records})
            kept = [r for r in records if r.source_id in known]
            if kept:
                requests.add_requests(session, kept)
            for token_id, (at, address) in used.items():
                tokens.note_use(session, token_id, at, address)
            for source_id, at in heard.items():
                tokens.note_request(session, source_id, at)
            journal.confirm_events(session, confirmed)
            self._add_strays(session, counted.values())

    def _add_strays(self, session: Session, counted: Collection[Stray]) -> None:
        """Write what came to no source, by problems that only the database tells."""
        merged: dict[tuple[str, str, str, str], Stray] = {}
        if counted:
            self._keys = strays.known_keys(session)
        for stray in counted:
            arrivals.tally(merged, arrivals.settled(stray, self._keys), len(merged) + 1)
        strays.add_strays(session, list(merged.values()))
        strays.forget_strays(session, datetime.now(UTC) - strays.KEPT_FOR)

    def send_left_over(self) -> None:
        """Send the signals of a process that died between its commit and sending."""
        with self._store.reading() as session:
            events = journal.waiting_events(session, datetime.now(UTC) - UNCONFIRMED_AFTER)
        for event in events:
            self._send(event)
        if events:
            with self._store.writing() as session:
                journal.confirm_events(session, [event.id for event in events])
