"""The tables about memberships that we give: mapping, grants, created groups, nesting."""

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .columns import C_TEXT, NEVER_AGAIN, Base, UtcDateTime


class GroupMappingRow(Base):
    """A group of a source stands for a group of the directory, by an administrator's hand.

    The group is known by its row, so that another name makes no difference. Once the provider
    deleted it there is none; what it was called and its ids stay.
    """

    __tablename__ = "usersync_group_mapping"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("usersync_source.id", ondelete="CASCADE"))
    group_id: Mapped[int | None] = mapped_column(
        ForeignKey("usersync_group.id", ondelete="SET NULL")
    )
    scim_id: Mapped[str] = mapped_column(C_TEXT)
    external_id: Mapped[str | None] = mapped_column(C_TEXT)
    name: Mapped[str] = mapped_column(Text)
    to: Mapped[str] = mapped_column(Text)
    to_key: Mapped[str] = mapped_column(C_TEXT)
    allow_protected: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        UniqueConstraint("source_id", "scim_id", "to_key"),
        Index("usersync_group_mapping_group", "group_id"),
        Index("usersync_group_mapping_to", "source_id", "to_key"),
        Index("usersync_group_mapping_external", "source_id", "external_id"),
        NEVER_AGAIN,
    )


class GrantRow(Base):
    """A membership that a source gave, and why (``core.records.GrantKind``)."""

    __tablename__ = "usersync_grant"
    directory: Mapped[str] = mapped_column(String, primary_key=True)
    account_key: Mapped[str] = mapped_column(C_TEXT, primary_key=True)
    group_key: Mapped[str] = mapped_column(C_TEXT, primary_key=True)
    source_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_source.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String, primary_key=True)
    allowed: Mapped[bool] = mapped_column(Boolean)  # to give the group although it is protected
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)
    __table_args__ = (
        Index("usersync_grant_group", "directory", "group_key"),
        Index("usersync_grant_source", "source_id"),
    )


class CreatedGroupRow(Base):
    """A group of a directory that a source created, and for which of its groups.

    ``group_id`` is None where it was created for another reason (``origin``), or once the
    provider deleted the group.
    """

    __tablename__ = "usersync_created_group"
    directory: Mapped[str] = mapped_column(String, primary_key=True)
    group_key: Mapped[str] = mapped_column(C_TEXT, primary_key=True)
    source_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_source.id", ondelete="CASCADE"), index=True
    )
    group_id: Mapped[int | None] = mapped_column(
        ForeignKey("usersync_group.id", ondelete="SET NULL"), index=True
    )
    origin: Mapped[str] = mapped_column(String)  # on_the_fly, mapping, default
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class NestingRow(Base):
    """A group in a group of a directory, as a source has nested its groups."""

    __tablename__ = "usersync_nesting"
    directory: Mapped[str] = mapped_column(String, primary_key=True)
    parent_key: Mapped[str] = mapped_column(C_TEXT, primary_key=True)
    child_key: Mapped[str] = mapped_column(C_TEXT, primary_key=True)
    source_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_source.id", ondelete="CASCADE"), primary_key=True
    )
    __table_args__ = (Index("usersync_nesting_source", "source_id"),)


class PlannedGroupRow(Base):
    """What a run means to do with one group of the directory, in numbers."""

    __tablename__ = "usersync_planned_group"
    run_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_run.id", ondelete="CASCADE"), primary_key=True
    )
    name_key: Mapped[str] = mapped_column(C_TEXT, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    gains: Mapped[int] = mapped_column(Integer)
    losses: Mapped[int] = mapped_column(Integer)
    change: Mapped[str] = mapped_column(String)  # created, deleted, renamed or nothing
    was: Mapped[str] = mapped_column(Text)  # the name before


class PlannedOutsiderRow(Base):
    """Somebody whom the source does not know and who loses a group by a run."""

    __tablename__ = "usersync_planned_outsider"
    run_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_run.id", ondelete="CASCADE"), primary_key=True
    )
    group_key: Mapped[str] = mapped_column(C_TEXT, primary_key=True)
    account_key: Mapped[str] = mapped_column(C_TEXT, primary_key=True)
    group: Mapped[str] = mapped_column(Text)
    user_name: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
