"""The plan of a run as a file, written slice by slice."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flask import Response

from ..core.records import PlannedPerson, Run
from ..store.planned_groups import PlannedGroup, PlannedOutsider

Slices = Callable[[int], list[PlannedPerson]]
OUTSIDER = "outsider"
"""State of somebody whom the source does not know, and who leaves a group."""
COLUMNS = ("person_id", "person", "state", "why", "change", "reason", "before", "after")
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run means to do: its people slice by slice, its groups, and who else leaves one."""

    slice_after: Slices
    groups: Sequence[PlannedGroup]
    outsiders: Sequence[PlannedOutsider]


def everybody(slice_after: Slices) -> Iterator[PlannedPerson]:
    """Yield all people of a plan."""
    after = 0
    while found := slice_after(after):
        yield from found
        after = found[-1].identity_id


def harmless(value: object) -> str:
    """Return a cell's text that no spreadsheet runs."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(DANGEROUS) else text


def as_csv(run: Run, plan: Plan) -> Iterator[str]:
    """Yield one line for each change; before and after are JSON."""
    yield csv_line(COLUMNS)
    for person in everybody(plan.slice_after):
        own = (person.identity_id, person.subject, person.state, person.why)
        for change in person.changes or ({},):
            sides = [json_text(change.get(side)) for side in ("before", "after")]
            yield csv_line((*own, change.get("kind"), change.get("reason"), *sides))
    for row in plan.outsiders:
        theirs = ("", row.user_name, OUTSIDER, row.reason)
        yield csv_line((*theirs, "remove_member", row.reason, json_text({"group": row.group}), ""))


def csv_line(cells: tuple[object, ...]) -> str:
    """Return one line of a CSV file."""
    line = io.StringIO()
    csv.writer(line).writerow([harmless(cell) for cell in cells])
    return line.getvalue()


def json_text(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def as_json(run: Run, plan: Plan) -> Iterator[str]:
    """Yield one object: the run, and under ``people`` everybody of its plan."""
    head = {
        "run": run.id,
        "source": run.source,
        "state": str(run.state),
        "by": run.actor,
        "created_at": run.created_at.isoformat(),
        "settings": dict(run.settings),
        "counts": dict(run.counts),
        "held": run.held,
        "groups": [asdict(group) for group in plan.groups],
        "outsiders": [
            {"account": row.user_name, "group": row.group, "reason": row.reason}
            for row in plan.outsiders
        ],
    }
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "people": [\n'
    separator = ""
    for person in everybody(plan.slice_after):
        yield separator + json.dumps(person_as_json(person), ensure_ascii=False)
        separator = ",\n"
    yield "\n]}\n"


def person_as_json(person: PlannedPerson) -> dict[str, Any]:
    return {
        "person_id": person.identity_id,
        "person": person.subject,
        "state": person.state,
        "why": person.why,
        "changes": [dict(change) for change in person.changes],
    }


EXPORTS: Mapping[str, tuple[str, Callable[[Run, Plan], Iterator[str]]]] = {
    "csv": ("text/csv", as_csv),
    "json": ("application/json", as_json),
}


def export(run: Run, plan: Plan, form: str) -> Response:
    """Return the plan of a run as a download."""
    mimetype, written = EXPORTS[form]
    answer = Response(written(run, plan), mimetype=mimetype)
    name = f"{run.source}-run-{run.id}.{form}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
