"""Reading single values: what identity providers send, turned into what the schema asks for.

Whatever cannot be understood is a 400 that names the attribute, its value and what was expected.
Numbers such as T12 are rows of the table of client habits; each has a test.
"""

import re
from typing import Any, NoReturn

from scim2_models import (
    InvalidSyntaxException,
    InvalidValueException,
    InvalidVersionException,
    PayloadTooLargeException,
)

from .body import read_json_text, shown
from .models import MAX_MEMBERS
from .spellings import Attribute, Kind

NO_PASSWORDS = "password is ignored: usersync never stores passwords"
_NAMES = re.compile(r"[.:\[]")

_BOOLEANS = {"true": True, "false": False}
_EXPECTED = {
    Kind.TEXT: "a string",
    Kind.BOOLEAN: "a boolean (true or false)",
    Kind.COMPLEX: "an object",
    Kind.OTHER: "a value",
}
_LABELS = frozenset({"type", "primary", "display"})
_BARE = frozenset({"value"})
_MAX_NOTES = 50


class Notes:
    """Collects remarks for the source's page: each once, and not more than fifty."""

    __slots__ = ("_texts",)

    def __init__(self) -> None:
        """Start without remarks."""
        self._texts: dict[str, None] = {}

    def add(self, text: str) -> None:
        """Keep a remark."""
        if len(self._texts) < _MAX_NOTES:
            self._texts[text] = None

    def unknown(self, label: str) -> None:
        """Remark that an attribute is not in our schemas."""
        self.add(f"unknown attribute {shown(label, 120)} is kept but not used")

    def alias(self, label: str, name: str) -> None:
        """Remark that an attribute was left out because its name is almost a SCIM name."""
        self.add(f"attribute {shown(label, 120)} is ignored: its SCIM name is {shown(name)}")

    def texts(self) -> tuple[str, ...]:
        """The remarks in the order in which they came."""
        return tuple(self._texts)


def is_password(name: str) -> bool:
    """Whether a key or a path names a password, in whatever schema."""
    return "password" in _NAMES.split(name.lower())


def keep_unknown(
    result: dict[str, Any], key: str, value: Any, notes: Notes, label: str | None = None
) -> None:
    """Keep what no schema defines, as it came and with a remark (T14); never a password."""
    if is_password(key):
        notes.add(NO_PASSWORDS)
        return
    kept = without_passwords(without_nulls(value))
    if kept is not None:
        result[key] = kept
        notes.unknown(label or key)


def without_nulls(value: Any) -> Any:
    """The value without nulls, which mean the same as nothing (RFC 7643 §2.5)."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value if item is not None]
    return value


def without_passwords(value: Any) -> Any:
    """The value of an unknown attribute without what is called a password in it, at any depth."""
    if isinstance(value, dict):
        return {k: without_passwords(item) for k, item in value.items() if not is_password(k)}
    if isinstance(value, list):
        return [without_passwords(item) for item in value]
    return value


def read_value(attribute: Attribute, value: Any, notes: Notes) -> Any:
    """The value in the form that the schema asks for; None means unassigned (T17, T18)."""
    if value is None:
        return None
    if attribute.is_plain and type(value) is str:
        return value or None
    if attribute.multi_valued:
        return read_entries(attribute, value, notes)
    if attribute.kind is Kind.COMPLEX:
        return read_object(attribute, value, notes)[0] or None
    return read_single(attribute, value)


def read_single(attribute: Attribute, value: Any) -> Any:
    """A string, boolean or other plain value (T2, T18, T19, T21)."""
    kind = attribute.kind
    if kind is Kind.TEXT:
        if type(value) is str:
            if value and (not attribute.required or value.strip()):
                return value
            return _empty(attribute)
        if type(value) is int or type(value) is float:
            return number_text(value)
    elif kind is Kind.BOOLEAN:
        if type(value) is bool:
            return value
        if type(value) is str:
            word = value.strip().lower()
            return _BOOLEANS[word] if word in _BOOLEANS else _text_or_empty(attribute, word, value)
    if value is None or value == []:
        return _empty(attribute)
    if isinstance(value, list | dict):
        return read_single(attribute, _unwrapped(attribute, value))
    return value if kind is Kind.OTHER else refuse(attribute, value)


def _text_or_empty(attribute: Attribute, word: str, value: str) -> None:
    return _empty(attribute) if not word else refuse(attribute, value)


def _empty(attribute: Attribute) -> None:
    """Unassign, unless the attribute cannot be without a value."""
    if attribute.required:
        refuse_missing(attribute)


def refuse_missing(attribute: Attribute) -> NoReturn:
    """Raise the 400 for an attribute that cannot be without a value."""
    raise InvalidValueException(
        attribute=attribute.name,
        detail=f"{attribute.label} is missing or empty: it is required, map it to an attribute"
        " that everybody has",
    )


def refuse(attribute: Attribute, value: Any, expected: str | None = None) -> NoReturn:
    """Raise the 400 for a value of the wrong kind."""
    wanted = expected or _EXPECTED[attribute.kind]
    raise InvalidValueException(
        attribute=attribute.label,
        detail=f"{attribute.label}: {shown(value)} is not {wanted}",
    )


def _unwrapped(attribute: Attribute, value: list[Any] | dict[str, Any]) -> Any:
    """What is in ``[{"$ref": null, "value": "x"}]``, ``["x"]`` or ``{"value": "x"}`` (T19)."""
    if isinstance(value, list):
        return value[0] if len(value) == 1 else refuse(attribute, value, "one value")
    for key, item in value.items():
        if key.lower() == "value":
            return item
    return refuse(attribute, value) if value else None


def number_text(value: float) -> str:
    """A number as the digits that were meant (T21)."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def object_of(value: Any, label: str) -> dict[str, Any] | None:
    """The object that a value is, holds as its only element, or encodes as JSON (T19, T20)."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = _encoded(value, label)
    if isinstance(value, dict):
        return value
    if value is None or value == "" or value == []:
        return None
    raise InvalidValueException(attribute=label, detail=f"{label}: {shown(value)} is not an object")


def _encoded(text: str, label: str) -> Any:
    """The JSON in a string (T20)."""
    try:
        return read_json_text(text)
    except InvalidSyntaxException as error:
        raise InvalidValueException(
            attribute=label, detail=f"{label}: {shown(text)} is not JSON: {error.detail}"
        ) from error


def read_object(
    attribute: Attribute, value: Any, notes: Notes
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """An object with the names of those of its parts that were sent empty (T12, T18, T20)."""
    if attribute.is_link:
        linked = read_link(attribute, value)
        return ({"value": linked}, ()) if linked else ({}, ())
    if isinstance(value, dict):
        return read_parts(attribute, value, notes)
    fields = object_of(value, attribute.label)
    return read_parts(attribute, fields, notes) if fields else ({}, ())


def read_link(attribute: Attribute, value: Any) -> str | None:
    """The id in any way of pointing at somebody: string, object, list of one (T10, T12)."""
    if isinstance(value, list):
        if len(value) > 1:
            refuse(attribute, value, "one object")
        value = value[0] if value else None
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = _encoded(value, attribute.label)
    if isinstance(value, dict):
        folded = {key.lower(): item for key, item in value.items()}
        value = folded.get("value", folded.get("managerid"))
    if value is None or value == "":
        return None
    if type(value) is str:
        return value
    return number_text(value) if type(value) is int else refuse(attribute, value, "an id")


def read_parts(
    attribute: Attribute, fields: dict[str, Any], notes: Notes
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The parts of an object, and the names of those that were sent empty."""
    result: dict[str, Any] = {}
    empty: list[str] = []
    parts = attribute.parts
    for key, value in fields.items():
        part = parts.find(key)
        if part is None:
            _keep_part(result, attribute, key, value, notes)
        elif part.read_only:
            continue
        elif (read := read_value(part, value, notes)) is None:
            empty.append(part.name)
        elif result.setdefault(part.name, read) != read:
            refuse(attribute, fields, f"an object with one {shown(part.name)}")
    return result, tuple(empty)


def _keep_part(
    result: dict[str, Any], attribute: Attribute, key: str, value: Any, notes: Notes
) -> None:
    label = f"{attribute.label}.{key}"
    if (name := attribute.parts.aliases.get(key.lower())) is not None:
        notes.alias(label, name)
    else:
        keep_unknown(result, key, value, notes, label)


def read_entries(attribute: Attribute, value: Any, notes: Notes) -> list[dict[str, Any]] | None:
    """The entries of a multi-valued attribute; None when there are none (T10, T22, T24)."""
    items = value if isinstance(value, list) else [value]
    if attribute.is_link:
        return read_members(attribute, items) or None
    entries = [entry for item in items if (entry := read_entry(attribute, item, notes))]
    return _one_primary(attribute, entries, notes) or None


def read_entry(attribute: Attribute, item: Any, notes: Notes) -> dict[str, Any] | None:
    """One entry; None for one that says nothing, such as an e-mail whose value is ``""``."""
    if isinstance(item, str) and not item.lstrip().startswith("{"):
        item = {"value": item} if item and "value" in attribute.parts.by_name else item
    elif type(item) is int or type(item) is float:
        item = {"value": item} if "value" in attribute.parts.by_name else item
    if isinstance(item, list):
        refuse(attribute, item)
    fields = object_of(item, attribute.label)
    if not fields:
        return None
    entry, empty = read_parts(attribute, fields, notes)
    return None if empty and entry.keys() <= _LABELS else entry


def _one_primary(
    attribute: Attribute, entries: list[dict[str, Any]], notes: Notes
) -> list[dict[str, Any]]:
    primary = [entry for entry in entries if entry.get("primary") is True]
    for entry in primary[1:]:
        entry["primary"] = False
        notes.add(f"{attribute.label} has more than one primary entry: the first one counts")
    return entries


def read_members(attribute: Attribute, items: list[Any]) -> list[dict[str, Any]]:
    """Members by id alone, each once (T10)."""
    if len(items) > MAX_MEMBERS:
        refuse_size(f"{len(items)} {attribute.label}", MAX_MEMBERS)
    ids = dict.fromkeys(
        item["value"]
        if type(item) is dict and item.keys() == _BARE and type(item["value"]) is str
        else _member_id(attribute, item)
        for item in items
        if item is not None
    )
    if "" in ids:
        _member_id(attribute, "")
    return [{"value": member} for member in ids]


def _member_id(attribute: Attribute, item: Any) -> str:
    if isinstance(item, dict) and any(key.lower() == "operation" for key in item):
        raise InvalidVersionException(
            detail=f"{attribute.label}: {shown(item)} is a SCIM 1.1 change; this service speaks"
            " SCIM 2.0 only: choose the provider's SCIM 2.0 app"
        )
    member = read_link(attribute, item)
    if member is None:
        refuse(attribute, item, 'an object with the id of a person or group as "value"')
    return member


def refuse_size(what: str, limit: int | None = None) -> NoReturn:
    """Raise the 413 for a request that asks for too much at once."""
    allowed = "that is too much" if limit is None else f"at most {limit} are done"
    raise PayloadTooLargeException(
        detail=f"The request has {what}, {allowed} in one request: send several"
    )
