"""What to change in a provider's console when its requests arrive wrong, in the console's words."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType

from ..core.arrivals import (
    ABOVE,
    ELSE,
    VERSION,
    Fault,
    PathFault,
    Problem,
    Stray,
    address_fault,
    lacks_source,
    path_fault,
    path_of_member,
)
from ..core.records import RequestRecord, Source
from ..providers.base import ConnectionValue, Provider
from .language import N_, gettext, ngettext

LOOKED_AT_FIRST = ("", "/", "/v2", "/v2/", "/v2/ServiceProviderConfig", "/v2/Schemas")
"""What consoles and browsers ask for before anybody has entered a token."""
ADVICE: Mapping[Problem, str] = MappingProxyType(
    {
        Problem.NO_TOKEN: N_(
            "A request to %(called)s came without a token. Paste a live token into "
            "%(token_field)s of %(provider)s; a proxy in between must pass the Authorization "
            "header on."
        ),
        Problem.BASIC: N_(
            "%(provider)s sent user name and password (Basic). Choose the bearer token as the way "
            "to authenticate, and paste a live token into %(token_field)s."
        ),
        Problem.NOT_BEARER: N_(
            "%(provider)s did not send a bearer token, but something else for authentication. "
            "Choose the bearer token as the way to authenticate, and paste a live token into "
            "%(token_field)s."
        ),
        Problem.BARE_TOKEN: N_(
            "%(provider)s sent a token without the word Bearer in front of it. Choose the bearer "
            "token as the way to authenticate; if that cannot be chosen, write Bearer and a blank "
            "before the token in %(token_field)s."
        ),
        Problem.DOUBLED_BEARER: N_(
            "%(provider)s sent the word Bearer twice. Paste the token alone into "
            "%(token_field)s, without the word Bearer."
        ),
        Problem.WRAPPED_TOKEN: N_(
            "%(provider)s sent a token with a blank, a line break or quotation marks in or around "
            "it. Paste it again into %(token_field)s: from usx_ to its last character, and "
            "nothing else."
        ),
        Problem.MISTYPED_TOKEN: N_(
            "%(provider)s sent a token that is incomplete or mistyped. Paste the whole token into "
            "%(token_field)s; a token is shown only when it is made, so make a new one if it is "
            "lost."
        ),
        Problem.FOREIGN_TOKEN: N_(
            "%(provider)s sent a token that does not come from User Sync. Paste a token of this "
            "source into %(token_field)s: it begins with usx_."
        ),
        Problem.UNKNOWN_TOKEN: N_(
            "%(provider)s sent a token that User Sync does not know. Paste a live token into "
            "%(token_field)s; a token is shown only when it is made, so make a new one if it is "
            "lost."
        ),
        Problem.REVOKED_TOKEN: N_(
            "%(provider)s sent the token %(token)s…, which was revoked. Make a new token and "
            "paste it into %(token_field)s."
        ),
        Problem.EXPIRED_TOKEN: N_(
            "%(provider)s sent the token %(token)s…, which has expired. Make a new token and "
            "paste it into %(token_field)s."
        ),
        Problem.OTHER_SOURCES_TOKEN: N_(
            "%(provider)s sent the token %(token)s… of another source. Paste a token of this "
            "source into %(token_field)s, or the address of the other source into %(url_field)s."
        ),
        Problem.UNKNOWN_SOURCE: N_(
            "%(provider)s called %(called)s, but no source has the key %(key)s. Put %(address)s "
            "into %(url_field)s."
        ),
        Problem.WRONG_PATH: N_(
            "%(provider)s called %(called)s, and there is nothing. Put %(address)s into "
            "%(url_field)s."
        ),
        Problem.SOURCE_OFF: N_(
            "%(url_field)s and %(token_field)s of %(provider)s are right, but this source was off "
            "and answered nothing. If it still is, let it observe or make it active."
        ),
    }
)
OF_PROVIDER: Mapping[tuple[str, Problem], str] = MappingProxyType(
    {
        ("entra", Problem.FOREIGN_TOKEN): N_(
            "%(provider)s sent a token that does not come from User Sync, as it does where "
            "%(token_field)s is left empty. Paste a token of this source into %(token_field)s: it "
            "begins with usx_."
        ),
        ("okta", Problem.BARE_TOKEN): N_(
            "%(provider)s sent a token without the word Bearer in front of it, as its app with "
            "Header Auth does. Write Bearer and a blank before the token there, or use the app "
            "whose field is called %(token_field)s."
        ),
        ("okta", Problem.BASIC): N_(
            "%(provider)s sent user name and password (Basic). Use its app SCIM 2.0 Test App "
            "(OAuth Bearer Token), and paste a live token into %(token_field)s."
        ),
        ("oracle", Problem.BASIC): N_(
            "%(provider)s sent user name and password (Basic). Use its app GenericScim - Bearer "
            "Token, and paste a live token into %(token_field)s."
        ),
        ("keycloak", Problem.NO_TOKEN): N_(
            "A request to %(called)s came without a token. Set Auth mode to BEARER in "
            "%(provider)s and paste a live token as %(token_field)s, which mitodl/keycloak-scim "
            "calls Auth password/token."
        ),
        ("keycloak", Problem.BASIC): N_(
            "%(provider)s sent user name and password (Basic). Set Auth mode to BEARER and paste "
            "a live token as %(token_field)s, which mitodl/keycloak-scim calls Auth "
            "password/token."
        ),
    }
)
"""Where we know how a console comes to send it."""
MILD = N_(
    "%(called)s was asked for without a token, as some consoles and browsers do first. Nothing is "
    "wrong if requests with a token follow; it belongs into %(token_field)s of %(provider)s."
)
ASTRAY = N_(
    "The token %(token)s… of this source came to another address, %(called)s. Put %(address)s into "
    "%(url_field)s of %(provider)s."
)
FAULTS: Mapping[Fault, str] = MappingProxyType(
    {
        Fault.NO_SOURCE: N_(
            "%(provider)s called %(called)s: the address lacks the key of the source. Put "
            "%(address)s into %(url_field)s."
        ),
        Fault.NO_VERSION: N_(
            "%(provider)s called %(called)s: the address lacks /v2. Put %(address)s into "
            "%(url_field)s."
        ),
        Fault.OTHER_VERSION: N_(
            "%(provider)s called %(called)s: the address has %(found)s where v2 belongs. Put "
            "%(address)s into %(url_field)s, and choose SCIM 2.0 if a version can be chosen."
        ),
        Fault.SLASHES: N_(
            "%(provider)s called %(called)s: the address has two slashes where one belongs. Put "
            "%(address)s into %(url_field)s, without a slash at its end."
        ),
        Fault.SURPLUS: N_(
            "%(provider)s called %(called)s: the address has %(found)s too much. Put %(address)s "
            "into %(url_field)s and no path after it: %(provider)s adds the rest itself."
        ),
        Fault.UNKNOWN_RESOURCE: N_(
            "%(provider)s called %(called)s, and there is no such resource: people are below "
            "/Users, groups below /Groups. Put %(address)s into %(url_field)s."
        ),
    }
)
MISNAMED = N_(
    "%(provider)s called %(called)s: there is no %(found)s, it is called %(right)s. Put "
    "%(address)s into %(url_field)s, and correct the path where it can be entered."
)
READ_ONLY = N_(
    "%(provider)s wants to change something with the token %(token)s…, which may only read. Make a "
    "token that may write and paste it into %(token_field)s."
)
ME = N_(
    "%(provider)s asked for /Me, which stands for somebody who signs in. There is nobody behind a "
    "token, and provisioning does without: leave it out where it can be left out."
)
TOO_LARGE = N_(
    "%(provider)s sends too much at once. Let it send fewer members or operations in one request."
)
NO_JSON = N_(
    "%(provider)s did not send JSON. Choose application/scim+json as the content type in its "
    "console."
)
IS_OFF = N_(
    "This source was off and answered nothing. If it still is, let it observe or make it active."
)
NO_DIRECTORY = N_(
    "No directory is selected for this source. Select one under User Provisioning Options; "
    "%(provider)s needs no change."
)
DETAILS: tuple[tuple[int, re.Pattern[str], str], ...] = (
    (403, re.compile("This token is read-only"), READ_ONLY),
    (413, re.compile(""), TOO_LARGE),
    (415, re.compile(""), NO_JSON),
    (501, re.compile("/Me "), ME),
    (503, re.compile("source .* is switched off"), IS_OFF),
    (503, re.compile("source .* has no directory"), NO_DIRECTORY),
    (
        409,
        re.compile("userName .* is already used"),
        N_(
            "%(provider)s wanted to create somebody whose userName this source has already. Match "
            "people by userName in the attribute mapping of %(provider)s, so that it looks for "
            "them first; if two people have the same userName there, change one."
        ),
    ),
    (
        409,
        re.compile("externalId .* is already used"),
        N_(
            "%(provider)s sent the same externalId for two people or groups. Map externalId in "
            "its attribute mapping to an attribute that is different for each of them."
        ),
    ),
    (
        400,
        re.compile(".*SCIM 1\\.1"),
        N_(
            "%(provider)s sent SCIM 1.1. Choose its app for SCIM 2.0, and put %(address)s into "
            "%(url_field)s there."
        ),
    ),
    (
        400,
        re.compile("userName is missing or empty"),
        N_(
            "%(provider)s sent somebody without a userName. Map userName in its attribute mapping "
            "to an attribute that everybody has."
        ),
    ),
    (
        400,
        re.compile(r"this source has no user or group with the id"),
        N_(
            "%(provider)s put somebody into a group whom it had not sent before. Assign them to "
            "the application in %(provider)s too, then let it send the group again."
        ),
    ),
    (
        400,
        re.compile(r"Operations\b.*is not add, replace or remove"),
        N_(
            "%(provider)s sent an operation that SCIM does not have, so nothing of the request "
            "was done. Use add, replace or remove where operations can be chosen."
        ),
    ),
    (
        400,
        re.compile(r"The path .* cannot be used|Operations\b"),
        N_(
            "%(provider)s sent a change that User Sync does not understand, so nothing of the "
            "request was done. Correct the target attribute in its attribute mapping, or take it "
            "out."
        ),
    ),
    (
        400,
        re.compile(r"(?:the filter |there is no attribute .* to filter by|.* cannot be filtered)"),
        N_(
            "%(provider)s searched in a way that User Sync does not understand. Choose userName, "
            "externalId or emails as the attribute by which it matches people."
        ),
    ),
)
"""Status, form of the answer's text, and what to change; the first that fits is said."""
CLOSE = N_(
    "A request came to %(called)s, but no source has the key %(key)s. If it means %(source)s, put "
    "%(right)s in its place in the provider's field for the SCIM base URL."
)
NOT_CLOSE = N_(
    "A request came to %(called)s, but no source has the key %(key)s. Copy the address from the "
    "page of the source that is meant into the provider's field for the SCIM base URL, or stop "
    "provisioning there."
)
WITHOUT_KEY = N_(
    "A request came to %(called)s: the address lacks the key of a source. Copy the whole address "
    "from the page of the source that is meant into the provider's field for the SCIM base URL."
)


def advice(stray: Stray, provider: Provider, address: str) -> str:
    """Return what came to a source in vain, and what to change for it in the provider's console.

    ``address`` is the base URL of the source on whose page it is said.
    """
    values = {
        **values_of(provider, address),
        "called": stray.called,
        "key": stray.source,
        "token": stray.token_prefix,
    }
    astray = not address.endswith(f"/{stray.source}/{VERSION}")
    if stray.problem is Problem.WRONG_PATH:
        fault = address_fault if astray else path_fault
        return fault_advice(fault(stray.path, stray.source), values)
    if stray.problem is Problem.NO_TOKEN and stray.path in LOOKED_AT_FIRST:
        return gettext(MILD, **values)
    if astray and stray.token_prefix and stray.problem is not Problem.UNKNOWN_SOURCE:
        return gettext(ASTRAY, **values)
    text = OF_PROVIDER.get((provider.kind, stray.problem), ADVICE[stray.problem])
    return gettext(text, **values)


def values_of(provider: Provider, address: str) -> dict[str, str]:
    """Return what every sentence about a provider can name."""
    return {
        "provider": provider.title,
        "address": address,
        "url_field": label_of(provider, ConnectionValue.SCIM_BASE_URL),
        "token_field": label_of(provider, ConnectionValue.BEARER_TOKEN),
    }


def label_of(provider: Provider, value: ConnectionValue) -> str:
    """Return what the console of a provider calls one of our values."""
    return next((field.label for field in provider.fields if field.value is value), value)


def fault_advice(fault: PathFault | None, values: Mapping[str, str]) -> str:
    """Return what is wrong with an address that was called, and which one is right."""
    if fault is None:
        return gettext(ADVICE[Problem.WRONG_PATH], **values)
    misnamed = fault.fault is Fault.UNKNOWN_RESOURCE and fault.right
    text = MISNAMED if misnamed else FAULTS[fault.fault]
    right = f"/{fault.right}"
    return gettext(text, **values, found=fault.found, right=right)


def request_advice(record: RequestRecord, provider: Provider, address: str) -> str:
    """Return what to change for a request that was let in and failed, ``""`` for nothing."""
    values = {**values_of(provider, address), "token": record.token_prefix}
    if record.status in {404, 405}:
        key, below = address_of(record, address)
        fault = path_fault(below, key)
        called = f"{ABOVE}{key}{below}"
        return fault_advice(fault, {**values, "called": called}) if fault else ""
    for status, form, text in DETAILS:
        if record.status == status and form.match(record.detail):
            return gettext(text, **values)
    return ""


def address_of(record: RequestRecord, address: str) -> tuple[str, str]:
    """Return the key and what follows it in the address of a request, without ids and query."""
    path = record.path.partition("?")[0]
    if path.startswith(ABOVE):
        key, slash, rest = path.removeprefix(ABOVE).partition("/")
        return key, path_of_member(f"{slash}{rest}")
    return address.split("/")[-2], path_of_member(f"/{VERSION}{path}")


def unknown_source_advice(stray: Stray, sources: Sequence[Source]) -> str:
    """Return what to change for a request whose address has the key of no source."""
    if stray.path == ELSE:
        return ngettext(
            "%(count)s more request to a wrong address is not listed: too many different ones "
            "came at once.",
            "%(count)s more requests to wrong addresses are not listed: too many different ones "
            "came at once.",
            stray.count,
        )
    values = {"called": stray.called, "key": stray.source}
    if lacks_source(stray.source):
        return gettext(WITHOUT_KEY, **values)
    names = {source.key: source.name for source in sources}
    close = get_close_matches(stray.source.lower(), names, n=1)
    if not close:
        return gettext(NOT_CLOSE, **values)
    return gettext(CLOSE, **values, source=names[close[0]], right=close[0])
