"""The newest SCIM requests of each source, and values of the installation itself."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, TextClause, delete, func, insert, select, update

from ..core.records import RequestRecord
from .columns import table_of
from .engine import Session
from .record_tables import FAILED, RequestRow, ValueRow
from .schema import SourceRow

TABLE = table_of(RequestRow)
VALUES = table_of(ValueRow)
PROBES = frozenset({401, 404, 412})
"""Answers that belong to the way in which providers look."""
KEPT_PER_SOURCE = 500
KEPT_FAILED = 200
"""How many of the failed ones are kept besides: robots that poll push no failure out."""
KEPT = KEPT_PER_SOURCE + KEPT_FAILED


def known_sources(session: Session, ids: Collection[int]) -> set[int]:
    """Return which of these sources still exist."""
    return set(session.scalars(select(SourceRow.id).where(SourceRow.id.in_(ids))))


def add_requests(session: Session, requests: Sequence[RequestRecord]) -> None:
    """Store requests; of each source forget all but the newest and the newest that failed."""
    session.execute(
        insert(TABLE),
        [
            {
                "source_id": r.source_id,
                "at": r.at,
                "method": r.method,
                "path": r.path,
                "status": r.status,
                "duration_ms": r.duration_ms,
                "detail": r.detail,
                "notes": list(r.notes),
                "client": r.client,
                "token_prefix": r.token_prefix,
                "request_id": r.request_id,
            }
            for r in requests
        ],
    )
    for source_id in {r.source_id for r in requests}:
        forget_older(session, source_id)


def forget_older(session: Session, source_id: int) -> None:
    """Forget the requests of a source that are among the newest of neither kind."""
    last = newest_beyond(session, source_id, KEPT_PER_SOURCE)
    if last is None:
        return
    of_source = TABLE.c.source_id == source_id
    session.execute(delete(TABLE).where(of_source, TABLE.c.id <= last, TABLE.c.status < 400))
    last_failed = newest_beyond(session, source_id, KEPT_FAILED, FAILED)
    if last_failed is not None:
        beyond = TABLE.c.id <= min(last, last_failed)
        session.execute(delete(TABLE).where(of_source, beyond, FAILED))


def newest_beyond(
    session: Session, source_id: int, kept: int, *conditions: ColumnElement[bool] | TextClause
) -> int | None:
    """Return the id of the newest request of a source behind so many, None if there are fewer."""
    return session.scalar(
        select(TABLE.c.id)
        .where(TABLE.c.source_id == source_id, *conditions)
        .order_by(TABLE.c.id.desc())
        .offset(kept)
        .limit(1)
    )


def list_requests(
    session: Session,
    source_id: int,
    *,
    failed_only: bool = False,
    before_id: int | None = None,
    since: datetime | None = None,
    limit: int = 100,
) -> list[RequestRecord]:
    """Return the newest requests of a source, newest first; ``before_id`` is the last one seen."""
    query = (
        select(TABLE).where(TABLE.c.source_id == source_id).order_by(TABLE.c.id.desc()).limit(limit)
    )
    if failed_only:
        query = query.where(FAILED)  # in words: else SQLite does not see that its index serves
    if before_id is not None:
        query = query.where(TABLE.c.id < before_id)
    if since is not None:
        query = query.where(TABLE.c.at >= since)
    return [request_from_row(row) for row in session.execute(query)]


def request_from_row(row: Row[Any]) -> RequestRecord:
    """Return the record of a row."""
    return RequestRecord(
        id=row.id,
        at=row.at,
        source_id=row.source_id,
        method=row.method,
        path=row.path,
        status=row.status,
        duration_ms=row.duration_ms,
        detail=row.detail,
        notes=tuple(row.notes),
        client=row.client,
        token_prefix=row.token_prefix,
        request_id=row.request_id,
    )


def alerts_of(
    session: Session, source_id: int, since: datetime
) -> tuple[int, RequestRecord | None, list[str]]:
    """Return what an administrator should know of the kept requests since a time.

    That is how many the provider made in vain (401 and 404 are a provider's way to look), the
    newest of them, and the remarks on what it sends that is not used, each once.
    """
    recent = list_requests(session, source_id, since=since, limit=KEPT)
    failed = [r for r in recent if r.status >= 400 and r.status not in PROBES]
    notes = dict.fromkeys(note for request in recent for note in request.notes)
    return len(failed), failed[0] if failed else None, list(notes)


def answered_between(session: Session, source_id: int) -> tuple[datetime, datetime] | None:
    """Return when the oldest and the newest kept request that was answered well came."""
    first, last = session.execute(
        select(func.min(TABLE.c.at), func.max(TABLE.c.at)).where(
            TABLE.c.source_id == source_id, TABLE.c.status < 400
        )
    ).one()
    return None if first is None else (first, last)


def get_value(session: Session, name: str, *, lock: bool = False) -> str | None:
    """Return a value of the installation, None if it was never set.

    ``lock`` keeps others from changing it until the transaction ends.
    """
    query = select(VALUES.c.value).where(VALUES.c.name == name)
    return session.scalar(query.with_for_update() if lock else query)


def set_value(session: Session, name: str, value: str | None) -> None:
    """Set a value of the installation; None removes it."""
    if value is None:
        session.execute(delete(VALUES).where(VALUES.c.name == name))
        return
    current = select(VALUES.c.name).where(VALUES.c.name == name)
    if session.scalar(current) is None:
        session.execute(insert(VALUES).values(name=name, value=value))
    else:
        session.execute(update(VALUES).where(VALUES.c.name == name).values(value=value))
