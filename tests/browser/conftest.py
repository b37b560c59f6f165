"""One Chromium and one server for all browser tests of a process.

Needs Chromium and the Python packages Playwright and axe-playwright-python; ``.ci/run`` installs
all three. The server has the site with everything in it at ``/usersync``, an empty one, and the
standalone app in several states, each below a path of its own.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.shared_data import SharedDataMiddleware
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.web.site_pages import fill_more
from tests.web.sites import Site, build, close, fill
from usersync_ext.standalone import create_app, password
from usersync_ext.state import state_of
from usersync_ext.store import migrate
from usersync_ext.store.requests import set_value
from usersync_ext.sync.startup import ensure_schema

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PASSWORD = "correct horse battery"
WIDE = {"viewport": {"width": 1280, "height": 900}}
INSPECTING = Path(__file__).parent / "inspecting.js"
NOTE_VIOLATIONS = """document.addEventListener("securitypolicyviolation", event =>
    console.error(`${event.violatedDirective} stops ${event.blockedURI} ${event.sample}`));"""


class Quiet(WSGIRequestHandler):
    """A handler that writes no line for each request."""

    def log_request(self, *args: Any) -> None:
        pass


class Watched:
    """A page that notes every error and every violation of the content policy."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self.note)

    def note(self, message: Any) -> None:
        """Keep an error; that a page is an error page, which Chromium says too, is none."""
        is_status = message.text.startswith("Failed to load resource: the server responded")
        if message.type == "error" and not (
            is_status and message.location.get("url") == self.page.url
        ):
            self.problems.append(message.text)

    def renew(self) -> None:
        """Make the page as if it had just been made."""
        self.page.set_viewport_size(WIDE["viewport"])
        self.page.emulate_media(color_scheme="light")
        self.problems.clear()

    def get(self, address: str) -> Any:
        """Open an address; return the answer."""
        return self.page.goto(address)

    def post(self, form_page: str, address: str, values: dict[str, str]) -> None:
        """Open the answer to a form, sent with the CSRF token of a page that has one."""
        self.page.goto(form_page)
        token = self.page.locator("input[name=csrf_token]").first.input_value()
        with self.page.expect_navigation():
            self.page.evaluate(
                """([action, values]) => {
                    const form = document.createElement("form");
                    form.method = "post";
                    form.action = action;
                    for (const [name, value] of Object.entries(values)) {
                        const input = document.createElement("input");
                        input.name = name;
                        input.value = value;
                        form.append(input);
                    }
                    document.body.append(form);
                    form.submit();
                }""",
                [address, {"csrf_token": token, **values}],
            )


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium: install the package chromium, or run .ci/run, which does")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no Playwright: install the package playwright"
    )
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The path of axe-core."""
    package = pytest.importorskip(
        "axe_playwright_python", reason="no axe: install the package axe-playwright-python"
    )
    return str(Path(package.__file__).parent / "axe.min.js")


@pytest.fixture(scope="session")
def visitor(browser: Any) -> Watched:
    """The page in which one test after the other looks at the site: a new one costs time."""
    return Watched(new_context(browser))


@pytest.fixture
def watched(visitor: Watched) -> Watched:
    """The visitor's page, as if it were new."""
    visitor.renew()
    return visitor


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Watched]]:
    """Open the page of somebody who has not been here before, in a context of its own."""
    contexts: list[Any] = []

    def opened(**options: Any) -> Watched:
        contexts.append(new_context(browser, **options))
        return Watched(contexts[-1])

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def stranger(open_page: Callable[..., Watched]) -> Watched:
    """The page of somebody who has not been here before, in a wide window."""
    return open_page()


def new_context(browser: Any, **options: Any) -> Any:
    permissions = ["clipboard-read", "clipboard-write"]
    context = browser.new_context(**{**WIDE, "permissions": permissions, **options})
    context.add_init_script(NOTE_VIOLATIONS)
    return context


class Served:
    """Where the apps are; ``link`` is the secret of the standalone app without a password.

    ``scripts`` are what the tests ask a page with: as files of the same server they need no
    exception from the content policy.
    """

    inspecting = "/inspecting.js"
    scripts = ("/axe.js", inspecting)

    def __init__(self, address: str, link: str, locked: Any) -> None:
        self.address = address
        self.site = f"{address}/usersync"
        self.empty = f"{address}/empty/usersync"
        self.closed = f"{address}/closed/usersync"
        self.link = link
        self.locked = locked

    def lock(self) -> None:
        """Let the password of the locked app have been wrong twenty times just now."""
        with self.locked.writing() as session:
            set_value(session, password.FAILURES, f"[20, {time.time()}]")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, axe: str) -> Iterator[Served]:
    """The address of every app, filled once; the tests send wrong forms and previews only."""
    folder = tmp_path_factory.mktemp("served")
    filled, empty = new_site(folder, "filled"), new_site(folder, "empty")
    closed = new_site(folder, "closed", is_admin=lambda: False)
    fill(filled)
    fill_more(filled)
    first, signed, locked = (standalone(folder / name) for name in ("first", "signed", "locked"))
    outdated = create_app(
        {"USERSYNC_DATA": str(folder), "USERSYNC_DATABASE_URI": f"sqlite:///{folder}/old.sqlite3"}
    )
    link = password.new_link(store_of(first))
    for app in (signed, locked):
        password.set_by_link(store_of(app), password.new_link(store_of(app)), PASSWORD)
    apps = {"empty": empty.app, "closed": closed.app, "first": first, "signed": signed}
    mounted = {f"/{name}": app for name, app in apps.items()}
    mounted |= {"/locked": locked, "/outdated": outdated}
    scripts = dict(zip(Served.scripts, (axe, str(INSPECTING)), strict=True))
    server = make_server(
        "127.0.0.1",
        0,
        SharedDataMiddleware(at_once(DispatcherMiddleware(filled.app, mounted)), scripts),
        threaded=True,
        request_handler=Quiet,
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Served(f"http://127.0.0.1:{server.port}", link, store_of(locked))
    server.shutdown()
    thread.join(10)
    server.server_close()
    for site in (filled, empty, closed, *map(Site, (first, signed, locked, outdated))):
        close(site)


def at_once(app: Any) -> Any:
    """Return an app whose answers are complete, so that a browser's leaving leaves no file open."""

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        with closing(app(environ, start_response)) as parts:
            return [b"".join(parts)]

    return answer


def new_site(folder: Path, name: str, **extension: Any) -> Site:
    """Return a site on a new database of its own."""
    config = {"SEND_FILE_MAX_AGE_DEFAULT": 3600, "USERSYNC_LANGUAGE": "browser"}
    site = build(folder, name, config, **extension)
    migrate.upgrade(site.state.engine.store)
    return site


def standalone(folder: Path) -> Flask:
    """Return a standalone app in a new folder."""
    folder.mkdir()
    app = create_app({"USERSYNC_DATA": str(folder), "USERSYNC_LANGUAGE": "en"})
    app.testing = True
    ensure_schema(state_of(app))
    return app


def store_of(app: Flask) -> Any:
    return state_of(app).engine.store
