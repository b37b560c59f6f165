"""What is to be done so that a directory has the groups of a source: read, nothing is changed."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from ..core.groups import ON_THE_FLY, default_groups, targets_of
from ..core.records import DirectoryGroup, GrantKind
from ..core.scope import SourceGroup
from ..core.shaping import Shape, ShapeKind, shapes
from ..core.username import name_key
from ..store import grants, group_tree, mappings, sources
from ..store.engine import Session
from .work import Work


def planned_shapes(session: Session, work: Work, groups: Sequence[SourceGroup]) -> list[Shape]:
    """Return what is to be done so that the directory has these groups of the source."""
    rules = work.source.rules
    if rules["group_mode"] != ON_THE_FLY or not groups:
        return []
    bound = work.directory.bound(session)
    created = created_for(session, work, [group.id for group in groups])
    names = [target.name for group in groups for target in targets_of(group, rules, {})]
    taken = {name_key(group.name): group for group in bound.find_groups(names=names)}
    fixed = used_by_others(session, work, created, groups)
    return shapes(groups, rules, created, taken, bound.protects, fixed)


def created_for(session: Session, work: Work, ids: Collection[int]) -> dict[int, DirectoryGroup]:
    """Return the groups of the directory that were created for groups of the source."""
    rows = grants.created_groups(
        session, work.directory.name, source_id=work.source.id, group_ids=ids
    )
    bound = work.directory.bound(session)
    own = {group.key: group for group in bound.find_groups(keys=rows)}
    return {
        row.group_id: own[key]
        for key, row in rows.items()
        if row.group_id is not None and key in own
    }


def used_by_others(
    session: Session,
    work: Work,
    created: Mapping[int, DirectoryGroup],
    groups: Sequence[SourceGroup],
) -> frozenset[str]:
    """Return the keys of created groups that keep their names: not only one group uses them."""
    rules = work.source.rules
    wanted = {g.id: {t.name for t in targets_of(g, rules, {})} for g in groups}
    leaving = {id_: group for id_, group in created.items() if group.name not in wanted[id_]}
    if not leaving:
        return frozenset()
    keys = {name_key(group.name): group.key for group in leaving.values()}
    names = used_names(session, work, {id_: group.name for id_, group in leaving.items()})
    found = {key for name, key in keys.items() if name in names}
    given = grants.given_by(session, work.directory.name, keys.values())
    found |= {
        key
        for key, source_id, kind in given
        if source_id != work.source.id or kind == GrantKind.DEFAULT
    }
    return frozenset(found)


def used_names(
    session: Session, work: Work, leaving: Mapping[int, str] = MappingProxyType({})
) -> set[str]:
    """Return the keys of the names of all groups of the directory that any source uses.

    ``leaving`` are groups of this source that do not use the name that they had so far.
    """
    names: set[str] = set()
    for source in sources.list_sources(session):
        known = work.source if source.id == work.source.id else source
        if known.directory != work.directory.name:
            continue
        names |= {name_key(name) for name in default_groups(known.rules)}
        names |= {name_key(row.to) for row in mappings.list_mappings(session, known.id)}
        if known.rules["group_mode"] == ON_THE_FLY:
            names |= {
                name_key(target.name)
                for group in group_tree.list_groups(session, known.id, limit=None)
                for target in targets_of(group, known.rules, {})
                if known.id != work.source.id
                or name_key(target.name) != name_key(leaving.get(group.id, ""))
            }
    return names


def renames(session: Session, work: Work) -> dict[str, str]:
    """Return the new names of groups of the directory that are to be renamed, by key."""
    every = group_tree.list_groups(session, work.source.id, limit=None)
    return {
        shape.key: shape.name
        for shape in planned_shapes(session, work, every)
        if shape.kind is ShapeKind.RENAME
    }
