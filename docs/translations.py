"""Collect the texts of the pages, bring the translations up to date and compile them.

``make translations`` runs it; a translator then fills in what is empty in
``usersync_ext/translations/<language>/LC_MESSAGES/usersync.po`` and runs it again.
"""

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from gettext import GNUTranslations
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as MessageOf
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from usersync_ext.core.fields import STANDARD
from usersync_ext.core.option import Option
from usersync_ext.core.options import RULES
from usersync_ext.providers import BUILT_IN
from usersync_ext.providers.base import Provider
from usersync_ext.settings import ENGLISH, LANGUAGES
from usersync_ext.web.language import FOLDER

KEYWORDS = {"gettext": None, "ngettext": (1, 2), "N_": None, "NN_": (1, 2)}
CODE = ("web", "standalone")
Message = str | tuple[str, ...]
NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
"""In the place of today's date, with which the files would change at every run."""


def messages() -> Iterator[tuple[Message, str]]:
    """Yield each text, a pair where it has a plural, with where it stands."""
    for folder in CODE:
        for path in sorted((ROOT / "usersync_ext" / folder).glob("*.py")):
            for _, found, _, _ in extract_from_file("python", path, KEYWORDS):
                yield found, str(path.relative_to(ROOT))
    for path in sorted((ROOT / "templates").rglob("*.html")):
        for found in of_template(path.read_text(encoding="utf-8")):
            yield found, str(path.relative_to(ROOT))
    yield from of_definitions()


def of_definitions() -> Iterator[tuple[Message, str]]:
    """Yield the texts of settings, fields and providers, which are no page's own."""
    for option in RULES:
        for text in texts_of_option(option):
            yield text, "usersync_ext/core/options.py"
    for label, _ in STANDARD.values():
        yield label, "usersync_ext/core/fields.py"
    for provider in BUILT_IN:
        for text in texts_of_provider(provider):
            yield text, f"usersync_ext/providers/{provider.kind}"


def of_template(source: str) -> Iterator[Message]:
    """Yield what a template says itself, by ``us.t`` and ``us.n``."""
    for call in Environment(autoescape=True).parse(source).find_all(nodes.Call):
        called = call.node
        if not (isinstance(called, nodes.Getattr) and isinstance(called.node, nodes.Name)):
            continue
        constants = [arg.value for arg in call.args if isinstance(arg, nodes.Const)]
        if called.node.name != "us" or not constants:
            continue
        if called.attr == "n":
            yield constants[0], constants[1]
        elif called.attr == "t":
            yield constants[0]


def texts_of_option(option: Option) -> Iterator[str]:
    """Yield the texts of a setting."""
    yield from (option.label, option.help, option.effect, option.section)
    for _, label in option.choices:
        yield label


def texts_of_provider(provider: Provider) -> Iterator[str]:
    """Yield the texts of a provider's page and guide, but its name and its console's labels."""
    for name in ("summary", "pushing_groups", "first_person", "terms_title"):
        yield getattr(provider, name)
    for name in ("steps", "verified", "unverified", "hints"):
        yield from getattr(provider, name)
    for field in provider.fields:
        yield field.help


def path_of(language: str) -> Path:
    """Return the .po file of a language."""
    return FOLDER / language / "LC_MESSAGES" / "usersync.po"


def template() -> Catalog:
    """Return all texts, untranslated."""
    found = Catalog(charset="utf-8")
    for message, place in messages():
        if message:
            found.add(message, locations=[(place, 0)])
    return found


def written(catalog: Catalog) -> bytes:
    """Return a catalogue as the text of its .po file."""
    out = io.BytesIO()
    write_po(out, catalog, width=100, include_lineno=False, ignore_obsolete=True)
    return out.getvalue()


def compiled(catalog: Catalog) -> bytes:
    """Return a catalogue as its .mo file."""
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def brought_up_to_date(language: str) -> Catalog:
    """Return a language's catalogue with the texts of today."""
    path = path_of(language)
    found = Catalog(locale=language)
    if path.exists():
        with path.open("rb") as file:
            found = read_po(file, locale=language)
    path.parent.mkdir(parents=True, exist_ok=True)
    found.update(template(), no_fuzzy_matching=True)
    found.header_comment = f"# {found.locale.english_name} texts of the pages of usersync_ext."
    found.project, found.fuzzy = "usersync_ext", False
    found.creation_date = found.revision_date = NO_DATE
    return found


def forms_of(message: MessageOf) -> tuple[str, ...]:
    """Return the translations of a text: one, or one for each form of its plural."""
    return tuple(message.string) if isinstance(message.string, list | tuple) else (message.string,)


def problems(language: str) -> list[str]:
    """Return what is wrong with a language: texts without translation, files of before."""
    with path_of(language).open("rb") as file:
        kept = {m.id: forms_of(m) for m in read_po(file, locale=language) if m.id}
    with path_of(language).with_suffix(".mo").open("rb") as file:
        shown = GNUTranslations(file)
    texts = {m.id for m in template() if m.id}
    told = {text: forms for text, forms in kept.items() if all(forms)}
    return [
        *(f"has no translation: {text}" for text in texts - set(told)),
        *(f"is no text of the pages any more: {text}" for text in set(kept) - texts),
        *(f"is not compiled: {t}" for t, forms in told.items() if said(shown, t) != forms),
    ]


def said(shown: GNUTranslations, text: Message) -> tuple[str, ...]:
    """Return what a compiled catalogue says for a text."""
    if isinstance(text, str):
        return (shown.gettext(text),)
    return shown.ngettext(*text, 1), shown.ngettext(*text, 2)


def main() -> None:
    """Bring every translation up to date."""
    for language in LANGUAGES:
        if language != ENGLISH:
            catalog = brought_up_to_date(language)
            path_of(language).write_bytes(written(catalog))
            path_of(language).with_suffix(".mo").write_bytes(compiled(catalog))
            found = problems(language)
            print("\n".join(found[:20]))
            print(f"{language}: {len(catalog)} texts, {len(found)} to translate")


if __name__ == "__main__":
    main()
