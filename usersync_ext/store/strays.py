"""Requests that came to no source, counted by kind: the newest few, whoever sends them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, delete, func, or_, select, text
from sqlalchemy.dialects import postgresql, sqlite

from ..core.arrivals import Problem, Stray
from .columns import table_of
from .engine import Session
from .record_tables import StrayRow
from .schema import SourceRow, TokenRow

TABLE = table_of(StrayRow)
SOURCES = table_of(SourceRow)
TOKENS = table_of(TokenRow)
KEPT = 200
KEPT_OF_UNKNOWN_SOURCES = 100
"""Any stranger can invent keys; the rest of the list is for those that exist."""
KEPT_FOR = timedelta(days=30)


def known_keys(session: Session) -> frozenset[str]:
    """Return the keys of all sources."""
    return frozenset(session.scalars(select(SOURCES.c.key)))


def add_strays(session: Session, strays: Sequence[Stray]) -> None:
    """Add to what was counted, each kind at most once in ``strays``; keep only the newest kinds."""
    if not strays:
        return
    lock(session)
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(TABLE).values([row_of(stray) for stray in strays])
    new = statement.excluded
    is_newer = new.last_at >= TABLE.c.last_at

    def newer(name: str) -> ColumnElement[Any]:
        return case((is_newer, new[name]), else_=TABLE.c[name])

    session.execute(
        statement.on_conflict_do_update(
            index_elements=[TABLE.c.source, TABLE.c.problem, TABLE.c.method, TABLE.c.path],
            set_={
                "count": TABLE.c["count"] + new["count"],
                "first_at": case(
                    (new.first_at < TABLE.c.first_at, new.first_at), else_=TABLE.c.first_at
                ),
                "last_at": newer("last_at"),
                "client": newer("client"),
                "token_prefix": func.coalesce(
                    func.nullif(newer("token_prefix"), ""), TABLE.c.token_prefix
                ),
            },
        )
    )
    keep(session, KEPT_OF_UNKNOWN_SOURCES, TABLE.c.problem == Problem.UNKNOWN_SOURCE)
    keep(session, KEPT)


def lock(session: Session) -> None:
    """Wait for other processes that write here; on SQLite every write does.

    They would touch the same rows in different orders, which PostgreSQL ends as a deadlock.
    """
    if session.dialect.name == "postgresql":
        session.execute(text(f"LOCK TABLE {TABLE.name} IN SHARE ROW EXCLUSIVE MODE"))


def keep(session: Session, count: int, *conditions: ColumnElement[bool]) -> None:
    """Forget all but the newest of the rows that meet some conditions."""
    newest_first = (TABLE.c.last_at.desc(), TABLE.c.id.desc())
    older = select(TABLE.c.id).where(*conditions).order_by(*newest_first).offset(count)
    session.execute(delete(TABLE).where(TABLE.c.id.in_(older)))


def forget_strays(session: Session, before: datetime) -> None:
    """Forget what did not come again since a time; others are kept waiting only if there is any."""
    old = TABLE.c.last_at < before
    if session.scalar(select(TABLE.c.id).where(old).limit(1)) is not None:
        lock(session)
        session.execute(delete(TABLE).where(old))


def list_strays(
    session: Session,
    *,
    source: str | None = None,
    since: datetime | None = None,
    limit: int = KEPT,
) -> list[Stray]:
    """Return what came to no source, the newest first.

    Of a source are the requests that named its key since it is there, and those to any other
    address that a token of it came with.
    """
    query = select(TABLE).order_by(TABLE.c.last_at.desc(), TABLE.c.id.desc()).limit(limit)
    if source is not None:
        owner = TOKENS.join(SOURCES, SOURCES.c.id == TOKENS.c.source_id)
        own_tokens = select(TOKENS.c.prefix).select_from(owner).where(SOURCES.c.key == source)
        named = and_(TABLE.c.source == source, TABLE.c.problem != Problem.UNKNOWN_SOURCE)
        query = query.where(or_(named, TABLE.c.token_prefix.in_(own_tokens)))
    if since is not None:
        query = query.where(TABLE.c.last_at >= since)
    return [stray_from_row(row) for row in session.execute(query)]


def row_of(stray: Stray) -> dict[str, Any]:
    """Return the columns of a stray."""
    return {
        "source": stray.source,
        "problem": str(stray.problem),
        "method": stray.method,
        "path": stray.path,
        "client": stray.client,
        "token_prefix": stray.token_prefix,
        "count": stray.count,
        "first_at": stray.first_at,
        "last_at": stray.last_at,
    }


def stray_from_row(row: Row[Any]) -> Stray:
    """Return the record of a row."""
    columns = row._mapping
    return Stray(
        source=row.source,
        problem=Problem(row.problem),
        method=row.method,
        path=row.path,
        client=row.client,
        token_prefix=row.token_prefix,
        count=columns["count"],
        first_at=row.first_at,
        last_at=row.last_at,
    )
