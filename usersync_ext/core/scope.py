"""Who is in: the one predicate that plan, removal, membership and explanation use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .attributes import compile_filter, matches
from .names import name_list
from .records import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceGroup:
    """A group of the source that a person is in; ``id`` is the mirror's row."""

    scim_id: str
    name: str
    external_id: str | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether somebody is in, by which rule, and why in words; ``rule`` is ``""`` without any."""

    inside: bool
    rule: str = ""
    text: str = ""


EVERYBODY = Verdict(True)
GROUP_RULES = ("scope_groups", "active_for")
"""Rules that look at the groups a person is in."""


def scope_of(
    identity: Identity, groups: tuple[SourceGroup, ...], rules: Mapping[str, Any]
) -> Verdict:
    """Return whether a person is in the scope of a source.

    Excluded people are out whatever else holds; the others have to match the filter, where there
    is one, and be in one of the groups, where there are some.
    """
    excluded = name_list(rules["exclude_people"]).has_user(names_of(identity))
    if excluded:
        return Verdict(False, "exclude_people", f"out of scope: {excluded!r} is excluded")
    if rules["scope_filter"] and not matches(
        identity.record, compile_filter(rules["scope_filter"])
    ):
        text = f"out of scope: does not match {rules['scope_filter']}"
        return Verdict(False, "scope_filter", text)
    if rules["scope_groups"]:
        group = name_list(rules["scope_groups"]).has_group(group_names(groups))
        if not group:
            text = f"out of scope: in none of the groups {rules['scope_groups']}"
            return Verdict(False, "scope_groups", text)
        return Verdict(True, "scope_groups", f"in scope: in the group {group!r}")
    if rules["scope_filter"]:
        return Verdict(True, "scope_filter", f"in scope: matches {rules['scope_filter']}")
    return EVERYBODY


def activity_of(
    identity: Identity, groups: tuple[SourceGroup, ...], rules: Mapping[str, Any]
) -> Verdict:
    """Return whether an active source acts for a person, or only observes them for now."""
    if not rules["active_for"]:
        return EVERYBODY
    chosen = name_list(rules["active_for"])
    found = chosen.has_user(names_of(identity)) or chosen.has_group(group_names(groups))
    if found:
        return Verdict(True, "active_for", f"active for {found!r}")
    text = f"the source is active only for {rules['active_for']}"
    return Verdict(False, "active_for", text)


def names_of(identity: Identity) -> tuple[str, ...]:
    """Return the names under which a list may name a person."""
    names = (identity.user_name, identity.external_id or "", identity.scim_id, identity.email)
    return tuple(name for name in names if name)


def group_names(groups: tuple[SourceGroup, ...]) -> tuple[str, ...]:
    """Return the names under which a list may name one of some groups."""
    return tuple(
        name
        for group in groups
        for name in (group.name, group.scim_id, group.external_id or "")
        if name
    )


def looks_at_groups(rules: Mapping[str, Any]) -> bool:
    """Tell whether a person's groups matter to these rules."""
    return any(rules[key] and name_list(rules[key]).names_groups for key in GROUP_RULES)
