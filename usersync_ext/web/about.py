"""What this is, and the guides of the providers."""

from importlib import metadata

from flask import render_template
from flask.typing import ResponseReturnValue

from ..providers.base import provider_of
from ..state import current_state
from ..store import migrate
from .shared import Route, engine

DISTRIBUTION = "usersync-ext"


def about() -> ResponseReturnValue:
    state = current_state()
    return render_template(
        "usersync/about.html",
        version=installed_version(),
        links=project_links(),
        database=engine().store.location,
        schema=migrate.current_version(engine().store),
        public_url=state.settings.public_url,
    )


def installed_version() -> str:
    from .. import __version__

    return __version__


def project_links() -> list[tuple[str, str]]:
    """Return the links of the installed package: documentation, issues and so on."""
    try:
        found = metadata.metadata(DISTRIBUTION).get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return []
    pairs = (line.partition(",") for line in found)
    return [(label.strip(), url.strip()) for label, _, url in pairs if "https://" in url]


def guide(kind: str) -> ResponseReturnValue:
    provider = provider_of(kind, current_state().providers)
    return render_template("usersync/guide.html", provider=provider)


PAGES: tuple[Route, ...] = (Route("/about", about), Route("/guides/<kind>", guide))
