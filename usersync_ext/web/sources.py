"""Sources: adding one, its connection, state, requests and its end."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ..core.arrivals import Stray
from ..core.records import RequestRecord, Source, SourceState
from ..state import current_state
from ..store import journal
from ..store import requests as store_requests
from ..store import sources as store_sources
from ..store.strays import list_strays
from ..sync import admin
from ..sync.counting import Summary
from ..sync.guarding import current_budget
from ..sync.runs import is_large
from . import arrivals
from .first_steps import STEPS, progress_of
from .forms import ActionForm, LeaveForm, NameForm, attempt, source_form
from .language import N_, NN_, gettext, ngettext
from .runs import new_run, spoken
from .shared import (
    Route,
    done,
    engine,
    given,
    load_source,
    page_of,
    provider_for,
    scim_base_url,
    source_page,
    typed,
    typed_number,
    visitor,
)

REQUESTS_SHOWN = 100
STRAYS_SHOWN = 10
NOW = {
    SourceState.ACTIVE: N_("The source is active now."),
    SourceState.OBSERVE: N_("The source only observes now."),
    SourceState.OFF: N_("The source is off now."),
}
DELETED = NN_(
    "%(source)s was deleted; it managed %(count)s account.",
    "%(source)s was deleted; it managed %(count)s accounts.",
)
DETACHED = NN_(
    "%(source)s was detached; it managed %(count)s account.",
    "%(source)s was detached; it managed %(count)s accounts.",
)
ALERT_TIME = timedelta(days=1)
"""How long a failed request is worth an alert on the source's page."""


def add_source() -> ResponseReturnValue:
    providers = current_state().providers
    form = source_form(providers)
    if form.validate_on_submit():
        source = attempt(
            form,
            lambda: admin.add_source(engine(), visitor(), **form.data),
        )
        if source is not None:
            return done(gettext("The source was added."), ".connection", key=source.key)
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
            return done(gettext("The name was changed."), ".connection", key=key)
    progress = progress_of(source)
    with engine().store.reading() as db:
        since = datetime.now(UTC) - ALERT_TIME
        count, newest, notes = store_requests.alerts_of(db, source.id, since)
        refused = journal.refused_memberships(db, since).get(source.key, 0)
        unsolved = max(since, progress.answered[1]) if progress.answered else since
        strays = list_strays(db, source=key, since=unsolved, limit=STRAYS_SHOWN)
    return source_page(
        "connection.html",
        source,
        "connection",
        form=form,
        progress=progress,
        steps=STEPS,
        directory=title_of(source.directory),
        failed_count=count,
        newest_failure=newest,
        failure_advice=advice_for(source, newest) if newest else "",
        notes=notes,
        refused=refused,
        strays=advised(source, strays),
    )


def title_of(directory: str) -> str:
    """Return what a directory is called; one that the app does not have any more has its key."""
    found = engine().directories.get(directory)
    return gettext(found.title) if found is not None else directory


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
    with engine().store.reading() as db:
        accounts = store_sources.count_links(db, source.id)
    return source_page(
        "state.html",
        source,
        "connection",
        account_count=accounts,
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
    return done(f"{gettext(NOW[changed.state])} {spoken(summary)}", ".connection", key=key)


def consequences(source: Source) -> tuple[Summary, int]:
    """Return what going active would do, and how many removals the guard would let pass now."""
    preview = admin.preview_rules(engine(), visitor(), source, {"state": SourceState.ACTIVE})
    with engine().store.reading() as db:
        budget = current_budget(db, engine().work_for(source, visitor()))
    return preview, budget.left


def requests(key: str) -> ResponseReturnValue:
    source = load_source(key)
    failed_only, before = bool(typed("failed")), typed_number("before")
    engine().recorder.flush()
    with engine().store.reading() as db:
        found = store_requests.list_requests(
            db,
            source.id,
            failed_only=failed_only,
            before_id=before or None,
            limit=REQUESTS_SHOWN + 1,
        )
        strays = list_strays(db, source=key, limit=STRAYS_SHOWN) if not before else []
    page = page_of(found, REQUESTS_SHOWN)
    return source_page(
        "requests.html",
        source,
        "requests",
        page=page,
        before=before,
        failed_only=failed_only,
        filters={"key": key, **given("failed")},
        advice={r.id: advice_for(source, r) for r in page.items if r.status >= 400},
        strays=advised(source, strays),
    )


def advice_for(source: Source, record: RequestRecord) -> str:
    return arrivals.request_advice(record, provider_for(source), scim_base_url(source))


def advised(source: Source, strays: Sequence[Stray]) -> list[tuple[Stray, str]]:
    """Return requests that were not let in, each with what to change for it."""
    provider, address = provider_for(source), scim_base_url(source)
    return [(stray, arrivals.advice(stray, provider, address)) for stray in strays]


def leave(key: str) -> ResponseReturnValue:
    source = load_source(key)
    form = LeaveForm()
    if form.validate_on_submit() and form.matches(source):
        remove = form.ending.data == "delete"
        count = admin.leave_source(
            engine(), visitor(), source, accounts=form.accounts.data, remove=remove
        )
        one, many = DELETED if remove else DETACHED
        return done(ngettext(one, many, count, source=source.name), ".overview")
    with engine().store.reading() as db:
        people = store_sources.count_people(db, source)
        accounts = store_sources.count_links(db, source.id)
    return source_page(
        "leave.html", source, "leave", form=form, people_count=people, account_count=accounts
    )


PAGES: tuple[Route, ...] = (
    Route("/sources/add", add_source, posts=True),
    Route("/sources/<key>/", connection, posts=True),
    Route("/sources/<key>/state/<wanted>", state, posts=True),
    Route("/sources/<key>/requests", requests),
    Route("/sources/<key>/leave", leave, posts=True),
)
