"""Lists of people, groups or accounts by name, as administrators write them.

Names are parted by commas or lines; a name with a comma stands in double quotes. ``*`` stands for
any characters, ``user:`` and ``group:`` before a name say which of the two is meant.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from .pattern import Pattern, compile_pattern
from .username import name_key

_NAME = re.compile(r'\s*((?:user|group)\s*:)?\s*(?:"([^"\n]*)"|([^,\n]+))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NameList:
    """A list of names: exact ones by key, and patterns with ``*``."""

    users: frozenset[str]
    groups: frozenset[str]
    user_patterns: tuple[Pattern, ...]
    group_patterns: tuple[Pattern, ...]

    def has_user(self, names: Iterable[str]) -> str:
        """Return the first of a person's names that is in the list, ``""`` if none is."""
        return _found(names, self.users, self.user_patterns)

    def has_group(self, names: Iterable[str]) -> str:
        """Return the first of some group names or ids that is in the list, ``""`` if none is."""
        return _found(names, self.groups, self.group_patterns)

    @property
    def names_groups(self) -> bool:
        """Whether a group may be meant."""
        return bool(self.groups or self.group_patterns)


@lru_cache(maxsize=256)
def name_list(text: str) -> NameList:
    """Return the list that a text is; names without a kind mean people and groups alike."""
    exact: dict[str, set[str]] = {"user": set(), "group": set()}
    patterns: dict[str, list[Pattern]] = {"user": [], "group": []}
    for kind, name in _named(text):
        for each in (kind,) if kind else ("user", "group"):
            key = name_key(name)
            if "*" in key:
                patterns[each].append(_pattern(key))
            else:
                exact[each].add(key)
    return NameList(
        frozenset(exact["user"]),
        frozenset(exact["group"]),
        tuple(patterns["user"]),
        tuple(patterns["group"]),
    )


def _named(text: str) -> Iterator[tuple[str, str]]:
    """Yield kind (user, group or nothing) and name of each entry."""
    for match in _NAME.finditer(text):
        name = (match[2] if match[2] is not None else match[3]).strip()
        if name:
            yield (match[1] or "").rstrip(": \t").lower(), name


def _pattern(key: str) -> Pattern:
    parts = (re.escape(part) for part in re.sub(r"\*+", "*", key).split("*"))
    return compile_pattern(f"(?s){'.*'.join(parts)}")


def _found(names: Iterable[str], exact: frozenset[str], patterns: Iterable[Pattern]) -> str:
    if not exact and not patterns:
        return ""
    for name in names:
        key = name_key(name)
        if key in exact or any(pattern.compiled.fullmatch(key) for pattern in patterns):
            return name
    return ""
