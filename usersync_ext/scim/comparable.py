"""The comparable form of a SCIM record: what filters and sorting see of it.

It is a JSON object under the schemas' own attribute names in which every value is in the form
that scim2-models compares (``AttributeBinding.comparable``), so that SQL compares code point by
code point and never folds case. ``null`` is left out; ``[]``, ``{}`` and ``""`` are kept. The
primary entry of a list comes first: filters do not depend on the order, sorting takes the first.
What no filter reads is left out: unknown attributes, values of the wrong type, secrets, and
``id``, ``meta``, ``groups`` and ``members``, which are columns and rows.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from scim2_models import Resource
from scim2_models.path import AttributeBinding

from ..core.username import fold
from .attributes import (
    Kind,
    Model,
    attributes_of,
    bytes_text,
    exact,
    extensions_of,
    field_model,
    is_secret,
    kind_of,
    scim_name,
    time_text,
)

Convert = Callable[[Any], Any]
Table = dict[str, tuple[str, Convert]]
"""By attribute name as declared and in lower case: the declared name and what to do."""

ELSEWHERE = frozenset({"id", "meta", "groups", "members"})
"""Attributes of a resource that columns and rows hold."""

_TIME = TypeAdapter(datetime)


def comparable_record(record: Mapping[str, Any], model: type[Resource[Any]]) -> dict[str, Any]:
    """Return the comparable form of a record of a resource type."""
    return _converted(record, _resource_table(model))


def email_keys(comparable: Mapping[str, Any]) -> frozenset[str]:
    """Return the keys of a person's e-mails, for the table that finds people by e-mail."""
    return frozenset(entry["value"] for entry in comparable.get("emails", ()) if "value" in entry)


@lru_cache(maxsize=64)
def _resource_table(model: type[Resource[Any]]) -> Table:
    table = {name: entry for name, entry in _table(model).items() if entry[0] not in ELSEWHERE}
    for urn, extension in extensions_of(model).items():
        table[urn] = table[urn.lower()] = (urn, _complex(_table(extension)))
    return table


def _table(model: Model) -> Table:
    table: Table = {}
    for binding in attributes_of(model):
        if not is_secret(binding):
            name = scim_name(binding.model, binding.field_name)
            table[name] = table[name.lower()] = (name, _converter(binding))
    return table


def _converter(binding: AttributeBinding) -> Convert:
    kind = kind_of(binding)
    if kind is Kind.COMPLEX:
        one = _complex(_table(field_model(binding)))
    elif kind is Kind.TEXT:
        one = _exact if binding.case_exact else _folded
    else:
        one = _CONVERTERS[kind]
    return _several(one, ordered=kind is Kind.COMPLEX) if binding.is_multivalued else one


def _converted(record: Mapping[str, Any], table: Table) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in record.items():
        if value is None:
            continue
        entry = table.get(name) or table.get(name.lower())
        if entry is not None and (converted := entry[1](value)) is not None:
            found[entry[0]] = converted
    return found


def _complex(table: Table) -> Convert:
    def convert(value: Any) -> dict[str, Any] | None:
        return _converted(value, table) if isinstance(value, dict) else None

    return convert


def _several(one: Convert, *, ordered: bool) -> Convert:
    def convert(value: Any) -> list[Any] | None:
        if not isinstance(value, list):
            return None
        entries = [entry for each in value if (entry := one(each)) is not None]
        return primary_first(entries) if ordered and len(entries) > 1 else entries

    return convert


def primary_first(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries with the (first) primary one in front."""
    for index, entry in enumerate(entries):
        if entry.get("primary"):
            return [entry, *entries[:index], *entries[index + 1 :]] if index else entries
    return entries


def _folded(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    return value.lower() if value.isascii() else fold(value)


def _exact(value: Any) -> str | None:
    return exact(value) if isinstance(value, str) else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _time(value: Any) -> str | None:
    try:
        return time_text(_TIME.validate_python(value))
    except ValidationError:
        return None


def _bytes(value: Any) -> str | None:
    try:
        return bytes_text(base64.b64decode(value))
    except (binascii.Error, TypeError, ValueError):
        return None


_CONVERTERS: dict[Kind, Convert] = {
    Kind.BOOLEAN: _boolean,
    Kind.NUMBER: _number,
    Kind.TIME: _time,
    Kind.BINARY: _bytes,
}
