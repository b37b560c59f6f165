"""The order of a search's hits, and the positions in it that cursors hold.

Values order as in ``SearchRequest.sort``: by their comparable form, a multi-valued attribute by
its primary or else first entry (the comparable form has it in front), missing values last when
ascending and first when descending. Equal ones are ordered by ``scim_id``. Without ``sortBy``
hits are ordered by type and row id, which are stable too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from scim2_models import (
    InvalidCursorException,
    InvalidFilterException,
    InvalidPathException,
    SearchRequest,
)
from scim2_models.path import AttributeBinding
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Float,
    Integer,
    Row,
    String,
    and_,
    bindparam,
    cast,
    null,
    or_,
    tuple_,
)

from ..store.columns import C_TEXT, UtcDateTime
from .attributes import Kind, Model, is_several, json_path, kind_of
from .literals import UNSTORABLE
from .operands import Operand, json_operand
from .sqljson import Path, by_code_point
from .targets import Target, key_operand, relation_of

_MAX_ROW_ID = 2**31 - 1
AT, AT_VALUE = "at", "at_value"
"""The parameters that take a position."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The columns that order hits; ``type`` is None where all hits are of one type."""

    id: Any
    scim_id: Any
    sort: Any
    type: Any = None


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the order: the page starts after it, or ends before it if backward.

    ``value`` and ``at`` are the sort value and the ``scim_id`` of a resource, or the type and
    the id of its row in an order by row. Statements have them as parameters.
    """

    is_backward: bool
    value: Any
    at: Any

    @property
    def form(self) -> "Position":
        """The position without its parameters: its direction and whether it has a value."""
        return Position(self.is_backward, None if self.value is None else True, None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Order:
    """How hits are ordered; ``values`` has the sort value of each target by its name.

    Without ``operand`` hits are ordered by type and row id, which indexes give for nothing.
    There is one object for each order (``order_of``).
    """

    values: Mapping[str, ColumnElement[Any]]
    operand: Operand | None = None
    is_required: bool = False  # no resource is without a value
    descending: bool = False

    def by(self, position: Position | None, keys: Keys) -> list[Any]:
        """Return what to order by, in the direction in which a page is read."""
        falling = self._is_falling(position)
        if self.operand is None:
            columns = [keys.id] if keys.type is None else [keys.type, keys.id]
            return [column.desc() if falling else column.asc() for column in columns]
        first = keys.sort.desc() if falling else keys.sort.asc()
        if not self.is_required:
            first = first.nulls_first() if falling else first.nulls_last()
        return [first, keys.scim_id.desc() if falling else keys.scim_id.asc()]

    def beyond(self, position: Position, keys: Keys) -> ColumnElement[bool]:
        """Return what holds for the hits that are read when reading starts at a position."""
        falling = self._is_falling(position)
        if self.operand is None:
            return _further(falling, *_row_place(keys))
        value = bindparam(AT_VALUE, type_=_type(self.operand))
        at = bindparam(AT, type_=C_TEXT)
        if self.is_required:
            return _further(falling, tuple_(keys.sort, keys.scim_id), tuple_(value, at))
        further = _further(falling, keys.scim_id, at)
        if position.value is None:
            here = and_(keys.sort.is_(None), further)
            return or_(keys.sort.is_not(None), here) if falling else here
        found = or_(_further(falling, keys.sort, value), and_(keys.sort == value, further))
        return found if falling else or_(found, keys.sort.is_(None))

    def _is_falling(self, position: Position | None) -> bool:
        return self.descending != (position is not None and position.is_backward)


def _further(falling: bool, left: Any, right: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = left < right if falling else left > right
    return found


def _row_place(keys: Keys) -> tuple[Any, Any]:
    at = bindparam(AT, type_=Integer())
    if keys.type is None:
        return keys.id, at
    return tuple_(keys.type, keys.id), tuple_(bindparam(AT_VALUE, type_=C_TEXT), at)


@lru_cache(maxsize=256)
def order_of(
    targets: tuple[Target, ...], sort_by: str | None, *, descending: bool = False
) -> Order:
    """Return the order that a search asks for.

    Raises InvalidPathException for an attribute that none of the targets can be sorted by.
    """
    if sort_by is None:
        nothing = cast(null(), String())
        return Order(values={target.name: nothing for target in targets})
    operands = {target.name: _sort_operand(target, sort_by) for target in targets}
    known = next((operand for operand in operands.values() if operand is not None), None)
    if known is None:
        raise InvalidPathException(
            path=sort_by,
            detail=f"{sort_by[:100]} cannot be sorted by: name an attribute of /Schemas that holds"
            " text, a number, a time or a truth value",
        )
    return Order(
        values={name: _sort_value(operand, known) for name, operand in operands.items()},
        operand=known,
        is_required=all(
            operand is not None and operand.is_required for operand in operands.values()
        ),
        descending=descending,
    )


def _sort_operand(target: Target, sort_by: str) -> Operand | None:
    """The value that a target is sorted by, None if it does not declare the attribute."""
    binding = _sort_binding(target.model, sort_by)
    if binding is None:
        return None
    try:
        key = key_operand(target, binding)
    except InvalidFilterException as error:
        raise InvalidPathException(path=sort_by, detail=error.detail) from error
    if key is not None:
        return key
    if relation_of(target, binding) is not None:
        raise InvalidPathException(
            path=sort_by, detail=f"{sort_by} cannot be sorted by: groups and members have no order"
        )
    return json_operand(
        target.row.comparable.expression,
        _first_path(binding),
        kind_of(binding),
        is_exact=binding.case_exact,
        name=sort_by,
    )


def _first_path(binding: AttributeBinding) -> Path:
    """Where the value is that stands for the attribute: the first one if there are several."""
    path = json_path(binding)
    if not is_several(binding):
        return path
    depth = len(path) - (binding.is_multivalued and binding.sub_field_name is not None)
    return (*path[:depth], 0, *path[depth:])


@lru_cache(maxsize=256)
def _sort_binding(model: Model, sort_by: str) -> AttributeBinding | None:
    try:
        return SearchRequest[Any].model_validate({"sortBy": sort_by}).sort_binding(model)
    except ValidationError as error:
        raise InvalidPathException(
            path=sort_by, detail=f"sortBy {sort_by[:100]!r} is not the name of an attribute"
        ) from error


def _type(operand: Operand) -> Any:
    if operand.is_instant:
        return UtcDateTime()
    return {Kind.BOOLEAN: Boolean(), Kind.NUMBER: Float()}.get(operand.kind, C_TEXT)


def _sort_value(operand: Operand | None, known: Operand) -> ColumnElement[Any]:
    """The sort value of a target; of another kind than the first target's it is none."""
    kind = _type(known)
    if operand is not None and type(_type(operand)) is type(kind):
        return operand.expression
    if kind is C_TEXT:
        return by_code_point(cast(null(), String()))
    return cast(null(), kind)


def position_of_page(direction: str, row: Row[Any], order: Order) -> dict[str, Any]:
    """Return the position of the page that starts after, or ends before, a row of a page."""
    if order.operand is None:
        return {"d": direction, "k": row.hit_type, "i": row.hit_id}
    value = row.hit_sort
    if isinstance(value, datetime):
        value = {"datetime": value.isoformat()}
    return {"d": direction, "k": value, "i": row.hit_scim_id}


def read_position(position: Any, order: Order) -> Position | None:
    """Return the place that a position names; None for the first page.

    Raises InvalidCursorException for what ``position_of_page`` did not write for this order.
    """
    match position:
        case None:
            return None
        case {"d": "next" | "previous" as direction, "k": value, "i": at}:
            backward = direction == "previous"
            if order.operand is None:
                return Position(backward, *_read_row(value, at, order))
            if value is not None or order.is_required:
                value = _read_value(value, order.operand)
            return Position(backward, value, _read_text(at))
    raise InvalidCursorException


def _read_row(type_name: Any, row_id: Any, order: Order) -> tuple[str, int]:
    if not isinstance(type_name, str) or type_name not in order.values:
        raise InvalidCursorException
    if type(row_id) is not int or not 0 <= row_id <= _MAX_ROW_ID:
        raise InvalidCursorException
    return type_name, row_id


def _read_text(value: Any) -> str:
    if not isinstance(value, str) or UNSTORABLE.search(value):
        raise InvalidCursorException
    return value


def _read_value(value: Any, operand: Operand) -> Any:
    if operand.is_instant:
        return _read_time(value)
    if operand.kind is Kind.BOOLEAN and isinstance(value, bool):
        return value
    if operand.kind is Kind.NUMBER and type(value) in {int, float}:
        return float(value)
    if operand.kind in {Kind.TEXT, Kind.TIME}:
        return _read_text(value)
    raise InvalidCursorException


def _read_time(value: Any) -> datetime:
    match value:
        case {"datetime": str() as text}:
            try:
                time = datetime.fromisoformat(text)
            except ValueError as error:
                raise InvalidCursorException from error
            if time.tzinfo is not None:
                return time
    raise InvalidCursorException
