"""The map of groups: where the provider's groups and the directory's stand on a drawing. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..core.username import name_key
from ..sync.group_admin import SourceGroupLine

WIDTH = 720
BOX_WIDTH, BOX_HEIGHT = 250, 28
PITCH = 38
TOP = 34
LONGEST = 30
"""How many characters of a name fit into a box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A group on the drawing; ``label`` is its name as far as there is room."""

    name: str
    label: str
    x: int
    y: int
    is_idle: bool = False  # stands for nothing

    @property
    def middle(self) -> int:
        """Where lines meet the box."""
        return self.y + BOX_HEIGHT // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """From a group of the provider to one of the directory: a curve, and how many people.

    ``label`` is empty for all but the first line of a group: the people are the same.
    """

    path: str
    label: str
    x: int
    y: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Everything that is drawn, in the units of ``width`` and ``height``."""

    left: tuple[Box, ...]
    right: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: int
    height: int
    box_width: int = BOX_WIDTH
    box_height: int = BOX_HEIGHT


def drawn(found: Sequence[SourceGroupLine]) -> Drawing:
    """Return the drawing of groups; those of the directory stand near what leads to them."""
    ordered = sorted(found, key=lambda line: (not line.targets, name_key(line.group.name)))
    names, rows = targets_in_order(ordered)
    left = tuple(
        box(line.group.name, 0, row, is_idle=not line.targets) for row, line in enumerate(ordered)
    )
    right = {key: box(names[key], WIDTH - BOX_WIDTH, row) for row, key in enumerate(rows)}
    lines = [
        line_between(start, right[key], line.member_count, number)
        for start, line in zip(left, ordered, strict=True)
        for number, key in enumerate(dict.fromkeys(map(name_key, line.targets)))
    ]
    return Drawing(
        left=left,
        right=tuple(right.values()),
        lines=tuple(lines),
        width=WIDTH,
        height=TOP + PITCH * max(len(left), len(right), 1),
    )


def targets_in_order(ordered: Sequence[SourceGroupLine]) -> tuple[Mapping[str, str], list[str]]:
    """Return names of groups of the directory by key, and the keys from top to bottom."""
    names: dict[str, str] = {}
    heights: dict[str, list[int]] = {}
    for row, line in enumerate(ordered):
        for target in line.targets:
            names.setdefault(name_key(target), target)
            heights.setdefault(name_key(target), []).append(row)
    middle = {key: sum(rows) / len(rows) for key, rows in heights.items()}
    return names, sorted(names, key=lambda key: (middle[key], key))


def box(name: str, x: int, row: int, *, is_idle: bool = False) -> Box:
    """Return the box of a group in one of the rows."""
    label = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    return Box(name=name, label=label, x=x, y=TOP + PITCH * row, is_idle=is_idle)


def line_between(start: Box, end: Box, count: int, number: int) -> Line:
    """Return a curve; the number of people stands where it begins, clear of other groups' lines."""
    x1, x2 = start.x + BOX_WIDTH, end.x
    middle = (x1 + x2) // 2
    path = f"M{x1} {start.middle}C{middle} {start.middle} {middle} {end.middle} {x2} {end.middle}"
    return Line(path=path, label="" if number else str(count), x=x1 + 8, y=start.middle - 5)
