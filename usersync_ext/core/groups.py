"""From the groups of a source to those of the directory: filter, mapping, names. Pure.

A group of the source stands for groups of the directory (``Target``): those of its rows in the
mapping table (manual), or the one that is called like it (on the fly).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .names import NameList, name_list
from .pattern import Pattern, compile_pattern, compile_replacement, substitute
from .scope import SourceGroup, Verdict
from .username import MAX_INPUT_LENGTH, NameResult, name_error, name_key

OFF, MANUAL, ON_THE_FLY = "off", "manual", "on_the_fly"
_EXPRESSION = re.compile(r"\.\*|\.\+|[\^$\\\[(|]")
"""What makes an entry of a filter a regular expression; ``*`` alone stands for any characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMapping:
    """A row of the mapping table: a group of the source stands for a group of the directory.

    ``group_id`` is None once the provider deleted the group; names and ids are those last known.
    """

    id: int
    group_id: int | None
    scim_id: str
    external_id: str | None
    name: str
    to: str
    allow_protected: bool = False


Mappings = Mapping[int, Sequence[GroupMapping]]
"""The rows of the mapping table by the mirror's row id of their group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A group of the directory that a group of the source stands for, and by which."""

    name: str
    via: str
    group_id: int | None = None  # of the source's group, on the fly
    allow_protected: bool = False


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """Names, ids and patterns of groups: a name list, or regular expressions."""

    names: NameList
    expressions: tuple[Pattern, ...]

    def finds(self, names: Iterable[str]) -> str:
        """Return the first of a group's names and ids that is meant, ``""`` if none is."""
        names = tuple(names)
        for name in names:
            if any(each.compiled.search(name) for each in self.expressions):
                return name
        return self.names.has_group(names)


@lru_cache(maxsize=256)
def group_filter(text: str) -> GroupFilter:
    """Return the filter that a text is: names, ids, ``*``, or regular expressions (RE2).

    An expression has to match a whole name, unless it says by ``^`` or ``$`` where it matches.
    Raises InvalidPattern for an expression that cannot be used.
    """
    entries = [e.strip().strip('"') for e in re.split(r'[,\n](?=(?:[^"]*"[^"]*")*[^"]*$)', text)]
    found = [entry for entry in entries if _EXPRESSION.search(entry)]
    return GroupFilter(name_list(text), tuple(compile_pattern(whole(entry)) for entry in found))


def whole(expression: str) -> str:
    """Return an expression that matches whole names, unless it has anchors of its own."""
    anchored = expression.startswith("^") or expression.endswith("$")
    return f"(?i){expression}" if anchored else f"(?i)^(?:{expression})$"


def maps_groups(rules: Mapping[str, Any]) -> bool:
    """Tell whether the groups of the source give memberships."""
    return bool(rules["group_mode"] != OFF)


def gives_defaults(rules: Mapping[str, Any]) -> bool:
    """Tell whether somebody gets default groups."""
    return bool(rules["default_groups"]) and rules["assign_default_groups_to"] != "none"


def gives_memberships(rules: Mapping[str, Any]) -> bool:
    """Tell whether these rules look at the memberships of accounts at all."""
    return maps_groups(rules) or gives_defaults(rules)


def default_groups(rules: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the default groups."""
    return tuple(dict.fromkeys(listed_names(rules["default_groups"])))


def listed_names(text: str) -> list[str]:
    """Return the names of a list as they are written; one with a comma stands in quotes."""
    parts = re.findall(r'\s*(?:"([^"\n]*)"|([^,\n]+))', text)
    return [name for quoted, plain in parts if (name := (quoted or plain).strip())]


def included(group: SourceGroup, rules: Mapping[str, Any]) -> Verdict:
    """Return whether a group of the source is looked at: it passes both filters."""
    names = [name for name in (group.name, group.scim_id, group.external_id) if name]
    found = group_filter(rules["group_exclude"]).finds(names) if rules["group_exclude"] else ""
    if found:
        return Verdict(False, "group_exclude", f"the group {group.name!r} is excluded")
    if rules["group_include"] and not group_filter(rules["group_include"]).finds(names):
        text = f"the group {group.name!r} is none of {rules['group_include']}"
        return Verdict(False, "group_include", text)
    return Verdict(True)


def directory_name(name: str, rules: Mapping[str, Any]) -> NameResult:
    """Return the name that a group of the source has in the directory, on the fly."""
    result = name
    if rules["group_regex"]:
        if len(name) > MAX_INPUT_LENGTH:
            return NameResult("", f"the name is longer than {MAX_INPUT_LENGTH} characters")
        pattern = compile_pattern(rules["group_regex"])
        replacement = compile_replacement(rules["group_replacement"], pattern.groups)
        result = substitute(pattern, replacement, name)
    result = result.strip()
    error = name_error(result, name).replace("the username rule", "the rule for group names")
    return NameResult(result, error)


def targets_of(
    group: SourceGroup, rules: Mapping[str, Any], mappings: Mappings
) -> tuple[Target, ...]:
    """Return the groups of the directory that a group of the source stands for."""
    if not maps_groups(rules) or not included(group, rules).inside:
        return ()
    if rules["group_mode"] == MANUAL:
        return tuple(
            Target(name=row.to, via=group.name, allow_protected=row.allow_protected)
            for row in mappings.get(group.id, ())
        )
    name = directory_name(group.name, rules)
    return () if name.error else (Target(name=name.name, via=group.name, group_id=group.id),)


def is_protected_name(name: str, rules: Mapping[str, Any]) -> bool:
    """Tell whether a group of this name gives rights that a provider must not give."""
    return bool(name_list(rules["protected_groups"]).has_group((name,)))


def collisions(
    groups: Iterable[SourceGroup], rules: Mapping[str, Any]
) -> list[tuple[str, tuple[str, ...]]]:
    """Return the names of the directory that several groups of the source would have."""
    found: dict[str, list[tuple[str, str]]] = {}
    for group in groups:
        for target in targets_of(group, rules, {}):
            found.setdefault(name_key(target.name), []).append((target.name, group.name))
    return [
        (pairs[0][0], tuple(source for _, source in pairs))
        for pairs in found.values()
        if len(pairs) > 1
    ]
