"""The liberal reader for whole resources: what identity providers POST and PUT, as strict SCIM.

Numbers such as T12 are rows of the table of client habits; each has a test in
``tests/scim/test_tolerances.py``. Whatever cannot be understood is a 400 that names the
attribute, its value and what to send instead; nothing is dropped without a note.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scim2_models import (
    InvalidSyntaxException,
    InvalidValueException,
    InvalidVersionException,
)

from .body import shown
from .models import Model
from .reading import (
    NO_PASSWORDS,
    Notes,
    is_password,
    keep_unknown,
    object_of,
    read_value,
    refuse_missing,
)
from .spellings import Attribute, Attributes, Table, known_urn, table_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """A resource as strict SCIM JSON; ``notes`` say what was left out or is not used."""

    record: dict[str, Any]
    notes: tuple[str, ...]


def normalise_resource(record: Any, model: Model) -> Normalised:
    """Read the body of a POST or PUT into strict SCIM JSON.

    ``id``, ``meta``, ``groups`` and ``password`` are not in the result; the caller compares
    the ``id`` of a PUT. Unknown attributes are kept as they came. Raises a SCIMException.
    """
    table = table_of(model)
    if not isinstance(record, dict):
        raise InvalidSyntaxException(
            detail=f"A {table.name} must be a JSON object, it is {shown(record)}"
        )
    notes = Notes()
    result: dict[str, Any] = {"schemas": []}
    schemas: Any = None
    for key, value in record.items():
        attribute = table.attributes.find(key)
        if attribute is None:
            _read_other(result, key, value, table, notes)
        elif not attribute.read_only:
            put(result, attribute, value, notes)
        elif attribute.name == "schemas":
            schemas = value
    result["schemas"] = read_schemas(schemas, result, table)
    for attribute in table.required:
        if attribute.name not in result:
            refuse_missing(attribute)
    return Normalised(record=result, notes=notes.texts())


def put(result: dict[str, Any], attribute: Attribute, value: Any, notes: Notes) -> None:
    """Read a value into the record, unless it is empty."""
    read = read_value(attribute, value, notes)
    if read is None:
        return
    before = result.setdefault(attribute.name, read)
    if before is read:
        return
    if isinstance(before, dict) and isinstance(read, dict):
        result[attribute.name] = before | read
    elif before != read:
        raise InvalidValueException(
            attribute=attribute.label,
            detail=f"{attribute.label} is there twice, as {shown(before)} and {shown(read)}:"
            " send it once",
        )


def _read_other(result: dict[str, Any], key: str, value: Any, table: Table, notes: Notes) -> None:
    """Read a key that is no attribute of the resource: an extension, a path, or unknown."""
    found = known_urn(key, table)
    if found is not None and found.rest is None:
        _read_level(result, found.urn, value, table, notes)
    elif found is not None and found.rest:
        _read_level(result, found.urn, {found.rest: value}, table, notes)
    elif is_password(key):
        notes.add(NO_PASSWORDS)
    elif (name := table.attributes.aliases.get(key.lower())) is not None:
        notes.alias(key, name)
    elif not _read_path(result, key, value, table, notes):
        keep_unknown(result, key, value, notes)


def _read_level(result: dict[str, Any], urn: str, value: Any, table: Table, notes: Notes) -> None:
    """Read the object under a schema URN: an extension, or the resource itself."""
    fields = object_of(value, urn)
    if fields is None:
        return
    if urn == table.urn:
        for key, item in fields.items():
            attribute = table.attributes.find(key)
            if attribute is None:
                _read_other(result, key, item, table, notes)
            elif not attribute.read_only:
                put(result, attribute, item, notes)
        return
    read = read_extension(fields, urn, table.extensions[urn], notes)
    if read:
        result[urn] = result.get(urn, {}) | read


def read_extension(
    fields: dict[str, Any], urn: str, attributes: Attributes, notes: Notes
) -> dict[str, Any]:
    """Read the attributes of an extension."""
    result: dict[str, Any] = {}
    for key, value in fields.items():
        attribute = attributes.find(key)
        if attribute is not None:
            if not attribute.read_only:
                put(result, attribute, value, notes)
        elif (name := attributes.aliases.get(key.lower())) is not None:
            if name != "schemas":
                notes.alias(f"{urn}:{key}", name)
        else:
            keep_unknown(result, key, value, notes, f"{urn}:{key}")
    return result


def _read_path(result: dict[str, Any], key: str, value: Any, table: Table, notes: Notes) -> bool:
    """Read keys such as ``name.givenName`` (T4), and ``manager`` outside its extension (T12)."""
    if key.lower() == "manager":
        for urn, attributes in table.extensions.items():
            if attributes.find(key) is not None:
                _read_level(result, urn, {key: value}, table, notes)
                return True
    head, dot, tail = key.partition(".")
    attribute = table.attributes.find(head) if dot else None
    if attribute is None or attribute.multi_valued or attribute.parts.find(tail) is None:
        return False
    put(result, attribute, {tail: value}, notes)
    return True


def read_schemas(value: Any, record: dict[str, Any], table: Table) -> list[str]:
    """The schemas of a record: its own, extensions in use, others, as the library orders them."""
    sent = value if isinstance(value, list) else [] if value is None else [value]
    others: dict[str, None] = {}
    for urn in sent:
        if not isinstance(urn, str):
            raise InvalidSyntaxException(detail=f"schemas: {shown(urn)} is not a schema URN")
        if known_urn(urn, table) is None and urn:
            others[urn] = None
    if not _names_own(sent, table):
        _refuse_foreign(others, table)
    used = [urn for urn in table.extensions if urn in record]
    unknown = [k for k, v in record.items() if k[:4].lower() == "urn:" and isinstance(v, dict)]
    return list(dict.fromkeys([table.urn, *used, *others, *unknown]))


def _names_own(sent: list[str], table: Table) -> bool:
    return any((found := known_urn(urn, table)) and found.urn == table.urn for urn in sent)


def _refuse_foreign(urns: Iterable[str], table: Table) -> None:
    """Refuse schemas that say the resource is something else, or SCIM 1.1."""
    for urn in urns:
        folded = urn.lower()
        if folded.startswith(("urn:scim:schemas:core:1.", "urn:ietf:params:scim:schemas:core:1.")):
            raise InvalidVersionException(
                detail=f"schemas: {shown(urn)} is SCIM 1.1; this service speaks SCIM 2.0 only"
            )
        if folded.startswith(("urn:ietf:params:scim:schemas:core:", "urn:ietf:params:scim:api:")):
            raise InvalidValueException(
                attribute="schemas",
                detail=f"schemas: {shown(urn)} does not describe a {table.name}: send {table.urn}",
            )
