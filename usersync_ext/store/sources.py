"""Sources: the configured connections."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, bindparam, delete, func, insert, select, update

from ..core.options import complete_rules
from ..core.records import Source, SourceState
from ..errors import InvalidSetting, NotFound
from .columns import table_of
from .engine import Session
from .schema import IdentityRow, LinkRow, SourceRow

TABLE = table_of(SourceRow)
MAX_NAME_LENGTH = 80


def source_from_row(row: RowMapping | Any) -> Source:
    """Return the record of a row."""
    return Source(
        id=row.id,
        key=row.key,
        name=row.name,
        kind=row.kind,
        state=SourceState(row.state),
        directory=row.directory,
        rules=complete_rules(row.rules),
        version=row.version,
        created_at=row.created_at,
    )


def source_key(name: str) -> str:
    """Return a name as ``[a-z0-9-]+``, as it stands in the SCIM base URL.

    Okta refuses ``_`` in a base URL, so it becomes ``-``. Raises InvalidSetting for a name without
    a letter or digit.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    key = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    if not key:
        raise InvalidSetting("name", "must have at least one letter a-z or digit")
    if len(key) > MAX_NAME_LENGTH:
        raise InvalidSetting("name", f"must have at most {MAX_NAME_LENGTH} characters")
    return key


def add_source(
    session: Session,
    *,
    name: str,
    kind: str,
    state: SourceState,
    directory: str,
    rules: Mapping[str, Any],
    now: datetime,
) -> Source:
    """Store a new source under the key made of its name. Raises InvalidSetting if it is taken."""
    key = source_key(name)
    if session.scalar(select(TABLE.c.id).where(TABLE.c.key == key)) is not None:
        raise InvalidSetting("name", f"there is already a source {key!r}; choose another name")
    session.execute(
        insert(TABLE).values(
            key=key,
            name=name.strip(),
            kind=kind,
            state=state,
            directory=directory,
            rules=dict(rules),
            version=1,
            created_at=now,
        )
    )
    return get_source(session, key)


def get_source(session: Session, key: str) -> Source:
    """Return a source by its key. Raises NotFound."""
    row = session.execute(select(TABLE).where(TABLE.c.key == key)).first()
    if row is None:
        raise NotFound(f"there is no source {key!r}")
    return source_from_row(row)


VERSION = select(TABLE.c.version).where(TABLE.c.id == bindparam("source_id"))


def version_of(session: Session, source_id: int) -> int | None:
    """Return the version of a source, None once it is deleted."""
    return session.scalar(VERSION, {"source_id": source_id})


def list_sources(session: Session) -> list[Source]:
    """Return every source, by name."""
    rows = session.execute(select(TABLE).order_by(TABLE.c.name, TABLE.c.id))
    return [source_from_row(row) for row in rows]


def change_source(session: Session, source: Source, **values: Any) -> Source:
    """Store changed columns of a source (name, state, directory, rules).

    Another directory ends its ownership of the accounts in the former one, which stay as they are.
    """
    if values.get("directory"):
        left = (LinkRow.source_id == source.id, LinkRow.directory != values["directory"])
        session.execute(delete(LinkRow).where(*left))
    session.execute(
        update(TABLE).where(TABLE.c.id == source.id).values(version=TABLE.c.version + 1, **values)
    )
    return get_source(session, source.key)


def delete_source(session: Session, source: Source) -> None:
    """Remove a source with its tokens, mirror and links; accounts are not touched."""
    session.execute(delete(TABLE).where(TABLE.c.id == source.id))


def last_request_at(session: Session, source: Source) -> datetime | None:
    """Return when the provider was last heard of (up to five seconds late)."""
    return session.scalar(select(TABLE.c.last_request_at).where(TABLE.c.id == source.id))


def count_people(session: Session, source: Source) -> int:
    """Return how many living people the source has."""
    query = (
        select(func.count())
        .select_from(IdentityRow)
        .where(IdentityRow.source_id == source.id, IdentityRow.deleted_at.is_(None))
    )
    return session.scalar(query) or 0


def count_identities(session: Session, source_id: int) -> int:
    """Return how many people a source has or had."""
    query = select(func.count()).select_from(IdentityRow)
    return session.scalar(query.where(IdentityRow.source_id == source_id)) or 0


def count_links(session: Session, source_id: int) -> int:
    """Return how many accounts a source manages."""
    query = select(func.count()).select_from(LinkRow).where(LinkRow.source_id == source_id)
    return session.scalar(query) or 0
