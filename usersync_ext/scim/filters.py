"""SCIM filters as SQL over the mirror's tables.

The reference is scim2-models' in-memory evaluator: for every filter, the same resources match.
Resources are read from their comparable form (``comparable.py``), from key columns where an
index helps, and from the membership tables for ``groups`` and ``members``. What SQL cannot
answer is refused with invalidFilter, never filtered afterwards.
"""

from collections.abc import Callable, Mapping
from typing import Any

from scim2_models.path import (
    AttributeBinding,
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
    coerce_value,
)
from sqlalchemy import (
    ColumnElement,
    and_,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
)

from ..core.username import fold
from ..store.schema import IdentityEmailRow, IdentityRow
from .attributes import (
    Kind,
    Model,
    attributes_of,
    field_model,
    is_extension,
    is_secret,
    is_several,
    json_path,
    kind_of,
    resolve,
    resolve_compared,
    scim_name,
)
from .filter_text import parse_filter
from .literals import refused
from .operands import Operand, compared, is_present, json_operand
from .relations import Relation, pinned_value
from .slots import Slot, slot_parameter
from .sqljson import Path, entry_text, json_entries, json_kind
from .targets import Target, key_operand, relation_of, relations_of

__all__ = ["FilterSql", "Target", "filter_clause", "finds_ids", "parse_filter"]


def filter_clause(node: FilterNode, target: Target, source: Any) -> ColumnElement[bool]:
    """Return a filter as a condition on the target's table; NULL means that it does not match.

    ``source`` is the id of the source, or a parameter for it. Raises InvalidFilterException for
    what SQL cannot answer.
    """
    return _ResourceSql(target, source).visit(node)


def finds_ids(node: FilterNode, target: Target) -> bool:
    """Return whether the filter's condition picks a few rows by their ids: an e-mail, a member."""
    if isinstance(node, LogicalExpr):
        return node.op is LogicalOperator.and_ and any(finds_ids(t, target) for t in node.terms)
    if isinstance(node, ValuePath):
        binding = resolve(target.model, node.attr_path)
        value = pinned_value(node.val_filter)
    elif isinstance(node, Comparison) and node.op is CompareOperator.eq:
        binding, value = resolve_compared(target.model, node.attr_path), node.value
    else:
        return False
    if binding is None or not value or not isinstance(value, str):
        return False
    names = {"emails", *relations_of(target)}
    return binding.field_name in names and binding.sub_field_name in {None, "value"}


class FilterSql(FilterVisitor[ColumnElement[bool]]):
    """A filter on the comparable form of a resource, or of an entry of a complex attribute."""

    def __init__(self, model: Model, document: ColumnElement[Any]) -> None:
        self._model = model
        self._document = document

    def visit_comparison(self, node: Comparison) -> ColumnElement[bool]:
        """Return the comparison; an attribute that does not exist matches nothing."""
        binding = resolve_compared(self._model, node.attr_path)
        if binding is None or is_secret(binding):
            return false()
        return self.compare(binding, node.op, coerce_value(binding, node.value, node.op))

    def visit_present(self, node: Present) -> ColumnElement[bool]:
        """Return the presence test; an attribute that does not exist is not present."""
        binding = resolve(self._model, node.attr_path)
        return false() if binding is None or is_secret(binding) else self.present(binding)

    def visit_not(self, node: Not) -> ColumnElement[bool]:
        """Return the negation, in which "no value" is not a match (SQL's NULL would spread)."""
        return not_(func.coalesce(self.visit(node.expr), false()))

    def visit_logical_expr(self, node: LogicalExpr) -> ColumnElement[bool]:
        """Return the terms joined."""
        terms = [self.visit(term) for term in node.terms]
        return and_(*terms) if node.op is LogicalOperator.and_ else or_(*terms)

    def visit_value_path(self, node: ValuePath) -> ColumnElement[bool]:
        """Return whether an entry of the attribute matches the inner filter."""
        binding = resolve(self._model, node.attr_path)
        if binding is None or is_secret(binding):
            return false()
        if not binding.is_multivalued:
            raise refused(
                f"{node.attr_path} holds one value, so there is nothing to select in [ ]:"
                f" write {node.attr_path}.attribute instead"
            )
        return self.select(binding, node.val_filter)

    def select(self, binding: AttributeBinding, inner: FilterNode) -> ColumnElement[bool]:
        """Return whether an entry of a multi-valued attribute matches a filter."""
        if kind_of(binding) is not Kind.COMPLEX:
            return self._any_entry(binding, lambda item: _EntrySql(item).visit(inner))
        entries = json_entries(self._document, json_path(binding)).rows()
        found = FilterSql(field_model(binding), entries.c.value).visit(inner)
        return _exists(entries, found)

    def compare(
        self, binding: AttributeBinding, op: CompareOperator, value: Any
    ) -> ColumnElement[bool]:
        """Return the comparison of an attribute with a value of its type."""
        if kind_of(binding) is Kind.COMPLEX:
            return self._compare_whole(binding, op, value)
        if not is_several(binding):
            return compared(self.operand(binding), op, value)
        equal = CompareOperator.eq
        if op is not CompareOperator.ne:
            found = self._any_entry(binding, lambda item: compared(item, op, value))
        else:  # no value is equal
            found = not_(self._any_entry(binding, lambda item: compared(item, equal, value)))
        if value is not None or op not in {equal, CompareOperator.ne}:
            return found
        missing = json_kind(self._document, _list_path(binding)).is_(None)
        return or_(missing, found) if op is equal else and_(not_(missing), found)

    def present(self, binding: AttributeBinding) -> ColumnElement[bool]:
        """Return whether an attribute has a value that is not empty."""
        if is_extension(binding.field_type) and binding.sub_field_name is None:
            return json_kind(self._document, json_path(binding)).is_not(None)
        if kind_of(binding) is not Kind.COMPLEX:
            if is_several(binding):
                return self._any_entry(binding, is_present)
            return is_present(self.operand(binding))
        if not binding.is_multivalued:
            return self._any_part(binding, self._document, json_path(binding))
        entries = json_entries(self._document, json_path(binding)).rows()
        return _exists(entries, self._any_part(binding, entries.c.value, ()))

    def operand(self, binding: AttributeBinding) -> Operand:
        """Return the single value of an attribute."""
        return json_operand(
            self._document,
            json_path(binding),
            kind_of(binding),
            is_exact=binding.case_exact,
            name=binding.urn,
        )

    def _compare_whole(
        self, binding: AttributeBinding, op: CompareOperator, value: Any
    ) -> ColumnElement[bool]:
        """A complex value is equal to nothing but its own absence."""
        if value is None and op in {CompareOperator.eq, CompareOperator.ne}:
            missing = json_kind(self._document, json_path(binding)).is_(None)
            return missing if op is CompareOperator.eq else not_(missing)
        return true() if op is CompareOperator.ne else false()

    def _any_entry(
        self, binding: AttributeBinding, condition: Callable[[Operand], ColumnElement[bool]]
    ) -> ColumnElement[bool]:
        entries = json_entries(self._document, _list_path(binding)).rows()
        return _exists(entries, condition(_item(binding, entries.c.value)))

    def _any_part(
        self, binding: AttributeBinding, document: ColumnElement[Any], path: Path
    ) -> ColumnElement[bool]:
        model = field_model(binding)
        parts = (
            _part_present(document, (*path, scim_name(model, part.field_name)), part)
            for part in attributes_of(model)
        )
        return or_(false(), *parts)


class _EntrySql(FilterVisitor[ColumnElement[bool]]):
    """A filter on an entry that is a plain value: ``value`` names it, as in ``schemas``."""

    def __init__(self, item: Operand) -> None:
        self._item = item

    def visit_comparison(self, node: Comparison) -> ColumnElement[bool]:
        return compared(self._item, node.op, node.value) if _is_value(node) else false()

    def visit_present(self, node: Present) -> ColumnElement[bool]:
        return is_present(self._item) if _is_value(node) else false()

    def visit_not(self, node: Not) -> ColumnElement[bool]:
        return not_(func.coalesce(self.visit(node.expr), false()))

    def visit_logical_expr(self, node: LogicalExpr) -> ColumnElement[bool]:
        terms = [self.visit(term) for term in node.terms]
        return and_(*terms) if node.op is LogicalOperator.and_ else or_(*terms)

    def visit_value_path(self, node: ValuePath) -> ColumnElement[bool]:
        return false()


class _ResourceSql(FilterSql):
    """A filter on a resource: key columns, relations and the table of e-mails besides JSON."""

    def __init__(self, target: Target, source: Any) -> None:
        super().__init__(target.model, target.row.comparable.expression)
        self._target = target
        self._source = source

    def compare(
        self, binding: AttributeBinding, op: CompareOperator, value: Any
    ) -> ColumnElement[bool]:
        relation = self._relation(binding)
        if relation is not None:
            return _compare_relation(relation, binding, op, value)
        found = super().compare(binding, op, value)
        if op is CompareOperator.eq and json_path(binding) == ("emails", "value"):
            return self._with_email(value, found)
        return found

    def present(self, binding: AttributeBinding) -> ColumnElement[bool]:
        relation = self._relation(binding)
        if relation is not None:
            part = binding.sub_field_name or "value"
            return relation.any(lambda operands: is_present(_part(relation, operands, part)))
        return true() if binding.field_name == "meta" else super().present(binding)

    def select(self, binding: AttributeBinding, inner: FilterNode) -> ColumnElement[bool]:
        pinned = pinned_value(inner)
        relation = self._relation(binding)
        if relation is not None:
            model = field_model(binding)
            return relation.any(
                lambda operands: _RelationSql(model, relation, operands).visit(inner),
                few=pinned is not None,
            )
        found = super().select(binding, inner)
        return self._with_email(pinned, found) if json_path(binding) == ("emails",) else found

    def operand(self, binding: AttributeBinding) -> Operand:
        return key_operand(self._target, binding) or super().operand(binding)

    def _compare_whole(
        self, binding: AttributeBinding, op: CompareOperator, value: Any
    ) -> ColumnElement[bool]:
        if binding.field_name == "meta":
            return true() if op is CompareOperator.ne else false()
        return super()._compare_whole(binding, op, value)

    def _relation(self, binding: AttributeBinding) -> Relation | None:
        return relation_of(self._target, binding)

    def _with_email(self, value: Any, found: ColumnElement[bool]) -> ColumnElement[bool]:
        """Add what lets the index on e-mails find the few people to look at."""
        if not isinstance(value, str) or not value or self._target.row is not IdentityRow:
            return found
        key = slot_parameter(value, is_exact=False) if isinstance(value, Slot) else fold(value)
        rows = select(IdentityEmailRow.identity_id).where(
            IdentityEmailRow.source_id == self._source,
            IdentityEmailRow.email_key == key,
        )
        return and_(IdentityRow.id.in_(rows), found)


class _RelationSql(FilterSql):
    """A filter on an entry of ``groups`` or ``members``."""

    def __init__(self, model: Model, relation: Relation, operands: Mapping[str, Operand]) -> None:
        super().__init__(model, literal_column("NULL"))
        self._relation = relation
        self._operands = operands

    def operand(self, binding: AttributeBinding) -> Operand:
        return _part(self._relation, self._operands, binding.field_name)


def _compare_relation(
    relation: Relation, binding: AttributeBinding, op: CompareOperator, value: Any
) -> ColumnElement[bool]:
    part = binding.sub_field_name or "value"
    equal = CompareOperator.eq
    if value is None and op in {equal, CompareOperator.ne}:
        found = relation.any(lambda operands: is_present(_part(relation, operands, part)))
        return not_(found) if op is equal else found
    asked = equal if op is CompareOperator.ne else op
    found = relation.any(
        lambda operands: compared(_part(relation, operands, part), asked, value),
        few=asked is equal and part == "value",
    )
    return not_(found) if op is CompareOperator.ne else found


def _part(relation: Relation, operands: Mapping[str, Operand], name: str) -> Operand:
    if name not in operands:
        known = " and ".join(f"{relation.name}.{part}" for part in operands)
        raise refused(
            f"{relation.name}.{'$ref' if name == 'ref' else name} cannot be filtered by:"
            f" use {known}"
        )
    return operands[name]


def _list_path(binding: AttributeBinding) -> Path:
    path = json_path(binding)
    if not binding.is_multivalued or binding.sub_field_name is None:
        return path
    if binding.target_is_multivalued:
        raise refused(f"{binding.urn} cannot be filtered by: it holds lists in a list")
    return path[:-1]


def _item(binding: AttributeBinding, value: ColumnElement[Any]) -> Operand:
    """One entry's value: the entry itself, or a sub-attribute of it."""
    kind = kind_of(binding)
    path = json_path(binding)[len(_list_path(binding)) :]
    if not path and kind not in {Kind.BOOLEAN, Kind.NUMBER}:
        return Operand(
            name=binding.urn, expression=entry_text(value), kind=kind, is_exact=binding.case_exact
        )
    return json_operand(value, path, kind, is_exact=binding.case_exact, name=binding.urn)


def _part_present(
    document: ColumnElement[Any], path: Path, part: AttributeBinding
) -> ColumnElement[bool]:
    if part.is_multivalued:
        entries = json_entries(document, path).rows()
        return _exists(entries, is_present(_item(part, entries.c.value)))
    kind, exact = kind_of(part), part.case_exact
    return is_present(json_operand(document, path, kind, is_exact=exact, name=part.urn))


def _exists(entries: Any, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(literal_column("1")).select_from(entries).where(condition).exists()


def _is_value(node: Comparison | Present) -> bool:
    return node.attr_path.attr.lower() == "value" and not node.attr_path.sub_attr
