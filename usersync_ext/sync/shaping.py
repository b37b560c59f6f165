"""Groups of the directory that follow those of a source: created, renamed, nested, deleted."""

from collections.abc import Collection, Sequence

from ..core.groups import is_protected_name, targets_of
from ..core.records import DirectoryGroup, SourceState
from ..core.scope import SourceGroup
from ..core.shaping import Shape, ShapeKind
from ..core.username import name_key
from ..store import grants, group_tree, journal, mappings, nestings
from ..store.engine import Session
from .mapped import mapping_rows
from .members import group_row
from .shapes import planned_shapes, used_names
from .work import Work

WORDS = {
    ShapeKind.CREATE: "created for the provider's group",
    ShapeKind.RENAME: "renamed: the provider renamed its group",
}


def shape_groups(session: Session, work: Work, groups: Sequence[SourceGroup]) -> list[Shape]:
    """Create and rename groups of the directory as the source's groups want it; return what."""
    if work.source.state is not SourceState.ACTIVE:
        return []
    found = planned_shapes(session, work, groups)
    bound = work.directory.bound(session)
    for shape in found:
        if shape.kind is ShapeKind.RENAME:
            bound.rename_group(shape.key, shape.name)
            mappings.rename_target(session, shape.was, shape.name)
        elif shape.kind is ShapeKind.LET_GO:
            grants.created_for(session, shape.key, work.directory.name, None)
    new = {name_key(shape.name): shape for shape in found if shape.kind is ShapeKind.CREATE}
    made = bound.create_groups(shape.name for shape in new.values()) if new else []
    keys = {name_key(group.name): group.key for group in made}
    grants.add_created(
        session,
        [
            grants.created_row(
                work.directory.name,
                keys[key],
                work.source.id,
                shape.source_group.id,
                "on_the_fly",
                work.now,
            )
            for key, shape in new.items()
        ],
    )
    rows = [
        group_row(
            work,
            f"group_{shape.kind}d",
            shape.name,
            shape.key or keys[name_key(shape.name)],
            f"{WORDS[shape.kind]} {shape.source_group.name!r}",
            shape.was,
        )
        for shape in found
        if shape.kind in WORDS
    ]
    journal.add_entries(session, rows)
    return found


def orphans(
    session: Session,
    work: Work,
    keys: Collection[str] | None = None,
    let_go: Collection[str] = (),
) -> list[str]:
    """Return the keys of groups that go once they are empty: no group of the source is theirs.

    ``keys`` restricts it to some groups; those in ``let_go`` are about to lose theirs.
    """
    rules = work.source.rules
    if rules["group_delete"] != "delete_empty" or work.source.state is not SourceState.ACTIVE:
        return []
    rows = grants.created_groups(
        session, work.directory.name, source_id=work.source.id, group_keys=keys
    )
    found = [
        key
        for key, row in rows.items()
        if row.origin == "on_the_fly" and (row.group_id is None or key in let_go)
    ]
    if not found:
        return []
    used = used_names(session, work)
    return [
        group.key
        for group in work.directory.bound(session).find_groups(keys=found)
        if name_key(group.name) not in used and not is_protected_name(group.name, rules)
    ]


def delete_emptied(session: Session, work: Work, keys: Collection[str] | None = None) -> list[str]:
    """Delete groups that were created for groups which the source has no longer, once empty.

    ``keys`` restricts it to some groups. Returns the names of those that are gone.
    """
    left = orphans(session, work, keys)
    if not left:
        return []
    bound = work.directory.bound(session)
    names = {group.key: group.name for group in bound.find_groups(keys=left)}
    gone = bound.delete_empty_groups(names)
    for key in gone:
        grants.end_group(session, work.directory.name, key)
    reason = "deleted: it is empty, and the provider deleted its group"
    journal.add_entries(
        session, [group_row(work, "group_deleted", names[key], key, reason) for key in gone]
    )
    return [names[key] for key in gone]


def nest_groups(session: Session, work: Work, groups: Sequence[SourceGroup] | None = None) -> None:
    """Nest the groups of the directory as those of the source are nested, where that is wanted.

    ``groups`` are the parents that changed; without them everything is looked at.
    """
    source = work.source
    if source.state is not SourceState.ACTIVE:
        return
    every = group_tree.list_groups(session, source.id, limit=None) if groups is None else groups
    parents = directory_groups(session, work, every)
    keys = sorted({group.key for found in parents.values() for group in found})
    here = None if groups is None else keys
    ours = nestings.nestings_of(session, work.directory.name, source.id, here)
    wanted = wanted_nestings(session, work, parents) if keys else set()
    added, removed = sorted(wanted - ours), sorted(ours - wanted)
    nestings.add_nestings(session, work.directory.name, source.id, added)
    nestings.drop_nestings(session, work.directory.name, source.id, removed)
    others = nestings.nested_by_any(session, work.directory.name, removed)
    work.directory.bound(session).nest(added, [pair for pair in removed if pair not in others])


def wanted_nestings(
    session: Session, work: Work, parents: dict[int, list[DirectoryGroup]]
) -> set[tuple[str, str]]:
    """Return which groups of the directory are to be in which, by their keys."""
    if work.source.rules["nested_groups"] != "keep":
        return set()
    pairs = group_tree.children_of(session, list(parents))
    below = group_tree.get_groups(session, {child for _, child in pairs})
    children = directory_groups(session, work, below)
    return {
        (parent.key, child.key)
        for parent_id, child_id in pairs
        for parent in parents[parent_id]
        for child in children.get(child_id, ())
        if parent.key != child.key
        and not (parent.protected or is_protected_name(parent.name, work.source.rules))
    }


def directory_groups(
    session: Session, work: Work, groups: Sequence[SourceGroup]
) -> dict[int, list[DirectoryGroup]]:
    """Return the groups of the directory that groups of the source stand for and that exist."""
    mapped = mapping_rows(session, work.source, {group.id for group in groups})
    targets = {g.id: targets_of(g, work.source.rules, mapped) for g in groups}
    names = [target.name for found in targets.values() for target in found]
    known = {name_key(g.name): g for g in work.directory.bound(session).find_groups(names=names)}
    return {
        id_: [known[key] for target in found if (key := name_key(target.name)) in known]
        for id_, found in targets.items()
    }
