"""Groups of a source: what each stands for, the mapping table, and the import into it."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..core.groups import MANUAL
from ..core.options import OPTIONS
from ..core.records import Run, Source
from ..store import group_tree, mappings
from ..sync import group_admin
from ..sync.group_admin import MappingLine
from .forms import PageForm, attempt
from .group_forms import MOST_NEW_ROWS, MappingForm, import_form, mapping_form
from .group_map import drawn
from .runs import new_run
from .shared import (
    Page,
    Route,
    engine,
    given,
    load_source,
    page_of,
    source_page,
    typed,
    typed_number,
)

AT_ONCE = 100
NAMES_OFFERED = 500
PROBLEMS_SHOWN = 10
DRAWN = 40


def is_manual(source: Source) -> bool:
    """Tell whether the mapping table of a source says what its groups stand for."""
    return bool(source.rules["group_mode"] == MANUAL)


def source_groups(key: str) -> ResponseReturnValue:
    source = load_source(key)
    if not is_manual(source):
        return groups_page(source)
    rows = mapping_page(source)
    form = mapping_form(rows.items)
    if "add_row" not in request.form and form.validate_on_submit():
        run = preview_of(source, form, form.changes(engine(), source, rows.items))
        if run is not None:
            return redirect(url_for(".run", key=key, run_id=run.id), code=303)
    return groups_page(source, form=form, rows=rows)


def mapping_page(source: Source) -> Page[MappingLine]:
    """Return the page of the mapping table that is looked at."""
    found = group_admin.list_mapping_lines(
        engine(), source, search=typed("search"), after_id=typed_number("row"), limit=AT_ONCE + 1
    )
    return page_of(found, AT_ONCE)


def preview_of(source: Source, form: PageForm, changes: Sequence[Mapping[str, Any]]) -> Run | None:
    """Return the run that shows what changes of the mapping table do, None if some are wrong."""
    if form.errors:
        return None
    return attempt(form, lambda: new_run(source, {"mappings": list(changes)}, applies=False))


def groups_page(
    source: Source, *, form: MappingForm | None = None, rows: Page[MappingLine] | None = None
) -> str:
    """Return the page of the groups of a source; with the mapping table if there is one."""
    after = typed_number("after")
    found = group_admin.list_source_groups(
        engine(), source, search=typed("search"), after_id=after, limit=AT_ONCE + 1
    )
    problems = group_admin.problems_of(engine(), source)
    with engine().store.reading() as db:
        count = group_tree.count_groups(db, source.id)
        mapped_count = mappings.count_mappings(db, source.id)
    return source_page(
        "source_groups.html",
        source,
        "groups",
        form=form,
        rows=rows,
        page=page_of(found, AT_ONCE),
        problems=problems[:PROBLEMS_SHOWN],
        more_problems=len(problems) - PROBLEMS_SHOWN,
        mode=dict(OPTIONS["group_mode"].choices)[source.rules["group_mode"]],
        count=count,
        mapped_count=mapped_count,
        names=group_admin.group_names(engine(), source, NAMES_OFFERED) if form else [],
        filters={"key": source.key, **given("search")},
        after=after,
        row=typed_number("row"),
        most_rows=MOST_NEW_ROWS,
    )


# -- import ----------------------------------------------------------------------------------------


def import_groups(key: str) -> ResponseReturnValue:
    source = load_source(key)
    if not is_manual(source):
        return redirect(url_for(".source_groups", key=key), code=303)
    after = typed_number("after")
    with engine().store.reading() as db:
        found = mappings.unmapped_groups(
            db, source.id, search=typed("search"), after_id=after, limit=AT_ONCE + 1
        )
        page: Page[Any] = page_of(found, AT_ONCE)
        counts = group_tree.member_counts(db, [group.id for group in page.items])
    form = import_form(page.items)
    if request.method == "GET" and typed("all"):
        form.groups.data = [group.id for group in page.items]
    if form.validate_on_submit():
        run = preview_of(source, form, form.changes(engine(), source, page.items))
        if run is not None:
            return redirect(url_for(".run", key=key, run_id=run.id), code=303)
    return source_page(
        "import_groups.html",
        source,
        "groups",
        form=form,
        page=page,
        counts=counts,
        names=group_admin.group_names(engine(), source, NAMES_OFFERED),
        filters={"key": key, **given("search")},
        after=after,
    )


# -- map -------------------------------------------------------------------------------------------


def group_map(key: str) -> ResponseReturnValue:
    source = load_source(key)
    found = group_admin.list_source_groups(
        engine(), source, search=typed("search"), limit=DRAWN + 1
    )
    page = page_of(found, DRAWN)
    return source_page(
        "group_map.html",
        source,
        "groups",
        page=page,
        drawing=drawn(page.items),
        drawn_at_most=DRAWN,
        filters={"key": key, **given("search")},
    )


PAGES: tuple[Route, ...] = (
    Route("/sources/<key>/groups", source_groups, posts=True),
    Route("/sources/<key>/groups/import", import_groups, posts=True),
    Route("/sources/<key>/groups/map", group_map),
)
