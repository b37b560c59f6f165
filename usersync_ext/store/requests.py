"""The newest SCIM requests of each source, and values of the installation itself."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from ..core.records import RequestRecord
from .columns import table_of
from .engine import Session
from .record_tables import RequestRow, ValueRow
from .schema import SourceRow

TABLE = table_of(RequestRow)
VALUES = table_of(ValueRow)
KEPT_PER_SOURCE = 500


def known_sources(session: Session, ids: Collection[int]) -> set[int]:
    """Return which of these sources still exist."""
    return set(session.scalars(select(SourceRow.id).where(SourceRow.id.in_(ids))))


def add_requests(session: Session, requests: Sequence[RequestRecord]) -> None:
    """Store requests and forget all but the newest of each source."""
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
        oldest_kept = session.scalar(
            select(TABLE.c.id)
            .where(TABLE.c.source_id == source_id)
            .order_by(TABLE.c.id.desc())
            .offset(KEPT_PER_SOURCE)
            .limit(1)
        )
        if oldest_kept is not None:
            session.execute(
                delete(TABLE).where(TABLE.c.source_id == source_id, TABLE.c.id <= oldest_kept)
            )


def list_requests(
    session: Session, source_id: int, *, failed_only: bool = False, limit: int = 100
) -> list[RequestRecord]:
    """Return the newest requests of a source, newest first."""
    query = (
        select(TABLE).where(TABLE.c.source_id == source_id).order_by(TABLE.c.id.desc()).limit(limit)
    )
    if failed_only:
        query = query.where(TABLE.c.status >= 400)
    return [
        RequestRecord(
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
        for row in session.execute(query)
    ]


def alerts_of(
    session: Session, source_id: int, since: datetime
) -> tuple[int, RequestRecord | None, list[str]]:
    """Return what an administrator should know of the kept requests since a time.

    That is how many the provider made in vain (401 and 404 are a provider's way to look), the
    newest of them, and the remarks on what it sends that is not used, each once.
    """
    recent = [
        request
        for request in list_requests(session, source_id, limit=KEPT_PER_SOURCE)
        if request.at >= since
    ]
    failed = [r for r in recent if r.status >= 400 and r.status not in {401, 404, 412}]
    notes = dict.fromkeys(note for request in recent for note in request.notes)
    return len(failed), failed[0] if failed else None, list(notes)


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
