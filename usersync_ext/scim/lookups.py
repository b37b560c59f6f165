"""The requests that robots repeat all day: one resource by id, or by one exact value.

They are recognised before anything else is read, so that the token and what it asks for come by
one statement. Whatever is not exactly of these forms takes the general way and gets the same
answer (a test compares both).
"""

import re
from collections.abc import Mapping

from ..core.username import fold
from ..store.access import Key, Wanted

WITH_ID = frozenset({"GET", "HEAD", "PUT", "PATCH", "DELETE"})
PLAIN_PARAMETERS = frozenset({"filter", "startIndex", "count", "attributes", "excludedAttributes"})
EXACT_FILTER = re.compile(r'\s*([A-Za-z.]+)\s+[Ee][Qq]\s+"([^"\\\x00-\x1f]{1,255})"\s*')
IDS = {"users": Key.USER_ID, "groups": Key.GROUP_ID}
FILTERED = {
    ("users", "username"): Key.USER_NAME,
    ("users", "externalid"): Key.USER_EXTERNAL_ID,
    ("users", "emails"): Key.USER_EMAIL,
    ("users", "emails.value"): Key.USER_EMAIL,
    ("groups", "displayname"): Key.GROUP_NAME,
    ("groups", "externalid"): Key.GROUP_EXTERNAL_ID,
}
EXACT = frozenset({Key.USER_EXTERNAL_ID, Key.GROUP_EXTERNAL_ID})
"""Keys that compare with case (RFC 7643 §3.1); externalId only in Unicode's NFC form."""


def wanted_resource(method: str, path: str, query: Mapping[str, str]) -> Wanted | None:
    """Return the resource or resources that a request names exactly, None for any other."""
    endpoint, _, scim_id = path.strip("/").partition("/")
    if scim_id:
        key = IDS.get(endpoint.lower()) if method in WITH_ID else None
        usable = key is not None and "/" not in scim_id and "\0" not in scim_id
        return Wanted(key, scim_id) if key is not None and usable else None
    if method not in {"GET", "HEAD"} or "filter" not in query:
        return None
    return filtered_resource(endpoint.lower(), query)


def filtered_resource(endpoint: str, query: Mapping[str, str]) -> Wanted | None:
    """Return what an exact filter asks for, None if the query says more than that."""
    match = EXACT_FILTER.fullmatch(query["filter"])
    numbers = [query[name] for name in ("startIndex", "count") if name in query]
    if match is None or not PLAIN_PARAMETERS.issuperset(query):
        return None
    if not all(number.isascii() and number.isdigit() and len(number) < 10 for number in numbers):
        return None
    key = FILTERED.get((endpoint, match[1].lower()))
    if key is None or (key in EXACT and not match[2].isascii()):
        return None
    return Wanted(key, match[2] if key in EXACT else fold(match[2]))
