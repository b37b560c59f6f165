"""The small language of mappings: where a field of an account comes from.

::

    title                                       an attribute of the record, by its SCIM path
    emails[type eq "work"].value | userName     the first that is not empty
    {name.givenName} {name.familyName}          a template; parts that are empty leave no blank
    "Sales"                                     a constant

Attributes are found without the URN of their extension; of several values the primary one counts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .attributes import InvalidExpression, Reference, compile_path, text_at

MAX_LENGTH = 1000
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|\{([^{}]*)\}|\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\]|[|]|[^|]')


@dataclass(frozen=True, slots=True)
class Constant:
    """The same text for everybody."""

    text: str


@dataclass(frozen=True, slots=True)
class Template:
    """Literal text and attributes by turns."""

    parts: tuple[str | Reference, ...]


Choice = Constant | Template | Reference


@lru_cache(maxsize=512)
def compile_expression(text: str) -> tuple[Choice, ...]:
    """Return the choices of an expression in order. Raises InvalidExpression."""
    if len(text) > MAX_LENGTH:
        raise InvalidExpression(f"the expression is longer than {MAX_LENGTH} characters")
    choices = [each.strip() for each in _alternatives(text)]
    if not all(choices):
        raise InvalidExpression("there is nothing before or after a |")
    return tuple(_choice(each) for each in choices)


def evaluate(record: Mapping[str, Any], choices: tuple[Choice, ...]) -> str:
    """Return the first choice that is not empty, ``""`` if all are."""
    for choice in choices:
        text = _text(record, choice)
        if text:
            return text
    return ""


def _alternatives(text: str) -> list[str]:
    """The texts between the bars that stand outside of quotes, braces and brackets."""
    parts = [""]
    for match in _TOKEN.finditer(text):
        if match[0] == "|":
            parts.append("")
        else:
            parts[-1] += match[0]
    return parts


def _choice(text: str) -> Choice:
    if len(text) > 1 and text[0] == text[-1] == '"' and '"' not in text[1:-1].replace('\\"', ""):
        return Constant(text[1:-1].replace('\\"', '"'))
    return Template(_parts(text)) if "{" in text else compile_path(text)


def _parts(text: str) -> tuple[str | Reference, ...]:
    parts: list[str | Reference] = []
    for number, piece in enumerate(re.split(r"\{([^{}]*)\}", text)):
        if number % 2:
            parts.append(compile_path(piece))
        elif "{" in piece or "}" in piece:
            raise InvalidExpression(f"a brace is not closed in {text!r}")
        elif piece:
            parts.append(piece)
    return tuple(parts)


def _text(record: Mapping[str, Any], choice: Choice) -> str:
    if isinstance(choice, Constant):
        return choice.text
    if not isinstance(choice, Template):
        return text_at(record, choice)
    texts = [part if isinstance(part, str) else text_at(record, part) for part in choice.parts]
    filled = any(
        text for text, part in zip(texts, choice.parts, strict=True) if not isinstance(part, str)
    )
    return " ".join("".join(texts).split()) if filled else ""
