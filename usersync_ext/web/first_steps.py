"""The way from a new source to its first person, and how far it is gone."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ..core.records import Person, Source, SourceState, Token
from ..store import overview as store_overview
from ..store import people as store_people
from ..store import requests as store_requests
from ..store import sources as store_sources
from .shared import engine

RULES, CONNECT, FIRST_REQUEST, FIRST_PERSON, GO_ACTIVE, OVER = (
    "rules",
    "connect",
    "first_request",
    "first_person",
    "go_active",
    "over",
)
STEPS = (RULES, CONNECT, FIRST_REQUEST, FIRST_PERSON, GO_ACTIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What there is of a source; ``answered`` is when the oldest and the newest were.

    Only requests that are still kept, and were not in vain, count as answered.
    """

    source: Source
    live: tuple[Token, ...]
    heard_at: datetime | None
    answered: tuple[datetime, datetime] | None
    newest_person: Person | None

    @property
    def step(self) -> str:
        """The step that is to be taken now, one of ``STEPS``, or ``OVER``."""
        if self.newest_person is not None:
            active = self.source.state is not SourceState.OBSERVE
            return OVER if active else GO_ACTIVE
        if self.answered is not None:
            return FIRST_PERSON
        if self.live:
            return FIRST_REQUEST
        return CONNECT if self.source.version > 1 else RULES

    def is_done(self, step: str) -> bool:
        """Tell whether a step lies behind."""
        return self.step == OVER or STEPS.index(step) < STEPS.index(self.step)

    @property
    def is_waiting(self) -> bool:
        """Whether the provider has to do something next."""
        return self.step in {FIRST_REQUEST, FIRST_PERSON}


def progress_of(source: Source) -> Progress:
    """Return how far a source is."""
    engine().recorder.flush()
    with engine().store.reading() as db:
        live = store_overview.live_tokens(db, datetime.now(UTC)).get(source.key, [])
        return Progress(
            source=source,
            live=tuple(live),
            heard_at=store_sources.last_request_at(db, source),
            answered=store_requests.answered_between(db, source.id),
            newest_person=store_people.newest_person(db, source),
        )
