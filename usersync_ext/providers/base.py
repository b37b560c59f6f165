"""What usersync_ext knows about a kind of identity provider, and the registry of all kinds."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import entry_points

from ..errors import ConfigError, NotFound


class Ability(StrEnum):
    """What a provider can do; checked at registration."""

    PUSH = "push"  # sends people and groups over SCIM
    GROUPS = "groups"


class ConnectionValue(StrEnum):
    """The values that an administrator copies into the provider's console."""

    SCIM_BASE_URL = "SCIM Base URL"
    BEARER_TOKEN = "Bearer Token"  # noqa: S105 - a label


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionField:
    """One field of the provider's console: its own label, and which of our values goes there."""

    label: str
    value: ConnectionValue
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One kind of identity provider.

    ``steps`` are numbered set-up steps in the provider's own words; ``**bold**`` marks the exact
    labels of its console. ``pushing_groups`` says how its groups come here, ``first_person`` how to
    make it send somebody now.
    ``verified`` and ``unverified`` say what is known about its traffic.
    ``mark`` is the name of an SVG file below ``static/marks/``.
    """

    kind: str
    title: str
    mark: str
    summary: str
    abilities: frozenset[Ability]
    fields: tuple[ConnectionField, ...]
    steps: tuple[str, ...]
    pushing_groups: str = (
        "Assign the groups to the application in your provider, and switch on there that groups "
        "are sent."
    )
    test_button: str = ""  # what its console calls its own test of the connection
    first_person: str = (
        "Assign one person to the application in your provider, and let it provision now."
    )
    terms_title: str = ""  # heading of the provider's column in the table of terms
    verified: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()  # what to know while it runs, such as how it deactivates


def registry() -> Mapping[str, Provider]:
    """Return every provider by kind, ours first, then those of installed packages.

    Third parties add a ``Provider`` by an entry point in the group ``usersync_ext.providers``.
    Raises ConfigError when two have the same kind.
    """
    from . import BUILT_IN

    found = {provider.kind: provider for provider in BUILT_IN}
    for entry in entry_points(group="usersync_ext.providers"):
        provider = entry.load()
        if provider.kind in found:
            raise ConfigError(f"two providers are registered as {provider.kind!r}")
        found[provider.kind] = provider
    return found


def provider_of(kind: str, providers: Mapping[str, Provider]) -> Provider:
    """Return the provider of a kind. Raises NotFound naming the kinds that exist."""
    try:
        return providers[kind]
    except KeyError:
        raise NotFound(
            f"there is no kind of source called {kind!r}; known are {', '.join(providers)}"
        ) from None
