"""The tables of what happened: journal, outbox of signals, requests; values of the installation."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from .columns import C_TEXT, NEVER_AGAIN, Base, UtcDateTime

OF_A_GROUP = text("group_key IS NOT NULL")
NOT_APPLIED = text("outcome <> 'applied'")
FAILED = text("status >= 400")


class JournalRow(Base):
    """What happened to whom, by whom and why; append-only (a trigger refuses the rest)."""

    __tablename__ = "usersync_journal"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    source: Mapped[str] = mapped_column(C_TEXT)
    actor: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(String)  # change (people) or admin (configuration)
    kind: Mapped[str] = mapped_column(String)
    subject: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String)
    destructive: Mapped[bool] = mapped_column(Boolean)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    request_id: Mapped[str | None] = mapped_column(String)
    identity_id: Mapped[int | None] = mapped_column(Integer, index=True)
    directory: Mapped[str | None] = mapped_column(String)  # of the account
    account_key: Mapped[str | None] = mapped_column(C_TEXT, index=True)
    group_key: Mapped[str | None] = mapped_column(C_TEXT)  # of the directory
    __table_args__ = (
        Index(
            "usersync_journal_group",
            "group_key",
            sqlite_where=OF_A_GROUP,
            postgresql_where=OF_A_GROUP,
        ),
        Index("usersync_journal_source", "source", "id"),
        Index("usersync_journal_day", "category", "outcome", "at", "kind"),
        Index("usersync_journal_kind", "kind", "id"),
        Index(
            "usersync_journal_outcome",
            "outcome",
            "id",
            sqlite_where=NOT_APPLIED,
            postgresql_where=NOT_APPLIED,
        ),
        Index("usersync_journal_window", "source", "destructive", "at"),
        NEVER_AGAIN,
    )


class OutboxRow(Base):
    """A signal that waits to be sent; written in the commit that it tells of."""

    __tablename__ = "usersync_outbox"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    signal: Mapped[str] = mapped_column(String)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    __table_args__ = (NEVER_AGAIN,)


class RequestRow(Base):
    """A SCIM request; the newest few hundred of a source are kept."""

    __tablename__ = "usersync_request"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("usersync_source.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    method: Mapped[str] = mapped_column(String)
    path: Mapped[str] = mapped_column(Text)
    status: Mapped[int] = mapped_column(Integer)
    duration_ms: Mapped[int] = mapped_column(Integer)
    detail: Mapped[str] = mapped_column(Text)
    notes: Mapped[list[str]] = mapped_column(JSON)
    client: Mapped[str] = mapped_column(String)
    token_prefix: Mapped[str] = mapped_column(String)
    request_id: Mapped[str] = mapped_column(String)
    __table_args__ = (
        Index("usersync_request_source", "source_id", "id"),
        Index(
            "usersync_request_failed",
            "source_id",
            "id",
            sqlite_where=FAILED,
            postgresql_where=FAILED,
        ),
    )


class StrayRow(Base):
    """Requests below our SCIM address that no source took, those of one kind counted together.

    Whoever sends them need not be known to us, so that only few kinds are kept.
    """

    __tablename__ = "usersync_stray"
    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(C_TEXT)  # the key in the address, known or not
    problem: Mapped[str] = mapped_column(String)  # core.arrivals.Problem
    method: Mapped[str] = mapped_column(String)
    path: Mapped[str] = mapped_column(C_TEXT)  # below the SCIM address, cut off
    client: Mapped[str] = mapped_column(String)  # address of the newest one's sender
    token_prefix: Mapped[str] = mapped_column(String)  # "" where no known token came with it
    count: Mapped[int] = mapped_column(Integer)
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    __table_args__ = (UniqueConstraint("source", "problem", "method", "path"), NEVER_AGAIN)


class ValueRow(Base):
    """A value of the installation itself, such as the standalone administrator's password hash."""

    __tablename__ = "usersync_value"
    name: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[str] = mapped_column(Text)
