"""Which groups of a directory sources have put into which."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, tuple_

from .columns import table_of
from .engine import Session
from .group_tables import NestingRow

TABLE = table_of(NestingRow)
Pair = tuple[str, str]
"""The keys of parent and child."""


def nestings_of(
    session: Session, directory: str, source_id: int, parents: Sequence[str] | None = None
) -> set[Pair]:
    """Return what a source has put into some groups, or into all."""
    query = select(TABLE.c.parent_key, TABLE.c.child_key).where(
        TABLE.c.directory == directory, TABLE.c.source_id == source_id
    )
    if parents is not None:
        query = query.where(TABLE.c.parent_key.in_(parents))
    return {(row.parent_key, row.child_key) for row in session.execute(query)}


def nested_by_any(session: Session, directory: str, pairs: Sequence[Pair]) -> set[Pair]:
    """Return those of some pairs that any source has nested."""
    if not pairs:
        return set()
    query = select(TABLE.c.parent_key, TABLE.c.child_key).where(
        TABLE.c.directory == directory, tuple_(TABLE.c.parent_key, TABLE.c.child_key).in_(pairs)
    )
    return {(row.parent_key, row.child_key) for row in session.execute(query)}


def add_nestings(session: Session, directory: str, source_id: int, pairs: Sequence[Pair]) -> None:
    """Record that a source nested groups."""
    rows = [
        {"directory": directory, "source_id": source_id, "parent_key": parent, "child_key": child}
        for parent, child in pairs
    ]
    if rows:
        session.execute(insert(TABLE), rows)


def drop_nestings(session: Session, directory: str, source_id: int, pairs: Sequence[Pair]) -> None:
    """Forget that a source nested groups."""
    if pairs:
        session.execute(
            delete(TABLE).where(
                TABLE.c.directory == directory,
                TABLE.c.source_id == source_id,
                tuple_(TABLE.c.parent_key, TABLE.c.child_key).in_(pairs),
            )
        )
