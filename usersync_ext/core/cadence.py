"""How often a provider calls, and whether it has fallen silent."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median_low

ONE_VISIT = timedelta(minutes=2)
"""Requests nearer to each other than this are one visit."""
FEWEST_GAPS = 5
REGULAR = 3
"""A provider is regular if no gap is longer than so many usual ones; else a week must be known."""
WEEK = timedelta(days=7)
AT_LEAST = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A provider that usually calls more often than it does now."""

    usual: timedelta  # between two visits
    since: timedelta  # the last one


def silence(times: Iterable[datetime], now: datetime) -> Silence | None:
    """Return the silence of a provider that called at these times, in order; None if it is usual.

    A regular provider (Entra calls every 40 minutes) is silent after three usual gaps. One that
    calls only when something changes is silent after one and a half times its longest gap, once a
    week of it is known: nights and Sundays are in it. Less than an hour is never silence.
    """
    visits = list(times)
    gaps = [later - earlier for earlier, later in pairwise(visits) if later - earlier > ONE_VISIT]
    if len(gaps) < FEWEST_GAPS:
        return None
    usual, longest, since = median_low(gaps), max(gaps), now - visits[-1]
    if longest <= REGULAR * usual:
        allowed = REGULAR * usual
    elif visits[-1] - visits[0] >= WEEK:
        allowed = 1.5 * longest
    else:
        return None
    return Silence(usual=usual, since=since) if since > max(allowed, AT_LEAST) else None
