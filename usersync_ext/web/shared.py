"""What the pages have in common: who looks, which source, addresses, notices and paging."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from flask import redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup, escape
from wtforms import Field

from ..core.records import Actor, Source
from ..errors import NotFound
from ..providers.base import Provider
from ..state import current_state
from ..store import sources
from ..store.waiting import count_waiting
from ..sync.engine import Engine
from . import language, reasons, words
from .language import NN_

T = TypeVar("T")
PAGE_SIZE = 50
ID = "int(max=2147483647)"
"""URL converter of row ids: larger numbers are no id in any database."""
NOTICE = "usersync_notice"
"""Session key of the next page's confirmation; our own, so that the host's messages stay."""
SOURCE_KEY = re.compile(r"[a-z0-9-]+")
BOLD = re.compile(r"\*\*(.+?)\*\*")
AGO = (
    (86_400, NN_("%(count)s day ago", "%(count)s days ago")),
    (3_600, NN_("%(count)s hour ago", "%(count)s hours ago")),
    (60, NN_("%(count)s minute ago", "%(count)s minutes ago")),
)
LENGTHS = (
    (86_400, NN_("%(count)s day", "%(count)s days")),
    (3_600, NN_("%(count)s hour", "%(count)s hours")),
    (60, NN_("%(count)s minute", "%(count)s minutes")),
)


@dataclass(frozen=True, slots=True)
class Route:
    """One page: its URL rule and view; ``posts`` says that it changes something by POST."""

    rule: str
    view: Callable[..., ResponseReturnValue]
    posts: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a longer list; ``following`` tells that there are more."""

    items: Sequence[T]
    following: bool


def page_of(found: Sequence[T], size: int = PAGE_SIZE) -> Page[T]:
    """Return a page of what was found when ``size + 1`` were asked for."""
    return Page(found[:size], len(found) > size)


def engine() -> Engine:
    return current_state().engine


def visitor() -> Actor:
    """Return the administrator who looks, as the journal names them."""
    name = current_state().actor_name
    return Actor(kind="admin", name=name() if name else "")


def load_source(key: str) -> Source:
    """Return a source by its key. Raises NotFound."""
    if not SOURCE_KEY.fullmatch(key):
        raise NotFound(language.gettext("there is no such source"))
    with engine().store.reading() as db:
        return sources.get_source(db, key)


def provider_for(source: Source) -> Provider:
    """Return the provider of a source, the custom one where its package was uninstalled."""
    providers = current_state().providers
    return providers.get(source.kind, providers["custom-scim"])


def scim_base_url(source: Source) -> str:
    """Return the SCIM Base URL as the identity provider must reach it."""
    settings = current_state().settings
    root = settings.public_url or request.url_root.rstrip("/")
    return f"{root}{settings.url_prefix}/scim/{source.key}/v2"


def source_page(template: str, source: Source, tab: str, **values: Any) -> str:
    """Return a page of one source, with its heading and tabs."""
    with engine().store.reading() as db:
        waiting = count_waiting(db, source.id)
    return render_template(
        f"usersync/{template}",
        source=source,
        provider=provider_for(source),
        tab=tab,
        held_count=waiting.held,
        proposed_count=waiting.proposed,
        **values,
    )


def done(text: str, endpoint: str, **values: Any) -> ResponseReturnValue:
    """Go to a page and say there that something was done."""
    session[NOTICE] = text
    return redirect(url_for(endpoint, **values), code=303)


def typed(name: str) -> str:
    """Return a search parameter as databases can take it."""
    return request.args.get(name, "").replace("\x00", "").strip()


def typed_number(name: str) -> int:
    """Return a paging parameter, 0 for anything that is none."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def given(*names: str) -> dict[str, str]:
    """Return the search parameters that were given, to repeat them in links."""
    return {name: typed(name) for name in names if typed(name)}


def has_control_characters(text: str) -> bool:
    """Tell whether there are characters that no name has and PostgreSQL does not store."""
    return any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)


def emphasised(text: str) -> Markup:
    """Return a text of ours as HTML with ``**bold**`` as strong; everything else is escaped."""
    escaped = str(escape(language.gettext(text)))
    return Markup(BOLD.sub(r"<strong>\1</strong>", escaped))  # noqa: S704 - escaped


def attributes(field: Field, *, helped: bool = True) -> dict[str, str]:
    """Return the attributes that tie an input to its help and its errors."""
    ids = [f"{field.id}-help"] if helped else []
    if field.errors:
        ids.append(f"{field.id}-error")
    found = {"aria-describedby": " ".join(ids)} if ids else {}
    return {**found, "aria-invalid": "true"} if field.errors else found


def sentence(text: str) -> str:
    """Return a reason or an error in the reader's language, as a sentence."""
    text = reasons.in_words(text)
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def days_left(at: datetime) -> int:
    return (at - datetime.now(UTC)).days


def ago(at: datetime) -> str:
    """Return how long ago a time was, in words."""
    seconds = max(0, int((datetime.now(UTC) - at).total_seconds()))
    for size, forms in AGO:
        if seconds >= size:
            return language.ngettext(*forms, seconds // size)
    return language.gettext("just now")


def duration(length: timedelta) -> str:
    """Return a length of time in words, in its largest unit."""
    seconds = int(length.total_seconds())
    size, forms = next((unit for unit in LENGTHS if seconds >= 2 * unit[0]), LENGTHS[-1])
    return language.ngettext(*forms, max(1, round(seconds / size)))


def take_notice() -> str:
    """Return the confirmation that the last page left, once."""
    return str(session.pop(NOTICE, ""))


@dataclass(frozen=True, slots=True)
class Helpers:
    """What templates call, under one name so that nothing of the host's is hidden.

    ``t`` and ``n`` say the template's own texts, which are HTML; ``said`` says a text that Python
    code holds, ``reason`` and ``sentence`` a reason or an error.
    """

    own_base: bool
    lang: str
    t: Callable[..., Markup] = language.html
    n: Callable[..., Markup] = language.html_of_count
    said: Callable[..., str] = language.gettext
    csrf: Callable[[], str] = generate_csrf
    notice: Callable[[], str] = take_notice
    bold: Callable[[str], Markup] = emphasised
    ago: Callable[[datetime], str] = ago
    duration: Callable[[timedelta], str] = duration
    days_left: Callable[[datetime], int] = days_left
    kind: Callable[[str], str] = words.kind_in_words
    reason: Callable[[str], str] = reasons.in_words
    sentence: Callable[[str], str] = sentence
    attributes: Callable[..., dict[str, str]] = attributes
    address: Callable[[Source], str] = scim_base_url
    provider: Callable[[Source], Provider] = provider_for


def page_context() -> dict[str, Any]:
    """Return what every template of ours may use."""
    base = current_state().settings.base_template
    own = base == "usersync/base.html"
    return {"usersync_base": base, "us": Helpers(own_base=own, lang=language.language())}
