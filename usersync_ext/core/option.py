"""What a setting of a source is."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One setting: its type, default, help and what it does.

    ``type`` is bool, choice, text, count (whole number ≥ 0), percent (0 to 100), filter (of
    SCIM), names (a list), groups (``core.groups.group_filter``), expression (``core.expressions``)
    or mapping (``core.fields``).
    ``choices`` are pairs of value and label; ``section`` is the heading on the page.
    """

    key: str
    label: str
    type: str
    default: Any
    help: str
    effect: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    section: str = ""
