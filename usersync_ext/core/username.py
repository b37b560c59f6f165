"""Which name an account gets, and when two names are one."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .pattern import compile_pattern, compile_replacement, substitute

MAX_NAME_LENGTH = 255
MAX_INPUT_LENGTH = 256
"""Longer names are not run through an expression, they fail with a reason."""
INVISIBLE = frozenset({"Cf", "Cc"})
"""Unicode categories of characters that nobody sees: format and control characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRules:
    """What a directory demands of its accounts' names."""

    lower_case: bool = False
    illegal: str = ""  # characters that no name may have; they are refused, not replaced
    max_length: int = MAX_NAME_LENGTH


ANY_NAME = NameRules()


@dataclass(frozen=True, slots=True)
class NameResult:
    """The account's name, or why there is none; ``error`` is ``""`` when the name is good."""

    name: str
    error: str = ""


def account_name(
    received: str, rules: Mapping[str, Any], demands: NameRules = ANY_NAME
) -> NameResult:
    """Return the name that the rules make of a received name and its directory can hold."""
    name = received
    if rules["username_regex"]:
        if len(received) > MAX_INPUT_LENGTH:
            return NameResult("", f"the user name is longer than {MAX_INPUT_LENGTH} characters")
        pattern = compile_pattern(rules["username_regex"])
        replacement = compile_replacement(rules["username_replacement"], pattern.groups)
        name = substitute(pattern, replacement, received)
    if demands.lower_case:
        name = name.lower()
    return NameResult(name, name_error(name, received, demands))


def name_error(name: str, received: str, demands: NameRules = ANY_NAME) -> str:
    """Return why a name cannot be an account's, ``""`` if it can."""
    if not name_key(name):
        return f"the username rule makes an empty name of {received!r}"
    if len(name) > demands.max_length:
        return f"the name is longer than {demands.max_length} characters"
    if name != name.strip():
        return f"the name {name!r} begins or ends with a blank"
    if any(unicodedata.category(character) == "Cc" for character in name):
        return f"the name {name!r} has a control character"
    illegal = sorted({character for character in name if character in demands.illegal})
    if illegal:
        return f"the name {name!r} has {' '.join(illegal)}, which its directory does not allow"
    return ""


def fold(text: str) -> str:
    """Return text in the form in which SCIM compares it: NFC, then lower case (RFC 7643 §2.1)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def name_key(name: str) -> str:
    """Return the key under which look-alike names are one.

    Compatibility forms, case, invisible characters, and dots or blanks at the end make no
    difference: who may be mistaken for another may not get an account beside them.
    """
    if name.isascii():
        return name.lower().strip().rstrip(". ")
    text = unicodedata.normalize("NFKC", name)
    text = "".join(c for c in text if unicodedata.category(c) not in INVISIBLE)
    return unicodedata.normalize("NFKC", text.casefold()).strip().rstrip(". ")


def mixed_scripts(name: str) -> tuple[str, ...]:
    """Return the scripts of the letters in a name if there is more than one, else nothing.

    A Cyrillic letter in a Latin name looks like another person's name: worth a report.
    """
    if name.isascii():
        return ()
    scripts = {unicodedata.name(c, "").split(" ")[0] for c in name if c.isalpha()}
    return tuple(sorted(scripts)) if len(scripts) > 1 else ()
