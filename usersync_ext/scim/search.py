"""Sorting and paging of searches, as SQL statements over the mirror's tables.

``search_statements`` only builds statements, ``run_search`` runs them. A page is found as ids
and sort values first, from indexes or from values of the comparable form; the wide columns are
read for its rows only. ``ordering`` has the order and the positions of cursors.

Building costs more than running, so statements are kept by the shape of a search: its values
(of ``eq``), source, place and size are parameters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from operator import add
from typing import Any

from scim2_models import InvalidFilterException, SearchRequest
from scim2_models.path import FilterNode
from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.sql.visitors import iterate

from ..store.columns import C_TEXT
from ..store.engine import Session, remembered
from ..store.schema import IdentityRow
from .filters import Target, filter_clause, finds_ids
from .ordering import AT, AT_VALUE, Keys, Order, Position, order_of, position_of_page, read_position
from .slots import MARK, shape_of
from .sqljson import by_code_point, not_by_index

MAX_ROWS = 2**53
"""More than any database holds; larger numbers of clients are cut to it."""

SOURCE, LIMIT, OFFSET = "source", "limit", "offset"
"""Parameters of every statement, besides those of filters and positions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a client asks for, validated; ``count`` None means everything.

    ``position`` is what a page gave as ``next`` or ``previous``; it counts only with ``cursor``.
    """

    filter: FilterNode | None = None
    sort_by: str | None = None
    descending: bool = False
    start_index: int = 1
    count: int | None = None
    cursor: bool = False
    position: Any = None

    @property
    def offset(self) -> int:
        """How many resources come before the page; always 0 with a cursor."""
        return 0 if self.cursor else min(max(self.start_index, 1) - 1, MAX_ROWS)

    @property
    def limit(self) -> int | None:
        """How many rows to read: with a cursor one more, which tells whether there is more."""
        if self.count is None:
            return None
        return min(max(self.count, 0), MAX_ROWS) + self.cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """The statements of a search and their parameters; ``page`` is None for the total only.

    A row of ``page`` begins with ``hit_type`` (the name of the resource type), ``hit_id`` (of
    the row), ``hit_scim_id`` and ``hit_sort``; the caller's columns follow.
    """

    search: Search
    order: Order
    page: Select[Any] | None
    total: Select[Any]
    parameters: Mapping[str, Any]
    is_backward: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of a search; ``total`` is None on the later pages of a cursor."""

    total: int | None
    rows: Sequence[Row[Any]] = ()
    next: dict[str, Any] | None = None
    previous: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """All that the statements of a search depend on, without their parameters."""

    targets: tuple[Target, ...]
    filter: FilterNode | None
    order: Order
    columns: tuple[Any, ...]
    has_page: bool
    has_offset: bool
    has_limit: bool
    position: Position | None


@dataclass(frozen=True, slots=True)
class _Built:
    page: Select[Any] | None
    total: Select[Any]


def search_of(
    request: SearchRequest[Any], position: Any = None, *, filter_: FilterNode | None = None
) -> Search:
    """Return a search request of the library (validated, its count bounded) as our value.

    ``filter_`` is its filter where that was parsed before (``parse_filter``).
    """
    if filter_ is None and request.filter is not None:
        filter_ = request.filter.ast
    return Search(
        filter=filter_,
        sort_by=str(request.sort_by) if request.sort_by is not None else None,
        descending=request.sort_order == SearchRequest.SortOrder.descending,
        start_index=request.start_index or 1,
        count=request.count,
        cursor=request.cursor is not None,
        position=position,
    )


def search_statements(
    targets: Sequence[Target], source_id: int, search: Search, columns: Sequence[Any] = ()
) -> Statements:
    """Return the statements that find a page of the targets' resources as one collection.

    ``columns`` of the target's table are added to the page (the same objects each time, so that
    the statements can be kept); with several targets there are none, and the caller loads the
    rows by type and id. Raises InvalidFilterException, InvalidPathException (for sortBy) and
    InvalidCursorException.
    """
    targets = tuple(targets)
    order = order_of(targets, search.sort_by, descending=search.descending)
    position = read_position(search.position, order) if search.cursor else None
    shape = _Shape(
        targets=targets,
        filter=search.filter,
        order=order,
        columns=tuple(columns),
        has_page=search.count != 0,
        has_offset=search.offset > 0,
        has_limit=search.limit is not None,
        position=position and position.form,
    )
    built, texts = _built(shape)
    parameters = {SOURCE: source_id, LIMIT: search.limit, OFFSET: search.offset, **texts}
    if position is not None:
        parameters |= {AT: position.at, AT_VALUE: position.value}
    return Statements(
        search=search,
        order=order,
        page=built.page,
        total=built.total,
        parameters=parameters,
        is_backward=position is not None and position.is_backward,
    )


def run_search(session: Session, statements: Statements) -> Found:
    """Return the page; its total is counted only where the page itself does not tell it."""
    search = statements.search
    if statements.page is None:
        return Found(total=_count(session, statements))
    rows = session.execute(statements.page, statements.parameters).all()
    if search.cursor:
        return _cursor_page(session, statements, rows)
    tells_total = search.count is None or len(rows) < search.count
    if tells_total and (rows or not search.offset):
        return Found(total=search.offset + len(rows), rows=rows)
    return Found(total=_count(session, statements), rows=rows)


def _cursor_page(session: Session, statements: Statements, rows: Sequence[Row[Any]]) -> Found:
    search, order, backward = statements.search, statements.order, statements.is_backward
    more = search.count is not None and len(rows) > search.count
    rows = rows[: search.count]
    if backward:
        rows = rows[::-1]
    total = None
    if search.position is None:
        total = _count(session, statements) if more else len(rows)
    before, after = (more, True) if backward else (search.position is not None, more)
    return Found(
        total=total,
        rows=rows,
        next=position_of_page("next", rows[-1], order) if rows and after else None,
        previous=position_of_page("previous", rows[0], order) if rows and before else None,
    )


def _count(session: Session, statements: Statements) -> int:
    """The total, remembered while nobody writes: a client that walks all pages counts once."""

    def compute() -> int:
        return int(session.execute(statements.total, statements.parameters).scalar_one())

    if statements.search.filter is not None:
        return compute()
    key = ("total", statements.parameters[SOURCE], *statements.order.values)  # names of targets
    return remembered(session, key, compute)


def _built(shape: _Shape) -> tuple[_Built, Mapping[str, str]]:
    """The statements of a shape, and parameters for the texts of its filter."""
    if shape.filter is None:
        return _kept(shape) or _build(shape), {}
    form = shape_of(shape.filter)
    kept = _kept(replace(shape, filter=form.node)) if form.is_general else None
    if kept is None:
        return _build(shape), {}
    return kept, form.parameters()


@lru_cache(maxsize=256)
def _kept(shape: _Shape) -> _Built | None:
    """The statements of a shape, None if they serve one text only.

    That is so where an attribute does not take every text; building from the filter with its
    texts tells what is wrong with one.
    """
    try:
        built = _build(shape)
    except InvalidFilterException:
        return None
    statements = (built.page, built.total)
    parts = (part for each in statements if each is not None for part in iterate(each))
    values = (part.value for part in parts if isinstance(part, BindParameter))
    return None if any(MARK in str(value) for value in values) else built


def _build(shape: _Shape) -> _Built:
    conditions = [_condition(target, shape.filter) for target in shape.targets]
    page = None
    if shape.has_page and len(conditions) == 1:
        page = _page_of_one(shape, conditions[0])
    elif shape.has_page:
        page = _page_of_several(shape, conditions)
    return _Built(page, _total(shape.targets, conditions))


def _condition(target: Target, node: FilterNode | None) -> ColumnElement[bool]:
    """Which rows of a target a search covers; tombstones are not there."""
    source = bindparam(SOURCE, type_=Integer())
    column: Any = target.row.source_id
    if node is not None and finds_ids(node, target):
        column = not_by_index(column)  # else SQLite walks the whole source instead of few ids
    conditions: list[Any] = [column == source]
    if target.row is IdentityRow:
        conditions.append(IdentityRow.deleted_at.is_(None))
    if node is not None:
        conditions.append(filter_clause(node, target, source))
    return and_(*conditions)


def _total(targets: Sequence[Target], conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    counts = [
        select(func.count()).select_from(target.row).where(condition)
        for target, condition in zip(targets, conditions, strict=True)
    ]
    if len(counts) == 1:
        return counts[0]
    return select(reduce(add, (each.scalar_subquery() for each in counts)))


def _page_of_one(shape: _Shape, condition: ColumnElement[bool]) -> Select[Any]:
    """Ids and sort values first, then the columns of those rows: most rows are never read."""
    target, order, position = shape.targets[0], shape.order, shape.position
    row = target.row
    keys = Keys(row.id, row.scim_id, order.values[target.name])
    found = select(row.id.label("hit_id"), keys.sort.label("hit_sort")).where(condition)
    hit = _part(found, shape, keys).subquery("hit")
    head = (
        literal(target.name, C_TEXT).label("hit_type"),
        hit.c.hit_id,
        row.scim_id.label("hit_scim_id"),
        hit.c.hit_sort,
    )
    return (
        select(*head, *shape.columns)
        .select_from(hit)
        .join(row, row.id == hit.c.hit_id)
        .order_by(*order.by(position, Keys(hit.c.hit_id, row.scim_id, hit.c.hit_sort)))
    )


def _page_of_several(shape: _Shape, conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    hits = (
        _hits(target, shape.order).where(condition)
        for target, condition in zip(shape.targets, conditions, strict=True)
    )
    hit = union_all(*hits).subquery("hit")
    keys = Keys(hit.c.hit_id, hit.c.hit_scim_id, hit.c.hit_sort, hit.c.hit_type)
    return _part(select(*hit.c), shape, keys)


def _hits(target: Target, order: Order) -> Select[Any]:
    return select(
        by_code_point(literal(target.name, C_TEXT)).label("hit_type"),
        target.row.id.label("hit_id"),
        target.row.scim_id.label("hit_scim_id"),
        order.values[target.name].label("hit_sort"),
    )


def _part(found: Select[Any], shape: _Shape, keys: Keys) -> Select[Any]:
    """The part of the hits that is asked for, in order."""
    if shape.position is not None:
        found = found.where(shape.order.beyond(shape.position, keys))
    found = found.order_by(*shape.order.by(shape.position, keys))
    if shape.has_offset:
        found = found.offset(bindparam(OFFSET, type_=BigInteger()))
    return found.limit(bindparam(LIMIT, type_=BigInteger())) if shape.has_limit else found
