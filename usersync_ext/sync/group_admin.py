"""Groups as pages and the command line show them, and the mapping table as they change it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.groups import (
    MANUAL,
    GroupMapping,
    Target,
    collisions,
    default_groups,
    directory_name,
    gives_defaults,
    included,
    is_protected_name,
    maps_groups,
    targets_of,
)
from ..core.records import Actor, DirectoryGroup, JournalEntry, Source
from ..core.scope import SourceGroup
from ..core.shaping import ShapeKind
from ..core.username import name_error, name_key
from ..directories.base import BoundDirectory
from ..directories.local import LocalAccounts
from ..errors import InvalidSetting, NotFound
from ..store import grants, group_tree, journal, mappings
from ..store.engine import Session
from . import admin
from .counting import Summary
from .engine import Engine
from .mapped import mapping_rows
from .outsiders import planned_sweep
from .runs import Progress
from .shapes import planned_shapes
from .whys import Why, whys
from .work import Work

MEMBERS_AT_ONCE = 200
NOBODY = Actor(kind="system", name="groups")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedGroup:
    """A group of the directory; ``managed_by`` is the source that created it, None if none did."""

    group: DirectoryGroup
    managed_by: str | None
    is_protected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceGroupLine:
    """A group of a source with what it stands for: names in the directory, or why for nothing."""

    group: SourceGroup
    member_count: int
    targets: tuple[str, ...]
    refused: tuple[str, ...] = ()  # protected groups that it would stand for, and does not give
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingLine:
    """A row of the mapping table, and whether the group that it leads to is there or protected."""

    row: GroupMapping
    exists: bool
    is_protected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A group of the embedded directory with what its page shows beside its members."""

    group: DirectoryGroup
    created_by: str | None  # key of the source that created it
    created_for: str  # the provider's group that it was created for, if it is still there
    inside: tuple[DirectoryGroup, ...]  # the groups in it
    above: tuple[DirectoryGroup, ...]  # the groups that it is in
    mapped_from: tuple[tuple[str, str], ...]  # source and name of each group mapped to it


def list_directory_groups(engine: Engine) -> list[ListedGroup]:
    """Return the groups of the embedded directory, by name."""
    with engine.store.reading() as session:
        found = LocalAccounts(session).groups()
        return listed(found, grants.created_groups(session, "local"))


def page_of_directory_groups(
    engine: Engine, *, search: str = "", after: str = "", limit: int = 100
) -> list[ListedGroup]:
    """Return groups of the embedded directory, by name; ``search`` is the beginning of a name."""
    with engine.store.reading() as session:
        found = LocalAccounts(session).list_groups(search=search, after=after, limit=limit)
        keys = [group.key for group in found]
        return listed(found, grants.created_groups(session, "local", group_keys=keys))


def listed(
    found: Sequence[DirectoryGroup], created: Mapping[str, grants.CreatedGroup]
) -> list[ListedGroup]:
    """Return groups with who created each."""
    return [
        ListedGroup(
            group=group,
            managed_by=created[group.key].source if group.key in created else None,
            is_protected=group.protected,
        )
        for group in found
    ]


def directory_group(engine: Engine, group_key: str) -> GroupView:
    """Return a group of the embedded directory with all about it. Raises NotFound."""
    with engine.store.reading() as session:
        local = LocalAccounts(session)
        group = local.get_group(group_key)
        created = grants.created_groups(session, "local", group_keys=[group_key]).get(group_key)
        ids = {created.group_id} if created and created.group_id is not None else set()
        return GroupView(
            group=group,
            created_by=created.source if created else None,
            created_for="".join(found.name for found in group_tree.get_groups(session, ids)),
            inside=by_name(local.find_groups(keys=(b for _, b in local.nested_in([group_key])))),
            above=by_name(local.find_groups(keys=(a for a, _ in local.nesting([group_key])))),
            mapped_from=tuple(mappings.sources_mapped_to(session, group.name)),
        )


def by_name(groups: Iterable[DirectoryGroup]) -> tuple[DirectoryGroup, ...]:
    """Return groups in the order of their names."""
    return tuple(sorted(groups, key=lambda group: name_key(group.name)))


def group_names(engine: Engine, source: Source, limit: int) -> list[str]:
    """Return names of groups that a source could give, by name, at most a number."""
    if source.directory != "local":
        return []
    with engine.store.reading() as session:
        return LocalAccounts(session).group_names(limit)


def members_of(engine: Engine, group_key: str, *, after: str = "", limit: int = 100) -> list[Why]:
    """Return members of a group of the embedded directory, and why, by account key."""
    with engine.store.reading() as session:
        rows = LocalAccounts(session).list_members(group_key, after=after, limit=limit)
        return whys(session, "local", rows)


def all_members(engine: Engine, group_key: str) -> Iterator[Why]:
    """Yield every member of a group, and why, slice by slice."""
    after = ""
    while found := members_of(engine, group_key, after=after, limit=MEMBERS_AT_ONCE):
        yield from found
        after = found[-1].membership.account_key


def history_of(engine: Engine, group_key: str, limit: int = 100) -> list[JournalEntry]:
    """Return what happened to a group and its members, the newest first."""
    with engine.store.reading() as session:
        wanted = journal.Lines(group_key=group_key, category=None)
        return journal.list_entries(session, wanted, limit=limit)


# -- groups of a source ---------------------------------------------------------------------------


def list_source_groups(
    engine: Engine, source: Source, *, search: str = "", after_id: int = 0, limit: int = 100
) -> list[SourceGroupLine]:
    """Return groups of a source by row id, with what each stands for."""
    with engine.store.reading() as session:
        found = group_tree.list_groups(
            session, source.id, search=search, after_id=after_id, limit=limit
        )
        counts = group_tree.member_counts(session, [group.id for group in found])
        mapped = mapping_rows(session, source, {group.id for group in found})
        targets = {group.id: targets_of(group, source.rules, mapped) for group in found}
        wanted = [target for some in targets.values() for target in some]
        refused = refused_names(session, engine, source, wanted)
    return [
        SourceGroupLine(
            group=group,
            member_count=counts.get(group.id, 0),
            targets=tuple(t.name for t in targets[group.id] if t not in refused),
            refused=tuple(t.name for t in targets[group.id] if t in refused),
            why_not=why_not(group, source),
        )
        for group in found
    ]


def refused_names(
    session: Session, engine: Engine, source: Source, targets: Sequence[Target]
) -> frozenset[Target]:
    """Return those of some targets that are not given: protected, and no row allows it."""
    directory = engine.directories.get(source.directory)
    if directory is None:
        return frozenset()
    bound = directory.bound(session)
    known = {name_key(g.name): g for g in bound.find_groups(names=[t.name for t in targets])}
    return frozenset(
        target
        for target in targets
        if not target.allow_protected
        and is_protected_target(target.name, known.get(name_key(target.name)), bound, source.rules)
    )


def is_protected_target(
    name: str, group: DirectoryGroup | None, bound: BoundDirectory, rules: Mapping[str, Any]
) -> bool:
    """Tell whether a group of the directory, or a new one of that name, is protected."""
    by_mark = group.protected if group is not None else bound.protects(name)
    return by_mark or is_protected_name(name, rules)


def why_not(group: SourceGroup, source: Source) -> str:
    """Return why a group of a source stands for nothing whatever the mapping table says."""
    if not maps_groups(source.rules):
        return "group sync is off"
    verdict = included(group, source.rules)
    if not verdict.inside:
        return verdict.text
    if source.rules["group_mode"] != MANUAL:
        return directory_name(group.name, source.rules).error
    return ""


def problems_of(engine: Engine, source: Source) -> list[str]:
    """Return what keeps a source from giving groups as its settings say, a line each."""
    if source.directory not in engine.directories:
        return []
    rules = source.rules
    found: list[str] = []
    with engine.store.reading() as session:
        work = engine.work_for(source, NOBODY)
        bound = work.directory.bound(session)
        if gives_defaults(rules):
            names = default_groups(rules)
            known = {name_key(group.name): group for group in bound.find_groups(names=names)}
            found += [default_problem(name, known.get(name_key(name)), rules) for name in names]
        found.append(planned_sweep(session, work).why)
        if maps_groups(rules):
            all_groups = group_tree.list_groups(session, source.id, limit=None)
            found += shape_problems(session, work, all_groups)
            if rules["group_mode"] == MANUAL:
                found += mapping_problems(session, work)
    return [text for text in found if text]


def default_problem(name: str, group: DirectoryGroup | None, rules: Mapping[str, Any]) -> str:
    """Return why a default group is not given, ``""`` if it is."""
    if group is None and not rules["create_groups"]:
        return f"The directory has no default group {name!r}: create it, or choose another one."
    if is_protected_name(name, rules) or (group is not None and group.protected):
        return f"The default group {name!r} is protected, so nobody gets it."
    return ""


def shape_problems(session: Session, work: Work, groups: Sequence[SourceGroup]) -> list[str]:
    """Return which groups are not created on the fly, and which get the same name."""
    refused = [
        f"The provider's group {shape.source_group.name!r} gives nothing: {shape.text}."
        for shape in planned_shapes(session, work, groups)
        if shape.kind is ShapeKind.REFUSE
    ]
    if work.source.rules["group_mode"] == MANUAL:
        return refused
    return refused + [
        f"The groups {', '.join(map(repr, names))} have one name in the directory: {name!r}."
        for name, names in collisions(groups, work.source.rules)
    ]


def mapping_problems(session: Session, work: Work) -> list[str]:
    """Return which rows of the mapping table give nothing."""
    found = []
    for line in mapping_lines(session, work, mappings.list_mappings(session, work.source.id)):
        row = line.row
        if row.group_id is None:
            text = f"The provider deleted the group {row.name!r}, which was mapped to {row.to!r}."
            found.append(text)
        elif line.is_protected and not row.allow_protected:
            text = (
                f"{row.to!r} is protected: {row.name!r} does not give it until you allow that row."
            )
            found.append(text)
        elif not line.exists and not work.source.rules["create_groups"]:
            text = f"The directory has no group {row.to!r}, to which {row.name!r} is mapped."
            found.append(text)
    return found


def mapping_lines(session: Session, work: Work, rows: Sequence[GroupMapping]) -> list[MappingLine]:
    """Return rows of the mapping table with what is known of the groups that they lead to."""
    bound = work.directory.bound(session)
    known = {name_key(g.name): g for g in bound.find_groups(names=[row.to for row in rows])}
    return [
        MappingLine(
            row=row,
            exists=name_key(row.to) in known,
            is_protected=is_protected_target(row.to, group, bound, work.source.rules),
        )
        for row in rows
        for group in (known.get(name_key(row.to)),)
    ]


# -- the mapping table ----------------------------------------------------------------------------


def list_mapping_lines(
    engine: Engine, source: Source, *, search: str = "", after_id: int = 0, limit: int = 100
) -> list[MappingLine]:
    """Return rows of the mapping table by row id; ``search`` is the beginning of a name."""
    with engine.store.reading() as session:
        rows = mappings.list_mappings(
            session, source.id, search=search, after_id=after_id, limit=limit
        )
        if source.directory not in engine.directories:
            return [MappingLine(row=row, exists=True, is_protected=False) for row in rows]
        return mapping_lines(session, engine.work_for(source, NOBODY), rows)


def addition(
    engine: Engine, source: Source, name: str, to: str, *, allow_protected: bool = False
) -> dict[str, Any]:
    """Return the change that maps the group which a name or id means, all checked.

    Raises InvalidSetting for ``from`` or ``to``.
    """
    wrong = name_error(to, to)
    if wrong:
        raise InvalidSetting("to", wrong.replace("the username rule", "it"))
    try:
        group = find_source_group(engine, source, name)
    except NotFound as error:
        raise InvalidSetting("from", str(error)) from error
    with engine.store.reading() as session:
        rows = mappings.mappings_of_groups(session, [group.id])
    if any(name_key(row.to) == name_key(to) for row in rows):
        raise InvalidSetting("from", f"the group {group.name!r} is mapped to {to!r} already")
    return adding(group, to, allow_protected=allow_protected)


def find_source_group(engine: Engine, source: Source, name: str) -> SourceGroup:
    """Return the group of a source that a name or id means. Raises NotFound, InvalidSetting."""
    with engine.store.reading() as session:
        found = group_tree.find_groups(session, source.id, name)
        count = group_tree.count_groups(session, source.id)
    if not found:
        raise NotFound(
            f"{source.name} has told us of no group {name!r}; it has told us of {count} groups"
        )
    if len(found) > 1:
        ids = ", ".join(group.scim_id for group in found)
        raise InvalidSetting("from", f"{name!r} means several groups: name one by its id: {ids}")
    return found[0]


def mapping_of(engine: Engine, source: Source, name: str, to: str) -> list[GroupMapping]:
    """Return the rows of the mapping table from a group (name or id) to one, or all if ``""``."""
    with engine.store.reading() as session:
        rows = mappings.list_mappings(session, source.id)
    return [
        row
        for row in rows
        if name in {row.scim_id, row.external_id} or name_key(row.name) == name_key(name)
        if not to or name_key(row.to) == name_key(to)
    ]


def adding(group: SourceGroup, to: str, *, allow_protected: bool = False) -> dict[str, Any]:
    """Return the change that adds a row to the mapping table."""
    return {
        "op": "add",
        "group": group.scim_id,
        "name": group.name,
        "to": to,
        "allow_protected": allow_protected,
    }


def removing(row: GroupMapping) -> dict[str, Any]:
    """Return the change that removes a row from the mapping table."""
    return {"op": "remove", "group": row.scim_id, "name": row.name, "to": row.to}


def change_mappings(
    engine: Engine,
    actor: Actor,
    source: Source,
    changes: Sequence[Mapping[str, Any]],
    progress: Progress | None = None,
) -> Summary:
    """Store changes of the mapping table and apply them to everybody. Raises InvalidSetting."""
    return admin.change_source(engine, actor, source, {"mappings": list(changes)}, progress)[1]
