"""How much of a source waits for an administrator, in one statement."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, literal_column, select

from ..core.records import PersonState
from .columns import table_of
from .engine import Session
from .schema import HeldRow, IdentityRow

HELD = table_of(HeldRow)
IDENTITIES = table_of(IdentityRow)
PROPOSED: ColumnElement[str] = literal_column(f"'{PersonState.PROPOSED}'")
"""Literally in the statement: databases use a partial index only so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits: changes that the guard holds, and people for whom an account is proposed."""

    held: int
    proposed: int


def count_waiting(session: Session, source_id: int) -> Waiting:
    """Return how much of a source waits for a decision."""
    held = select(func.count()).select_from(HELD)
    proposed = select(func.count()).select_from(IDENTITIES)
    row = session.execute(
        select(
            held.where(HELD.c.source_id == source_id, HELD.c.decision == "waiting")
            .scalar_subquery()
            .label("held"),
            proposed.where(
                IDENTITIES.c.source_id == source_id,
                IDENTITIES.c.state == PROPOSED,
                IDENTITIES.c.deleted_at.is_(None),
            )
            .scalar_subquery()
            .label("proposed"),
        )
    ).one()
    return Waiting(held=row.held, proposed=row.proposed)
