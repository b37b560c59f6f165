"""Why something is as it is, in the reader's language.

Reasons are kept in English with the changes that they explain (journal, plans, mirror), and
providers receive them so. A page recognises each by its form, ``REASONS``, and says it in the
language of its reader; what has another form is shown as it is.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from ..settings import ENGLISH
from .language import catalogue, language
from .reason_forms import JOINED, LISTED, REASONS, WORDS

PLACE = re.compile(r"%\((\w+)\)s")
QUOTED = r"""(?<![^\s(,])(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
"""A value as ``repr`` writes it: nothing in it is a part of a form."""
VALUE = re.compile(QUOTED, re.DOTALL)
NEXT = re.compile(rf"{QUOTED}|(; )", re.DOTALL)
NEXT_OR_COLON = re.compile(rf"{QUOTED}|([;:] )", re.DOTALL)
A_KEY = re.compile(r"[\w.-]+")
DEEPEST = 20
"""Reasons within reasons are looked at so far."""
MOST_SEMICOLONS = 3
"""So many may stand in one of several reasons in a text."""
NESTED, WORD, KEY = "reason", "word", "key"
"""How the names of places begin that hold more than a value (see ``reason_forms``)."""

Values = tuple[tuple[str, str], ...]
"""Name and value of each place."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form of reasons: its text, and by turns its own words and the names of its places.

    One that begins with a reason (``ends_one``), or that is ``bare`` of words, counts only where
    its reason is known: it would take the beginning of any other text for one.
    """

    text: str
    parts: tuple[str, ...]
    ends_one: bool
    bare: bool

    @property
    def words(self) -> tuple[str, ...]:
        """What the form says itself."""
        return self.parts[::2]


@dataclass(frozen=True, slots=True)
class Reading:
    """A reason that was recognised, and what stands in its places."""

    form: str
    values: Values


@cache
def forms() -> tuple[Form, ...]:
    """Return the forms of all reasons in the order in which they are tried.

    Those that end another reason come first, then those with most words of their own.
    """
    found = map(form_from, REASONS)
    return tuple(sorted(found, key=lambda form: (not form.ends_one, -len("".join(form.words)))))


def form_from(text: str) -> Form:
    """Return a form by its text."""
    parts = tuple(PLACE.split(text))
    bare = not any(map(str.isalpha, "".join(parts[::2])))
    return Form(text, parts, ends_one=text.startswith(f"%({NESTED}"), bare=bare)


# -- recognising -----------------------------------------------------------------------------------


@lru_cache(maxsize=2048)
def read(text: str) -> tuple[Reading, ...]:
    """Return what a text says: one reason or several, nothing where its form is not known.

    Names may hold what parts reasons, so that is looked at only where nothing else fits.
    """
    return single(text) or joined(text) or single(text, strict=False)


def joined(text: str) -> tuple[Reading, ...]:
    """Return the reasons of a text that parts them by semicolons, if it has only such."""
    found: list[Reading] = []
    start = unknown = 0
    for match in NEXT.finditer(text):
        part = single(text[start : match.start()]) if match[1] else ()
        if part:
            found += part
            start, unknown = match.end(), 0
        elif match[1]:
            unknown += 1
            if unknown > MOST_SEMICOLONS:
                return ()
    last = single(text[start:]) if found else ()
    return (*found, *last) if last else ()


def single(text: str, *, strict: bool = True, depth: int = 0) -> tuple[Reading, ...]:
    """Return the one reason that a text is, if any; ``depth`` is in how many others it stands."""
    if depth > DEEPEST:
        return ()
    for form in forms():
        if not all(words in text for words in form.words):
            continue
        values = values_in(text, form, strict=strict)
        if values is not None and is_sure(form, values, depth):
            return (Reading(form.text, values),)
    return ()


def is_sure(form: Form, values: Values, depth: int) -> bool:
    """Tell whether a text that fits a form is meant by it."""
    if not (form.ends_one or form.bare):
        return True
    if form.bare and depth > 1:
        return False
    return bool(single(dict(values)[NESTED], depth=depth + 1))


def values_in(text: str, form: Form, *, strict: bool) -> Values | None:
    """Return what stands in the places of a form, None where a text does not fit it.

    Each place ends where the form's next words are for the first time; ``strict`` looks for them
    outside of quotes, and allows no value but a reason to hold what parts reasons.
    """
    first, *rest = form.parts
    if not text.startswith(first):
        return None
    found: list[tuple[str, str]] = []
    start, left = len(first), len(rest)
    for name, words in zip(rest[::2], rest[1::2], strict=True):
        left -= 2
        end = end_of(text, words, start, name, strict=strict) if left else len(text) - len(words)
        if end < start or not fits(name, text[start:end], is_first=not start, strict=strict):
            return None
        found.append((name, text[start:end]))
        start = end + len(words)
    return tuple(found) if start == len(text) and text.endswith(form.parts[-1]) else None


def end_of(text: str, words: str, start: int, name: str, *, strict: bool) -> int:
    """Return where a place ends that begins at ``start``, -1 where the words do not follow."""
    end = text.find(words, start + (not name.startswith(NESTED)))
    for quoted in VALUE.finditer(text, start) if strict else ():
        if end <= quoted.start():
            break
        if end < quoted.end():
            end = text.find(words, quoted.end())
    return end


def fits(name: str, value: str, *, is_first: bool, strict: bool) -> bool:
    """Tell whether a place may hold a value: only a reason may be empty."""
    if name.startswith(NESTED):
        return True
    if name == KEY:
        return A_KEY.fullmatch(value) is not None
    parting = NEXT_OR_COLON if is_first else NEXT
    return bool(value) and not (strict and any(m[1] for m in parting.finditer(value)))


# -- saying ----------------------------------------------------------------------------------------


def in_words(text: str) -> str:
    """Return a reason in the language of the request."""
    spoken = language()
    return text if spoken == ENGLISH else translated(text, spoken)


@lru_cache(maxsize=2048)
def translated(text: str, spoken: str) -> str:
    """Return a reason in a language, as it is where its form is not known."""
    return in_language(text, spoken, 0)


def in_language(text: str, spoken: str, depth: int) -> str:
    """Return a reason that stands in so many others in a language."""
    found = read(text) if depth <= DEEPEST else ()
    if not found:
        return text
    *before, last = [said(each, spoken, depth) for each in found]
    for one in reversed(before):
        last = catalogue(spoken).gettext(JOINED) % {"reason": one, "reason_more": last}
    return last


def said(reading: Reading, spoken: str, depth: int) -> str:
    """Return one reason in a language."""
    known = catalogue(spoken).gettext(reading.form)
    values = {}
    for name, value in reading.values:
        if name.startswith(NESTED):
            values[name] = in_language(value, spoken, depth + 1)
        else:
            values[name] = in_list(value, spoken) if name.startswith(WORD) else value
    return known % values if values else known


def in_list(value: str, spoken: str) -> str:
    """Return one of ``WORDS`` or a list of them in a language; others in it stay as they are."""
    if value in WORDS:
        return catalogue(spoken).gettext(value)
    before, _, last = value.rpartition(" and ")
    if before:
        values = {"words": in_list(before, spoken), "word": in_list(last, spoken)}
        return catalogue(spoken).gettext(LISTED) % values
    parts = value.split(", ")
    return ", ".join(in_list(part, spoken) for part in parts) if parts[1:] else value
