"""What administrators decided about people and existing accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, or_, select

from .columns import table_of
from .engine import Session
from .schema import AdoptionRow

TABLE = table_of(AdoptionRow)
ACCEPTED, REFUSED = "accepted", "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """A decision: whether a person (None: whoever of the source) may have an account."""

    identity_id: int | None
    account_key: str
    decision: str


def adoptions_of(
    session: Session, source_id: int, directory: str, account_keys: Sequence[str]
) -> list[Adoption]:
    """Return the decisions of a source about some accounts."""
    rows = session.execute(
        select(TABLE.c.identity_id, TABLE.c.account_key, TABLE.c.decision).where(
            TABLE.c.source_id == source_id,
            TABLE.c.directory == directory,
            TABLE.c.account_key.in_(account_keys),
        )
    )
    return [Adoption(**row._mapping) for row in rows]


def accepted_accounts(
    session: Session, source_id: int, directory: str, identity_ids: Sequence[int]
) -> Mapping[int, str]:
    """Return the accounts that people were accepted for, by identity."""
    rows = session.execute(
        select(TABLE.c.identity_id, TABLE.c.account_key).where(
            TABLE.c.source_id == source_id,
            TABLE.c.directory == directory,
            TABLE.c.identity_id.in_(identity_ids),
            TABLE.c.decision == ACCEPTED,
        )
    )
    return {row.identity_id: row.account_key for row in rows}


def decide(
    session: Session,
    *,
    source_id: int,
    identity_id: int | None,
    directory: str,
    account_key: str,
    decision: str,
    actor: str,
    now: datetime,
) -> None:
    """Store a decision in the place of earlier ones about the same person and account."""
    same_person = (
        TABLE.c.identity_id.is_(None) if identity_id is None else TABLE.c.identity_id == identity_id
    )
    outdated = TABLE.c.account_key == account_key
    if decision == ACCEPTED and identity_id is not None:
        outdated = or_(outdated, TABLE.c.decision == ACCEPTED)
    session.execute(
        delete(TABLE).where(
            TABLE.c.source_id == source_id, TABLE.c.directory == directory, same_person, outdated
        )
    )
    session.execute(
        insert(TABLE).values(
            source_id=source_id,
            identity_id=identity_id,
            directory=directory,
            account_key=account_key,
            decision=decision,
            actor=actor,
            at=now,
        )
    )


def forget(session: Session, directory: str, account_keys: Sequence[str]) -> None:
    """Forget the decisions about accounts that have an owner now, or are gone."""
    session.execute(
        delete(TABLE).where(TABLE.c.directory == directory, TABLE.c.account_key.in_(account_keys))
    )
