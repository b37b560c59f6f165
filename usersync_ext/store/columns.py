"""The types of our columns, and what all tables have in common."""

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import JSON, ColumnElement, DateTime, Dialect, String, Table, and_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

JsonDocument = JSON().with_variant(JSONB(), "postgresql")
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


HIGHEST = "\U0010ffff"
"""Sorts behind every character: the end of a prefix search."""


def begins_with(column: ColumnElement[str], key: str) -> ColumnElement[bool]:
    """Return the condition that a key column begins with a text; an index serves it.

    Not BETWEEN: PostgreSQL cannot read it where the column has a collation of its own.
    """
    return and_(column >= key, column < key + HIGHEST)
