"""Administrators' regular expressions, run on RE2: linear time, whatever the expression.

Semantics (DESIGN "Decisions"): every non-empty match is replaced, left to right; ``$1`` … are
groups, ``$$`` and ``\\$`` are a dollar sign, ``$11`` falls back to ``$1`` and ``1`` where there is
no eleventh group.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from ..errors import UserSyncError

MAX_PATTERN_LENGTH = 200
UNSUPPORTED = (
    (re.compile(r"\(\?<?[=!]"), "lookarounds such as (?=…)"),
    (re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]"), "back-references such as \\1"),
    (re.compile(r"\(\?P="), "back-references such as (?P=name)"),
    (re.compile(r"\(\?>"), "atomic groups such as (?>…)"),
    (re.compile(r"\(\?\("), "conditions such as (?(1)…)"),
    (re.compile(r"(?<!\\)[*+?}]\+"), "possessive quantifiers such as a++"),
)


class InvalidPattern(UserSyncError):
    """A regular expression or its replacement cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled expression and its number of groups."""

    compiled: Any
    groups: int


Part = str | int
"""One part of a replacement: literal text, or the number of a group."""


@lru_cache(maxsize=256)
def compile_pattern(text: str) -> Pattern:
    """Compile a regular expression. Raises InvalidPattern with what is wrong with it."""
    if len(text) > MAX_PATTERN_LENGTH:
        raise InvalidPattern(
            f"the expression has {len(text)} characters; {MAX_PATTERN_LENGTH} are allowed"
        )
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 4 << 20
    try:
        compiled = re2.compile(text, options)
    except re2.error as error:
        raise InvalidPattern(explained(text, error)) from error
    return Pattern(compiled, compiled.groups)


def explained(text: str, error: Exception) -> str:
    """Return why RE2 refuses an expression, naming a construct that it does not have."""
    for construct, name in UNSUPPORTED:
        if construct.search(text):
            return f"{name} are not supported"
    reason = error.args[0] if error.args else "it cannot be read"
    if isinstance(reason, bytes):
        reason = reason.decode(errors="replace")
    return f"not a valid regular expression: {reason}"


@lru_cache(maxsize=256)
def compile_replacement(text: str, groups: int) -> tuple[Part, ...]:
    """Return the parts of a replacement for an expression with that many groups.

    Raises InvalidPattern when it names a group that the expression does not have.
    """
    parts: list[Part] = []
    position = 0
    while position < len(text):
        if text.startswith(("$$", "\\$"), position):
            parts.append("$")
            position += 2
        elif text[position] == "$":
            number, position = group_number(text, position + 1, groups)
            parts.append(number)
        else:
            parts.append(text[position])
            position += 1
    return tuple(parts)


def group_number(text: str, start: int, groups: int) -> tuple[int, int]:
    """Return the group that the digits at ``start`` mean, and where the text goes on."""
    end = start
    while end < len(text) and end - start < 2 and text[end] in "0123456789":
        end += 1
    if end == start:
        raise InvalidPattern("a $ must be followed by a group's number; write $$ for a dollar sign")
    while end - start > 1 and int(text[start:end]) > groups:
        end -= 1
    number = int(text[start:end])
    if number > groups:
        raise InvalidPattern(f"${number} does not exist: the expression has {groups} groups")
    return number, end


def substitute(pattern: Pattern, replacement: tuple[Part, ...], value: str) -> str:
    """Return the value with every non-empty match replaced, left to right."""
    result: list[str] = []
    position = 0
    for match in pattern.compiled.finditer(value):
        start, end = match.span()
        if start == end:
            continue
        result.append(value[position:start])
        result.extend(
            part if isinstance(part, str) else (match.group(part) or "") for part in replacement
        )
        position = end
    result.append(value[position:])
    return "".join(result)
