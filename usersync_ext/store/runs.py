"""Runs: plans for all people of a source, stored, and how far they were carried out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, delete, func, insert, not_, or_, select, update

from ..core.records import PlannedPerson, Run, RunState
from ..errors import NotFound
from .columns import table_of
from .engine import Session
from .schema import PlannedRow, RunRow, SourceRow

TABLE = table_of(RunRow)
PLANNED = table_of(PlannedRow)
SOURCES = table_of(SourceRow)
KEPT_PER_SOURCE = 20
AT_WORK = or_(
    TABLE.c.state.in_([RunState.PLANNING, RunState.APPLYING]),
    and_(TABLE.c.state == RunState.PLANNED, TABLE.c.applies),
)
"""Which runs somebody has to work on."""


def runs_query() -> Select[Any]:
    """Return the query that reads runs with the key of their source."""
    return select(*TABLE.c, SOURCES.c.key.label("source")).join(
        SOURCES, SOURCES.c.id == TABLE.c.source_id
    )


def run_from_row(row: Row[Any]) -> Run:
    """Return the run of a row."""
    values = dict(row._mapping)
    return Run(**{**values, "state": RunState(values["state"])})


def add_run(session: Session, **values: Any) -> Run:
    """Store a new run that is to be planned; older ones of its source that nobody needs go."""
    new = {
        "state": RunState.PLANNING,
        "done": 0,
        "cursor": 0,
        "counts": {},
        "removals": 0,
        "admins_gone": 0,
        "holds": False,
        "held": 0,
        "why": "",
        **values,
    }
    run_id = session.execute(insert(TABLE).values(**new).returning(TABLE.c.id)).scalar_one()
    forget_old(session, values["source_id"])
    return get_run(session, run_id)


def forget_old(session: Session, source_id: int) -> None:
    """Delete all but the newest runs of a source, and the plans of those that are over."""
    kept = (
        select(TABLE.c.id)
        .where(TABLE.c.source_id == source_id)
        .order_by(TABLE.c.id.desc())
        .limit(KEPT_PER_SOURCE)
    )
    old = (TABLE.c.source_id == source_id, TABLE.c.id.not_in(kept), not_(AT_WORK))
    ids = list(session.scalars(select(TABLE.c.id).where(*old)))
    if ids:
        session.execute(delete(PLANNED).where(PLANNED.c.run_id.in_(ids)))
        session.execute(delete(TABLE).where(TABLE.c.id.in_(ids)))


def get_run(session: Session, run_id: int) -> Run:
    """Return a run. Raises NotFound."""
    row = session.execute(runs_query().where(TABLE.c.id == run_id)).first()
    if row is None:
        raise NotFound("there is no such run")
    return run_from_row(row)


def list_runs(session: Session, source_id: int, limit: int = KEPT_PER_SOURCE) -> list[Run]:
    """Return the runs of a source, the newest first."""
    query = runs_query().where(TABLE.c.source_id == source_id).order_by(TABLE.c.id.desc())
    return [run_from_row(row) for row in session.execute(query.limit(limit))]


def at_work(session: Session, source_id: int) -> Run | None:
    """Return the run of a source that somebody works on, None if there is none."""
    query = runs_query().where(TABLE.c.source_id == source_id, AT_WORK)
    row = session.execute(query.order_by(TABLE.c.id.desc()).limit(1)).first()
    return None if row is None else run_from_row(row)


def left_alone(session: Session, since: datetime) -> list[Run]:
    """Return the runs that somebody should work on but nobody does since a time."""
    query = runs_query().where(AT_WORK, TABLE.c.beat_at < since)
    return [run_from_row(row) for row in session.execute(query.order_by(TABLE.c.id))]


def advance(session: Session, run: Run, now: datetime, **values: Any) -> bool:
    """Store progress; return False where somebody else took the run over or cancelled it."""
    done = session.execute(
        update(TABLE)
        .where(TABLE.c.id == run.id, TABLE.c.beat_at == run.beat_at, TABLE.c.state == run.state)
        .values(beat_at=now, **values)
    )
    return done.rowcount == 1


def add_planned(session: Session, run_id: int, rows: Iterable[Mapping[str, Any]]) -> None:
    """Store what a run means to do with some people, in the place of what was stored before."""
    found = [{"run_id": run_id, **row} for row in rows]
    ids = [row["identity_id"] for row in found]
    if ids:
        session.execute(
            delete(PLANNED).where(PLANNED.c.run_id == run_id, PLANNED.c.identity_id.in_(ids))
        )
        session.execute(insert(PLANNED), found)


def list_planned(
    session: Session, run_id: int, *, kind: str = "", after_id: int = 0, limit: int = 100
) -> list[PlannedPerson]:
    """Return what a run means to do, by identity; ``kind`` is a word of the counts."""
    query = (
        select(PLANNED)
        .where(PLANNED.c.run_id == run_id, PLANNED.c.identity_id > after_id)
        .order_by(PLANNED.c.identity_id)
        .limit(limit)
    )
    if kind:
        query = query.where((" " + PLANNED.c.kinds + " ").contains(f" {kind} ", autoescape=True))
    return [
        PlannedPerson(
            identity_id=row.identity_id,
            subject=row.subject,
            state=row.state,
            why=row.why,
            kinds=tuple(row.kinds.split()),
            changes=tuple(row.changes),
        )
        for row in session.execute(query)
    ]


def planned_ids(session: Session, run_id: int, ids: Sequence[int]) -> set[int]:
    """Return which of some people a run has planned for."""
    return set(
        session.scalars(
            select(PLANNED.c.identity_id).where(
                PLANNED.c.run_id == run_id, PLANNED.c.identity_id.in_(ids)
            )
        )
    )


def count_planned(session: Session, run_id: int) -> int:
    """Return how many people a run has planned for."""
    query = select(func.count()).select_from(PLANNED).where(PLANNED.c.run_id == run_id)
    return session.scalar(query) or 0
