"""Test persons: whom they must not be taken for, and how they go without a trace.

The token of a test person carries the person's externalId as its label. Both are made and removed
together, so that whatever a process left behind when it died is found by its expired token.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select, true

from .columns import table_of
from .engine import Session
from .schema import IdentityEmailRow, IdentityRow, PlannedRow, SourceRow, TokenRow

IDENTITIES = table_of(IdentityRow)
EMAILS = table_of(IdentityEmailRow)
PLANNED = table_of(PlannedRow)
SOURCES = table_of(SourceRow)
TOKENS = table_of(TokenRow)
TRIALS = select(TOKENS.c.label).where(
    TOKENS.c.trial == true(), TOKENS.c.source_id == IDENTITIES.c.source_id
)


@dataclass(frozen=True, slots=True)
class Namesake:
    """A living person of a source who has a name or an e-mail."""

    user_name: str
    is_test: bool  # of a test that is under way


@dataclass(frozen=True, slots=True)
class Leftover:
    """A test person whose time is over; ``source`` is the key."""

    source: str
    external_id: str


def find_namesake(session: Session, source_id: int, keys: Collection[str]) -> Namesake | None:
    """Return a living person whose user name or e-mail has one of these keys (``core.fold``)."""
    with_email = select(EMAILS.c.identity_id).where(
        EMAILS.c.source_id == source_id, EMAILS.c.email_key.in_(keys)
    )
    is_test = IDENTITIES.c.external_id.in_(TRIALS).label("is_test")
    row = session.execute(
        select(IDENTITIES.c.user_name, is_test)
        .where(
            IDENTITIES.c.source_id == source_id,
            IDENTITIES.c.deleted_at.is_(None),
            or_(IDENTITIES.c.user_name_key.in_(keys), IDENTITIES.c.id.in_(with_email)),
        )
        .order_by(IDENTITIES.c.id)
        .limit(1)
    ).first()
    return None if row is None else Namesake(row.user_name, bool(row.is_test))


def find_leftovers(session: Session, now: datetime, source_id: int | None = None) -> list[Leftover]:
    """Return the test persons of dead processes, of one source or of all."""
    query = (
        select(SOURCES.c.key, TOKENS.c.label)
        .join(SOURCES, SOURCES.c.id == TOKENS.c.source_id)
        .where(TOKENS.c.trial == true(), TOKENS.c.expires_at <= now)
        .order_by(TOKENS.c.id)
    )
    if source_id is not None:
        query = query.where(TOKENS.c.source_id == source_id)
    return [Leftover(row.key, row.label) for row in session.execute(query)]


def person_ids(session: Session, source_id: int, external_id: str) -> list[int]:
    """Return the rows of a test person: the living one, and what a DELETE made a tombstone."""
    query = select(IDENTITIES.c.id).where(
        IDENTITIES.c.source_id == source_id, IDENTITIES.c.external_id == external_id
    )
    return list(session.scalars(query.order_by(IDENTITIES.c.id)))


def remove(session: Session, source_id: int, external_id: str) -> None:
    """Remove a test person with everything that hangs on them, and their token."""
    ids = person_ids(session, source_id, external_id)
    session.execute(delete(PLANNED).where(PLANNED.c.identity_id.in_(ids)))
    session.execute(delete(IDENTITIES).where(IDENTITIES.c.id.in_(ids)))
    session.execute(
        delete(TOKENS).where(
            TOKENS.c.trial == true(),
            TOKENS.c.source_id == source_id,
            TOKENS.c.label == external_id,
        )
    )
