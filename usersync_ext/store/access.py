"""Who may speak SCIM: the token, its source and, for a GET, the resource, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, and_, bindparam, select

from ..core.arrivals import Problem
from ..core.records import Source, SourceState
from .columns import table_of
from .engine import Session
from .groups import GROUP_COLUMNS, group_from_row
from .mirror import USER_COLUMNS, groups_of_column, user_from_row
from .resources import StoredResource
from .schema import GroupRow, IdentityEmailRow, IdentityRow, SourceRow, TokenRow
from .sources import source_from_row

TOKENS = table_of(TokenRow)
SOURCES = table_of(SourceRow)
IDENTITIES = table_of(IdentityRow)
GROUPS = table_of(GroupRow)
EMAILS = table_of(IdentityEmailRow)


class Key(StrEnum):
    """What a wanted resource is known by."""

    USER_ID = "user_id"
    USER_NAME = "user_name"
    USER_EXTERNAL_ID = "user_external_id"
    USER_EMAIL = "user_email"
    GROUP_ID = "group_id"
    GROUP_NAME = "group_name"
    GROUP_EXTERNAL_ID = "group_external_id"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The resources that a request names; ``value`` is in the form that the key compares."""

    key: Key
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A request that may go on: its source and token, and the resource that a GET asked for."""

    source: Source
    token_id: int
    token_label: str
    token_prefix: str
    read_only: bool
    trial: bool = False  # of a test person: nothing of it is recorded as the provider's
    wanted: Wanted | None = None
    found: tuple[StoredResource, ...] = ()


@dataclass(frozen=True, slots=True)
class Denied:
    """Why a token opens nothing; the client is told less. ``token_prefix`` is a known token's."""

    problem: Problem
    token_prefix: str = ""

    @property
    def reason(self) -> str:
        """The problem in words for the log."""
        words = REASONS[self.problem]
        return f"{words} ({self.token_prefix}…)" if self.token_prefix else words


REASONS = MappingProxyType(
    {
        Problem.UNKNOWN_TOKEN: "unknown token",
        Problem.OTHER_SOURCES_TOKEN: "token of another source",
        Problem.REVOKED_TOKEN: "revoked token",
        Problem.EXPIRED_TOKEN: "expired token",
    }
)


def token_query() -> Select[Any]:
    """Return the query that reads a token with its source."""
    columns = [column.label(f"source_{column.name}") for column in SOURCES.c]
    return select(
        TOKENS.c.id.label("token_id"),
        TOKENS.c.label.label("token_label"),
        TOKENS.c.prefix.label("token_prefix"),
        TOKENS.c.read_only,
        TOKENS.c.trial,
        TOKENS.c.expires_at,
        TOKENS.c.revoked_at,
        *columns,
    )


JOINED = TOKENS.join(SOURCES, SOURCES.c.id == TOKENS.c.source_id)
BY_HASH = token_query().where(TOKENS.c.hash == bindparam("hash"))
TOKEN_ONLY = BY_HASH.select_from(JOINED)


def with_users(condition: ColumnElement[bool], *, by_email: bool = False) -> Select[Any]:
    """Return the query of a token with the living people of its source under a condition."""
    living = and_(
        IDENTITIES.c.source_id == SOURCES.c.id, IDENTITIES.c.deleted_at.is_(None), condition
    )
    joined = JOINED
    if by_email:
        wanted = and_(EMAILS.c.source_id == SOURCES.c.id, EMAILS.c.email_key == bindparam("value"))
        joined = joined.outerjoin(EMAILS, wanted)
    query = BY_HASH.add_columns(*USER_COLUMNS, groups_of_column())
    return query.select_from(joined.outerjoin(IDENTITIES, living)).order_by(IDENTITIES.c.id)


def with_groups(column: Column[Any]) -> Select[Any]:
    """Return the query of a token with the groups of its source by one column."""
    wanted = and_(GROUPS.c.source_id == SOURCES.c.id, column == bindparam("value"))
    query = BY_HASH.add_columns(*GROUP_COLUMNS).select_from(JOINED.outerjoin(GROUPS, wanted))
    return query.order_by(GROUPS.c.id)


STATEMENTS = {
    Key.USER_ID: with_users(IDENTITIES.c.scim_id == bindparam("value")),
    Key.USER_NAME: with_users(IDENTITIES.c.user_name_key == bindparam("value")),
    Key.USER_EXTERNAL_ID: with_users(IDENTITIES.c.external_id == bindparam("value")),
    Key.USER_EMAIL: with_users(IDENTITIES.c.id == EMAILS.c.identity_id, by_email=True),
    Key.GROUP_ID: with_groups(GROUPS.c.scim_id),
    Key.GROUP_NAME: with_groups(GROUPS.c.display_name_key),
    Key.GROUP_EXTERNAL_ID: with_groups(GROUPS.c.external_id),
}


def check_token(
    session: Session,
    *,
    token_hash: str,
    source_key: str,
    now: datetime,
    wanted: Wanted | None = None,
) -> Access | Denied:
    """Return what a token opens at a source, with the people or groups that are asked for.

    A token of another source is denied like one that does not exist.
    """
    if wanted is None:
        rows = session.execute(TOKEN_ONLY, {"hash": token_hash}).all()
    else:
        values = {"hash": token_hash, "value": wanted.value}
        rows = session.execute(STATEMENTS[wanted.key], values).all()
    if not rows:
        return Denied(Problem.UNKNOWN_TOKEN)
    row = rows[0]
    if row.source_key != source_key:
        return Denied(Problem.OTHER_SOURCES_TOKEN, row.token_prefix)
    if row.revoked_at is not None:
        return Denied(Problem.REVOKED_TOKEN, row.token_prefix)
    if row.expires_at is not None and row.expires_at <= now:
        return Denied(Problem.EXPIRED_TOKEN, row.token_prefix)
    source = source_from_row(SourceColumns(row))
    return Access(
        source=observing(source) if row.trial else source,
        token_id=row.token_id,
        token_label=row.token_label,
        token_prefix=row.token_prefix,
        read_only=row.read_only,
        trial=row.trial,
        wanted=wanted,
        found=found_in(rows, wanted) if wanted is not None else (),
    )


def observing(source: Source) -> Source:
    """Return a source as a test person meets it: it observes, unless it is off."""
    if source.state is SourceState.OFF:
        return source
    return replace(source, state=SourceState.OBSERVE)


def found_in(rows: Sequence[Any], wanted: Wanted) -> tuple[StoredResource, ...]:
    """Return the resources that were read with the token."""
    read = user_from_row if wanted.key.startswith("user") else group_from_row
    return tuple(read(row) for row in rows if row.id is not None)


class SourceColumns:
    """A row's ``source_*`` columns under their own names."""

    def __init__(self, row: Any) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, f"source_{name}")
