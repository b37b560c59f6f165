"""What the groups of a source stand for: read from the mirror and the mapping table."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..core.groups import MANUAL, GroupMapping, Mappings, Target, maps_groups, targets_of
from ..core.records import Source
from ..core.scope import SourceGroup
from ..core.username import name_key
from ..store import group_tree, groups, mappings
from ..store.engine import Session


def source_groups(
    session: Session, rules: Mapping[str, Any], ids: Sequence[int]
) -> Mapping[int, tuple[SourceGroup, ...]]:
    """Return the groups of people that may give memberships, those above them too if wanted."""
    if not maps_groups(rules) or not ids:
        return {}
    found = groups.groups_of_people(session, ids)
    return group_tree.with_parents(session, found) if rules["nested_groups"] == "flatten" else found


def keyed_targets(
    found: Iterable[SourceGroup],
    rules: Mapping[str, Any],
    mapped: Mappings,
    only: Collection[str] | None = None,
) -> dict[str, list[Target]]:
    """Return what groups of the source stand for, by the key of the directory's name.

    ``only`` restricts it to some of these keys.
    """
    targets: dict[str, list[Target]] = {}
    for group in found:
        for target in targets_of(group, rules, mapped):
            key = name_key(target.name)
            if only is None or key in only:
                targets.setdefault(key, []).append(target)
    return targets


def mapping_rows(session: Session, source: Source, ids: Collection[int]) -> Mappings:
    """Return the rows of the mapping table for groups, with changes that are not stored yet."""
    if source.rules["group_mode"] != MANUAL or not ids:
        return {}
    stored = mappings.mappings_of_groups(session, ids)
    if not source.mapping_changes:
        return mappings.by_group(stored)
    by_scim_id = {group.scim_id: group for group in group_tree.get_groups(session, ids)}
    return mappings.by_group(changed_rows(stored, source.mapping_changes, by_scim_id))


def changed_rows(
    rows: Sequence[GroupMapping],
    changes: Sequence[Mapping[str, Any]],
    known: Mapping[str, SourceGroup],
) -> list[GroupMapping]:
    """Return rows of the mapping table after changes (``op``: add or remove)."""
    result = {(row.scim_id, name_key(row.to)): row for row in rows}
    for change in changes:
        key = (change["group"], name_key(change["to"]))
        group = known.get(change["group"])
        if change["op"] == "remove":
            result.pop(key, None)
        elif group is not None:
            result[key] = GroupMapping(
                id=0,
                group_id=group.id,
                scim_id=group.scim_id,
                external_id=group.external_id,
                name=group.name,
                to=change["to"],
                allow_protected=bool(change.get("allow_protected")),
            )
    return list(result.values())


def all_targets(session: Session, source: Source) -> list[Target]:
    """Return everything that the groups of a source stand for."""
    found = group_tree.list_groups(session, source.id, limit=None)
    mapped = mapping_rows(session, source, {group.id for group in found})
    return [target for group in found for target in targets_of(group, source.rules, mapped)]
