"""The journal (append-only), the outbox of signals, and the changes that the guard holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    union_all,
    update,
)

from ..core.records import (
    Account,
    Actor,
    Change,
    ChangeKind,
    JournalEntry,
    MembershipChange,
    Outcome,
)
from .columns import table_of
from .engine import Session
from .record_tables import NOT_APPLIED, JournalRow, OutboxRow
from .schema import HeldRow, SourceRow

TABLE = table_of(JournalRow)
OUTBOX = table_of(OutboxRow)
HELD = table_of(HeldRow)
SOURCES = table_of(SourceRow)
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


def membership_as_json(
    change: MembershipChange,
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return what the journal keeps of a membership before and after a change."""
    told = {"group": change.group.name}
    return (None, told) if change.kind is ChangeKind.ADD_MEMBER else (told, None)


def change_as_json(change: Change | MembershipChange) -> dict[str, Any]:
    """Return what stored plans keep of a change; before and after are as in the journal."""
    if isinstance(change, MembershipChange):
        before, after = membership_as_json(change)
        return {"kind": change.kind, "reason": change.reason, "before": before, "after": after}
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
    group_key: str | None = None,
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
        "directory": directory if account_key or group_key else None,
        "account_key": account_key,
        "group_key": group_key,
    }
    add_entries(session, [row])


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """The people of the mirror and the accounts whom lines may be about."""

    identity_ids: Sequence[int]
    account_keys: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Which lines of the journal are wanted; None matters not, ``until`` is not in any more."""

    source: str | None = None
    identity_id: int | None = None
    account_key: str | None = None
    group_key: str | None = None
    category: str | None = "change"
    kind: str | None = None
    outcome: str | None = None
    whose: Whose | None = None
    since: datetime | None = None
    until: datetime | None = None


CHANGES = Lines()
CATEGORIES = ("change", "admin")
OUT_OF_ORDER = 1_000
"""So many lines may have been written between a change's time and its line, by others."""


def list_entries(
    session: Session, wanted: Lines = CHANGES, *, before_id: int | None = None, limit: int = 100
) -> list[JournalEntry]:
    """Return lines of the journal, newest first; ``before_id`` continues a page."""
    query = select(TABLE).where(*conditions_of(session, wanted))
    if before_id is not None:
        query = query.where(TABLE.c.id < before_id)
    rows = session.execute(query.order_by(TABLE.c.id.desc()).limit(limit))
    return [entry_from_row(row) for row in rows]


def conditions_of(session: Session, wanted: Lines) -> list[ColumnElement[bool]]:
    """Return what the wanted lines have in common."""
    equal = (
        (TABLE.c.source, wanted.source),
        (TABLE.c.identity_id, wanted.identity_id),
        (TABLE.c.account_key, wanted.account_key),
        (TABLE.c.group_key, wanted.group_key),
        (TABLE.c.kind, wanted.kind),
        (TABLE.c.outcome, wanted.outcome),
    )
    found = [column == value for column, value in equal if value is not None]
    if wanted.category is not None:  # most lines are changes: no index of categories finds them
        changes = TABLE.c.category != "admin"
        found.append(TABLE.c.category == "admin" if wanted.category == "admin" else changes)
    if wanted.outcome not in {None, Outcome.APPLIED}:
        found.append(and_(NOT_APPLIED))  # the words of the index that has them
    if wanted.whose is not None:
        people = TABLE.c.identity_id.in_(wanted.whose.identity_ids)
        found.append(or_(people, TABLE.c.account_key.in_(wanted.whose.account_keys)))
    if wanted.since is not None:
        first = last_before(session, wanted.since)
        found += [TABLE.c.at >= wanted.since, TABLE.c.id > first - OUT_OF_ORDER]
    if wanted.until is not None:
        last = last_before(session, wanted.until)
        found += [TABLE.c.at < wanted.until, TABLE.c.id <= last + OUT_OF_ORDER]
    return found


def last_before(session: Session, at: datetime) -> int:
    """Return the last line before a time, 0 if there is none; ids grow with time."""
    newest = [
        select(TABLE.c.id)
        .where(TABLE.c.category == category, TABLE.c.outcome == outcome, TABLE.c.at < at)
        .order_by(TABLE.c.at.desc())
        .limit(1)
        .subquery()
        for category, outcome in product(CATEGORIES, Outcome)
    ]
    return max(session.scalars(union_all(*(select(each.c.id) for each in newest))), default=0)


def last_accounts(session: Session, directory: str, identity_ids: Sequence[int]) -> dict[int, str]:
    """Return the account of a directory that each of these people was last given, by identity.

    The lines of these people are few; any other condition, or an order, in the statement would
    lead SQLite to an index that has far more.
    """
    lines = session.execute(select(TABLE).where(TABLE.c.identity_id.in_(identity_ids)))
    given = {ChangeKind.CREATE, ChangeKind.ADOPT}
    return {
        line.identity_id: line.account_key
        for line in sorted(lines, key=lambda line: line.id)
        if line.kind in given
        and line.outcome == Outcome.APPLIED
        and line.directory == directory
        and line.account_key is not None
    }


def count_removals(session: Session, source: str, since: datetime, kind: str = "") -> int:
    """Return how many destructive changes of a source, or of one kind, were applied since.

    A person who lost memberships counts once, however many these are.
    """
    lost = TABLE.c.kind == ChangeKind.REMOVE_MEMBER
    people = func.count(case((lost, TABLE.c.account_key)).distinct())
    query = select(func.count(case((~lost, TABLE.c.id))) + people).where(
        *removals_since(source, since)
    )
    if kind:
        query = query.where(TABLE.c.kind == kind)
    return session.scalar(query) or 0


def people_who_lost_groups(
    session: Session, source: str, since: datetime, identity_ids: Sequence[int]
) -> frozenset[int]:
    """Return those of some people who lost memberships since."""
    query = select(TABLE.c.identity_id).where(
        *removals_since(source, since),
        TABLE.c.kind == ChangeKind.REMOVE_MEMBER,
        TABLE.c.identity_id.in_(identity_ids),
    )
    return frozenset(session.scalars(query.distinct()))


def removals_since(source: str, since: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return which lines the guard counts."""
    return (
        TABLE.c.source == source,
        TABLE.c.destructive.is_(True),
        TABLE.c.outcome == Outcome.APPLIED,
        TABLE.c.at >= since,
    )


def refused_memberships(session: Session, since: datetime) -> dict[str, int]:
    """Return how many memberships were refused to providers since, by key of the source."""
    query = (
        select(TABLE.c.source, func.count())
        .where(
            TABLE.c.source.in_(select(SOURCES.c.key)),
            TABLE.c.destructive.is_(False),
            TABLE.c.at >= since,
            TABLE.c.kind.in_([ChangeKind.ADD_MEMBER, ChangeKind.REMOVE_MEMBER]),
            TABLE.c.outcome == Outcome.REFUSED,
            NOT_APPLIED,
        )
        .group_by(TABLE.c.source)
    )
    return {row[0]: row[1] for row in session.execute(query)}


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


HoldKey = tuple[int, str, str]
"""Identity, kind of change, and key of the group (``""`` where it is about the account)."""


def hold_key(identity_id: int, change: Change | MembershipChange) -> HoldKey:
    """Return by what a held change is known."""
    group = change.group.key if isinstance(change, MembershipChange) else ""
    return identity_id, str(change.kind), group


def decisions_on_held(session: Session, identity_ids: Sequence[int]) -> dict[HoldKey, str]:
    """Return the decision (waiting, released, rejected) on each held change of people."""
    query = select(HELD.c.identity_id, HELD.c.kind, HELD.c.group_key, HELD.c.decision).where(
        HELD.c.identity_id.in_(identity_ids)
    )
    rows = session.execute(query)
    return {(row.identity_id, row.kind, row.group_key): row.decision for row in rows}


def hold(session: Session, source_id: int, key: HoldKey, reason: str, now: datetime) -> None:
    """Keep a change back until an administrator decides."""
    identity_id, kind, group_key = key
    session.execute(
        insert(HELD).values(
            source_id=source_id,
            identity_id=identity_id,
            kind=kind,
            group_key=group_key,
            reason=reason,
            at=now,
            decision="waiting",
        )
    )


def unhold(session: Session, identity_id: int, keys: Iterable[HoldKey] | None = None) -> None:
    """Forget held changes of a person, those that the newest plan does not contain, or all."""
    query = delete(HELD).where(HELD.c.identity_id == identity_id)
    if keys is not None:
        pairs = [(kind, group_key) for _, kind, group_key in keys]
        query = query.where(tuple_(HELD.c.kind, HELD.c.group_key).in_(pairs))
    session.execute(query)


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
