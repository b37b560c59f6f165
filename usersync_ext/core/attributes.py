"""Attributes of a SCIM record by path, and filters on one record (RFC 7644 §3.4.2.2, §3.10).

The grammar is scim2-models'. What administrators write is a little more than the RFC's:
``department`` is found without the URN of its extension, and ``not`` needs no parentheses before
one comparison.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from scim2_models.exceptions import SCIMException
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Path,
    Present,
    ScimFilter,
    ValuePath,
)

from ..errors import UserSyncError
from .username import fold

USER_URN = "urn:ietf:params:scim:schemas:core:2.0:user"
EXACT = frozenset({"id", "externalid"})
"""Attributes that compare with case (RFC 7643 §3.1)."""
MAX_LENGTH = 4096
PARTS = ("value", "formatted", "displayName")
"""What stands for a complex value that is wanted as text, in this order."""
_BARE_NOT = re.compile(
    r'("(?:[^"\\]|\\.)*")|\bnot\s+(?!\()([\w.:$-]+\s+(?:pr\b|\w\w\s+(?:"(?:[^"\\]|\\.)*"|[^\s()]+)))',
    re.IGNORECASE,
)
Record = Mapping[str, Any]
"""A SCIM resource as parsed JSON: complex values are dictionaries, nothing else."""
Reference = AttrPath | ValuePath
"""A path as it is looked up: ``name.givenName``, ``emails[type eq "work"].value``."""


class InvalidExpression(UserSyncError):
    """A path, filter or mapping cannot be read; the message says where and why."""


@lru_cache(maxsize=512)
def compile_path(text: str) -> Reference:
    """Return a path that is looked up in records. Raises InvalidExpression."""
    try:
        node = Path[Any](text.strip()).ast
    except SCIMException as error:
        raise InvalidExpression(f"{text!r} is not an attribute: {error.detail}") from error
    if not isinstance(node, (AttrPath, ValuePath)):
        raise InvalidExpression(f"{text!r} is not an attribute")
    return node


@lru_cache(maxsize=256)
def compile_filter(text: str) -> FilterNode:
    """Return a filter that is tested on records. Raises InvalidExpression."""
    if len(text) > MAX_LENGTH:
        raise InvalidExpression(f"the filter is longer than {MAX_LENGTH} characters")
    try:
        return ScimFilter[Any](_BARE_NOT.sub(_with_parentheses, text)).ast
    except SCIMException as error:
        raise InvalidExpression(
            f'the filter cannot be read: {error.detail}; write for example department eq "Sales"'
        ) from error


def _with_parentheses(match: re.Match[str]) -> str:
    return match[0] if match[1] is not None else f"not ({match[2]})"


def attribute_names(node: FilterNode | Reference) -> Iterator[str]:
    """Yield the names of the attributes that a filter or path reads."""
    if isinstance(node, AttrPath):
        yield str(node)
    elif isinstance(node, LogicalExpr):
        for term in node.terms:
            yield from attribute_names(term)
    elif isinstance(node, Not):
        yield from attribute_names(node.expr)
    elif isinstance(node, (Comparison, Present, ValuePath)):
        yield str(node.attr_path)


# -- values ---------------------------------------------------------------------------------------


def values_at(record: Record, path: Reference) -> list[Any]:
    """Return every value at a path, without nulls; names compare without case."""
    attribute = path.attr_path if isinstance(path, ValuePath) else path
    found = entries(_attribute(record, attribute))
    part = attribute.sub_attr
    if isinstance(path, ValuePath):
        found = [entry for entry in found if matches(entry, path.val_filter)]
        part = path.sub_attr
    if part is not None:
        found = [value for entry in found for value in entries(_member(entry, part))]
    return found


def text_at(record: Record, path: Reference) -> str:
    """Return the value at a path as text, ``""`` where there is none.

    Of several entries the primary one counts, else the first of type work, else the first. Of a
    complex value its ``value``, ``formatted`` or ``displayName`` counts.
    """
    attribute = path.attr_path if isinstance(path, ValuePath) else path
    part = path.sub_attr
    found = entries(_attribute(record, attribute))
    if isinstance(path, ValuePath):
        found = [entry for entry in found if matches(entry, path.val_filter)]
    texts = ((entry, _text_of(entry, part)) for entry in found)
    usable = [(entry, text) for entry, text in texts if text]
    if len(usable) > 1:
        usable.sort(key=lambda pair: _rank(pair[0]))
    return usable[0][1] if usable else ""


def _rank(entry: Any) -> int:
    if not isinstance(entry, dict):
        return 2
    if entry.get("primary") is True:
        return 0
    return 1 if str(entry.get("type", "")).lower() == "work" else 2


def _text_of(entry: Any, part: str | None) -> str:
    if part is not None:
        found = entries(_member(entry, part))
        return _text_of(found[0], None) if found else ""
    if isinstance(entry, dict):
        texts = (_text_of(entry.get(name), None) for name in PARTS)
        return next((text for text in texts if text), "")
    if isinstance(entry, bool):
        return "true" if entry else "false"
    return "" if entry is None else str(entry).strip()


def entries(value: Any) -> list[Any]:
    """Return a value as the list of its entries, without nulls."""
    if value is None:
        return []
    return [entry for entry in value if entry is not None] if isinstance(value, list) else [value]


def _attribute(record: Record, path: AttrPath) -> Any:
    """The value of an attribute: at the top, or in an extension of the record."""
    if path.uri is not None and path.uri.lower() != USER_URN:
        return _member(_member(record, path.uri), path.attr)
    found = _member(record, path.attr)
    if found is not None or path.uri is not None:
        return found
    for name, value in record.items():
        if name.startswith(("urn:", "URN:")):
            found = _member(value, path.attr)
            if found is not None:
                return found
    return None


def _member(value: Any, name: str) -> Any:
    """A member of an object by its name without case."""
    if not isinstance(value, dict):
        return None
    if name in value:
        return value[name]
    folded, length = name.lower(), len(name)
    for key, found in value.items():
        if len(key) == length and key.lower() == folded:
            return found
    return None


# -- filters --------------------------------------------------------------------------------------


def matches(record: Any, node: FilterNode) -> bool:
    """Tell whether a record, or one entry of a list, satisfies a filter.

    As in SCIM: text compares without case but for ``id`` and ``externalId``; of several values one
    has to match, for ``ne`` none may be equal. An attribute that is not there is equal to nothing.
    """
    return _Matcher(record).visit(node)


class _Matcher(FilterVisitor[bool]):
    def __init__(self, record: Any) -> None:
        self._record = record

    def visit_comparison(self, node: Comparison) -> bool:
        """Return whether the attribute compares so with the value."""
        exact = node.attr_path.attr.lower() in EXACT and node.attr_path.sub_attr is None
        wanted = _comparable(node.value, exact=exact)
        found = [_comparable(_simple(v), exact=exact) for v in self._values(node.attr_path)]
        if node.op is CompareOperator.ne:
            return all(not _equal(value, wanted) for value in found) and (
                wanted is not None or bool(found)
            )
        if wanted is None:
            return node.op is CompareOperator.eq and not found
        return any(COMPARED[node.op](value, wanted) for value in found)

    def visit_present(self, node: Present) -> bool:
        """Return whether the attribute has a value."""
        return any(_is_present(value) for value in self._values(node.attr_path))

    def visit_not(self, node: Not) -> bool:
        """Return the opposite."""
        return not self.visit(node.expr)

    def visit_logical_expr(self, node: LogicalExpr) -> bool:
        """Return whether all, or any, of the terms hold."""
        results = (self.visit(term) for term in node.terms)
        return all(results) if node.op is LogicalOperator.and_ else any(results)

    def visit_value_path(self, node: ValuePath) -> bool:
        """Return whether an entry of a list satisfies the inner filter."""
        return any(matches(entry, node.val_filter) for entry in self._values(node.attr_path))

    def _values(self, path: AttrPath) -> list[Any]:
        if not isinstance(self._record, dict):
            return [self._record] if path.attr.lower() == "value" else []
        return values_at(self._record, path)


def _simple(value: Any) -> Any:
    """The part of a complex value that comparisons mean."""
    return value.get("value") if isinstance(value, dict) else value


def _comparable(value: Any, *, exact: bool) -> Any:
    if isinstance(value, str) and not exact:
        return fold(value)
    return value


def _is_present(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_is_present(part) for part in value.values())
    if isinstance(value, list):
        return any(_is_present(part) for part in value)
    return value is not None and value != ""


def _equal(found: Any, wanted: Any) -> bool:
    if isinstance(found, bool) != isinstance(wanted, bool):
        return str(found).lower() == str(wanted).lower()  # "True", as Entra writes it
    if isinstance(found, str) != isinstance(wanted, str):
        return str(found) == str(wanted)
    return bool(found == wanted)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(found: Any, wanted: Any) -> bool:
        left, right = _instant(found), _instant(wanted)
        if left is not None and right is not None:
            return test(left, right)
        if isinstance(found, bool) or isinstance(wanted, bool):
            return False
        if isinstance(found, str) != isinstance(wanted, str):
            return False
        return test(found, wanted)

    return compare


def _instant(value: Any) -> datetime | None:
    """The point in time that a text is, None for any other value."""
    if not isinstance(value, str) or not value[:4].isdigit() or "t" not in value[:11].lower():
        return None
    try:
        found = datetime.fromisoformat(value.upper().replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _on_text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda found, wanted: (
        isinstance(found, str) and isinstance(wanted, str) and test(found, wanted)
    )


COMPARED: Mapping[CompareOperator, Callable[[Any, Any], bool]] = {
    CompareOperator.eq: _equal,
    CompareOperator.co: _on_text(lambda found, wanted: wanted in found),
    CompareOperator.sw: _on_text(str.startswith),
    CompareOperator.ew: _on_text(str.endswith),
    CompareOperator.gt: _ordered(lambda found, wanted: found > wanted),
    CompareOperator.ge: _ordered(lambda found, wanted: found >= wanted),
    CompareOperator.lt: _ordered(lambda found, wanted: found < wanted),
    CompareOperator.le: _ordered(lambda found, wanted: found <= wanted),
}
