"""User Provisioning Options of a source: the form, its preview, and saving."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from ..core.options import RULES
from ..core.records import Source, SourceState
from ..core.username import account_name, name_key
from ..sync import admin
from ..sync.admin import Summary
from .forms import RulesForm, attempt, rules_form
from .shared import Route, done, engine, load_source, source_page, visitor
from .sources import spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePreview:
    """A received user name and the account name that the rules make of it."""

    received: str
    name: str
    error: str
    clashes: tuple[str, ...]  # other names of the sample that lead to the same account name


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What unsaved settings would do; ``summary`` is None where no directory is selected."""

    summary: Summary | None
    names: tuple[NamePreview, ...]
    sample: NamePreview | None


def rules(key: str) -> ResponseReturnValue:
    source = load_source(key)
    form = rules_form(source, [(d.name, d.title) for d in engine().directories.values()])
    preview = None
    if form.validate_on_submit():
        if "preview" in request.form:
            preview = preview_of(source, form)
        else:
            saved = attempt(
                form,
                lambda: admin.change_source(engine(), visitor(), source, form.settings()),
            )
            if saved is not None:
                return done(saved_text(*saved), ".rules", key=key)
    return source_page("rules.html", source, "rules", form=form, options=RULES, preview=preview)


def saved_text(source: Source, summary: Summary) -> str:
    """Return the confirmation of a save, with what it did."""
    if source.state is SourceState.OBSERVE:
        return "Saved. This source only observes, so no account was changed."
    return f"Saved. {spoken(summary) or 'No account had to be changed.'}"


def preview_of(source: Source, form: RulesForm) -> Preview:
    """Return what the form's settings would do; nothing is written."""
    settings = form.settings()
    found = admin.username_samples(engine(), source)
    names = tuple(name_preview(name, found, settings) for name in found)
    sample = form.sample.data
    return Preview(
        summary=(
            admin.preview_rules(engine(), visitor(), source, settings)
            if settings["directory"]
            else None
        ),
        names=names,
        sample=name_preview(sample, found, settings) if sample else None,
    )


def name_preview(received: str, others: list[str], settings: Mapping[str, Any]) -> NamePreview:
    """Return what becomes of one name, and which of the others would become the same."""
    result = account_name(received, settings)
    key = name_key(result.name)
    return NamePreview(
        received=received,
        name=result.name,
        error=result.error,
        clashes=tuple(
            other
            for other in others
            if other != received and name_key(account_name(other, settings).name) == key
        ),
    )


PAGES: tuple[Route, ...] = (Route("/sources/<key>/rules", rules, posts=True),)
