"""Why something is as it is, in the reader's language.

Reasons are kept in English with the changes that they explain (journal, plans, mirror), and
providers receive them so. A page recognises each by its form, ``REASONS``, and says it in the
language of its reader; what has another form is shown as it is.
"""

import re
from functools import cache, lru_cache

from ..settings import ENGLISH
from .language import N_, catalogue, language

PLACE = re.compile(r"%\((\w+)\)s")
NESTED = "reason"
"""Places whose names begin so hold a reason again."""

REASONS: tuple[str, ...] = (N_("the account %(name)s is protected"),)


@cache
def forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the patterns of all reasons, those with most words of their own first."""
    ordered = sorted(REASONS, key=lambda reason: -len(PLACE.sub("", reason)))
    return tuple((pattern_of(reason), reason) for reason in ordered)


def pattern_of(reason: str) -> re.Pattern[str]:
    """Return what recognises a reason; each place holds any text but the empty one."""
    parts = PLACE.split(reason)
    for index, part in enumerate(parts):
        parts[index] = f"(?P<{part}>.+?)" if index % 2 else re.escape(part)
    return re.compile("".join(parts), re.DOTALL)


def in_words(text: str) -> str:
    """Return a reason in the language of the request."""
    spoken = language()
    return text if spoken == ENGLISH else translated(text, spoken)


@lru_cache(maxsize=2048)
def translated(text: str, spoken: str) -> str:
    """Return a reason in a language, as it is where its form is not known."""
    for pattern, reason in forms():
        found = pattern.fullmatch(text)
        if found:
            values = {
                name: translated(value, spoken) if name.startswith(NESTED) else value
                for name, value in found.groupdict().items()
            }
            known = catalogue(spoken).gettext(reason)
            return known % values if values else known
    return text
