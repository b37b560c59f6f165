"""What a search covers: resource types, their tables, and which attributes are columns or rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scim2_models import Resource
from scim2_models.path import AttributeBinding
from sqlalchemy import literal

from ..store.columns import C_TEXT
from ..store.schema import GroupRow, IdentityRow
from .attributes import Kind, is_extension, json_path
from .literals import refused
from .operands import Operand
from .relations import Relation, groups_of_user, members_of_group
from .sqljson import Path


@dataclass(frozen=True, slots=True)
class Target:
    """A resource type that a search covers, and the table that holds it."""

    name: str  # meta.resourceType
    model: type[Resource[Any]]
    row: type[IdentityRow] | type[GroupRow]


def relations_of(target: Target) -> Mapping[str, Relation]:
    """Return the attributes that are kept in membership tables, by name."""
    relation = groups_of_user() if target.row is IdentityRow else members_of_group()
    return {relation.name: relation}


def relation_of(target: Target, binding: AttributeBinding) -> Relation | None:
    """Return the relation that an attribute is, None if it is not kept in membership tables."""
    if is_extension(binding.model):
        return None
    return relations_of(target).get(json_path(binding)[0])


def key_operand(target: Target, binding: AttributeBinding) -> Operand | None:
    """Return the column that holds an attribute, None if the comparable form does.

    Raises InvalidFilterException for attributes that are computed when they are asked for.
    """
    path = json_path(binding)
    if path in {("meta", "version"), ("meta", "location")}:
        raise refused(
            f"{'.'.join(path)} is computed for each answer and cannot be searched:"
            " use meta.lastModified, or id"
        )
    return _keys(target).get(path)


@lru_cache(maxsize=16)
def _keys(target: Target) -> Mapping[Path, Operand]:
    row = target.row
    keys = [
        _key("id", row.scim_id, is_exact=True, is_required=True),
        _key("externalId", row.external_id, is_exact=True),
        _key("meta.resourceType", literal(target.name, C_TEXT), is_exact=True, is_required=True),
        _key("meta.created", row.created_at, kind=Kind.TIME, is_instant=True, is_required=True),
        _key(
            "meta.lastModified", row.modified_at, kind=Kind.TIME, is_instant=True, is_required=True
        ),
    ]
    if row is IdentityRow:
        keys.append(_key("userName", IdentityRow.user_name_key, is_required=True))
    else:
        keys.append(_key("displayName", GroupRow.display_name_key, is_required=True))
    return {tuple(key.name.split(".")): key for key in keys}


def _key(name: str, column: Any, **properties: Any) -> Operand:
    return Operand(name=name, expression=getattr(column, "expression", column), **properties)
