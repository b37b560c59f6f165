"""The part of a run that is about groups: planned in numbers, then carried out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..core.groups import maps_groups
from ..core.records import ChangeKind, Decision, Run, Source
from ..core.scope import SourceGroup
from ..core.shaping import ShapeKind
from ..core.username import name_key
from ..directories.base import Membership
from ..store import group_tree, mappings, mirror, planned_groups, sources
from ..store.engine import Session
from ..store.journal import Event
from ..store.planned_groups import PlannedGroup
from .outsiders import Sweep, planned_sweep, remove_outsiders
from .shapes import planned_shapes
from .shaping import delete_emptied, nest_groups, orphans, shape_groups
from .work import Work

SHAPE_WORDS = {ShapeKind.CREATE: "created", ShapeKind.RENAME: "renamed"}


def concerned_groups(
    session: Session, source: Source, settings: Mapping[str, Any]
) -> set[int] | None:
    """Return the groups whose members alone new settings can concern, None if it is everybody."""
    rules = source.rules
    if settings.keys() != {"mappings"} or not (
        rules["keep_existing_users"] and rules["keep_existing_groups"]
    ):
        return None
    wanted = {change["group"] for change in settings["mappings"]}
    found = {group.id for group in group_tree.groups_by_scim_id(session, source.id, wanted)}
    return group_tree.below(session, found) if rules["nested_groups"] == "flatten" else found


def concerned_after(
    session: Session, source: Source, settings: Mapping[str, Any], after: int, limit: int
) -> list[int]:
    """Return the next people whom new settings can concern, by row id."""
    groups = concerned_groups(session, source, settings)
    if groups is None:
        return mirror.identity_ids_after(session, source.id, after, limit)
    return group_tree.people_in_after(session, groups, after, limit)


def count_concerned(session: Session, source: Source, settings: Mapping[str, Any]) -> int:
    """Return how many people new settings can concern."""
    groups = concerned_groups(session, source, settings)
    if groups is None:
        return sources.count_identities(session, source.id)
    return group_tree.count_people_in(session, groups)


def note_memberships(session: Session, run_id: int, decisions: Sequence[Decision]) -> None:
    """Add what a plan does to memberships to the run's numbers."""
    found = [
        PlannedGroup(
            name=change.group.name,
            gains=int(change.kind is ChangeKind.ADD_MEMBER),
            losses=int(change.kind is ChangeKind.REMOVE_MEMBER),
            change="" if change.group.key else "created",
        )
        for decision in decisions
        if not decision.observed
        for change in decision.memberships
        if change.kind is not ChangeKind.KEEP_MEMBER
    ]
    planned_groups.add_planned_groups(session, run_id, found)


def sweep_of(session: Session, work: Work, run: Run) -> Sweep:
    """Return who else loses a group when the run is carried out."""
    return planned_sweep(session, work, removals=run.removals)


def note_groups(session: Session, work: Work, run: Run, sweep: Sweep) -> None:
    """Add to a planned run which groups it creates and renames, and who else loses one."""
    shapes = planned_shapes(session, work, all_groups(session, work.source))
    found = [
        PlannedGroup(name=shape.name, change=SHAPE_WORDS[shape.kind], was=shape.was)
        for shape in shapes
        if shape.kind in SHAPE_WORDS
    ]
    found += [PlannedGroup(name=row.group, losses=1) for row in sweep.outsiders]
    planned_groups.add_planned_groups(session, run.id, found)
    let_go = {shape.key for shape in shapes if shape.kind is ShapeKind.LET_GO}
    gone = [PlannedGroup(name=n, change="deleted") for n in emptied(session, work, run, let_go)]
    planned_groups.add_planned_groups(session, run.id, gone)
    rows = [
        {
            "group_key": row.group_key,
            "group": row.group,
            "account_key": row.account_key,
            "user_name": row.account,
            "reason": row.reason,
        }
        for row in sweep.outsiders
    ]
    planned_groups.add_outsiders(session, run.id, rows)


def emptied(session: Session, work: Work, run: Run, let_go: set[str]) -> list[str]:
    """Return the names of groups that a run would delete: nobody's any more, and empty then."""
    bound = work.directory.bound(session)
    found = bound.find_groups(keys=orphans(session, work, let_go=let_go))
    planned = {name_key(g.name): g for g in planned_groups.list_planned_groups(session, run.id)}
    names = []
    for group in found:
        known = planned.get(name_key(group.name), PlannedGroup(name=group.name))
        left = bound.count_members(group.key, known.losses + 1) - known.losses
        if not left and not known.gains and not group.protected:
            names.append(group.name)
    return names


def all_groups(session: Session, source: Source) -> list[SourceGroup]:
    """Return all groups of a source, none where they mean nothing."""
    return (
        group_tree.list_groups(session, source.id, limit=None) if maps_groups(source.rules) else []
    )


def begin_groups(session: Session, work: Work) -> None:
    """Create and rename groups of the directory before memberships are given."""
    shape_groups(session, work, all_groups(session, work.source))


def finish_groups(session: Session, work: Work, run: Run) -> tuple[int, list[Event]]:
    """Take the planned outsiders out, nest groups and delete emptied ones; return what is held."""
    if not maps_groups(work.source.rules):
        return 0, []
    planned = {
        (row.account_key, row.group_key) for row in planned_groups.list_outsiders(session, run.id)
    }
    now = planned_sweep(session, work)
    events: list[Event] = []
    held = 0
    if now.is_held:
        held = len({row.account_key for row in now.outsiders})
    else:
        events = remove_outsiders(session, work, as_planned(now.outsiders, planned))
    nest_groups(session, work)
    delete_emptied(session, work)
    return held, events


def as_planned(rows: Sequence[Membership], planned: set[tuple[str, str]]) -> list[Membership]:
    """Return those outsiders whom the plan named: nobody else was shown."""
    return [row for row in rows if (row.account_key, row.group_key) in planned]


# -- the mapping table ----------------------------------------------------------------------------


def store_mapping_changes(session: Session, source: Source, actor: str, now: datetime) -> None:
    """Store the changes of the mapping table that a run was planned for."""
    changes = source.mapping_changes
    wanted = {change["group"] for change in changes}
    known = {g.scim_id: g for g in group_tree.groups_by_scim_id(session, source.id, wanted)}
    rows = mappings.list_mappings(session, source.id)
    ids = {(row.scim_id, name_key(row.to)): row.id for row in rows}
    last = {(change["group"], name_key(change["to"])): change for change in changes}
    mappings.remove_mappings(session, source.id, [ids[key] for key in last if key in ids])
    new = [c for c in last.values() if c["op"] == "add" and c["group"] in known]
    mappings.add_mappings(
        session,
        [
            {
                "source_id": source.id,
                "group_id": known[change["group"]].id,
                "scim_id": change["group"],
                "external_id": known[change["group"]].external_id,
                "name": known[change["group"]].name,
                "to": change["to"],
                "allow_protected": bool(change.get("allow_protected")),
                "created_at": now,
                "created_by": actor,
            }
            for change in new
        ],
    )
