"""Filter text to syntax tree: limits, what clients write differently, and clear refusals.

The grammar is scim2-models'. Before a filter is checked against the models it is rewritten
where real clients leave the RFC (tests/scim/test_filters.py has them by name, as T25):

- a bare word after ``eq`` is a string: ``userName eq ada.lind``
- ``"True"`` for a boolean attribute is ``true``, a number for a string attribute is a string
- ``emails[type eq "work"].value eq "x"`` is ``emails[type eq "work" and value eq "x"]``
- ``manager`` without its extension's URN is found, and means ``manager.value`` when compared
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import count
from typing import Any, Union

from scim2_models import InvalidFilterException, Resource, ScimFilter
from scim2_models.path import (
    AttributeBinding,
    AttrPath,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    Not,
    Present,
    ValuePath,
)
from scim2_server.utils import parametrize

from .attributes import (
    Kind,
    Model,
    extensions_of,
    field_model,
    is_secret,
    kind_of,
    resolve,
    resolve_compared,
)
from .literals import check_text, refused
from .slots import MARK, filled, leaves

MAX_LENGTH = 4096
MAX_TERMS = 50

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_JSON_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*"')
_BARE_WORD = re.compile(r'("(?:[^"\\]|\\.)*")|(?<![\w.:$-])(eq\s+)([^\s"()\[\]]+)', re.IGNORECASE)
_LITERAL = re.compile(
    r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?", re.IGNORECASE
)
_HINT = 'write each comparison as attribute operator "value", for example userName eq "ada"'


def parse_filter(text: str, models: Sequence[type[Resource[Any]]]) -> FilterNode:
    """Return the syntax tree of a filter (RFC 7644 §3.4.2.2) over some resource types.

    ``str()`` of it is the filter as scim2-models reads it. Raises InvalidFilterException for
    whatever is wrong: syntax, limits, an attribute that no model declares, a value or operator
    that its attribute cannot take.
    """
    return _parsed(text, tuple(models))


@lru_cache(maxsize=1024)
def _parsed(text: str, models: tuple[type[Resource[Any]], ...]) -> FilterNode:
    if len(text) > MAX_LENGTH:
        raise refused(f"the filter is longer than {MAX_LENGTH} characters: ask for less at a time")
    texts = [json.loads(literal, strict=False) for literal in _strings(text)]
    if texts and MARK not in text and not any(MARK in each for each in texts):
        with suppress(InvalidFilterException):
            return filled(_skeleton(_with_marks(text), models), texts)
    return _checked(text, models)


def _strings(text: str) -> list[str]:
    """The literals of a filter, none if one of them is not JSON."""
    found = [match[0] for match in _STRING.finditer(text)]
    return found if all(_JSON_STRING.fullmatch(each) for each in found) else []


def _with_marks(text: str) -> str:
    numbers = count()
    return _STRING.sub(lambda _: json.dumps(f"{MARK}{next(numbers)}"), text)


@lru_cache(maxsize=256)
def _skeleton(text: str, models: tuple[type[Resource[Any]], ...]) -> FilterNode:
    """A filter with marks for its texts: clients ask the same with ever other values.

    Where an attribute takes no text, or not every one, this refuses the filter with its marks,
    and the filter has to be checked with its texts.
    """
    return _checked(text, models)


def _checked(text: str, models: tuple[type[Resource[Any]], ...]) -> FilterNode:
    node = _tree(text)
    terms = sum(1 for _ in leaves(node))
    if terms > MAX_TERMS:
        raise refused(
            f"the filter has {terms} comparisons, at most {MAX_TERMS} are evaluated:"
            " ask for less at a time"
        )
    node = _Rewriter(models).visit(node)
    try:
        parametrize(ScimFilter, Union[models])(node)  # noqa: UP007
    except InvalidFilterException as error:
        raise refused(error.detail) from error
    return node


def _tree(text: str) -> FilterNode:
    try:
        return ScimFilter[Any](text).ast
    except InvalidFilterException as error:
        quoted = _BARE_WORD.sub(_with_quotes, text)
        if quoted != text:
            try:
                return ScimFilter[Any](quoted).ast
            except InvalidFilterException:
                pass
        raise refused(f"the filter cannot be read: {error.detail}; {_HINT}") from error


def _with_quotes(match: re.Match[str]) -> str:
    string, operator, word = match.groups()
    if string is not None or _LITERAL.fullmatch(word):
        return match[0]
    return f"{operator}{json.dumps(word, ensure_ascii=False)}"


class _Rewriter(FilterVisitor[FilterNode]):
    """Rewrite what clients write differently and refuse attributes that no model declares."""

    def __init__(self, models: Sequence[Model], prefix: str = "") -> None:
        self._models = models
        self._prefix = prefix

    def visit_comparison(self, node: Comparison) -> FilterNode:
        """Return the comparison with its attribute and value as the models declare them."""
        path, binding = self._found(node.attr_path, compared=True)
        if kind_of(binding) is Kind.COMPLEX and path.sub_attr is None:
            value_path = AttrPath(path.attr, "value", path.uri)
            path, binding = next(self._bindings(value_path), (path, binding))
        value = _adapted(node.value, kind_of(binding))
        if isinstance(value, str):
            check_text(value, str(node.attr_path))
        return Comparison(path, node.op, value)

    def visit_present(self, node: Present) -> FilterNode:
        """Return the test with its attribute as the models declare it."""
        return Present(self._found(node.attr_path)[0])

    def visit_not(self, node: Not) -> FilterNode:
        """Return the negation of the rewritten expression."""
        return Not(self.visit(node.expr))

    def visit_logical_expr(self, node: LogicalExpr) -> FilterNode:
        """Return the rewritten expressions joined as before."""
        return LogicalExpr(node.op, tuple(self.visit(term) for term in node.terms))

    def visit_value_path(self, node: ValuePath) -> FilterNode:
        """Return the selection with its inner filter rewritten for the attribute's entries."""
        path, binding = self._found(node.attr_path)
        inner = node.val_filter
        if kind_of(binding) is Kind.COMPLEX:
            inner = _Rewriter([field_model(binding)], f"{path}.").visit(inner)
        return ValuePath(path, inner, node.sub_attr)

    def _found(
        self, path: AttrPath, *, compared: bool = False
    ) -> tuple[AttrPath, AttributeBinding]:
        found = next(self._bindings(path, compared=compared), None)
        if found is None or is_secret(found[1]):
            raise refused(
                f"there is no attribute {self._prefix}{path} to filter by;"
                " /Schemas lists those that exist"
            )
        return found

    def _bindings(
        self, path: AttrPath, *, compared: bool = False
    ) -> Iterator[tuple[AttrPath, AttributeBinding]]:
        look_up = resolve_compared if compared else resolve
        for candidate in self._spellings(path):
            for model in self._models:
                binding = look_up(model, candidate)
                if binding is not None:
                    yield candidate, binding

    def _spellings(self, path: AttrPath) -> Iterable[AttrPath]:
        """The path, then the path under each extension if it names none (T28)."""
        yield path
        if path.uri is None:
            for model in self._models:
                for urn in extensions_of(model):
                    yield AttrPath(path.attr, path.sub_attr, urn)


def _adapted(value: Any, kind: Kind) -> Any:
    """The value as its attribute's type, where a client wrote another type for it."""
    if kind is Kind.BOOLEAN and isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if kind is Kind.TEXT and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value
