"""Runs of a source: what new settings would do, how far they are carried out, and the history."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from flask import abort, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..core.records import PlannedPerson, Run, RunState, Source
from ..errors import InvalidSetting, NotFound
from ..store import planned_groups
from ..store import runs as store_runs
from ..sync import runs as sync_runs
from ..sync.counting import COUNTS, GROUP_COUNTS, Summary
from ..sync.runs import Overtaken
from .forms import ActionForm, attempt
from .language import N_, NN_, gettext, ngettext
from .people import words
from .reasons import in_words
from .rules_form import joined, settings_in_words
from .run_export import EXPORTS, Plan, export
from .shared import (
    ID,
    PAGE_SIZE,
    Route,
    done,
    engine,
    load_source,
    page_of,
    source_page,
    typed,
    typed_number,
    visitor,
)
from .words import field_in_words

KINDS = (*(word for word in COUNTS if word != "unchanged"), *GROUP_COUNTS)
GROUPS_SHOWN = 100
SECONDS_BETWEEN_LOOKS = 3
COUNTED: Mapping[str, str] = MappingProxyType(
    {
        "create": N_("%(count)s create"),
        "update": N_("%(count)s update"),
        "rename": N_("%(count)s rename"),
        "disable": N_("%(count)s disable"),
        "delete": N_("%(count)s delete"),
        "adopt": N_("%(count)s adopt"),
        "unchanged": N_("%(count)s unchanged"),
        "gain": N_("%(count)s gain"),
        "lose": N_("%(count)s lose"),
    }
)
MOVED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "gain": NN_("%(count)s person gains a group", "%(count)s people gain a group"),
        "lose": NN_("%(count)s person loses a group", "%(count)s people lose a group"),
    }
)


def load_run(source: Source, run_id: int) -> Run:
    """Return a run of a source. Raises NotFound, for runs of other sources too."""
    with engine().store.reading() as db:
        run = store_runs.get_run(db, run_id)
    if run.source_id != source.id:
        raise NotFound(gettext("this source has no such run"))
    return run


def new_run(source: Source, values: Mapping[str, Any], *, applies: bool) -> Run:
    """Start a run and return it: worked on to its end, or in the background for many people."""
    run = sync_runs.start(engine(), visitor(), source, values, applies=applies)
    return worked_on(source, run)


def worked_on(source: Source, run: Run) -> Run:
    """Work on a run here, or in the background for many people; return it as it is then."""
    if sync_runs.is_large(engine(), source):
        sync_runs.in_background(engine(), run)
        return run
    return sync_runs.work_on(engine(), run)


def run(key: str, run_id: int) -> ResponseReturnValue:
    source = load_source(key)
    shown = load_run(source, run_id)
    form = ActionForm()
    if form.validate_on_submit():
        act = next((ACTIONS[word] for word in ACTIONS if word in request.form), None)
        if act is None:
            abort(400)
        result = attempt(form, lambda: act(source, shown))
        if isinstance(result, Run):
            return redirect(url_for(".run", key=key, run_id=result.id), code=303)
        if result is not None:
            return done(result, ".run", key=key, run_id=run_id)
    page = make_response(run_page(source, load_run(source, run_id), form))
    if shown.is_at_work and request.method == "GET":
        page.headers["Refresh"] = str(SECONDS_BETWEEN_LOOKS)
    return page


def run_page(source: Source, run: Run, form: ActionForm) -> str:
    """Return the page of a run with a part of its plan."""
    after = typed_number("after")
    kind = typed("kind") if typed("kind") in KINDS else ""
    with engine().store.reading() as db:
        found = store_runs.list_planned(db, run.id, kind=kind, after_id=after, limit=PAGE_SIZE + 1)
        group_counts = planned_groups.count_planned_groups(db, run.id)
        groups = planned_groups.list_planned_groups(db, run.id, limit=GROUPS_SHOWN)
        outsiders = planned_groups.list_outsiders(db, run.id, limit=GROUPS_SHOWN + 1)
    return source_page(
        "run.html",
        source,
        "runs",
        run=run,
        form=form,
        settings=settings_in_words(run.settings),
        links=counts_links(run),
        page=page_of(found),
        group_counts=group_counts,
        groups=groups,
        outsiders=page_of(outsiders, GROUPS_SHOWN),
        differences=planned_differences,
        kind=kind,
        after=after,
        moving=run.is_at_work,
        can_resume=can_resume(run),
        formats=tuple(EXPORTS),
    )


def counts_links(run: Run) -> dict[str, str]:
    """Return the addresses of the people behind each count that is not 0."""
    return {
        kind: url_for(".run", key=run.source, run_id=run.id, kind=kind, _anchor="people")
        for kind in KINDS
        if run.counts.get(kind)
    }


def planned_differences(change: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return what a planned change changes: field, before and after."""
    before, after = (flat(change[side] or {}) for side in ("before", "after"))
    return [
        (field_in_words(field), words(before.get(field, "")), words(after.get(field, "")))
        for field in {**before, **after}
        if before.get(field, "") != after.get(field, "")
    ]


def flat(account: Mapping[str, Any]) -> dict[str, Any]:
    """Return an account with its free attributes beside the other fields."""
    rest = {name: value for name, value in account.items() if name != "attributes"}
    return {**rest, **account.get("attributes", {})}


# -- what can be done with a run -------------------------------------------------------------------


def apply(source: Source, run: Run) -> str:
    """Save the settings of a previewed run and carry its plan out. Raises InvalidSetting."""
    if run.state is not RunState.PLANNED:
        text = gettext("this run cannot be applied (any more): preview again")
        raise InvalidSetting("", text)
    return set_off(source, run, sync_runs.begin)


def go_on(source: Source, run: Run) -> str:
    """Go on with a run that failed while it was carried out. Raises InvalidSetting."""
    if not can_resume(run):
        raise InvalidSetting("", gettext("this run cannot go on: preview again"))
    return set_off(source, run, sync_runs.resume)


def set_off(source: Source, run: Run, begin: Callable[..., Run]) -> str:
    """Begin to carry a run out and return how it went. Raises InvalidSetting."""
    with engine().store.reading() as db:
        busy = store_runs.at_work(db, source.id)
    if busy is not None:
        text = gettext(
            "run %(id)s still works on this source: wait for it, or cancel it", id=busy.id
        )
        raise InvalidSetting("", text)
    try:
        ended = worked_on(source, begin(engine(), run))
    except Overtaken:
        raise InvalidSetting("", gettext("somebody else works on this run now")) from None
    except InvalidSetting as error:
        key = gettext("settings") if error.key == "settings" else error.key
        raise InvalidSetting("", f"{key} {in_words(error.message)}") from error
    return ended_in_words(ended)


def ended_in_words(run: Run) -> str:
    """Return how a run went that was carried out."""
    if run.is_at_work:
        return gettext("Saved. The changes are carried out now.")
    if run.state is RunState.FAILED:
        return gettext("Saved, but the run stopped before its end.")
    changes = spoken(Summary(run.counts, run.held))
    if not changes:
        return gettext("Saved. No account had to be changed.")
    return gettext("Saved. %(changes)s", changes=changes)


def cancel(source: Source, run: Run) -> str:
    """End a run where it is."""
    if not (run.is_at_work or run.state is RunState.PLANNED):
        raise InvalidSetting("", gettext("this run is over already"))
    sync_runs.cancel(engine(), visitor(), run)
    return gettext("The run was cancelled. What was done stays.")


def again(source: Source, run: Run) -> Run:
    """Preview the settings of a run once more. Raises InvalidSetting."""
    return new_run(source, run.settings, applies=False)


ACTIONS: Mapping[str, Callable[[Source, Run], str | Run]] = {
    "apply": apply,
    "again": again,
    "cancel": cancel,
    "resume": go_on,
}


def can_resume(run: Run) -> bool:
    """Tell whether a run failed while it was carried out."""
    return run.state is RunState.FAILED and run.began_at is not None


def spoken(summary: Summary) -> str:
    """Return what was done in a sentence or two, nothing if there was nothing to do."""
    found = [(word, summary.counts[word]) for word in KINDS if summary.counts.get(word)]
    parts = [moved(word, n) if word in MOVED else counted(word, n) for word, n in found]
    told = [gettext("Changes: %(changes)s.", changes=", ".join(parts))] if parts else []
    if summary.held:
        told.append(gettext("%(count)s wait under Approvals.", count=summary.held))
    return " ".join(told)


def counted(word: str, count: int) -> str:
    """Return a count of people by what happens to them."""
    return gettext(COUNTED[word], count=count)


def moved(word: str, count: int) -> str:
    """Return how many people gain or lose a group."""
    return ngettext(*MOVED[word], count)


# -- history and export ----------------------------------------------------------------------------


def runs(key: str) -> ResponseReturnValue:
    source = load_source(key)
    with engine().store.reading() as db:
        found = store_runs.list_runs(db, source.id)
    return source_page(
        "runs.html",
        source,
        "runs",
        found=found,
        in_words={run.id: joined(settings_in_words(run.settings)) for run in found},
        counted=counted,
        kept=store_runs.KEPT_PER_SOURCE,
    )


def run_export(key: str, run_id: int, form: str) -> ResponseReturnValue:
    shown = load_run(load_source(key), run_id)
    if form not in EXPORTS:
        abort(404)
    kind = typed("kind") if typed("kind") in KINDS else ""
    store = engine().store

    def slice_after(after_id: int) -> list[PlannedPerson]:
        with store.reading() as db:
            return store_runs.list_planned(db, shown.id, kind=kind, after_id=after_id, limit=500)

    with store.reading() as db:
        groups = planned_groups.list_planned_groups(db, shown.id)
        outsiders = planned_groups.list_outsiders(db, shown.id) if kind in ("", "lose") else []
    return export(shown, Plan(slice_after, groups, outsiders), form)


PAGES: tuple[Route, ...] = (
    Route("/sources/<key>/runs", runs),
    Route(f"/sources/<key>/runs/<{ID}:run_id>", run, posts=True),
    Route(f"/sources/<key>/runs/<{ID}:run_id>/plan.<form>", run_export),
)
