"""The language of the pages: English, or another that there is a translation for.

Texts are looked up by their English words with gettext, in a catalogue of our own: a host's
catalogues neither need nor see them. The language is the host's where it uses Flask-Babel, else
``USERSYNC_LANGUAGE`` says which. ``docs/translations.py`` collects the texts and compiles the
catalogues.
"""

import gettext as library
from collections.abc import Iterable
from functools import cache
from typing import Any

from flask import current_app, g, has_request_context, request
from markupsafe import Markup

from ..assets import PACKAGE
from ..settings import BROWSERS_LANGUAGE, ENGLISH, LANGUAGES
from ..state import current_state

DOMAIN = "usersync"
FOLDER = PACKAGE / "translations"


def N_(text: str) -> str:
    """Return a text as it is; it is collected here and translated where it is shown."""
    return text


def NN_(one: str, many: str) -> tuple[str, str]:
    """Return both forms of a text as they are, to be chosen from where it is shown."""
    return one, many


@cache
def catalogue(language: str) -> library.NullTranslations:
    """Return the texts of a language; English is written in the code."""
    if language == ENGLISH:
        return library.NullTranslations()
    return library.translation(DOMAIN, FOLDER, [language])


def language() -> str:
    """Return the language of the current request, one of ``LANGUAGES``."""
    if not has_request_context():
        return ENGLISH
    found: str | None = g.get("usersync_language")
    if found is None:
        found = g.usersync_language = wanted_language()
    return found


def wanted_language() -> str:
    """Return what the configuration, Flask-Babel or the browser asks for."""
    chosen = current_state().settings.language
    if chosen == BROWSERS_LANGUAGE:
        return first_known(request.accept_languages.values())
    if chosen is not None:
        return chosen
    if "babel" not in current_app.extensions:
        return ENGLISH
    from flask_babel import get_locale

    locale = get_locale()
    return locale.language if locale and locale.language in LANGUAGES else ENGLISH


def first_known(tags: Iterable[str]) -> str:
    """Return the first language of which there are texts; de-CH is German."""
    languages = (tag.replace("_", "-").partition("-")[0].lower() for tag in tags)
    return next((language for language in languages if language in LANGUAGES), ENGLISH)


def translation_of(text: str) -> str:
    """Return a text in the language of the request; nothing is not the catalogue's header."""
    return catalogue(language()).gettext(text) if text else ""


def gettext(text: str, **values: Any) -> str:
    """Return a text in the language of the request, with ``%(name)s`` filled in."""
    found = translation_of(text)
    return found % values if values else found


def ngettext(one: str, many: str, count: int, **values: Any) -> str:
    """Return the form of a text for a number, which it may name as ``%(count)s``."""
    return catalogue(language()).ngettext(one, many, count) % {"count": count, **values}


def html(text: str, **values: Any) -> Markup:
    """Return a text of a template, which is HTML; values are escaped."""
    found = Markup(translation_of(text))  # noqa: S704 - ours
    return found % values if values else found


def html_of_count(one: str, many: str, count: int, **values: Any) -> Markup:
    """Return the form of a template's text for a number; values are escaped."""
    found = Markup(catalogue(language()).ngettext(one, many, count))  # noqa: S704 - ours
    return found % {"count": count, **values}
