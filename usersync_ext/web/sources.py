"""Sources: the overview, adding one, its connection, state, requests and its end."""

from datetime import UTC, datetime, timedelta

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ..core.records import Source, SourceState, Token
from ..state import current_state
from ..store import journal
from ..store import overview as store_overview
from ..store import requests as store_requests
from ..store import sources as store_sources
from ..sync import admin
from ..sync.counting import Summary
from ..sync.guarding import current_budget
from ..sync.runs import is_large
from .forms import ActionForm, LeaveForm, NameForm, attempt, source_form
from .runs import new_run, spoken
from .shared import (
    Route,
    done,
    engine,
    load_source,
    source_page,
    typed,
    visitor,
)

REQUESTS_SHOWN = 100
ALERT_TIME = timedelta(days=1)
"""How long a failed request is worth an alert on the source's page."""


def overview() -> ResponseReturnValue:
    engine().recorder.flush()
    with engine().store.reading() as db:
        found = store_sources.list_sources(db)
        figures = store_overview.list_figures(db, found, datetime.now(UTC))
    return render_template("usersync/overview.html", figures=figures)


def add_source() -> ResponseReturnValue:
    providers = current_state().providers
    form = source_form(providers)
    if form.validate_on_submit():
        source = attempt(
            form,
            lambda: admin.add_source(engine(), visitor(), **form.data),
        )
        if source is not None:
            return done("The source was added.", ".connection", key=source.key)
    return render_template("usersync/source_add.html", form=form, providers=providers)


def connection(key: str) -> ResponseReturnValue:
    source = load_source(key)
    form = NameForm(name=source.name)
    if form.validate_on_submit():
        changed = attempt(
            form,
            lambda: admin.change_source(engine(), visitor(), source, form.data),
        )
        if changed is not None:
            return done("The name was changed.", ".connection", key=key)
    live, heard = progress(source)
    with engine().store.reading() as db:
        since = datetime.now(UTC) - ALERT_TIME
        count, newest, notes = store_requests.alerts_of(db, source.id, since)
        refused = journal.refused_memberships(db, since).get(source.key, 0)
    return source_page(
        "connection.html",
        source,
        "connection",
        form=form,
        live=live,
        heard=heard,
        failed_count=count,
        newest_failure=newest,
        notes=notes,
        refused=refused,
    )


def progress(source: Source) -> tuple[list[Token], datetime | None]:
    """Return the tokens that can be used now, and when the provider was last heard of."""
    engine().recorder.flush()
    with engine().store.reading() as db:
        live = store_overview.live_tokens(db, datetime.now(UTC)).get(source.key, [])
        return live, store_sources.last_request_at(db, source)


def state(key: str, wanted: str) -> ResponseReturnValue:
    source = load_source(key)
    if wanted not in set(SourceState):
        abort(404)
    if source.state == wanted:
        return redirect(url_for(".connection", key=key), code=303)
    form = ActionForm()
    if form.validate_on_submit():
        changed = attempt(form, lambda: change_state(source, wanted))
        if changed is not None:
            return changed
    going = wanted == SourceState.ACTIVE
    ready = bool(source.directory) and source.directory in engine().directories
    large = is_large(engine(), source)
    preview, left = consequences(source) if going and ready and not large else (None, 0)
    return source_page(
        "state.html",
        source,
        "connection",
        wanted=wanted,
        preview=preview,
        left=left,
        ready=ready,
        preview_first=going and large,
        form=form,
    )


def change_state(source: Source, wanted: str) -> ResponseReturnValue:
    """Give a source another state at once, or by a run in the background for many people."""
    key = source.key
    if wanted == SourceState.ACTIVE and is_large(engine(), source):
        previews = "preview" in request.form
        run = new_run(source, {"state": wanted}, applies=not previews)
        return redirect(url_for(".run", key=key, run_id=run.id), code=303)
    changed, summary = admin.change_source(engine(), visitor(), source, {"state": wanted})
    return done(f"The source is {changed.state} now. {spoken(summary)}", ".connection", key=key)


def consequences(source: Source) -> tuple[Summary, int]:
    """Return what going active would do, and how many removals the guard would let pass now."""
    preview = admin.preview_rules(engine(), visitor(), source, {"state": SourceState.ACTIVE})
    with engine().store.reading() as db:
        budget = current_budget(db, engine().work_for(source, visitor()))
    return preview, budget.left


def requests(key: str) -> ResponseReturnValue:
    source = load_source(key)
    failed_only = bool(typed("failed"))
    engine().recorder.flush()
    with engine().store.reading() as db:
        found = store_requests.list_requests(
            db, source.id, failed_only=failed_only, limit=REQUESTS_SHOWN
        )
    return source_page("requests.html", source, "requests", requests=found, failed_only=failed_only)


def leave(key: str) -> ResponseReturnValue:
    source = load_source(key)
    form = LeaveForm()
    if form.validate_on_submit() and form.matches(source):
        remove = form.ending.data == "delete"
        count = admin.leave_source(
            engine(), visitor(), source, accounts=form.accounts.data, remove=remove
        )
        word = "deleted" if remove else "detached"
        return done(f"{source.name} was {word}; it managed {count} accounts.", ".overview")
    with engine().store.reading() as db:
        people = store_sources.count_people(db, source)
        accounts = store_sources.count_links(db, source.id)
    return source_page(
        "leave.html", source, "leave", form=form, people_count=people, account_count=accounts
    )


PAGES: tuple[Route, ...] = (
    Route("/", overview),
    Route("/sources/add", add_source, posts=True),
    Route("/sources/<key>/", connection, posts=True),
    Route("/sources/<key>/state/<wanted>", state, posts=True),
    Route("/sources/<key>/requests", requests),
    Route("/sources/<key>/leave", leave, posts=True),
)
