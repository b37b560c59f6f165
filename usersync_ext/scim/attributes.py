"""What a name in a filter or a sort means on a model, and how its values compare."""

import base64
from datetime import UTC, datetime
from enum import Enum, auto
from functools import lru_cache
from inspect import isclass
from typing import Any
from unicodedata import normalize

from scim2_models import Extension, Mutability, Resource, Returned, ScimFilter
from scim2_models.base import BaseModel
from scim2_models.path import AttributeBinding, AttrPath
from scim2_server.utils import parametrize

Model = type[BaseModel]


class Kind(Enum):
    """How the values of an attribute compare."""

    TEXT = auto()
    BOOLEAN = auto()
    NUMBER = auto()
    TIME = auto()
    BINARY = auto()
    COMPLEX = auto()


_KINDS: tuple[tuple[type, Kind], ...] = (
    (bool, Kind.BOOLEAN),
    (int, Kind.NUMBER),
    (float, Kind.NUMBER),
    (datetime, Kind.TIME),
    (bytes, Kind.BINARY),
    (BaseModel, Kind.COMPLEX),
)


def kind_of(binding: AttributeBinding) -> Kind:
    """Return how the values of an attribute compare."""
    target = binding.target_type
    if isclass(target):
        for type_, kind in _KINDS:
            if issubclass(target, type_):
                return kind
    return Kind.TEXT


def is_several(binding: AttributeBinding) -> bool:
    """Return whether a resource can hold several values of the attribute."""
    return binding.is_multivalued or bool(binding.target_is_multivalued)


def is_secret(binding: AttributeBinding) -> bool:
    """Return whether no filter may learn about the attribute, as about a password."""
    mutability, returned = (binding.get_annotation(kind) for kind in (Mutability, Returned))
    return mutability is Mutability.write_only or returned is Returned.never


def resolve(model: Model, path: AttrPath) -> AttributeBinding | None:
    """Return the attribute that a presence test or a value path names, None if there is none."""
    return _resolver(model).resolve(path, strict=False)


def resolve_compared(model: Model, path: AttrPath) -> AttributeBinding | None:
    """Return the attribute that a comparison is about: ``emails.value`` for ``emails``."""
    return _resolver(model).resolve_comparison(path, strict=False)


@lru_cache(maxsize=256)
def _resolver(model: Model) -> ScimFilter[Any]:
    return parametrize(ScimFilter, model)("id pr")


@lru_cache(maxsize=256)
def attributes_of(model: Model) -> tuple[AttributeBinding, ...]:
    """Return the attributes that a model declares, without sub-attributes and extensions."""
    names = (
        scim_name(model, field)
        for field in model.model_fields
        if not is_extension(model.get_field_root_type(field))
    )
    found = (resolve(model, AttrPath(name)) for name in names)
    return tuple(binding for binding in found if binding is not None)


def is_extension(type_: Any) -> bool:
    """Return whether a type is a schema extension."""
    return isclass(type_) and issubclass(type_, Extension)


def extensions_of(model: Model) -> dict[str, Model]:
    """Return the extensions of a resource's model by their URN."""
    if not (isclass(model) and issubclass(model, Resource)):
        return {}
    return dict(model.get_extension_models())


def scim_name(model: Model, field: str) -> str:
    """Return the name that SCIM gives a field of a model."""
    return model.model_fields[field].serialization_alias or field


def json_path(binding: AttributeBinding) -> tuple[str, ...]:
    """Return where the attribute is in the comparable form of a resource (or of an entry)."""
    names: tuple[str, ...] = (scim_name(binding.model, binding.field_name),)
    if is_extension(binding.model):
        names = (str(getattr(binding.model, "__schema__", "")), *names)
    if binding.sub_field_name is None:
        return names
    return (*names, scim_name(field_model(binding), binding.sub_field_name))


def field_model(binding: AttributeBinding) -> Model:
    """Return the model of a complex attribute's values."""
    if isclass(binding.field_type) and issubclass(binding.field_type, BaseModel):
        return binding.field_type
    raise TypeError(f"{binding.urn} is not complex")


def exact(text: str) -> str:
    """Return text in the form in which SCIM compares it where case matters: NFC."""
    return text if text.isascii() else normalize("NFC", text)


def time_text(value: datetime) -> str:
    """Return a time as text of fixed width that sorts: in UTC, or as it is without a zone."""
    if value.tzinfo is None:
        return value.isoformat(timespec="microseconds")
    return in_utc(value).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def in_utc(value: datetime) -> datetime:
    """Return an aware time in UTC, cut to the years 1 to 9999."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        edge = datetime.min if value.year < 5000 else datetime.max  # noqa: DTZ901
        return edge.replace(tzinfo=UTC)


def bytes_text(value: bytes) -> str:
    """Return the one text that stands for these bytes."""
    return base64.b64encode(value).decode()
