"""What arrives wrong below the SCIM address: what is wrong with a token, and with an address.

Whoever sends it may be a stranger, so that little is kept of it: no secret, of an address only the
words that can be right ones, and no more kinds of requests than ``tally`` has room for.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum, auto
from types import MappingProxyType
from urllib.parse import unquote

VERSION = "v2"
"""The part of an address that follows the key of the source."""
ABOVE = "…/scim/"
"""What an address begins with when it is shown from the key of the source on."""
ELSE = "…"
"""Stands for what is not kept: an id, an unknown part of an address, a further request."""
MAX_PATH = 200
MAX_KEY = 64
MAX_PARTS = 6
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
ENDPOINTS = MappingProxyType(
    {
        name.lower(): name
        for name in (
            "Users",
            "Groups",
            "ServiceProviderConfig",
            "ResourceTypes",
            "Schemas",
            "Bulk",
            "Me",
            ".search",
        )
    }
)
"""The resources of an address, by their names in lower case."""
FOLDED = frozenset({"Users", "Groups"})
"""Those whose names are understood in any case."""
WITH_ID = FOLDED | {"ResourceTypes", "Schemas"}
SURPLUS = (frozenset(ENDPOINTS) - {"resourcetypes", "schemas"}) | {"scim", "api", "v1", "v2"}
"""Parts that some consoles add to an address that has them already."""
ANY_VERSION = re.compile(r" ?(?:[vV][12](?:\.[01])?|[12]\.[01]) ?")
SECRET = re.compile(r"(usx_)[0-9A-Za-z]+|(eyJ)[0-9A-Za-z_.-]{20,}", re.IGNORECASE)
OUR_TOKEN = re.compile(r"(?<![0-9A-Za-z])usx_[0-9A-Za-z]{49}(?![0-9A-Za-z])")
EMPTY_TOKENS = frozenset({"", "null", "none", "undefined"})


class Problem(StrEnum):
    """Why a request came to no source."""

    NO_TOKEN = auto()
    BASIC = auto()  # user name and password
    NOT_BEARER = auto()  # another scheme: SSWS, Token, …
    BARE_TOKEN = auto()  # a token of our form without the word Bearer
    DOUBLED_BEARER = auto()  # Bearer Bearer usx_…
    WRAPPED_TOKEN = auto()  # in quotes, or with a blank or a line break in it
    MISTYPED_TOKEN = auto()  # begins like ours: cut off, or another checksum
    FOREIGN_TOKEN = auto()  # not of our form at all
    UNKNOWN_TOKEN = auto()
    REVOKED_TOKEN = auto()
    EXPIRED_TOKEN = auto()
    OTHER_SOURCES_TOKEN = auto()
    UNKNOWN_SOURCE = auto()  # no source has the key in the address
    WRONG_PATH = auto()
    SOURCE_OFF = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """Requests of one kind that came to no source; ``path`` is what follows the source's key.

    ``token_prefix`` is that of a token that we know, ``""`` of any other.
    """

    source: str  # the key in the address, known or not
    problem: Problem
    method: str
    path: str
    client: str  # address of the newest one's sender
    token_prefix: str
    count: int = 1
    first_at: datetime
    last_at: datetime

    @property
    def kind(self) -> tuple[str, str, str, str]:
        """What is counted together."""
        return self.source, self.problem, self.method, self.path

    @property
    def called(self) -> str:
        """The address that was called, from ``/scim`` on."""
        return f"{ABOVE}{self.source}{self.path}"


class Fault(StrEnum):
    """What is wrong with an address."""

    NO_SOURCE = auto()
    NO_VERSION = auto()
    OTHER_VERSION = auto()
    SLASHES = auto()  # two where one belongs
    SURPLUS = auto()  # parts that are there twice, or that nobody asked for
    UNKNOWN_RESOURCE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFault:
    """What is wrong with an address; ``right`` is the resource that may be meant, else ``""``."""

    fault: Fault
    found: str = ""
    right: str = ""


# -- Tokens ----------------------------------------------------------------------------------------


def authorization(header: str, is_well_formed: Callable[[str], bool]) -> tuple[str, Problem | None]:
    """Return the bearer token of an Authorization header, and what is wrong with it.

    The token is ``""`` where something is wrong. None means that it can be one of ours.
    """
    header = header.strip()
    scheme, _, secret = header.partition(" ")
    problem = bearer_problem(secret.strip(), is_well_formed)
    if scheme.lower() != "bearer":
        problem = scheme_problem(header)
    return ("", problem) if problem else (secret.strip(), None)


def scheme_problem(header: str) -> Problem:
    """Return what is wrong with a header that does not begin with Bearer and a blank."""
    if header.lower() in EMPTY_TOKENS:
        return Problem.NO_TOKEN
    if header.lower().startswith("basic "):
        return Problem.BASIC
    begins_like_ours = header.lower().startswith(("usx_", "bearer"))
    return Problem.BARE_TOKEN if begins_like_ours else Problem.NOT_BEARER


def bearer_problem(secret: str, is_well_formed: Callable[[str], bool]) -> Problem | None:
    """Return what is wrong with the text after Bearer, None if it can be a token of ours."""
    if is_well_formed(secret):
        return None
    if secret.lower() in EMPTY_TOKENS:
        return Problem.NO_TOKEN
    if secret.lower().startswith("bearer"):
        return Problem.DOUBLED_BEARER
    if is_well_formed(unwrapped(secret)):
        return Problem.WRAPPED_TOKEN
    return Problem.MISTYPED_TOKEN if "usx_" in secret.lower() else Problem.FOREIGN_TOKEN


def unwrapped(secret: str) -> str:
    """Return the one token of our form in a text, without blanks and what stands around it."""
    text = unquote(secret).replace("\\n", "").replace("\\r", "")
    found = OUR_TOKEN.findall("".join(text.split()))
    return found[0] if len(found) == 1 else ""


# -- Addresses -------------------------------------------------------------------------------------


def lacks_source(source: str) -> bool:
    """Tell whether something else stands in an address where the key of a source belongs."""
    return source.lower() in ENDPOINTS or not source or bool(ANY_VERSION.fullmatch(source))


def address_fault(path: str, source: str) -> PathFault | None:
    """Return what is wrong with an address whose key is that of no source."""
    if not source and path.strip("/"):
        return PathFault(fault=Fault.SLASHES)
    return PathFault(fault=Fault.NO_SOURCE) if lacks_source(source) else path_fault(path, source)


def path_fault(path: str, source: str = "") -> PathFault | None:
    """Return what is wrong with what follows a source's key in an address, None for nothing.

    Ids are not looked at: a person who does not exist is no fault of the address.
    """
    parts = path.strip("/").split("/")
    head, rest = parts[0], parts[1:]
    if path.startswith("//") or "" in rest[1:]:
        return PathFault(fault=Fault.SLASHES)
    if head == VERSION:
        return resource_fault([part for part in rest if part], source)
    if ANY_VERSION.fullmatch(head):
        return PathFault(fault=Fault.OTHER_VERSION, found=head)
    if VERSION in rest and head.lower() not in ENDPOINTS:
        return PathFault(fault=Fault.SURPLUS, found="/".join(parts[: parts.index(VERSION)]))
    return PathFault(fault=Fault.NO_VERSION)


def resource_fault(parts: list[str], source: str) -> PathFault | None:
    """Return what is wrong with what follows the base URL."""
    if not parts:
        return None
    surplus = surplus_of(parts, source)
    if surplus:
        return PathFault(fault=Fault.SURPLUS, found="/".join(surplus))
    head = parts[0]
    name = ENDPOINTS.get(head.lower(), "")
    if not name or (name != head and name not in FOLDED):
        return PathFault(
            fault=Fault.UNKNOWN_RESOURCE, found=f"/{head}", right=name or similar(head)
        )
    searched = parts[1:] == [".search"] and name in FOLDED
    if len(parts) == 1 or searched or (len(parts) == 2 and name in WITH_ID):
        return None
    return PathFault(fault=Fault.UNKNOWN_RESOURCE, found=f"/{'/'.join(parts)}")


def surplus_of(parts: list[str], source: str) -> list[str]:
    """Return the parts before the last resource of an address that has more than one, or v2 twice.

    That is what an address has where a console adds to it what it holds already.
    """
    known = SURPLUS | {source.lower()}
    ends = [index for index, part in enumerate(parts) if part.lower() in ENDPOINTS]
    before = parts[: ends[-1]] if ends else parts
    if parts[-1] == ".search":
        before = before[:-1]
    fits = all(part.lower() in known for part in before)
    return before if fits else []


def similar(name: str) -> str:
    """Return the resource whose name is most like this one, ``""`` if none is."""
    found = get_close_matches(name.lower(), ENDPOINTS, n=1, cutoff=0.7)
    return ENDPOINTS[found[0]] if found else ""


def readable(text: str, limit: int) -> str:
    """Return a text that every database takes and no reader is fooled by, without tokens."""
    text = without_tokens(text)
    if not text.isprintable():
        text = "".join(each if each.isprintable() else "\ufffd" for each in text)
    return text if len(text) <= limit else f"{text[: limit - 1]}{ELSE}"


def without_tokens(text: str) -> str:
    """Return a text in which only the beginning of each token is left."""
    folded = text.lower()
    if "usx_" not in folded and "eyj" not in folded:  # each request passes here
        return text
    return SECRET.sub(lambda match: f"{match[1] or match[2]}{ELSE}", text)


def path_of_member(path: str) -> str:
    """Return the path of a request that a valid token came with, without ids."""
    parts = path.split("/")
    for index in range(1, len(parts)):
        is_id = parts[index - 1].lower() in ("users", "groups") and parts[index]
        if is_id and parts[index].lower() not in SURPLUS:
            parts[index] = ELSE
    return readable("/".join(parts), MAX_PATH)


def path_of_stranger(path: str, source: str) -> str:
    """Return the path of any other request: only words that belong into an address are kept.

    Else whoever asks for ever new addresses could fill the list.
    """
    kept: list[str] = []
    for part in path.split("/")[:MAX_PARTS]:
        word = part if part == ENDPOINTS.get(part.lower()) or belongs(part, source) else ELSE
        if word != ELSE or kept[-1:] != [ELSE]:
            kept.append(word)
    return "/".join(kept)


def belongs(part: str, source: str) -> bool:
    """Tell whether a part of an address can be kept as it is."""
    return part in SURPLUS or part in {"", source} or bool(ANY_VERSION.fullmatch(part))


# -- Counting --------------------------------------------------------------------------------------


def tally(counted: dict[tuple[str, str, str, str], Stray], stray: Stray, room: int) -> None:
    """Count a request; where there is no room for another kind, under one entry for all others."""
    if stray.kind not in counted and len(counted) >= room:
        stray = replace(
            stray,
            source="",
            problem=Problem.UNKNOWN_SOURCE,
            method="",
            path=ELSE,
            token_prefix="",
        )
    before = counted.get(stray.kind)
    counted[stray.kind] = stray if before is None else together(before, stray)


def together(before: Stray, after: Stray) -> Stray:
    """Return two counts of the same kind as one."""
    older, newer = sorted((before, after), key=lambda stray: stray.last_at)
    return replace(
        newer,
        token_prefix=newer.token_prefix or older.token_prefix,
        count=before.count + after.count,
        first_at=min(before.first_at, after.first_at),
    )


def settled(stray: Stray, keys: Collection[str]) -> Stray:
    """Return a stray whose problem is the key in its address where no source has that."""
    if stray.source in keys or stray.path == ELSE:
        return stray
    wrong = Problem.WRONG_PATH if lacks_source(stray.source) else Problem.UNKNOWN_SOURCE
    return replace(stray, problem=wrong)
