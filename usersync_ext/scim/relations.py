"""``groups`` of a user and ``members`` of a group: rows of the membership tables, as SQL.

Equality on ``value`` becomes a look-up from the other side's id, so that a group of 50,000
members is never walked; everything else asks whether such a row exists.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator
from sqlalchemy import ColumnElement, Select, literal, literal_column, or_, select
from sqlalchemy.orm import aliased

from ..store.columns import C_TEXT
from ..store.schema import GroupChildRow, GroupMemberRow, GroupRow, IdentityRow
from .operands import Operand

Condition = Callable[[Mapping[str, Operand]], ColumnElement[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One table of a relation: its rows joined to what they point at.

    ``own`` is the id of the resource that is searched, ``owner`` the column that refers to it.
    """

    own: Any
    owner: Any
    other: Any
    link: Any
    on: ColumnElement[bool]
    conditions: tuple[ColumnElement[bool], ...]
    operands: Mapping[str, Operand]

    def _rows(self, wanted: Any, condition: ColumnElement[bool]) -> Select[Any]:
        return (
            select(wanted)
            .select_from(self.link)
            .join(self.other, self.on)
            .where(*self.conditions, condition)
        )

    def exists(self, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        """Return whether the resource has a row for which the condition holds."""
        rows = self._rows(literal_column("1"), condition).where(self.owner == self.own)
        return rows.correlate(self.own.class_).exists()

    def among(self, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        """Return the same, found from the side of the (few) rows that the condition picks."""
        found: ColumnElement[bool] = self.own.in_(self._rows(self.owner, condition).correlate(None))
        return found


@dataclass(frozen=True, slots=True)
class Relation:
    """A multi-valued attribute that is kept in membership tables."""

    name: str
    arms: tuple[Arm, ...]

    def any(self, condition: Condition, *, few: bool = False) -> ColumnElement[bool]:
        """Return whether the condition holds for an entry; ``few``: it picks one by its id."""
        return or_(
            *((arm.among if few else arm.exists)(condition(arm.operands)) for arm in self.arms)
        )


def pinned_value(node: FilterNode) -> str | None:
    """Return the text to which every entry that matches the filter has its ``value`` equal."""
    match node:
        case Comparison(op=CompareOperator.eq, value=str() as value, attr_path=path):
            return value if path.attr.lower() == "value" and path.sub_attr is None else None
        case LogicalExpr(op=LogicalOperator.and_, terms=terms):
            found = (pinned_value(term) for term in terms)
            return next((value for value in found if value is not None), None)
    return None


@lru_cache(maxsize=1)
def groups_of_user() -> Relation:
    """Return the groups that a person is a direct member of."""
    operands = {
        "value": Operand(
            name="groups.value",
            expression=_column(GroupRow.scim_id),
            is_exact=True,
            is_required=True,
        ),
        "display": Operand(
            name="groups.display", expression=_column(GroupRow.display_name_key), is_required=True
        ),
        "type": Operand(name="groups.type", expression=literal("direct", C_TEXT), is_required=True),
    }
    arm = Arm(
        own=IdentityRow.id,
        owner=GroupMemberRow.identity_id,
        link=GroupMemberRow,
        other=GroupRow,
        on=GroupRow.id == GroupMemberRow.group_id,
        conditions=(),
        operands=operands,
    )
    return Relation("groups", (arm,))


@lru_cache(maxsize=1)
def members_of_group() -> Relation:
    """Return the people and groups that are direct members of a group."""
    child = aliased(GroupRow, name="member_group")
    people = Arm(
        own=GroupRow.id,
        owner=GroupMemberRow.group_id,
        link=GroupMemberRow,
        other=IdentityRow,
        on=IdentityRow.id == GroupMemberRow.identity_id,
        conditions=(IdentityRow.deleted_at.is_(None),),
        operands=_member_operands(IdentityRow.scim_id, "User"),
    )
    groups = Arm(
        own=GroupRow.id,
        owner=GroupChildRow.group_id,
        link=GroupChildRow,
        other=child,
        on=child.id == GroupChildRow.child_id,
        conditions=(),
        operands=_member_operands(child.scim_id, "Group"),
    )
    return Relation("members", (people, groups))


def _member_operands(value: Any, type_name: str) -> dict[str, Operand]:
    return {
        "value": Operand(
            name="members.value", expression=_column(value), is_exact=True, is_required=True
        ),
        "type": Operand(
            name="members.type", expression=literal(type_name.lower(), C_TEXT), is_required=True
        ),
    }


def _column(attribute: Any) -> ColumnElement[Any]:
    expression: ColumnElement[Any] = attribute.expression
    return expression
