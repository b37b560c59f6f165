"""Resources of the mirror as they are read: people and groups alike."""

import json
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResource:
    """A resource of the mirror: its SCIM record and what the server knows of it.

    ``record`` is JSON text without ``id``, ``meta``, ``groups`` and ``members``. ``groups`` are
    pairs of SCIM id and display name, sorted; a group has none.
    """

    resource_type: str  # User or Group
    id: int
    scim_id: str
    record: str
    version: int
    created_at: datetime
    modified_at: datetime
    external_id: str | None = None
    name: str = ""  # user name or display name
    state: str = ""  # of a person: core.records.PersonState
    why: str = ""
    groups: tuple[tuple[str, str], ...] = ()

    @property
    def etag(self) -> str:
        """The weak entity tag (RFC 7644 §3.14); it covers ``groups``."""
        if not self.groups:
            return f'W/"{self.version}"'
        return f'W/"{self.version}-{zlib.crc32(repr(self.groups).encode()):08x}"'

    def parsed(self) -> dict[str, Any]:
        """Return the record as a new JSON object."""
        value: dict[str, Any] = json.loads(self.record)
        return value


class json_pairs(FunctionElement[str]):
    """All pairs of two columns as a JSON array of arrays, ``[]`` or NULL without any."""

    type = Text()
    inherit_cache = True


@compiles(json_pairs, "sqlite")
def _pairs_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **kw)}))"


@compiles(json_pairs, "postgresql")
def _pairs_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"json_agg(json_build_array({compiler.process(element.clauses, **kw)}))::text"


def pairs_from_json(text: str | None) -> tuple[tuple[str, str], ...]:
    """Return the sorted pairs of a ``json_pairs`` column."""
    if not text or text == "[]":
        return ()
    return tuple(sorted((str(a), str(b)) for a, b in json.loads(text)))
