"""User Provisioning Options of a source: the form, its preview, and saving."""

from dataclasses import dataclass

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..core.records import Run, RunState, Source, SourceState
from ..sync import admin, runs
from ..sync.counting import Summary
from ..sync.source_settings import with_settings
from .forms import attempt
from .language import gettext
from .rules_form import RulesForm, changed_settings, default_text, rules_form, sections
from .runs import counts_links, load_run, new_run, spoken
from .shared import Route, done, engine, load_source, source_page, typed_number, visitor
from .tryout import TryOut, try_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What unsaved settings would do: their stored run, and real people to look at."""

    run: Run
    has_directory: bool
    people: TryOut


def rules(key: str) -> ResponseReturnValue:
    source = load_source(key)
    run = load_run(source, typed_number("run")) if typed_number("run") else None
    directories = [(d.name, d.title) for d in engine().directories.values()]
    form = rules_form(source, directories, run.settings if run else {})
    preview = None
    if changed_rows(form):
        return rules_page(source, form)
    if form.validate_on_submit():
        if "preview" not in request.form:
            saved = attempt(form, lambda: save(source, form))
            if saved is not None:
                return saved
        else:
            preview = attempt(form, lambda: preview_of(source, form))
    elif run is not None and request.method == "GET" and run.state is RunState.PLANNED:
        preview = preview_of(source, form, run)
    return rules_page(source, form, preview)


def rules_page(source: Source, form: RulesForm, preview: Preview | None = None) -> str:
    """Return the page with what was typed."""
    return source_page(
        "rules.html",
        source,
        "rules",
        form=form,
        sections=sections(),
        default_text=default_text,
        preview=preview,
        links=counts_links(preview.run) if preview else {},
    )


def changed_rows(form: RulesForm) -> bool:
    """Add or remove a row of the mapping, where one of these buttons was pressed."""
    mapping = form.attribute_mapping
    if request.method != "POST" or not {"add_row", "remove_row"} & request.form.keys():
        return False
    if "add_row" in request.form:
        mapping.add_row()
    else:
        mapping.remove_row(request.form["remove_row"])
    return True


def save(source: Source, form: RulesForm) -> ResponseReturnValue:
    """Store the settings and apply them: at once, or in the background for many people."""
    values = changed_settings(source, form.settings())
    if values and runs.is_large(engine(), source):
        run = new_run(source, values, applies=True)
        return redirect(url_for(".run", key=source.key, run_id=run.id), code=303)
    changed, summary = admin.change_source(engine(), visitor(), source, values)
    return done(saved_text(changed, summary), ".rules", key=source.key)


def saved_text(source: Source, summary: Summary) -> str:
    """Return the confirmation of a save, with what it did."""
    if source.state is SourceState.OBSERVE:
        return gettext("Saved. This source only observes, so no account was changed.")
    return f"{gettext('Saved.')} {spoken(summary) or gettext('No account had to be changed.')}"


def preview_of(source: Source, form: RulesForm, run: Run | None = None) -> Preview:
    """Return what the form's settings would do; only the plan is stored. Raises InvalidSetting."""
    values = changed_settings(source, form.settings())
    changed = with_settings(engine(), source, values)
    people = try_out(
        engine(),
        changed,
        sample=form.sample.data or "",
        group=form.group_sample.data or "",
        person=form.person.data or "",
    )
    return Preview(
        run=run or new_run(source, values, applies=False),
        has_directory=bool(changed.directory),
        people=people,
    )


PAGES: tuple[Route, ...] = (Route("/sources/<key>/rules", rules, posts=True),)
