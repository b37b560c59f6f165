"""Every change and every action of an administrator, filtered, and as a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from flask import Response, render_template
from flask.typing import ResponseReturnValue

from ..core.records import ChangeKind, JournalEntry, Outcome
from ..store import journal
from ..store.engine import Store
from ..sync import explain
from .people import all_sources, differences
from .run_export import csv_line, json_text
from .shared import PAGE_SIZE, Route, engine, given, page_of, typed, typed_number

FILTERS = ("source", "what", "outcome", "search", "since", "until")
EVERYBODY_AT_MOST = 500
"""So many people and accounts may a search for somebody find."""
SLICE = 500
COLUMNS = (
    "id",
    "at",
    "source",
    "actor",
    "kind",
    "subject",
    "reason",
    "outcome",
    "before",
    "after",
    "request_id",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What lines were asked for; ``wrong`` says which dates are none."""

    lines: journal.Lines
    wrong: tuple[str, ...]


def activity() -> ResponseReturnValue:
    asked = asked_lines()
    before = typed_number("before")
    with engine().store.reading() as db:
        found = journal.list_entries(db, asked.lines, before_id=before or None, limit=PAGE_SIZE + 1)
    page = page_of(found)
    return render_template(
        "usersync/activity.html",
        page=page,
        filters=given(*FILTERS),
        wrong=asked.wrong,
        sources=all_sources(),
        kinds=list(ChangeKind),
        outcomes=list(Outcome),
        differences={entry.id: differences(entry) for entry in page.items},
        before=before,
    )


def activity_csv() -> ResponseReturnValue:
    """Return all lines that fit as a download, read slice by slice."""
    answer = Response(as_csv(engine().store, asked_lines().lines), mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="usersync-activity.csv"'
    return answer


def as_csv(store: Store, lines: journal.Lines) -> Iterator[str]:
    """Yield one line for each change, newest first; before and after are JSON."""
    yield csv_line(COLUMNS)
    before: int | None = None
    while True:
        with store.reading() as db:
            found = journal.list_entries(db, lines, before_id=before, limit=SLICE)
        yield "".join(map(line_of, found))
        if len(found) < SLICE:
            return
        before = found[-1].id


def line_of(entry: JournalEntry) -> str:
    own = (entry.id, entry.at.isoformat(), entry.source, entry.actor, entry.kind, entry.subject)
    sides = (json_text(entry.before), json_text(entry.after))
    return csv_line((*own, entry.reason, entry.outcome, *sides, entry.request_id))


def asked_lines() -> Asked:
    """Return which lines the address asks for; what it cannot mean is no condition."""
    what, outcome = typed("what"), typed("outcome")
    since, until = day_of("since"), day_of("until")
    search = typed("search")
    return Asked(
        journal.Lines(
            source=typed("source") or None,
            category=what if what in journal.CATEGORIES else None,
            kind=what if what in set(ChangeKind) else None,
            outcome=outcome if outcome in set(Outcome) else None,
            whose=explain.find_whose(engine(), search, EVERYBODY_AT_MOST) if search else None,
            since=midnight(since) if since else None,
            until=midnight(until + timedelta(days=1)) if until else None,
        ),
        tuple(
            name for name, day in (("since", since), ("until", until)) if typed(name) and not day
        ),
    )


def day_of(name: str) -> date | None:
    """Return a day that was typed as 2026-11-29, None for anything else."""
    try:
        return date.fromisoformat(typed(name))
    except ValueError:
        return None


def midnight(day: date) -> datetime:
    """Return the beginning of a day in UTC."""
    return datetime.combine(day, time(), UTC)


PAGES: tuple[Route, ...] = (Route("/activity", activity), Route("/activity.csv", activity_csv))
