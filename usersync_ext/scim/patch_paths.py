"""What a PATCH path means, in every spelling that clients use (RFC 7644 §3.5.2)."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from scim2_models import InvalidPathException, Path
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)

from .body import shown
from .models import Model
from .spellings import Attribute, Attributes, Kind, Table, is_reserved, known_urn, table_of

_BOOLEANS = {"true": True, "false": False}
_PLAIN = re.compile(r"(\$?[a-z][\w$-]*)(?:\.(\$?[a-z][\w$-]*))?", re.IGNORECASE | re.ASCII)
_MEMBERS = re.compile(r'members\[value eq "[^"\\]+"(?: or value eq "[^"\\]+")*\]', re.IGNORECASE)
_QUOTED = re.compile(r'"([^"]+)"')
_MAX_CACHED_LENGTH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a path points at: a schema, an attribute, a part of it or selected entries.

    ``path`` is the strict spelling. ``attribute`` is None for a whole extension or resource.
    ``ids`` are the members that a filter on a link selects.
    """

    path: str
    urn: str
    attribute: Attribute | None = None
    part: Attribute | None = None
    selection: str | None = None  # the path up to and with the filter
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownTarget:
    """An attribute that no schema defines: the keys under which it is kept.

    ``whole`` is set where the last part of a foreign URN may be an attribute or belong to the
    URN; the record decides.
    """

    keys: tuple[str, ...]
    whole: str | None = None
    in_known: bool = False  # inside an attribute or extension that we know
    alias_of: str | None = None  # the library would take it for this attribute: never kept


def resolve(text: str, model: Model) -> Target | UnknownTarget:
    """What a path means on a model.

    Raises InvalidPathException for text that is no path and for filters on what has no entries.
    """
    if text[:8].lower() == "members[" and _MEMBERS.fullmatch(text):
        everybody = _resolve("members", model)
        if isinstance(everybody, Target):
            return replace(everybody, selection=text, ids=tuple(_QUOTED.findall(text)))
    reader = _resolve if len(text) <= _MAX_CACHED_LENGTH else _resolve.__wrapped__
    return reader(text, model)


def effort(text: str) -> int:
    """How many characters of a path the grammar has to read; it is slow (7 µs each)."""
    return 0 if _PLAIN.fullmatch(text) or _MEMBERS.fullmatch(text) else len(text)


@lru_cache(maxsize=2048)
def _resolve(text: str, model: Model) -> Target | UnknownTarget:
    table = table_of(model)
    known = known_urn(text, table)
    if known is None:
        return _bound(text, _parsed(text, text), table.urn, table)
    if not known.rest:
        return Target(path=known.urn, urn=known.urn)
    return _bound(text, _parsed(known.rest, text), known.urn, table)


def _parsed(local: str, text: str) -> AttrPath | ValuePath:
    plain = _PLAIN.fullmatch(local)
    if plain is not None:
        return AttrPath(attr=plain[1], sub_attr=plain[2])
    try:
        node = Path(local).ast
    except InvalidPathException as error:
        raise refused(text, f"it cannot be read ({error.detail})") from error
    if isinstance(node, Comparison | Present):  # emails.type eq "work" (RFC errata 7122)
        inner = replace(node, attr_path=AttrPath(attr=node.attr_path.sub_attr or "value"))
        return ValuePath(attr_path=replace(node.attr_path, sub_attr=None), val_filter=inner)
    if isinstance(node, AttrPath | ValuePath):
        return node
    raise refused(text, "it is empty")


def _bound(text: str, node: AttrPath | ValuePath, urn: str, table: Table) -> Target | UnknownTarget:
    """Look up the names of a parsed path."""
    head = node.attr_path if isinstance(node, ValuePath) else node
    sub = node.sub_attr
    if head.uri is not None:
        if isinstance(node, ValuePath) or is_reserved(text):
            raise refused(text, f"a {table.name} has no schema {shown(head.uri, 90)}")
        keys = (head.uri, head.attr, sub) if sub else (head.uri, head.attr)
        return UnknownTarget(keys=keys, whole=text)
    urn, attributes = _level(head.attr, urn, table)
    attribute = attributes.find(head.attr)
    if attribute is None:
        return _unknown(text, node, urn, attributes, table)
    path = attribute.name if urn == table.urn else f"{urn}:{attribute.name}"
    if attribute.read_only:
        return Target(path=path, urn=urn, attribute=attribute)
    if isinstance(node, ValuePath):
        return _selected(text, node, urn, attribute, path)
    if sub is None:
        return Target(path=path, urn=urn, attribute=attribute)
    part = _part(text, sub, attribute)
    if part is not None:
        return Target(path=f"{path}.{part.name}", urn=urn, attribute=attribute, part=part)
    keys = (attribute.name, sub) if urn == table.urn else (urn, attribute.name, sub)
    return UnknownTarget(keys=keys, in_known=True)


def _level(name: str, urn: str, table: Table) -> tuple[str, Attributes]:
    """Where a name is looked up; ``manager`` is found without its URN, too (T12)."""
    if urn != table.urn:
        return urn, table.extensions[urn]
    if name.lower() == "manager":
        for extension, attributes in table.extensions.items():
            if attributes.find(name) is not None:
                return extension, attributes
    return urn, table.attributes


def _unknown(
    text: str, node: AttrPath | ValuePath, urn: str, attributes: Attributes, table: Table
) -> UnknownTarget:
    """The place of an attribute that no schema defines, where it can be one."""
    if isinstance(node, ValuePath):
        raise refused(text, f"no attribute here is called {shown(node.attr_path.attr)}")
    keys = (node.attr, node.sub_attr) if node.sub_attr else (node.attr,)
    alias_of = attributes.aliases.get(node.attr.lower())
    if urn == table.urn:
        return UnknownTarget(keys=keys, alias_of=alias_of)
    return UnknownTarget(keys=(urn, *keys), in_known=True, alias_of=alias_of)


def _part(text: str, name: str, attribute: Attribute) -> Attribute | None:
    """A part of an attribute; None for an unknown one that an object may hold."""
    part = attribute.parts.find(name)
    if part is not None:
        return part
    if attribute.kind is not Kind.COMPLEX:
        raise refused(text, f"{attribute.label} has no parts")
    alias = attribute.parts.aliases.get(name.lower())
    if attribute.multi_valued or attribute.is_link or alias:
        raise refused(text, f"{attribute.label} has no {shown((alias and name) or name)}")
    return None


def _selected(text: str, node: ValuePath, urn: str, attribute: Attribute, path: str) -> Target:
    """The target of a path with a filter."""
    if not attribute.multi_valued:
        raise refused(text, f"{attribute.label} has one value: leave the filter out")
    chosen = _checked(text, node.val_filter, attribute)
    part = _part(text, node.sub_attr, attribute) if node.sub_attr else None
    selection = f"{path}[{chosen}]"
    return Target(
        path=f"{selection}.{part.name}" if part else selection,
        urn=urn,
        attribute=attribute,
        part=part,
        selection=selection,
        ids=_ids(text, chosen, attribute) if attribute.is_link else (),
    )


def _checked(text: str, node: FilterNode, attribute: Attribute) -> FilterNode:
    """The filter with strict names and with booleans that were sent as strings (T2)."""
    if isinstance(node, LogicalExpr):
        return replace(node, terms=tuple(_checked(text, term, attribute) for term in node.terms))
    if isinstance(node, Not):
        return replace(node, expr=_checked(text, node.expr, attribute))
    if not isinstance(node, Comparison | Present):
        raise refused(text, "its filter cannot be used here")
    part = attribute.parts.find(node.attr_path.attr)
    if part is None or node.attr_path.sub_attr or node.attr_path.uri:
        raise refused(text, f"{attribute.label} has no {shown(str(node.attr_path))}")
    named = replace(node, attr_path=AttrPath(attr=part.name))
    if isinstance(named, Comparison) and part.kind is Kind.BOOLEAN and isinstance(named.value, str):
        value = _BOOLEANS.get(named.value.strip().lower())
        if value is None:
            raise refused(text, f"{part.label} is true or false")
        return replace(named, value=value)
    return named


def _ids(text: str, node: FilterNode, attribute: Attribute) -> tuple[str, ...]:
    """The ids that a filter names: ``value eq "u1" or value eq "u2"``."""
    terms = (
        node.terms if isinstance(node, LogicalExpr) and node.op is LogicalOperator.or_ else (node,)
    )
    ids = tuple(
        term.value
        for term in terms
        if isinstance(term, Comparison)
        and term.op is CompareOperator.eq
        and term.attr_path.attr == "value"
        and isinstance(term.value, str)
    )
    if len(ids) != len(terms):
        raise refused(text, f'select {attribute.label} by their ids: [value eq "id"]')
    return ids


def refused(text: str, reason: str) -> InvalidPathException:
    """The 400 for a path that cannot be used."""
    return InvalidPathException(
        path=text,
        detail=f"The path {shown(text, 120)} cannot be used: {reason}."
        ' Paths look like userName, name.givenName or emails[type eq "work"].value',
    )
