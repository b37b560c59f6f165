"""Texts of filters and cursors that cannot be used, and how to say so."""

import re

from scim2_models import InvalidFilterException

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What no database holds as text: NUL and lone surrogates."""

_END = 200


def refused(detail: str) -> InvalidFilterException:
    """Return the answer to a filter that cannot be used; a long detail loses its middle."""
    if len(detail) > 2 * _END:
        detail = f"{detail[:_END]}…{detail[-_END:]}"
    return InvalidFilterException(detail=detail)


def check_text(value: str, name: str) -> str:
    """Return a text that a database can compare.

    Raises InvalidFilterException for NUL and lone surrogates, which no attribute can hold.
    """
    if UNSTORABLE.search(value):
        raise refused(
            f"the value for {name} holds a NUL or half of a surrogate pair, which no attribute"
            " can hold: correct the value"
        )
    return value
