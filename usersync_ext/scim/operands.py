"""Comparing one SQL value with a filter's literal, exactly as scim2-models compares.

An expression here is NULL only where the resource has no value; NULL as the outcome means "does
not match", so whoever negates an outcome has to coalesce it first.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scim2_models.path import STRING_OPERATORS, CompareOperator
from sqlalchemy import Boolean, ColumnElement, Float, and_, false, func, literal, or_, true

from ..core.username import fold
from ..store.columns import C_TEXT, UtcDateTime
from .attributes import Kind, bytes_text, exact, in_utc, time_text
from .literals import check_text
from .slots import Slot, slot_parameter
from .sqljson import (
    Path,
    ending_of,
    json_boolean,
    json_number,
    json_text,
    position_of,
)

_LAST = 0x10FFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """One value of a resource or of an entry in SQL; ``name`` is for messages."""

    name: str
    expression: ColumnElement[Any]
    kind: Kind = Kind.TEXT
    is_exact: bool = False
    is_required: bool = False
    is_instant: bool = False  # a UtcDateTime column instead of comparable text


def json_operand(
    document: ColumnElement[Any], path: Path, kind: Kind, *, is_exact: bool, name: str
) -> Operand:
    """Return the value at a path of a comparable form."""
    function = {Kind.BOOLEAN: json_boolean, Kind.NUMBER: json_number}.get(kind, json_text)
    return Operand(name=name, expression=function(document, path), kind=kind, is_exact=is_exact)


def is_present(operand: Operand) -> ColumnElement[bool]:
    """Return whether there is a value; empty text is none (``pr`` of RFC 7644 §3.4.2.2)."""
    if operand.kind in {Kind.TEXT, Kind.BINARY}:
        return operand.expression != ""
    return true() if operand.is_required else operand.expression.is_not(None)


def compared(operand: Operand, op: CompareOperator, value: Any) -> ColumnElement[bool]:
    """Return whether the operand compares with a value of its attribute's type as ``op`` says.

    Values that cannot be compared are unequal, and match no other operator.
    """
    if value is None:
        return _compared_with_null(operand, op)
    if op in STRING_OPERATORS:
        return _compared_in_part(operand, op, value)
    right = _literal(operand, value)
    if right is None:
        return true() if op is CompareOperator.ne else false()
    left = operand.expression
    if op is CompareOperator.eq:
        return left == right
    if op is CompareOperator.ne:
        return left != right if operand.is_required else or_(left.is_(None), left != right)
    return _ordered(operand, op, right)


def _compared_with_null(operand: Operand, op: CompareOperator) -> ColumnElement[bool]:
    if op is CompareOperator.eq:
        return false() if operand.is_required else operand.expression.is_(None)
    if op is CompareOperator.ne:
        return true() if operand.is_required else operand.expression.is_not(None)
    return false()


_ORDERS: dict[CompareOperator, Callable[[Any, Any], ColumnElement[bool]]] = {
    CompareOperator.gt: operator.gt,
    CompareOperator.ge: operator.ge,
    CompareOperator.lt: operator.lt,
    CompareOperator.le: operator.le,
}
_ORDERED = frozenset({Kind.TEXT, Kind.NUMBER, Kind.TIME})


def _ordered(operand: Operand, op: CompareOperator, right: Any) -> ColumnElement[bool]:
    if operand.kind not in _ORDERED:
        return false()
    found = _ORDERS[op](operand.expression, right)
    if operand.kind is Kind.TIME and not operand.is_instant:
        # times with and without a zone cannot be compared; their texts differ in length
        found = and_(func.length(operand.expression) == func.length(right), found)
    return found


def _compared_in_part(operand: Operand, op: CompareOperator, value: Any) -> ColumnElement[bool]:
    if operand.kind is not Kind.TEXT or not isinstance(value, str):
        return false()
    left, part = operand.expression, comparable_text(operand, value)
    if not part:
        return true() if operand.is_required else left.is_not(None)
    right = literal(part, C_TEXT)
    if op is CompareOperator.sw:
        return _prefixed(left, part)
    if op is CompareOperator.ew:
        return ending_of(left, literal(len(part))) == right
    return position_of(left, right) > 0


def _prefixed(left: ColumnElement[Any], prefix: str) -> ColumnElement[bool]:
    """A prefix as a range, which an index can serve: from it up to the next text of its length."""
    found = left >= literal(prefix, C_TEXT)
    stem = prefix.rstrip(chr(_LAST))
    if not stem:
        return found
    code = ord(stem[-1]) + 1
    code = 0xE000 if 0xD800 <= code <= 0xDFFF else code
    return and_(found, left < literal(stem[:-1] + chr(code), C_TEXT))


def comparable_text(operand: Operand, value: str) -> str:
    """Return a filter's text in the form in which the operand's values are stored."""
    check_text(value, operand.name)
    return exact(value) if operand.is_exact else fold(value)


def _literal(operand: Operand, value: Any) -> ColumnElement[Any] | None:
    """The bound value, None if it cannot be compared with the operand."""
    match operand.kind, value:
        case Kind.TEXT, Slot():
            return slot_parameter(value, is_exact=operand.is_exact)
        case Kind.TEXT, str():
            return literal(comparable_text(operand, value), C_TEXT)
        case Kind.BOOLEAN, bool():
            return literal(value, Boolean())
        case Kind.NUMBER, int() | float():
            return literal(_float(value), Float())
        case Kind.TIME, datetime() if not operand.is_instant:
            return literal(time_text(value), C_TEXT)
        case Kind.TIME, datetime() if value.tzinfo is not None:
            return literal(in_utc(value), UtcDateTime())
        case Kind.BINARY, bytes():
            return literal(bytes_text(value), C_TEXT)
    return None


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
