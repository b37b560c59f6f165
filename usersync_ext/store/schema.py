"""The tables (all named ``usersync_*``), as SQLAlchemy 2 models.

Mirror = what sources said (``source``, ``identity``, ``identity_email``, ``group``,
``group_member``, ``group_child``). A ``link`` joins an identity to an account of any directory;
the tables of the embedded one are in ``directories.tables``. Rows do not leave ``store``.
"""

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
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from .columns import C_TEXT, NEVER_AGAIN, Base, JsonDocument, UtcDateTime

LIVE = text("deleted_at IS NULL")
GONE = text("deleted_at IS NOT NULL")
PROPOSED = text("state = 'proposed' AND deleted_at IS NULL")


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
    trial: Mapped[bool] = mapped_column(Boolean, server_default=false())  # of a test person


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
        Index(
            "usersync_identity_proposed",
            "source_id",
            sqlite_where=PROPOSED,
            postgresql_where=PROPOSED,
        ),
        Index(
            "usersync_identity_gone",
            "source_id",
            "user_name_key",
            sqlite_where=GONE,
            postgresql_where=GONE,
        ),
        Index("usersync_identity_state", "source_id", "state", "id", "deleted_at"),
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
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # by this source
    restored_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # by an administrator
    __table_args__ = (
        UniqueConstraint("directory", "account_key"),
        Index("usersync_link_disabled", "source_id", "disabled_at"),
    )


class AdoptionRow(Base):
    """What an administrator decided about a person and an existing account.

    Without an identity the decision is about whoever of the source wants the account's name.
    """

    __tablename__ = "usersync_adoption"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_source.id", ondelete="CASCADE"), index=True
    )
    identity_id: Mapped[int | None] = mapped_column(
        ForeignKey("usersync_identity.id", ondelete="CASCADE"), index=True
    )
    directory: Mapped[str] = mapped_column(String)
    account_key: Mapped[str] = mapped_column(C_TEXT)
    decision: Mapped[str] = mapped_column(String)  # accepted, refused
    actor: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    __table_args__ = (Index("usersync_adoption_account", "directory", "account_key"),)


class HeldRow(Base):
    """A destructive change that the guard holds back until an administrator decides."""

    __tablename__ = "usersync_held"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_source.id", ondelete="CASCADE"), index=True
    )
    identity_id: Mapped[int] = mapped_column(ForeignKey("usersync_identity.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String)
    group_key: Mapped[str] = mapped_column(C_TEXT)  # of the directory, "" for the account itself
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    decision: Mapped[str] = mapped_column(String)  # waiting, released, rejected
    __table_args__ = (UniqueConstraint("identity_id", "kind", "group_key"),)


class RunRow(Base):
    """A plan for all people of a source and its execution (``sync.runs``).

    ``settings`` are what the plan was made for, ``cursor`` is how far the work got: the last
    identity that was planned or applied. Whoever works on it renews ``beat_at``.
    """

    __tablename__ = "usersync_run"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_source.id", ondelete="CASCADE"), index=True
    )
    state: Mapped[str] = mapped_column(String)  # core.records.RunState
    actor: Mapped[str] = mapped_column(Text)
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    source_version: Mapped[int] = mapped_column(Integer)
    applies: Mapped[bool] = mapped_column(Boolean)  # without asking once it is planned
    total: Mapped[int] = mapped_column(Integer)
    done: Mapped[int] = mapped_column(Integer)
    cursor: Mapped[int] = mapped_column(Integer)
    counts: Mapped[dict[str, int]] = mapped_column(JSON)
    removals: Mapped[int] = mapped_column(Integer)
    admins_gone: Mapped[int] = mapped_column(Integer)
    holds: Mapped[bool] = mapped_column(Boolean)  # the plan's removals are more than allowed
    held: Mapped[int] = mapped_column(Integer)
    why: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    beat_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    began_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # to be carried out
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    __table_args__ = (NEVER_AGAIN,)


class PlannedRow(Base):
    """What a run means to do with one person; people of whom nothing changes have no row."""

    __tablename__ = "usersync_planned"
    run_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_run.id", ondelete="CASCADE"), primary_key=True
    )
    identity_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    subject: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String)
    why: Mapped[str] = mapped_column(Text)
    kinds: Mapped[str] = mapped_column(String)  # words of the counts, parted by blanks
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
