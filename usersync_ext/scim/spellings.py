"""Look-up tables of what the schemas define, by every spelling that clients use.

One table per model, built once from the model's own schema, so that tolerances and PATCH
reading stay loops over dictionaries.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from scim2_models import Attribute as SchemaAttribute
from scim2_models import Mutability, Required, Resource
from scim2_models.base import BaseModel

from .models import Model

_RFC_URN = re.compile(
    r"urn:(?:ietf:params:)?scim:schemas:(core|extension:enterprise):([12]\.[0-9])"
    r"(?::?(user|group))?(?::(.*))?",
    re.IGNORECASE | re.DOTALL,
)
_MAX_CACHED_LENGTH = 256


class Kind(StrEnum):
    """How the values of an attribute are read."""

    TEXT = "text"
    BOOLEAN = "boolean"
    COMPLEX = "object"
    OTHER = "value"


_KINDS = {
    "string": Kind.TEXT,
    "reference": Kind.TEXT,
    "binary": Kind.TEXT,
    "boolean": Kind.BOOLEAN,
    "complex": Kind.COMPLEX,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute or sub-attribute, with what reading its values needs to know."""

    name: str
    label: str  # with its parent, as messages show it: emails.value
    kind: Kind
    multi_valued: bool = False
    required: bool = False
    read_only: bool = False
    is_plain: bool = False  # one string that may be missing: most values by far
    is_link: bool = False  # an object that points at a person or group: only the id is read
    parts: "Attributes" = field(default_factory=lambda: Attributes())


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """The attributes of one level: a resource, an extension or an object.

    ``by_name`` has every attribute under its own and under its lower-case name. ``aliases``
    are lower-case names that the library would take for another attribute, because it also
    accepts the names of its Python fields (``user_name``).
    """

    by_name: Mapping[str, Attribute] = field(default_factory=lambda: MappingProxyType({}))
    aliases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def find(self, name: str) -> Attribute | None:
        """The attribute of that name in any case."""
        return self.by_name.get(name) or self.by_name.get(name.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What one model defines: its own attributes and those of its extensions by URN."""

    name: str
    urn: str
    attributes: Attributes
    extensions: Mapping[str, Attributes]
    required: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownUrn:
    """The right spelling of a schema URN, and what followed it in an attribute path."""

    urn: str
    rest: str | None


@lru_cache(maxsize=16)
def table_of(model: Model) -> Table:
    """The table of a model."""
    schema = model.to_schema()
    attributes = _attributes(model, schema.attributes or [], "")
    extensions = {
        str(urn): _attributes(extension, extension.to_schema().attributes or [], "")
        for urn, extension in model.get_extension_models().items()
    }
    required = {a.name: a for a in attributes.by_name.values() if a.required}
    return Table(
        name=schema.name or "",
        urn=str(schema.id),
        attributes=attributes,
        extensions=MappingProxyType(extensions),
        required=tuple(required.values()),
    )


def known_urn(text: str, table: Table) -> KnownUrn | None:
    """The schema that a URN or ``URN:attribute`` means, or None for any other text.

    Also reads the URNs of SCIM drafts, those without the colon before ``User``, and any case
    (T13, T15).
    """
    if text[:4].lower() != "urn:":
        return None
    reader = _known_urn if len(text) <= _MAX_CACHED_LENGTH else _known_urn.__wrapped__
    return reader(text, table.name, table.urn, tuple(table.extensions))


def is_reserved(text: str) -> bool:
    """Whether a text is a URN of the RFC's own schemas, or an attribute path under one."""
    return _RFC_URN.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _known_urn(text: str, name: str, urn: str, extensions: tuple[str, ...]) -> KnownUrn | None:
    match = _RFC_URN.fullmatch(text)
    if match is None:
        return None
    family, version, suffix, rest = match.groups()
    if family.lower() == "core":
        fits = version == "2.0" and (suffix or name).lower() == name.lower()
        return KnownUrn(urn=urn, rest=rest) if fits else None
    extension = next((e for e in extensions if ":enterprise:" in e), None)
    if extension is None or (suffix or "user").lower() != "user" or version not in ("1.0", "2.0"):
        return None
    return KnownUrn(urn=extension, rest=rest)


def _attributes(
    model: type[BaseModel], schema: Iterable[SchemaAttribute], parent: str
) -> Attributes:
    found = [_attribute(model, attribute, parent) for attribute in schema]
    found += _COMMON if issubclass(model, Resource) else ()
    by_name = {attribute.name: attribute for attribute in found}
    by_name |= {name.lower(): attribute for name, attribute in by_name.items()}
    return Attributes(
        by_name=MappingProxyType(by_name), aliases=MappingProxyType(_aliases(model, by_name))
    )


def _attribute(model: type[BaseModel], schema: SchemaAttribute, parent: str) -> Attribute:
    name = schema.name or ""
    label = f"{parent}.{name}" if parent else name
    subs = schema.sub_attributes or []
    kind = _KINDS.get(schema.type.value if schema.type else "", Kind.OTHER)
    read_only = schema.mutability is Mutability.read_only
    return Attribute(
        name=name,
        label=label,
        kind=kind,
        multi_valued=bool(schema.multi_valued),
        required=schema.required is Required.true,
        read_only=read_only,
        is_plain=kind is Kind.TEXT
        and not (schema.multi_valued or read_only or schema.required is Required.true),
        is_link={"value", "$ref"} <= {sub.name for sub in subs},
        parts=_attributes(_part_model(model, name), subs, label) if subs else Attributes(),
    )


def _part_model(model: type[BaseModel], name: str) -> type[BaseModel]:
    """The model of an attribute's objects."""
    field_name = next(k for k, v in model.model_fields.items() if v.serialization_alias == name)
    part = model.get_field_root_type(field_name)
    if part is None or not issubclass(part, BaseModel):
        raise TypeError(f"{model.__name__}.{name} has sub-attributes but no model")
    return part


def _aliases(model: type[BaseModel], by_name: Mapping[str, Attribute]) -> dict[str, str]:
    """The names of Python fields that are not names of attributes, with what they stand for."""
    aliases = {
        key.lower(): info.serialization_alias or key
        for key, info in model.model_fields.items()
        if key.lower() not in by_name
    }
    if "schemas" in aliases:  # an extension: the library leaves these out of its dumps
        aliases |= {"id": "id", "meta": "meta", "external_id": "externalId"}
    return aliases


# The attributes that every resource has (RFC 7643 §3.1) and no schema lists.
_COMMON = (
    Attribute(name="id", label="id", kind=Kind.TEXT, read_only=True),
    Attribute(name="externalId", label="externalId", kind=Kind.TEXT, is_plain=True),
    Attribute(name="meta", label="meta", kind=Kind.OTHER, read_only=True),
    Attribute(name="schemas", label="schemas", kind=Kind.OTHER, read_only=True),
)
