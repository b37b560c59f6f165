"""People as their sources state them, the why of each, and the journal of all changes."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ..core.records import JournalEntry, PersonState, Source
from ..store import sources as store_sources
from ..sync import explain
from .shared import ID, PAGE_SIZE, Route, engine, given, page_of, typed, typed_number
from .words import field_in_words


def people() -> ResponseReturnValue:
    """Show people, or the one who is found where ``why`` asks for an explanation."""
    known = all_sources()
    chosen = next((s for s in known if s.key == typed("source")), None)
    state = next((s for s in PersonState if s == typed("state")), None)
    after = typed_number("after")
    found = explain.list_people(
        engine(),
        source=chosen,
        search=typed("search"),
        state=state,
        after_id=after,
        limit=PAGE_SIZE + 1,
    )
    if typed("why") and len(found) == 1 and not after:
        return redirect(url_for(".person", person_id=found[0].id), code=303)
    return render_template(
        "usersync/people.html",
        page=page_of(found),
        filters=given("search", "source", "state"),
        sources=known,
        states=list(PersonState),
        after=after,
    )


def all_sources() -> list[Source]:
    with engine().store.reading() as db:
        return store_sources.list_sources(db)


def person(person_id: int) -> ResponseReturnValue:
    explained = explain.explain_person(engine(), person_id)
    return render_template(
        "usersync/person.html",
        explained=explained,
        person=explained.person,
        rows=list(readable(explained.record)),
        raw=json.dumps(explained.record, indent=2, ensure_ascii=False, sort_keys=True),
        differences={entry.id: differences(entry) for entry in explained.changes},
    )


def readable(record: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the attributes of a SCIM record as pairs of path and text."""
    for name, value in record.items():
        here = f"{path}.{name}" if path else name
        if isinstance(value, Mapping):
            yield from readable(value, here)
        elif isinstance(value, list):
            for item in value:
                yield listed(here, item)
        else:
            yield here, words(value)


def listed(path: str, item: Any) -> tuple[str, str]:
    """Return one value of a list, with its type and whether it is the primary one."""
    if not isinstance(item, Mapping) or "value" not in item:
        return path, words(item)
    marks = [str(item["type"])] if item.get("type") else []
    if item.get("primary") is True:
        marks.append("primary")
    return (f"{path} ({', '.join(marks)})" if marks else path), words(item["value"])


def words(value: Any) -> str:
    """Return a JSON value as text; text itself without quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def differences(entry: JournalEntry) -> list[tuple[str, str, str]]:
    """Return what a change changed: field, before and after."""
    before, after = entry.before or {}, entry.after or {}
    return [
        (field_in_words(field), words(before.get(field, "")), words(after.get(field, "")))
        for field in {**before, **after}
        if before.get(field, "") != after.get(field, "")
    ]


PAGES: tuple[Route, ...] = (
    Route("/people", people),
    Route(f"/people/<{ID}:person_id>", person),
)
