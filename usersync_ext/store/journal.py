"""The journal (append-only), the outbox of signals, and the changes that the guard holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from ..core.records import Account, Actor, Change, ChangeKind, JournalEntry, Outcome
from .columns import table_of
from .engine import Session
from .schema import HeldRow, JournalRow, OutboxRow

TABLE = table_of(JournalRow)
OUTBOX = table_of(OutboxRow)
HELD = table_of(HeldRow)
RARE = ("given_name", "family_name", "phone", "title", "department", "manager", "locale")
INSERT_ENTRY = insert(TABLE)
INSERT_EVENT = insert(OUTBOX).returning(OUTBOX.c.id, OUTBOX.c.signal, OUTBOX.c.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A signal that is to be sent after the commit; ``payload`` is JSON and holds no secret."""

    signal: str
    payload: Mapping[str, Any]
    id: int = 0


def account_as_json(account: Account | None) -> dict[str, Any] | None:
    """Return what the journal keeps of an account; of the rarer fields those that have a value."""
    if account is None:
        return None
    told = {
        "user_name": account.user_name,
        "full_name": account.full_name,
        "email": account.email,
        "active": account.active,
    }
    told |= {name: value for name in RARE if (value := getattr(account, name))}
    if account.attributes:
        told["attributes"] = dict(account.attributes)
    return told


def change_as_json(change: Change) -> dict[str, Any]:
    """Return what stored plans keep of a change; before and after are as in the journal."""
    return {
        "kind": str(change.kind),
        "reason": change.reason,
        "before": account_as_json(change.before),
        "after": account_as_json(change.after),
    }


def entry_from_row(row: Row[Any]) -> JournalEntry:
    """Return the record of a row."""
    return JournalEntry(
        id=row.id,
        at=row.at,
        source=row.source,
        actor=row.actor,
        kind=row.kind,
        subject=row.subject,
        reason=row.reason,
        outcome=row.outcome,
        before=row.before,
        after=row.after,
        request_id=row.request_id,
        identity_id=row.identity_id,
        account_key=row.account_key,
    )


def add_entries(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append lines to the journal; a row has the columns of ``usersync_journal`` but ``id``."""
    if rows:
        session.execute(INSERT_ENTRY, list(rows))


def add_admin_entry(
    session: Session,
    actor: Actor,
    source: str,
    kind: str,
    subject: str,
    reason: str,
    now: datetime,
    *,
    account_key: str | None = None,
    directory: str = "local",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Append what an administrator did; ``source`` is ``""`` where it concerns none.

    ``directory`` is the account's.
    """
    row = {
        "at": now,
        "source": source,
        "actor": str(actor),
        "category": "admin",
        "kind": kind,
        "subject": subject,
        "reason": reason,
        "outcome": "applied",
        "destructive": False,
        "before": before,
        "after": after,
        "request_id": None,
        "identity_id": None,
        "directory": directory if account_key else None,
        "account_key": account_key,
    }
    add_entries(session, [row])


def list_entries(
    session: Session,
    *,
    source: str | None = None,
    identity_id: int | None = None,
    account_key: str | None = None,
    category: str | None = "change",
    before_id: int | None = None,
    limit: int = 100,
) -> list[JournalEntry]:
    """Return lines of the journal, newest first; ``before_id`` continues a page."""
    query = select(TABLE).order_by(TABLE.c.id.desc()).limit(limit)
    for column, value in (
        (TABLE.c.source, source),
        (TABLE.c.identity_id, identity_id),
        (TABLE.c.account_key, account_key),
        (TABLE.c.category, category),
    ):
        if value is not None:
            query = query.where(column == value)
    if before_id is not None:
        query = query.where(TABLE.c.id < before_id)
    return [entry_from_row(row) for row in session.execute(query)]


def last_accounts(
    session: Session, source: str, directory: str, identity_ids: Sequence[int]
) -> dict[int, str]:
    """Return the account of a directory that each of these people was last given, by identity."""
    query = (
        select(TABLE.c.identity_id, TABLE.c.account_key)
        .where(
            TABLE.c.source == source,
            TABLE.c.directory == directory,
            TABLE.c.identity_id.in_(identity_ids),
            TABLE.c.kind.in_([ChangeKind.CREATE, ChangeKind.ADOPT]),
            TABLE.c.outcome == Outcome.APPLIED,
            TABLE.c.account_key.is_not(None),
        )
        .order_by(TABLE.c.id)
    )
    return {row.identity_id: row.account_key for row in session.execute(query)}


def count_removals(session: Session, source: str, since: datetime, kind: str = "") -> int:
    """Return how many destructive changes of a source, or of one kind, were applied since."""
    query = (
        select(func.count())
        .select_from(TABLE)
        .where(
            TABLE.c.source == source,
            TABLE.c.destructive.is_(True),
            TABLE.c.outcome == "applied",
            TABLE.c.at >= since,
        )
    )
    if kind:
        query = query.where(TABLE.c.kind == kind)
    return session.scalar(query) or 0


def add_events(session: Session, events: Sequence[Event], now: datetime) -> list[Event]:
    """Store signals to send after the commit; return them with their ids, in order."""
    if not events:
        return []
    rows = [{"at": now, "signal": e.signal, "payload": dict(e.payload)} for e in events]
    stored = sorted(session.execute(INSERT_EVENT, rows), key=lambda row: row.id)
    return [Event(signal=row.signal, payload=row.payload, id=row.id) for row in stored]


def waiting_events(session: Session, older_than: datetime, limit: int = 500) -> list[Event]:
    """Return signals that nobody has confirmed since a time: their process died before sending."""
    query = select(OUTBOX).where(OUTBOX.c.at < older_than).order_by(OUTBOX.c.id).limit(limit)
    return [
        Event(signal=row.signal, payload=row.payload, id=row.id) for row in session.execute(query)
    ]


def confirm_events(session: Session, ids: Iterable[int]) -> None:
    """Forget signals that were sent."""
    wanted = list(ids)
    for start in range(0, len(wanted), 500):
        session.execute(delete(OUTBOX).where(OUTBOX.c.id.in_(wanted[start : start + 500])))


def decisions_on_held(session: Session, identity_ids: Sequence[int]) -> dict[tuple[int, str], str]:
    """Return the decision (waiting, released, rejected) by identity and kind of change."""
    query = select(HELD.c.identity_id, HELD.c.kind, HELD.c.decision).where(
        HELD.c.identity_id.in_(identity_ids)
    )
    return {(row.identity_id, row.kind): row.decision for row in session.execute(query)}


def hold(
    session: Session, source_id: int, identity_id: int, kind: str, reason: str, now: datetime
) -> None:
    """Keep a change back until an administrator decides."""
    session.execute(
        insert(HELD).values(
            source_id=source_id,
            identity_id=identity_id,
            kind=kind,
            reason=reason,
            at=now,
            decision="waiting",
        )
    )


def unhold(session: Session, identity_id: int, kinds: Iterable[str]) -> None:
    """Forget held changes that the newest plan does not contain, or that were applied."""
    session.execute(
        delete(HELD).where(HELD.c.identity_id == identity_id, HELD.c.kind.in_(list(kinds)))
    )


def decide_held(
    session: Session, source_id: int, decision: str, identity_ids: Sequence[int] | None = None
) -> list[int]:
    """Decide on waiting changes of a source, all or those of some people; return whose they are."""
    waiting = [HELD.c.source_id == source_id, HELD.c.decision == "waiting"]
    if identity_ids is not None:
        waiting.append(HELD.c.identity_id.in_(identity_ids))
    ids = session.scalars(select(HELD.c.identity_id).where(*waiting).distinct()).all()
    session.execute(update(HELD).where(*waiting).values(decision=decision))
    return sorted(ids)


def count_held(session: Session, source_id: int) -> int:
    """Return how many changes of a source wait for a decision."""
    query = (
        select(func.count())
        .select_from(HELD)
        .where(HELD.c.source_id == source_id, HELD.c.decision == "waiting")
    )
    return session.scalar(query) or 0
