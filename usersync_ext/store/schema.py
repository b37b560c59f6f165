"""The tables (all named ``usersync_*``), as SQLAlchemy 2 models.

Mirror = what sources said (``source``, ``identity``, ``identity_email``, ``group``,
``group_member``, ``group_child``). Embedded directory = what we hold (``account``,
``directory_group``, ``membership``); only ``directories.local`` may read or write those three.
A ``link`` joins an identity to an account of any directory. Rows do not leave ``store``.
"""

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import (
    JSON,
    Boolean,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

JsonDocument = JSON().with_variant(JSONB(), "postgresql")
LIVE = text("deleted_at IS NULL")
C_TEXT = String().with_variant(String(collation="C"), "postgresql")
"""Text that compares by code point everywhere (SQLite's BINARY, PostgreSQL's "C")."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC; naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the value in UTC, without its zone where the database has none."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored time as an aware one in UTC."""
        return None if value is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return what reads a time; SQLite's text takes one step: a page has two hundred."""
        if dialect.name == "sqlite":
            return utc_from_text
        return super().result_processor(dialect, coltype)


def utc_from_text(text: str | None) -> datetime | None:
    """Return the time that SQLite stores as text in UTC without a zone."""
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


NEVER_AGAIN = {"sqlite_autoincrement": True}
"""Table option: a row's id is not given to another row after it was deleted."""


class Base(DeclarativeBase):
    """Base of our tables; its metadata is ours alone."""


def table_of(model: type[Base]) -> Table:
    """Return the table of a model, for Core statements."""
    return cast(Table, model.__table__)


class SourceRow(Base):
    """A configured source."""

    __tablename__ = "usersync_source"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(C_TEXT, unique=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String)
    state: Mapped[str] = mapped_column(String)
    directory: Mapped[str] = mapped_column(String)
    rules: Mapped[dict[str, Any]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_request_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    __table_args__ = (NEVER_AGAIN,)


class TokenRow(Base):
    """A bearer token; only its SHA-256 is kept."""

    __tablename__ = "usersync_token"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_source.id", ondelete="CASCADE"), index=True
    )
    hash: Mapped[str] = mapped_column(C_TEXT, unique=True)
    label: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(String)
    last_four: Mapped[str] = mapped_column(String)
    read_only: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_from: Mapped[str | None] = mapped_column(String)


class IdentityRow(Base):
    """A person as the source states them; a tombstone once ``deleted_at`` is set.

    ``record`` is the SCIM resource as JSON text without ``id``, ``meta`` and ``groups``;
    ``comparable`` the same with every string in the form that comparisons use.
    """

    __tablename__ = "usersync_identity"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("usersync_source.id", ondelete="CASCADE"))
    scim_id: Mapped[str] = mapped_column(C_TEXT, unique=True)
    external_id: Mapped[str | None] = mapped_column(C_TEXT)
    user_name: Mapped[str] = mapped_column(Text)
    user_name_key: Mapped[str] = mapped_column(C_TEXT)
    full_name: Mapped[str] = mapped_column(Text)
    full_name_key: Mapped[str] = mapped_column(C_TEXT)
    email: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(Boolean)
    record: Mapped[str] = mapped_column(Text)
    comparable: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    modified_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String)
    why: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        Index(
            "usersync_identity_user_name",
            "source_id",
            "user_name_key",
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
        Index(
            "usersync_identity_external_id",
            "source_id",
            "external_id",
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
        Index("usersync_identity_full_name", "source_id", "full_name_key"),
        Index(
            "usersync_identity_live",
            "source_id",
            "id",
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
        Index("usersync_identity_tombstone", "source_id", "external_id", "deleted_at"),
        NEVER_AGAIN,
    )


class IdentityEmailRow(Base):
    """The comparable form of each e-mail of a person, for filters."""

    __tablename__ = "usersync_identity_email"
    identity_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_identity.id", ondelete="CASCADE"), primary_key=True
    )
    email_key: Mapped[str] = mapped_column(C_TEXT, primary_key=True)
    source_id: Mapped[int] = mapped_column(Integer)
    __table_args__ = (Index("usersync_identity_email_key", "source_id", "email_key"),)


class GroupRow(Base):
    """A group as the source states it; members are rows of their own."""

    __tablename__ = "usersync_group"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("usersync_source.id", ondelete="CASCADE"))
    scim_id: Mapped[str] = mapped_column(C_TEXT, unique=True)
    external_id: Mapped[str | None] = mapped_column(C_TEXT)
    display_name: Mapped[str] = mapped_column(Text)
    display_name_key: Mapped[str] = mapped_column(C_TEXT)
    record: Mapped[str] = mapped_column(Text)
    comparable: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    modified_at: Mapped[datetime] = mapped_column(UtcDateTime)
    __table_args__ = (
        Index("usersync_group_name", "source_id", "display_name_key"),
        Index("usersync_group_external_id", "source_id", "external_id", unique=True),
        NEVER_AGAIN,
    )


class GroupMemberRow(Base):
    """A person in a group of the mirror."""

    __tablename__ = "usersync_group_member"
    group_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_group.id", ondelete="CASCADE"), primary_key=True
    )
    identity_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_identity.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class GroupChildRow(Base):
    """A group in a group of the mirror."""

    __tablename__ = "usersync_group_child"
    group_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_group.id", ondelete="CASCADE"), primary_key=True
    )
    child_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_group.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class LinkRow(Base):
    """Which identity owns which account; one owner an account."""

    __tablename__ = "usersync_link"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_source.id", ondelete="CASCADE"), index=True
    )
    identity_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_identity.id", ondelete="CASCADE"), unique=True
    )
    directory: Mapped[str] = mapped_column(String)
    account_key: Mapped[str] = mapped_column(C_TEXT)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    __table_args__ = (UniqueConstraint("directory", "account_key"),)


class AccountRow(Base):
    """An account of the embedded directory."""

    __tablename__ = "usersync_account"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_name: Mapped[str] = mapped_column(Text)
    user_name_key: Mapped[str] = mapped_column(C_TEXT, unique=True)
    full_name: Mapped[str] = mapped_column(Text)
    full_name_key: Mapped[str] = mapped_column(C_TEXT, index=True)
    email: Mapped[str] = mapped_column(Text)
    email_key: Mapped[str] = mapped_column(C_TEXT, index=True)
    email_verified: Mapped[bool] = mapped_column(Boolean)
    active: Mapped[bool] = mapped_column(Boolean)
    protected: Mapped[bool] = mapped_column(Boolean)
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    modified_at: Mapped[datetime] = mapped_column(UtcDateTime)
    __table_args__ = (NEVER_AGAIN,)


class DirectoryGroupRow(Base):
    """A group of the embedded directory."""

    __tablename__ = "usersync_directory_group"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(C_TEXT, unique=True)
    protected: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MembershipRow(Base):
    """An account in a group of the embedded directory; ``reason`` says who gave it and why."""

    __tablename__ = "usersync_membership"
    group_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_directory_group.id", ondelete="CASCADE"), primary_key=True
    )
    account_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_account.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    reason: Mapped[str] = mapped_column(Text)


class HeldRow(Base):
    """A destructive change that the guard holds back until an administrator decides."""

    __tablename__ = "usersync_held"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_source.id", ondelete="CASCADE"), index=True
    )
    identity_id: Mapped[int] = mapped_column(ForeignKey("usersync_identity.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    decision: Mapped[str] = mapped_column(String)  # waiting, released, rejected
    __table_args__ = (UniqueConstraint("identity_id", "kind"),)


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
    account_key: Mapped[str | None] = mapped_column(C_TEXT, index=True)
    __table_args__ = (
        Index("usersync_journal_source", "source", "id"),
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
    __table_args__ = (Index("usersync_request_source", "source_id", "id"),)


class ValueRow(Base):
    """A value of the installation itself, such as the standalone administrator's password hash."""

    __tablename__ = "usersync_value"
    name: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[str] = mapped_column(Text)
