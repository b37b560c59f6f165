"""What can be checked about an installation without changing anything."""

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import UserSyncError
from ..state import State
from ..store import migrate, sources

SHORTEST_KEY = 16


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; ``text`` says what was found and what to do."""

    name: str
    ok: bool
    text: str


def check_up(state: State) -> list[Check]:
    """Return what was found, in the order in which it should be mended."""
    return [
        checked(name, check, state)
        for name, check in (
            ("database", database),
            ("schema", schema),
            ("secret key", secret_key),
            ("public URL", public_url),
            ("sources", configured_sources),
        )
    ]


def checked(name: str, check: Callable[[State], str], state: State) -> Check:
    """Return the outcome of one check; an error of ours is its text."""
    try:
        return Check(name, True, check(state))
    except UserSyncError as error:
        return Check(name, False, str(error))


def database(state: State) -> str:
    """Return where the database is, after asking it something."""
    migrate.current_version(state.engine.store)
    return f"{state.engine.store.location} answers"


def schema(state: State) -> str:
    """Return the schema version. Raises SchemaOutdated."""
    migrate.require_newest(state.engine.store)
    return f"version {migrate.newest_version()} is the newest"


def secret_key(state: State) -> str:
    """Return that the secret key will do."""
    if len(state.settings.secret_keys[0]) < SHORTEST_KEY:
        raise UserSyncError(
            f"the secret key has fewer than {SHORTEST_KEY} characters: make one with "
            "python -c 'import secrets; print(secrets.token_hex())'"
        )
    return "is set and long enough"


def public_url(state: State) -> str:
    """Return under which address providers reach us, as far as it is known."""
    if state.settings.public_url is None:
        return "USERSYNC_PUBLIC_URL is not set: outside a page the SCIM base URL is not known"
    return state.settings.public_url


def configured_sources(state: State) -> str:
    """Return how many sources there are; each needs a provider and a directory that exist."""
    migrate.require_newest(state.engine.store)
    with state.engine.store.reading() as session:
        found = sources.list_sources(session)
    for source in found:
        if source.kind not in state.providers:
            raise UserSyncError(
                f"source {source.key!r} is of kind {source.kind!r}, which is not installed"
            )
        if source.directory and source.directory not in state.engine.directories:
            raise UserSyncError(
                f"source {source.key!r} uses the directory {source.directory!r}, which this app "
                "does not have"
            )
    return f"{len(found)} configured"
