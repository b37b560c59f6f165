"""What pages show of all sources at once, in a fixed number of statements."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import Result, func, literal, or_, select, union_all

from ..core.cadence import Silence, silence
from ..core.records import ChangeKind, Outcome, Source, Token
from .columns import table_of
from .engine import Session
from .journal import refused_memberships
from .record_tables import FAILED, JournalRow, RequestRow
from .requests import PROBES
from .schema import HeldRow, IdentityRow, SourceRow, TokenRow
from .tokens import EXPIRY_WARNING, token_from_row

HELD = table_of(HeldRow)
IDENTITIES = table_of(IdentityRow)
JOURNAL = table_of(JournalRow)
REQUESTS = table_of(RequestRow)
SOURCES = table_of(SourceRow)
TOKENS = table_of(TokenRow)
ALERT_TIME = timedelta(days=1)
"""How long a refused membership or a failed request is worth an alert."""
VISITS_LOOKED_AT = 200
DAYS_SHOWN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The numbers of one source; ``expiring`` are its tokens that end within the warning time."""

    states: Mapping[str, int] = field(default_factory=dict)  # living people by state
    held: int = 0  # changes that wait for a decision
    refused: int = 0  # memberships that were refused to the provider lately
    failures: int = 0  # requests that were made in vain lately
    last_request_at: datetime | None = None
    silence: Silence | None = None
    live_tokens: int = 0
    expiring: tuple[Token, ...] = ()

    @property
    def people(self) -> int:
        """How many living people there are."""
        return sum(self.states.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfChanges:
    """How many changes of one day gave people something, changed it, or took it away."""

    day: date
    given: int = 0
    changed: int = 0
    taken: int = 0


GIVES_OR_TAKES: Mapping[str, str] = MappingProxyType(
    {
        ChangeKind.CREATE: "given",
        ChangeKind.ADOPT: "given",
        ChangeKind.ACTIVATE: "given",
        ChangeKind.ADD_MEMBER: "given",
        ChangeKind.DEACTIVATE: "taken",
        ChangeKind.DELETE: "taken",
        ChangeKind.REMOVE_MEMBER: "taken",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldChange:
    """A change that the guard keeps back, and whose it is."""

    id: int
    identity_id: int
    user_name: str
    full_name: str
    kind: str
    reason: str
    at: datetime


def list_figures(
    session: Session, found: Sequence[Source], now: datetime
) -> list[tuple[Source, Figures]]:
    """Return each source with its numbers, in the given order; seven statements at most."""
    states: dict[int, dict[str, int]] = {}
    for source_id, state, count in session.execute(
        select(IDENTITIES.c.source_id, IDENTITIES.c.state, func.count())
        .where(IDENTITIES.c.deleted_at.is_(None))
        .group_by(IDENTITIES.c.source_id, IDENTITIES.c.state)
    ):
        states.setdefault(source_id, {})[state] = count
    waiting = session.execute(
        select(HELD.c.source_id, func.count())
        .where(HELD.c.decision == "waiting")
        .group_by(HELD.c.source_id)
    )
    held = {row[0]: row[1] for row in waiting}
    heard = {
        row.id: row.last_request_at
        for row in session.execute(select(SOURCES.c.id, SOURCES.c.last_request_at))
    }
    live = live_tokens(session, now)
    refused = refused_memberships(session, now - ALERT_TIME)
    failures = count_failures(session, now - ALERT_TIME)
    visits = list_visits(session)
    return [
        (
            source,
            Figures(
                states=states.get(source.id, {}),
                held=held.get(source.id, 0),
                refused=refused.get(source.key, 0),
                failures=failures.get(source.id, 0),
                last_request_at=heard.get(source.id),
                silence=silence(visits.get(source.id, ()), now),
                live_tokens=len(live.get(source.key, [])),
                expiring=tuple(t for t in live.get(source.key, []) if expires_soon(t, now)),
            ),
        )
        for source in found
    ]


def count_failures(session: Session, since: datetime) -> dict[int, int]:
    """Return how many requests were made in vain since, by id of the source."""
    query = (
        select(REQUESTS.c.source_id, func.count())
        .where(FAILED, REQUESTS.c.status.not_in(PROBES), REQUESTS.c.at >= since)
        .group_by(REQUESTS.c.source_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def list_visits(session: Session) -> dict[int, list[datetime]]:
    """Return when the newest requests of each source came, oldest first, by id of the source."""
    newest = func.row_number().over(
        partition_by=REQUESTS.c.source_id, order_by=REQUESTS.c.id.desc()
    )
    numbered = select(
        REQUESTS.c.source_id, REQUESTS.c.id, REQUESTS.c.at, newest.label("place")
    ).subquery()
    found: dict[int, list[datetime]] = {}
    for row in session.execute(
        select(numbered.c.source_id, numbered.c.at)
        .where(numbered.c.place <= VISITS_LOOKED_AT)
        .order_by(numbered.c.id)
    ):
        found.setdefault(row.source_id, []).append(row.at)
    return found


def changes_per_day(session: Session, now: datetime) -> list[DayOfChanges]:
    """Return what was changed for people on each of the last days (in UTC), oldest first."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS_SHOWN))]
    counts = [
        select(literal(number), JOURNAL.c.kind, func.count())
        .where(
            JOURNAL.c.category == "change",
            JOURNAL.c.outcome == Outcome.APPLIED,
            JOURNAL.c.at >= day,
            JOURNAL.c.at < day + timedelta(days=1),
        )
        .group_by(JOURNAL.c.kind)
        for number, day in enumerate(days)
    ]
    counted: dict[int, Counter[str]] = defaultdict(Counter)
    for number, kind, count in session.execute(union_all(*counts)):
        counted[number][GIVES_OR_TAKES.get(kind, "changed")] += count
    return [DayOfChanges(day=day.date(), **counted[number]) for number, day in enumerate(days)]


def live_tokens(session: Session, now: datetime) -> dict[str, list[Token]]:
    """Return the tokens that still open something, by key of their source."""
    found: dict[str, list[Token]] = {}
    rows: Result[Any] = session.execute(
        select(*TOKENS.c, SOURCES.c.key.label("source_key"))
        .join(SOURCES, SOURCES.c.id == TOKENS.c.source_id)
        .where(
            TOKENS.c.revoked_at.is_(None),
            TOKENS.c.trial.is_(False),
            or_(TOKENS.c.expires_at.is_(None), TOKENS.c.expires_at > now),
        )
        .order_by(TOKENS.c.expires_at, TOKENS.c.id)
    )
    for row in rows:
        found.setdefault(row.source_key, []).append(token_from_row(row, row.source_key))
    return found


def expires_soon(token: Token, now: datetime) -> bool:
    """Tell whether a live token ends within the warning time."""
    return token.expires_at is not None and token.expires_at - now <= EXPIRY_WARNING


def list_held(
    session: Session, source_id: int, *, after_id: int = 0, limit: int = 100
) -> list[HeldChange]:
    """Return the changes of a source that wait for a decision, oldest first."""
    rows = session.execute(
        select(
            HELD.c.id,
            HELD.c.identity_id,
            IDENTITIES.c.user_name,
            IDENTITIES.c.full_name,
            HELD.c.kind,
            HELD.c.reason,
            HELD.c.at,
        )
        .join(IDENTITIES, IDENTITIES.c.id == HELD.c.identity_id)
        .where(HELD.c.source_id == source_id, HELD.c.decision == "waiting", HELD.c.id > after_id)
        .order_by(HELD.c.id)
        .limit(limit)
    )
    return [HeldChange(**row._mapping) for row in rows]
