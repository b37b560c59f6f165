"""Values of filters apart from their shape, so that one built statement serves all values.

Building a SQL statement costs several times as much as running it. What clients ask all day is
``attribute eq "text"``; there the text is a slot, and the statement is built once a shape.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim2_models.path import (
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    Not,
    Present,
    ValuePath,
)
from sqlalchemy import BindParameter, bindparam

from ..core.username import fold
from ..store.columns import C_TEXT
from .attributes import exact
from .literals import check_text

MARK = "\x01slot"
MAX_SLOTS = 4
"""Longer filters are built each time: nobody repeats them, and keeping them takes memory."""

_FOLDED, _EXACT = "_folded", "_exact"


class Slot(str):
    """A place for a text that is not known yet, in the tree of a filter.

    It is a text itself, so that everything that does not know of slots takes it for a value;
    whoever builds a statement from slots has to make sure that ``MARK`` is nowhere in it.
    """

    number: int

    @classmethod
    def of(cls, number: int) -> "Slot":
        """Return the slot of a number."""
        slot = cls(f"{MARK}{number}")
        slot.number = number
        return slot


def slot_parameter(slot: Slot, *, is_exact: bool) -> BindParameter[Any]:
    """Return the parameter that takes the comparable form of a slot's text."""
    return bindparam(f"slot_{slot.number}{_EXACT if is_exact else _FOLDED}", type_=C_TEXT)


@dataclass(frozen=True, slots=True)
class Shape:
    """A filter with slots, and the texts for them with the attributes that they are for."""

    node: FilterNode
    texts: tuple[tuple[str, str], ...]

    @property
    def is_general(self) -> bool:
        """Whether the slots are its only texts, so that statements for it are worth keeping."""
        return len(self.texts) <= MAX_SLOTS and all(
            isinstance(leaf.value, Slot) or not isinstance(leaf.value, str) or not leaf.value
            for leaf in leaves(self.node)
            if isinstance(leaf, Comparison)
        )

    def parameters(self) -> dict[str, str]:
        """Return the values of the parameters that the slots may have become.

        Raises InvalidFilterException for a text that no database can hold.
        """
        found = {}
        for number, (text, name) in enumerate(self.texts):
            check_text(text, name)
            found[f"slot_{number}{_FOLDED}"] = fold(text)
            found[f"slot_{number}{_EXACT}"] = exact(text)
        return found


def shape_of(node: FilterNode) -> Shape:
    """Return a filter with a slot for each text (but the empty one) that must be equal."""
    slotter = _Slotter()
    return Shape(slotter.visit(node), tuple(slotter.texts))


def filled(node: FilterNode, texts: Sequence[str]) -> FilterNode:
    """Return a filter with texts in the place of its marks.

    Raises InvalidFilterException for a text that no database can hold.
    """
    return _Filler({f"{MARK}{number}": text for number, text in enumerate(texts)}).visit(node)


class _Rebuilder(FilterVisitor[FilterNode]):
    """A copy of a filter; subclasses change its comparisons."""

    def visit_present(self, node: Present) -> FilterNode:
        return node

    def visit_not(self, node: Not) -> FilterNode:
        return Not(self.visit(node.expr))

    def visit_logical_expr(self, node: LogicalExpr) -> FilterNode:
        return LogicalExpr(node.op, tuple(self.visit(term) for term in node.terms))

    def visit_value_path(self, node: ValuePath) -> FilterNode:
        return ValuePath(node.attr_path, self.visit(node.val_filter), node.sub_attr)


class _Filler(_Rebuilder):
    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def visit_comparison(self, node: Comparison) -> FilterNode:
        if not isinstance(node.value, str):
            return node
        text = self._texts.get(node.value, node.value)  # a bare word has no mark
        return Comparison(node.attr_path, node.op, check_text(text, str(node.attr_path)))


class _Slotter(_Rebuilder):
    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []

    def visit_comparison(self, node: Comparison) -> FilterNode:
        if node.op is not CompareOperator.eq or not isinstance(node.value, str) or not node.value:
            return node
        self.texts.append((node.value, str(node.attr_path)))
        return Comparison(node.attr_path, node.op, Slot.of(len(self.texts) - 1))


def leaves(node: FilterNode) -> Iterator[FilterNode]:
    """Yield the comparisons and presence tests of a filter."""
    stack = [node]
    while stack:
        match stack.pop():
            case LogicalExpr(terms=terms):
                stack.extend(terms)
            case Not(expr=inner) | ValuePath(val_filter=inner):
                stack.append(inner)
            case leaf:
                yield leaf
