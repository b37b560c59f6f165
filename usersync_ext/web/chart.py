"""The drawing of the changes per day: what was given and changed above the line, taken below."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ..store.overview import DayOfChanges

WIDTH, ABOVE, BELOW = 720, 84, 42
BAR_SHARE = 0.7
LEAST = 2.0
"""Height of a bar that is not nothing, in units of the drawing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A rectangle of the drawing; ``kind`` is given, changed or taken."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Bars around the line at ``zero``; ``highest`` and ``lowest`` are the numbers at the edges."""

    width: int
    height: int
    zero: int
    bars: Sequence[Bar]
    highest: int
    lowest: int
    first: date
    last: date


def drawing(days: Sequence[DayOfChanges]) -> Drawing | None:
    """Return the drawing of some days, None where nothing happened on any of them."""
    highest = max((day.given + day.changed for day in days), default=0)
    lowest = max((day.taken for day in days), default=0)
    if not (highest or lowest):
        return None
    step = WIDTH / len(days)
    scale = min(ABOVE / max(highest, 1), BELOW / max(lowest, 1))
    bars = [
        bar
        for number, day in enumerate(days)
        for bar in bars_of(day, (number + (1 - BAR_SHARE) / 2) * step, step * BAR_SHARE, scale)
    ]
    return Drawing(
        width=WIDTH,
        height=ABOVE + BELOW,
        zero=ABOVE,
        bars=bars,
        highest=highest,
        lowest=lowest,
        first=days[0].day,
        last=days[-1].day,
    )


def bars_of(day: DayOfChanges, x: float, width: float, scale: float) -> list[Bar]:
    """Return the bars of one day that are not empty, given and changed on top of each other."""
    given, changed, taken = (
        max(LEAST, count * scale) if count else 0.0 for count in (day.given, day.changed, day.taken)
    )
    tops = (("given", ABOVE - given, given), ("changed", ABOVE - given - changed, changed))
    return [
        Bar(kind=kind, x=round(x, 2), y=round(y, 2), width=round(width, 2), height=round(height, 2))
        for kind, y, height in (*tops, ("taken", float(ABOVE), taken))
        if height
    ]
