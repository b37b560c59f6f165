"""The example host app runs: sign-in, pages, a push, and a leaver who is signed out."""

import importlib.util
import json
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from usersync_ext.cli import usersync
from usersync_ext.state import state_of
from usersync_ext.sync import telemetry
from usersync_ext.testing import release, scim_client

EXAMPLE = Path(__file__).parents[2] / "examples" / "host_app" / "app.py"


@pytest.fixture(scope="session")
def host():
    """The module of the example."""
    spec = importlib.util.spec_from_file_location("example_host_app", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Flask looks there for the folder of the templates
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def app(host, tmp_path):
    """The example with an administrator, ada, and a colleague, bob."""
    app = host.create_app(
        {
            "TESTING": True,
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/host.sqlite3",
            "USERSYNC_DATABASE_URI": f"sqlite:///{tmp_path}/usersync.sqlite3",
        }
    )
    with app.app_context():
        host.new_user("ada", "correct horse", admin=True)
        host.new_user("bob", "battery staple")
    yield app
    release(app)
    with app.app_context():
        for engine in host.db.engines.values():
            engine.dispose()


def signed_in(app, name, password):
    client = app.test_client()
    answer = client.post("/sign-in", data={"name": name, "password": password})
    assert answer.status_code == 302
    return client


def test_the_login_wall_sends_strangers_to_the_sign_in_page(app):
    client = app.test_client()

    assert client.get("/team").location == "/sign-in?next=/team"
    assert client.get("/usersync/").location == "/sign-in?next=/usersync/"
    assert client.post("/sign-in", data={"name": "ada", "password": "x"}).status_code == 403


def test_only_administrators_of_the_host_see_the_pages_of_usersync(app):
    scim_client(app)

    assert signed_in(app, "ada", "correct horse").get("/usersync/").status_code == 200
    assert signed_in(app, "bob", "battery staple").get("/usersync/").status_code == 403


def test_the_hosts_own_pages_stay_as_they_were(app):
    client = signed_in(app, "ada", "correct horse")

    page = BeautifulSoup(client.get("/team").text, "html.parser")

    assert page.h1.text == "Team"
    assert [item.text.strip() for item in page.select("li")] == ["ada", "bob"]
    assert page.select_one('nav a[href="/usersync/"]').text == "User sync"


def test_a_source_is_added_in_the_browser_and_pushed_to(app):
    scim_client(app)
    client = signed_in(app, "ada", "correct horse")
    form = BeautifulSoup(client.get("/usersync/sources/add?kind=okta").text, "html.parser")
    token = form.select_one("input[name=csrf_token]")["value"]

    added = client.post(
        "/usersync/sources/add", data={"csrf_token": token, "name": "Acme", "kind": "okta"}
    )

    assert added.status_code == 303
    assert client.get(added.location).status_code == 200


def test_a_leaver_is_signed_out_and_cannot_come_back(app):
    scim = scim_client(app)
    bob = scim.post("/Users", {"userName": "bob"}).json["id"]
    client = signed_in(app, "bob", "battery staple")
    assert client.get("/").status_code == 200

    scim.patch(f"/Users/{bob}", {"op": "replace", "path": "active", "value": False})

    assert client.get("/").status_code == 302
    again = client.post("/sign-in", data={"name": "bob", "password": "battery staple"})
    assert again.status_code == 403


def test_a_leaver_whose_process_died_is_signed_out_by_the_next_one(app, monkeypatch):
    monkeypatch.setattr(telemetry, "UNCONFIRMED_AFTER", timedelta(0))
    scim = scim_client(app)
    engine = state_of(app).engine
    bob = scim.post("/Users", {"userName": "bob"}).json["id"]
    client = signed_in(app, "bob", "battery staple")
    monkeypatch.setattr(engine, "deliver", lambda events: None)  # the process dies here
    scim.delete(f"/Users/{bob}")
    assert client.get("/").status_code == 200

    thread = threading.Thread(target=engine.recorder.send_left_over)
    thread.start()
    thread.join()

    assert client.get("/").status_code == 302


def test_a_token_is_made_only_shortly_after_the_sign_in(app):
    scim_client(app, "Acme")
    client = signed_in(app, "ada", "correct horse")
    page = client.get("/usersync/sources/acme/tokens")
    csrf = BeautifulSoup(page.text, "html.parser").select_one("input[name=csrf_token]")["value"]
    with client.session_transaction() as session:
        session["at"] -= 3600

    answer = client.post(
        "/usersync/sources/acme/tokens", data={"csrf_token": csrf, "label": "x", "add": "1"}
    )

    assert answer.status_code == 403
    assert "usx_" not in answer.text.replace(page.text, "")


def test_the_command_line_is_part_of_the_host(app):
    scim_client(app, "Acme").post("/Users", {"userName": "bob"})

    result = app.test_cli_runner().invoke(usersync, ["accounts", "list", "--json"])

    assert result.exit_code == 0, result.output
    assert [account["user_name"] for account in json.loads(result.stdout)["accounts"]] == ["bob"]
