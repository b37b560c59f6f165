"""The tables of the embedded directory; only ``local`` reads and writes them."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from ..store.columns import C_TEXT, NEVER_AGAIN, Base, UtcDateTime

BY_HAND = text("reason <> ''")


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
    given_name: Mapped[str] = mapped_column(Text)
    family_name: Mapped[str] = mapped_column(Text)
    phone: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    department: Mapped[str] = mapped_column(Text)
    manager: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text)
    attributes: Mapped[dict[str, str]] = mapped_column(JSON)
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
    minimum_members: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    __table_args__ = (NEVER_AGAIN,)


class MembershipRow(Base):
    """An account in a group of the embedded directory.

    ``reason`` says who gave it by hand, or why it is kept; it is empty where only sources gave it.
    """

    __tablename__ = "usersync_membership"
    group_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_directory_group.id", ondelete="CASCADE"), primary_key=True
    )
    account_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_account.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    reason: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        Index(
            "usersync_membership_by_hand",
            "group_id",
            "account_id",
            sqlite_where=BY_HAND,
            postgresql_where=BY_HAND,
        ),
    )


class DirectoryNestingRow(Base):
    """A group in a group of the embedded directory."""

    __tablename__ = "usersync_directory_nesting"
    group_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_directory_group.id", ondelete="CASCADE"), primary_key=True
    )
    child_id: Mapped[int] = mapped_column(
        ForeignKey("usersync_directory_group.id", ondelete="CASCADE"), primary_key=True, index=True
    )
