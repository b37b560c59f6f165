"""Translations: every text has one that says the same, and templates say nothing else."""

import re
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from usersync_ext.settings import ENGLISH, LANGUAGES

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs"))
import translations  # noqa: E402

OTHERS = [language for language in LANGUAGES if language != ENGLISH]
PLACE = re.compile(r"%\(\w+\)s")
TAG = re.compile(r"</?[a-z][^>]*>")
BOLD = re.compile(r"\*\*.+?\*\*")
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
CODE = re.compile(r"<code>.*?</code>|<pre.*?</pre>", re.DOTALL)
ANY_TAG = re.compile(r"<[^<>]*>")
SPOKEN = re.compile(r'(?:aria-label|title|alt|placeholder|data-label)="([^"]*)"')
NAMES = re.compile(r"User Sync|UTC")
"""What has the same name in every language."""


def messages(language):
    with translations.path_of(language).open("rb") as file:
        return [m for m in read_po(file, locale=language) if m.id]


def pairs(language):
    """Yield each text with each form of its translation."""
    for message in messages(language):
        english = message.id if isinstance(message.id, str) else message.id[-1]
        for form in translations.forms_of(message):
            yield english, form


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated_and_compiled(language):
    assert translations.problems(language) == []
    assert len(messages(language)) > 1_000


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_places_of_its_text(language):
    for english, form in pairs(language):
        missing = set(PLACE.findall(english)) - set(PLACE.findall(form))
        assert missing <= {"%(count)s"}, form
        assert set(PLACE.findall(form)) <= set(PLACE.findall(english)), form
        if PLACE.search(english):
            assert re.sub(r"%%|%\(\w+\)s", "", form).count("%") == 0, form


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_tags_of_its_text(language):
    for english, form in pairs(language):
        assert sorted(TAG.findall(form)) == sorted(TAG.findall(english)), form
        assert len(BOLD.findall(form)) == len(BOLD.findall(english)), form


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_ends_as_its_text(language):
    for english, form in pairs(language):
        assert form == form.strip(), form
        for mark in (".", "!", "?", ":", "…"):
            assert form.endswith(mark) == english.endswith(mark), (english, form)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_nothing_that_cannot_be_translated(path):
    source = path.read_text(encoding="utf-8")
    bare = CODE.sub(" ", JINJA.sub("0", source))
    texts = [*ANY_TAG.sub("\n", bare).split("\n"), *SPOKEN.findall(bare)]

    assert [text for text in texts if re.search(r"[A-Za-z]{2}", NAMES.sub("", text))] == []


def test_the_templates_are_looked_at():
    assert len(TEMPLATES) > 45
