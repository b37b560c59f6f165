"""Which groups a directory gets on the fly: created, renamed, or refused, and why. Pure."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .groups import ON_THE_FLY, directory_name, included, is_protected_name
from .records import DirectoryGroup
from .scope import SourceGroup
from .username import name_key


class ShapeKind(StrEnum):
    """What is to be done about a group of the source."""

    CREATE = "create"
    RENAME = "rename"
    LET_GO = "let_go"  # the group that was created for it is its no longer
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is to be done about a group of the source, and to which of the directory."""

    kind: ShapeKind
    source_group: SourceGroup
    name: str
    key: str = ""  # of the directory's group, for renaming
    was: str = ""
    text: str = ""


def shapes(
    groups: Iterable[SourceGroup],
    rules: Mapping[str, Any],
    created: Mapping[int, DirectoryGroup],
    taken: Mapping[str, DirectoryGroup],
    protects: Callable[[str], bool],
    fixed: Collection[str] = (),
) -> list[Shape]:
    """Return what is to be done so that the directory has the groups of a source.

    ``created`` are groups of the directory by the source's group that they were created for,
    ``taken`` those that exist, by key of the name. Those in ``fixed`` are not renamed.
    """
    if rules["group_mode"] != ON_THE_FLY:
        return []
    names = {key for key, group in taken.items() if group.key}
    result: list[Shape] = []
    for group in groups:
        for shape in shapes_of(group, rules, created.get(group.id), names, protects, fixed):
            result.append(shape)
            if shape.kind in {ShapeKind.CREATE, ShapeKind.RENAME}:
                names.add(name_key(shape.name))
    return result


def may_rename(own: DirectoryGroup, rules: Mapping[str, Any]) -> bool:
    """Tell whether a group that was created on the fly follows its group's name."""
    if own.protected or is_protected_name(own.name, rules):
        return False
    return bool(rules["group_rename"] == "rename")


def shapes_of(
    group: SourceGroup,
    rules: Mapping[str, Any],
    own: DirectoryGroup | None,
    names: set[str],
    protects: Callable[[str], bool],
    fixed: Collection[str],
) -> Iterator[Shape]:
    """Yield what is to be done about one group; ``own`` was created for it before."""
    if not included(group, rules).inside:
        return
    result = directory_name(group.name, rules)
    name, key = result.name, name_key(result.name)
    if result.error:
        yield Shape(kind=ShapeKind.REFUSE, source_group=group, name=name, text=result.error)
        return
    if own is not None and own.name == name:
        return
    is_taken = key in names
    is_same = own is not None and name_key(own.name) == key
    if not is_taken and (is_protected_name(name, rules) or protects(name)):
        text = f"no group {name!r} is created: it would be a protected one"
        yield Shape(kind=ShapeKind.REFUSE, source_group=group, name=name, text=text)
        return
    renames = own is not None and own.key not in fixed and may_rename(own, rules)
    if own is not None and renames and (is_same or not is_taken):
        kind = ShapeKind.RENAME
        yield Shape(kind=kind, source_group=group, name=name, key=own.key, was=own.name)
        return
    if own is not None and not is_same:
        kind = ShapeKind.LET_GO
        yield Shape(kind=kind, source_group=group, name=name, key=own.key, was=own.name)
    if is_taken:
        return
    if rules["create_groups"]:
        yield Shape(kind=ShapeKind.CREATE, source_group=group, name=name)
    else:
        text = f"the directory has no group {name!r}, and none is created"
        yield Shape(kind=ShapeKind.REFUSE, source_group=group, name=name, text=text)
