"""What runs mean to do with groups of the directory, and with members whom no rule names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from ..core.username import name_key
from .columns import table_of
from .engine import Session
from .group_tables import PlannedGroupRow, PlannedOutsiderRow

TABLE = table_of(PlannedGroupRow)
OUTSIDERS = table_of(PlannedOutsiderRow)
SLICE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedGroup:
    """What a run means to do with one group of the directory.

    ``gains`` and ``losses`` count people; ``change`` is created, renamed, deleted or ``""``.
    """

    name: str
    gains: int = 0
    losses: int = 0
    change: str = ""
    was: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOutsider:
    """Somebody whom the source does not know and who is to leave a group."""

    group_key: str
    group: str
    account_key: str
    user_name: str
    reason: str


def add_planned_groups(session: Session, run_id: int, groups: Iterable[PlannedGroup]) -> None:
    """Add to what a run means to do with groups: numbers are summed up."""
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    by_key: dict[str, PlannedGroup] = {}
    for group in groups:
        known = by_key.get(name_key(group.name), PlannedGroup(name=group.name))
        by_key[name_key(group.name)] = PlannedGroup(
            name=group.name,
            gains=known.gains + group.gains,
            losses=known.losses + group.losses,
            change=group.change or known.change,
            was=group.was or known.was,
        )
    rows = [
        {
            "run_id": run_id,
            "name_key": key,
            "name": group.name,
            "gains": group.gains,
            "losses": group.losses,
            "change": group.change,
            "was": group.was,
        }
        for key, group in by_key.items()
    ]
    for start in range(0, len(rows), SLICE):
        statement = dialect.insert(TABLE).values(rows[start : start + SLICE])
        new = statement.excluded
        session.execute(
            statement.on_conflict_do_update(
                index_elements=[TABLE.c.run_id, TABLE.c.name_key],
                set_={
                    "gains": TABLE.c.gains + new.gains,
                    "losses": TABLE.c.losses + new.losses,
                    "change": func.coalesce(func.nullif(new.change, ""), TABLE.c.change),
                    "was": func.coalesce(func.nullif(new.was, ""), TABLE.c.was),
                },
            )
        )


def list_planned_groups(
    session: Session, run_id: int, *, limit: int | None = None
) -> list[PlannedGroup]:
    """Return what a run means to do with groups, those with most losses first."""
    query = (
        select(TABLE)
        .where(TABLE.c.run_id == run_id)
        .order_by(TABLE.c.losses.desc(), TABLE.c.gains.desc(), TABLE.c.name)
        .limit(limit)
    )
    return [
        PlannedGroup(
            name=row.name, gains=row.gains, losses=row.losses, change=row.change, was=row.was
        )
        for row in session.execute(query)
    ]


def count_planned_groups(session: Session, run_id: int) -> Mapping[str, int]:
    """Return how many groups a run touches, and how many memberships begin and end."""
    row = session.execute(
        select(
            func.count().label("groups"),
            func.coalesce(func.sum(TABLE.c.gains), 0).label("gains"),
            func.coalesce(func.sum(TABLE.c.losses), 0).label("losses"),
        ).where(TABLE.c.run_id == run_id)
    ).one()
    return {"groups": row.groups, "gains": row.gains, "losses": row.losses}


def add_outsiders(session: Session, run_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store who is to leave groups by a run; rows have the columns but ``run_id``."""
    if rows:
        session.execute(insert(OUTSIDERS), [{"run_id": run_id, **row} for row in rows])


def list_outsiders(
    session: Session, run_id: int, *, limit: int | None = None
) -> list[PlannedOutsider]:
    """Return who is to leave groups by a run, by group and account."""
    query = (
        select(OUTSIDERS)
        .where(OUTSIDERS.c.run_id == run_id)
        .order_by(OUTSIDERS.c.group_key, OUTSIDERS.c.account_key)
        .limit(limit)
    )
    return [
        PlannedOutsider(
            group_key=row.group_key,
            group=row.group,
            account_key=row.account_key,
            user_name=row.user_name,
            reason=row.reason,
        )
        for row in session.execute(query)
    ]
