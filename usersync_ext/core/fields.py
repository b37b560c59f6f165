"""Which attributes an account gets: the attribute mapping and what it makes of a person.

The rule ``attribute_mapping`` is text: a JSON list of rows, each with ``field``, ``from`` (an
expression), and where wanted ``case`` (lower, upper), ``regex`` and ``replacement``. Written by
hand it may be lines such as ``title = title | "Staff"`` or ``email = emails > lower``. Fields
without a row follow their default; an empty ``from`` leaves a field alone.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from .attributes import InvalidExpression
from .expressions import Choice, compile_expression, evaluate
from .pattern import InvalidPattern, Part, Pattern, compile_pattern, compile_replacement, substitute
from .records import Account, Identity

MAX_ROWS = 60
MAX_VALUE_LENGTH = 1000
CASES = ("", "lower", "upper")
STANDARD: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "full_name": (
            "full name",
            "displayName | name.formatted | {name.givenName} {name.familyName} | userName",
        ),
        "given_name": ("given name", "name.givenName"),
        "family_name": ("family name", "name.familyName"),
        "email": ("e-mail", "emails"),
        "phone": ("phone", "phoneNumbers"),
        "title": ("title", "title"),
        "department": ("department", "department"),
        "manager": ("manager", "manager"),
        "locale": ("locale", "locale"),
    }
)
"""The fields that every account has: what they are called, and where they come from by default."""
RESERVED = frozenset(f.name for f in fields(Account)) - set(STANDARD)
FREE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
ROW_KEYS = frozenset({"field", "from", "case", "regex", "replacement"})
_LINE = re.compile(r"\s*([^=\s]+)\s*=\s*(.*?)(?:\s+>\s*(lower|upper))?\s*", re.DOTALL)
_LINES = re.compile(r'((?:"(?:[^"\\]|\\.)*"|[^";\n])*)[;\n]?')


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """One row of the mapping, ready to be evaluated."""

    name: str
    label: str
    source: str  # the expression as written
    choices: tuple[Choice, ...]
    case: str = ""
    pattern: Pattern | None = None
    replacement: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the mapping makes of a person: the account's fields and its free attributes."""

    values: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)


def canonical_mapping(text: str) -> str:
    """Return a mapping as it is stored, ``""`` where it says nothing but defaults.

    Raises InvalidExpression naming the field.
    """
    rows = [row_of(row) for row in read_rows(text)]
    names = [row["field"] for row in rows]
    if len(names) > MAX_ROWS:
        raise InvalidExpression(f"there are {len(names)} rows; {MAX_ROWS} are allowed")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidExpression(f"{', '.join(twice)} is there twice")
    told = [row for row in rows if not is_default(row)]
    for row in told:
        compiled_row(row)
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")) if told else ""


def read_rows(text: str) -> list[Any]:
    """Return the rows of a mapping, from JSON or from lines. Raises InvalidExpression."""
    if text.lstrip().startswith("["):
        try:
            rows = json.loads(text)
        except ValueError as error:
            raise InvalidExpression(f"not a JSON list: {error}") from error
        return list(rows)
    return [row_from_line(match[1]) for match in _LINES.finditer(text) if match[1].strip()]


def row_from_line(line: str) -> dict[str, str]:
    """Return the row of a line. Raises InvalidExpression."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise InvalidExpression(f"{line.strip()!r} must look like title = title")
    return {"field": match[1], "from": match[2], "case": match[3] or ""}


def row_of(row: Any) -> dict[str, str]:
    """Return a row with all its keys as text. Raises InvalidExpression."""
    if not isinstance(row, Mapping) or not all(isinstance(v, str) for v in row.values()):
        raise InvalidExpression("every row must be an object of texts")
    unknown = sorted(set(row) - ROW_KEYS)
    if unknown:
        raise InvalidExpression(f"unknown key {', '.join(unknown)}; known are field, from, case, …")
    full = {key: row.get(key, "") for key in ("field", "from", "case", "regex", "replacement")}
    full |= {key: full[key].strip() for key in ("field", "from", "case")}
    if full["field"] == "user_name":
        raise InvalidExpression("user_name: use user_name_attribute and username_regex for names")
    if full["field"] in RESERVED or not FREE_NAME.fullmatch(full["field"]):
        raise InvalidExpression(f"{full['field']!r} cannot be the name of a field")
    if full["case"] not in CASES:
        raise InvalidExpression(f"{full['field']}: case must be lower, upper or empty")
    return full


def is_default(row: Mapping[str, str]) -> bool:
    """Tell whether a row says what holds without it."""
    default = STANDARD.get(row["field"], ("", ""))[1]
    return row["from"] == default and not (row["case"] or row["regex"])


def compiled_row(row: Mapping[str, str]) -> FieldRule:
    """Return a row ready to be evaluated. Raises InvalidExpression naming the field."""
    name = row["field"]
    pattern: Pattern | None = None
    replacement: tuple[Part, ...] = ()
    try:
        choices = compile_expression(row["from"]) if row["from"] else ()
        if row["regex"]:
            pattern = compile_pattern(row["regex"])
            replacement = compile_replacement(row["replacement"], pattern.groups)
    except (InvalidExpression, InvalidPattern) as error:
        raise InvalidExpression(f"{name}: {error}") from error
    return FieldRule(
        name=name,
        label=STANDARD[name][0] if name in STANDARD else name,
        source=row["from"],
        choices=choices,
        case=row["case"],
        pattern=pattern,
        replacement=replacement,
    )


@lru_cache(maxsize=64)
def field_rules(mapping: str) -> tuple[FieldRule, ...]:
    """Return the rules of all fields: the standard ones, then the free attributes."""
    rows = {row["field"]: row for row in map(row_of, read_rows(mapping))}
    defaults = {name: row_of({"field": name, "from": STANDARD[name][1]}) for name in STANDARD}
    return tuple(compiled_row(row) for row in {**defaults, **rows}.values())


def mapped(identity: Identity, mapping: str, managers: Mapping[str, str] = {}) -> Wanted:
    """Return what a mapping makes of a person.

    ``managers`` has user names by SCIM id: a manager is known to the provider by id, to the
    account by name.
    """
    values: dict[str, str] = {}
    attributes: dict[str, str] = {}
    for rule in field_rules(mapping):
        if not rule.choices:
            continue
        text = value_of(identity.record, rule)
        if rule.name == "manager":
            text = managers.get(text, text)
        (values if rule.name in STANDARD else attributes)[rule.name] = text
    return Wanted(values=values, attributes=attributes)


def value_of(record: Mapping[str, Any], rule: FieldRule) -> str:
    """Return what one row makes of a record."""
    text = evaluate(record, rule.choices)[:MAX_VALUE_LENGTH]
    if rule.pattern is not None:
        text = substitute(rule.pattern, rule.replacement, text)
    if rule.case:
        text = text.lower() if rule.case == "lower" else text.upper()
    return text


def with_fields(account: Account, wanted: Wanted, *, clear: bool) -> Account:
    """Return an account with the wanted fields; without ``clear`` empty ones stay as they are."""
    kept = dict(account.attributes)
    for name, text in wanted.attributes.items():
        if text or clear:
            kept[name] = text
    changed: dict[str, Any] = {name: text for name, text in wanted.values.items() if text or clear}
    changed["attributes"] = tuple(sorted((name, text) for name, text in kept.items() if text))
    return replace(account, **changed)


def differing(before: Account, after: Account) -> Iterable[str]:
    """Yield what the fields are called in which two accounts differ."""
    for name, (label, _) in STANDARD.items():
        if getattr(before, name) != getattr(after, name):
            yield label
    old, new = dict(before.attributes), dict(after.attributes)
    yield from sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
