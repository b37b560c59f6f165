"""SQL for the comparable form of resources, in the same words for SQLite and PostgreSQL.

Paths are bound parameters made from the schemas' attribute names. Text compares by code point:
SQLite does so by itself, PostgreSQL with COLLATE "C".
"""

import json
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Dialect, Float, Integer, String, bindparam, column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeDecorator

from ..store.columns import C_TEXT, JsonDocument

Path = tuple[str | int, ...]


class JsonPath(TypeDecorator[Path]):
    """A path into JSON: ``$."emails"[0]`` for SQLite, ``{"emails",0}`` for PostgreSQL."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Path | None, dialect: Dialect) -> str | None:
        """Return the path as the database writes it."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return "$" + "".join(_step(name) for name in value)
        return "{" + ",".join(json.dumps(name) for name in value) + "}"


def _step(name: str | int) -> str:
    return f"[{name}]" if isinstance(name, int) else f".{json.dumps(name)}"


class _OfPath(FunctionElement[Any]):
    """A function of a JSON document and a path."""

    inherit_cache = True

    def __init__(self, document: ColumnElement[Any], path: Path) -> None:
        super().__init__(document, bindparam(None, path, type_=JsonPath(), unique=True))


class json_text(_OfPath):
    """The text at a path, NULL if there is none."""

    type = C_TEXT
    name = "json_text"
    inherit_cache = True


class json_boolean(_OfPath):
    """The truth value at a path, NULL if there is none."""

    type = Boolean()
    name = "json_boolean"
    inherit_cache = True


class json_number(_OfPath):
    """The number at a path, NULL if there is none."""

    type = Float()
    name = "json_number"
    inherit_cache = True


class json_kind(_OfPath):
    """The type of what is at a path, NULL if there is nothing."""

    type = String()
    name = "json_kind"
    inherit_cache = True


class json_entries(_OfPath):
    """The entries of the list at a path, as rows with one column, ``value``."""

    type = JsonDocument
    name = "json_entries"
    inherit_cache = True

    def rows(self) -> TableValuedAlias:
        """Return the entries as something to select from."""
        return self.table_valued(column("value", JsonDocument))


class entry_text(FunctionElement[str]):
    """An entry of a list of strings, as text."""

    type = C_TEXT
    name = "entry_text"
    inherit_cache = True


class position_of(FunctionElement[int]):
    """Where the second text begins in the first, 0 if it does not occur."""

    type = Integer()
    name = "position_of"
    inherit_cache = True


class ending_of(FunctionElement[str]):
    """The last characters of a text; the second argument says how many (at least one)."""

    type = C_TEXT
    name = "ending_of"
    inherit_cache = True


class by_code_point(FunctionElement[Any]):
    """A text that sorts by code point, as every text column here does."""

    type = C_TEXT
    name = "by_code_point"
    inherit_cache = True


class not_by_index(FunctionElement[Any]):
    """A column that is not to be looked up in an index (SQLite's planner needs the hint)."""

    type = Integer()
    name = "not_by_index"
    inherit_cache = True


@compiles(not_by_index, "sqlite")
def _hint_on_sqlite(element: not_by_index, compiler: Any, **kw: Any) -> str:
    return f"+{_arguments(element, compiler, **kw)[0]}"


@compiles(not_by_index, "postgresql")
def _no_hint_on_postgresql(element: not_by_index, compiler: Any, **kw: Any) -> str:
    return _arguments(element, compiler, **kw)[0]


def _arguments(element: FunctionElement[Any], compiler: Any, **kw: Any) -> list[str]:
    return [compiler.process(clause, **kw) for clause in element.clauses]


@compiles(json_text, "sqlite")
@compiles(json_boolean, "sqlite")
@compiles(json_number, "sqlite")
def _extract_on_sqlite(element: _OfPath, compiler: Any, **kw: Any) -> str:
    document, path = _arguments(element, compiler, **kw)
    return f"json_extract({document}, {path})"


@compiles(json_kind, "sqlite")
def _kind_on_sqlite(element: _OfPath, compiler: Any, **kw: Any) -> str:
    document, path = _arguments(element, compiler, **kw)
    return f"json_type({document}, {path})"


@compiles(json_entries, "sqlite")
def _entries_on_sqlite(element: _OfPath, compiler: Any, **kw: Any) -> str:
    document, path = _arguments(element, compiler, **kw)
    return f"json_each({document}, {path})"


@compiles(entry_text, "sqlite")
def _entry_on_sqlite(element: entry_text, compiler: Any, **kw: Any) -> str:
    return _arguments(element, compiler, **kw)[0]


@compiles(position_of, "sqlite")
def _position_on_sqlite(element: position_of, compiler: Any, **kw: Any) -> str:
    text, part = _arguments(element, compiler, **kw)
    return f"instr({text}, {part})"


@compiles(ending_of, "sqlite")
def _ending_on_sqlite(element: ending_of, compiler: Any, **kw: Any) -> str:
    text, count = _arguments(element, compiler, **kw)
    return f"substr({text}, -{count})"


@compiles(by_code_point, "sqlite")
def _order_on_sqlite(element: by_code_point, compiler: Any, **kw: Any) -> str:
    return _arguments(element, compiler, **kw)[0]


@compiles(json_text, "postgresql")
def _text_on_postgresql(element: _OfPath, compiler: Any, **kw: Any) -> str:
    return f'({_pg_text(element, compiler, **kw)} COLLATE "C")'


@compiles(json_boolean, "postgresql")
def _boolean_on_postgresql(element: _OfPath, compiler: Any, **kw: Any) -> str:
    return f"({_pg_text(element, compiler, **kw)} = 'true')"


@compiles(json_number, "postgresql")
def _number_on_postgresql(element: _OfPath, compiler: Any, **kw: Any) -> str:
    text = _pg_text(element, compiler, **kw)
    return f"CASE WHEN {_pg_kind(element, compiler, **kw)} = 'number' THEN {text}::numeric END"


@compiles(json_kind, "postgresql")
def _kind_on_postgresql(element: _OfPath, compiler: Any, **kw: Any) -> str:
    return _pg_kind(element, compiler, **kw)


@compiles(json_entries, "postgresql")
def _entries_on_postgresql(element: _OfPath, compiler: Any, **kw: Any) -> str:
    document, path = _arguments(element, compiler, **kw)
    return f"jsonb_array_elements({document} #> CAST({path} AS TEXT[]))"


@compiles(entry_text, "postgresql")
def _entry_on_postgresql(element: entry_text, compiler: Any, **kw: Any) -> str:
    return f"(({_arguments(element, compiler, **kw)[0]} #>> '{{}}') COLLATE \"C\")"


@compiles(position_of, "postgresql")
def _position_on_postgresql(element: position_of, compiler: Any, **kw: Any) -> str:
    text, part = _arguments(element, compiler, **kw)
    return f"strpos({text}, {part})"


@compiles(ending_of, "postgresql")
def _ending_on_postgresql(element: ending_of, compiler: Any, **kw: Any) -> str:
    text, count = _arguments(element, compiler, **kw)
    return f'(right({text}, {count}) COLLATE "C")'


@compiles(by_code_point, "postgresql")
def _order_on_postgresql(element: by_code_point, compiler: Any, **kw: Any) -> str:
    return f'({_arguments(element, compiler, **kw)[0]} COLLATE "C")'


def _pg_text(element: _OfPath, compiler: Any, **kw: Any) -> str:
    document, path = _arguments(element, compiler, **kw)
    return f"({document} #>> CAST({path} AS TEXT[]))"


def _pg_kind(element: _OfPath, compiler: Any, **kw: Any) -> str:
    document, path = _arguments(element, compiler, **kw)
    return f"jsonb_typeof({document} #> CAST({path} AS TEXT[]))"
