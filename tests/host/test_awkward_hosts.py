"""Hosts with CSRF protection, databases, login walls, catch-alls and prefixes of their own.

Every combination must serve SCIM in full and show every page of the route table.
"""

import re
import threading
from itertools import product

import pytest
from bs4 import BeautifulSoup
from flask import Flask, redirect, request, session
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from jinja2 import DictLoader, FileSystemBytecodeCache
from sqlalchemy import inspect
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from usersync_ext import UserSync
from usersync_ext.errors import ConfigError
from usersync_ext.state import state_of
from usersync_ext.testing import release, scim_client

HOST_SAYS = "this is the host speaking"
CSRF = ("before", "after", "none")
DATABASE = ("with database", "without database")
GUARD = ("login wall", "catch-all")
MOUNT = ("/", "/a/b", "SCRIPT_NAME")


def wall():
    """Let nobody in who is not signed in; made for browsers."""
    if "user" not in session and request.endpoint != "sign_in":
        return redirect("/sign-in")
    return None


def add_login_wall(app):
    app.before_request(wall)
    app.add_url_rule("/sign-in", "sign_in", lambda: HOST_SAYS)


def add_catch_alls(app):
    @app.errorhandler(Exception)
    def everything(_error):
        return HOST_SAYS, 500

    @app.errorhandler(404)
    def missing(_error):
        return HOST_SAYS, 404

    @app.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def anything(rest):
        return HOST_SAYS


class Host:
    """An app of one combination, its provider, and the visitor's browser."""

    def __init__(self, folder, templates, csrf, database, guard, mount):
        app = Flask("awkward", instance_path=str(folder), static_folder=None)
        app.jinja_options = {"bytecode_cache": templates}
        prefix = {"/": "", "/a/b": "/a/b"}.get(mount, "/usersync")
        app.config.update(
            SECRET_KEY="test",
            SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/host.sqlite3",
            USERSYNC_URL_PREFIX=prefix,
        )
        if csrf == "before":
            CSRFProtect(app)
        self.db = SQLAlchemy(app) if database == "with database" else None
        (add_login_wall if guard == "login wall" else add_catch_alls)(app)
        UserSync(app, is_admin=lambda: session.get("user") == "ada")
        if csrf == "after":
            CSRFProtect(app)
        self.app = app
        self.root = f"/mounted{prefix}" if mount == "SCRIPT_NAME" else prefix
        wsgi = DispatcherMiddleware(Flask("outer"), {"/mounted": app}) if mount[0] == "S" else app
        self.browser = Client(wsgi)
        self.scim = scim_client(app, "Acme")
        self.scim.client = Client(wsgi)
        self.scim.base_url = f"{self.root}/scim/acme/v2"

    def sign_in(self):
        """Sign the browser in as an administrator."""
        signer = self.app.session_interface.get_signing_serializer(self.app)
        self.browser.set_cookie("session", signer.dumps({"user": "ada"}))

    def close(self):
        release(self.app)
        if self.db is not None:
            with self.app.app_context():
                self.db.engine.dispose()

    def pages(self):
        """Return every page of the route table with something in each variable."""
        samples = {"key": "acme", "wanted": "off", "kind": "okta", "form": "csv"}
        rules = [r for r in self.app.url_map.iter_rules() if r.endpoint.startswith("usersync.web.")]
        prefix = state_of(self.app).settings.url_prefix
        return [
            self.root
            + re.sub(r"<(?:[^:>]*:)?(\w+)>", lambda m: samples.get(m[1], "1"), rule.rule)[
                len(prefix) :
            ]
            for rule in rules
        ]


COMBINATIONS = list(product(CSRF, DATABASE, GUARD, MOUNT))


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    """Compiled templates, which all hosts share: to compile them is most of a test's time."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(params=COMBINATIONS, ids=" ".join)
def host(request, tmp_path, templates):
    host = Host(tmp_path, templates, *request.param)
    yield host
    host.close()


def test_scim_and_every_page_work_in_every_host(host):
    assert_scim_works(host.scim)
    assert_scim_errors_are_ours(host)
    assert_pages_work(host)
    assert_pages_refuse_strangers(host)
    assert_forms_work(host)
    if host.db is not None:
        assert_database_is_the_hosts_own(host)


def test_there_are_36_combinations():
    assert len(COMBINATIONS) == 36


def assert_scim_works(scim):
    created = scim.post("/Users", {"userName": "ann", "emails": [{"value": "ann@x.test"}]})
    assert created.status_code == 201, created.text
    ann = created.json["id"]
    assert created.json["meta"]["location"] == f"http://localhost{scim.base_url}/Users/{ann}"
    assert created.headers["Location"] == created.json["meta"]["location"]

    patch = {"op": "replace", "path": "title", "value": "Boss"}
    assert scim.patch(f"/Users/{ann}", patch).json["title"] == "Boss"
    assert scim.put(f"/Users/{ann}", {"userName": "ann", "title": "Chef"}).status_code == 200
    found = scim.get("/Users", query_string={"filter": 'userName eq "ann"'})
    assert [person["title"] for person in found.json["Resources"]] == ["Chef"]

    group = scim.post("/Groups", {"displayName": "staff", "members": [{"value": ann}]})
    assert group.status_code == 201
    assert scim.post("/.search", {}).json["totalResults"] == 2
    bulk = {
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"userName": "b"}}
        ]
    }
    assert scim.post("/Bulk", bulk).json["Operations"][0]["status"] == "201"
    assert scim.delete(f"/Groups/{group.json['id']}").status_code == 204
    for path in ("/ServiceProviderConfig", "/Schemas", "/ResourceTypes"):
        assert scim.get(path).status_code == 200


def assert_scim_errors_are_ours(host):
    answers = {
        404: host.scim.get("/nothing"),
        405: host.scim.request("FOO", "/Users"),
        400: host.scim.post("/Users", {}),
        409: host.scim.post("/Users", {"userName": "ann"}),
        401: host.browser.get(f"{host.scim.base_url}/Users"),
        415: host.scim.post("/Users", None, data={"userName": "x"}),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.mimetype == "application/scim+json"
        assert answer.json["status"] == str(status)


THERE_IS_NONE = ("/directory/groups/1", "/directory/groups/1/delete", "/runs/1", "/runs/1/plan.csv")
"""Pages of what these hosts have not: no group of the directory, no run."""


def assert_pages_work(host):
    host.sign_in()
    pages = host.pages()
    assert len(pages) >= 20
    for path in pages:
        answer = host.browser.get(path)
        assert answer.status_code in {200, 302, 303, 404}, (path, answer.text)
        assert HOST_SAYS not in answer.text, path
        if answer.status_code == 404:
            assert "usersync" in answer.text, path
            assert path.endswith(THERE_IS_NONE), path
        assert answer.headers["Cache-Control"] == "no-store", path


def assert_pages_refuse_strangers(host):
    stranger = Client(host.browser.application)
    for path in host.pages():
        answer = stranger.get(path)
        assert answer.status_code in {302, 403}, path
        if answer.status_code == 403:
            assert HOST_SAYS not in answer.text


def assert_forms_work(host):
    form = host.browser.get(f"{host.root}/sources/add?kind=okta")
    token = BeautifulSoup(form.text, "html.parser").select_one("input[name=csrf_token]")["value"]
    values = {"name": "Okta", "kind": "okta", "form": "csv"}

    without = host.browser.post(f"{host.root}/sources/add", data=values)
    added = host.browser.post(f"{host.root}/sources/add", data={**values, "csrf_token": token})

    assert without.status_code == 400
    assert added.status_code == 303, added.text
    assert added.location == f"{host.root}/sources/okta/"
    assert f"{host.root}/scim/okta/v2" in host.browser.get(added.location).text
    stylesheet = BeautifulSoup(form.text, "html.parser").select_one("link[rel=stylesheet]")["href"]
    with host.browser.get(stylesheet) as file:
        assert file.status_code in {200, 302}


def assert_database_is_the_hosts_own(host):
    with host.app.app_context():
        assert inspect(host.db.engine).get_table_names() == []
        assert not [name for name in host.db.metadata.tables if name.startswith("usersync")]


# -- More than one, twice, and doing nothing too early --------------------------------------------


def an_app(folder, name="host", usersync=None, **config):
    app = Flask(name, instance_path=str(folder), static_folder=None)
    app.config.update(SECRET_KEY="test", **config)
    (usersync or UserSync(is_admin=lambda: True)).init_app(app)
    return app


def test_two_apps_in_one_process_know_nothing_of_each_other(tmp_path):
    usersync = UserSync(is_admin=lambda: True)
    apps = [an_app(tmp_path / name, name, usersync) for name in ("one", "two")]
    one, two = (scim_client(app, "Acme") for app in apps)

    one.post("/Users", {"userName": "ann"})

    assert one.get("/Users").json["totalResults"] == 1
    assert two.get("/Users").json["totalResults"] == 0
    two.token, one.token = one.token, two.token
    assert {one.get("/Users").status_code, two.get("/Users").status_code} == {401}
    assert sorted(path.name for path in tmp_path.glob("*/usersync.sqlite3")) == [
        "usersync.sqlite3",
        "usersync.sqlite3",
    ]
    for app in apps:
        release(app)


def test_a_second_init_app_on_one_app_is_an_error_of_configuration(tmp_path):
    app = an_app(tmp_path)

    with pytest.raises(ConfigError, match="twice"):
        UserSync(app)


def test_init_app_opens_no_connection_and_starts_no_thread(tmp_path):
    threads = set(threading.enumerate())

    app = an_app(tmp_path)

    assert state_of(app).engine.store._engine is None
    assert not (tmp_path / "usersync.sqlite3").exists()
    assert set(threading.enumerate()) == threads


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("USERSYNC_DATABASE_URI", "sqlite://"),
        ("USERSYNC_DATABASE_URI", "nothing"),
        ("USERSYNC_URL_PREFIX", "usersync"),
        ("USERSYNC_PUBLIC_URL", "example.com"),
        ("USERSYNC_BIND_KEY", "nothing"),
        ("USERSYNC_SCIM_HOST_GUARDS", "perhaps"),
    ],
)
def test_a_wrong_setting_is_named_at_the_start(tmp_path, key, value):
    with pytest.raises(ConfigError, match=key):
        an_app(tmp_path, **{key: value})


# -- Names of the host's own -----------------------------------------------------------------------


def test_templates_and_static_files_of_the_host_with_the_same_names_stay_apart(tmp_path):
    static = tmp_path / "static"
    static.mkdir()
    (static / "usersync.css").write_text(HOST_SAYS)
    app = Flask("host", instance_path=str(tmp_path), static_folder=str(static))
    app.config["SECRET_KEY"] = "test"
    names = ("base.html", "error.html", "overview.html", "_macros.html", "forbidden.html")
    app.jinja_loader = DictLoader(dict.fromkeys(names, HOST_SAYS))
    UserSync(app, is_admin=lambda: True)
    scim_client(app)
    client = app.test_client()

    pages = [client.get(path) for path in ("/usersync/", "/usersync/people/999")]
    with (
        client.get("/usersync/assets/usersync.css") as ours,
        client.get("/static/usersync.css") as theirs,
    ):
        assert HOST_SAYS not in ours.text
        assert theirs.text == HOST_SAYS

    assert [page.status_code for page in pages] == [200, 404]
    assert all(HOST_SAYS not in page.text for page in pages)
    release(app)


def test_globals_filters_and_context_of_the_host_are_left_alone(tmp_path):
    app = Flask("host", instance_path=str(tmp_path), static_folder=None)
    app.config["SECRET_KEY"] = "test"
    before = set(app.jinja_env.globals), set(app.jinja_env.filters)

    UserSync(app)

    assert (set(app.jinja_env.globals), set(app.jinja_env.filters)) == before
    assert app.error_handler_spec.get(None, {}).get(None, {}) == {}


# -- In the host's own database --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["host.sqlite3", "{folder}/host.sqlite3"])
def test_a_bind_is_the_database_that_flask_sqlalchemy_means_by_it(tmp_path, name):
    app = Flask("host", instance_path=str(tmp_path), static_folder=None)
    app.config.update(
        SECRET_KEY="test",
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{name.format(folder=tmp_path)}",
        USERSYNC_BIND_KEY="default",
    )
    db = SQLAlchemy(app)
    UserSync(app, is_admin=lambda: True)

    scim_client(app).post("/Users", {"userName": "ann"})

    with app.app_context():
        tables = inspect(db.engine).get_table_names()
        db.engine.dispose()
    assert "usersync_identity" in tables
    release(app)


def test_a_database_that_is_not_our_own_file_is_not_upgraded_by_a_request(tmp_path):
    app = an_app(tmp_path, USERSYNC_DATABASE_URI=f"sqlite:///{tmp_path}/shared.sqlite3")

    answer = app.test_client().get("/usersync/scim/acme/v2/Users")

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    release(app)


def test_our_own_file_is_made_by_the_first_request(tmp_path):
    app = an_app(tmp_path)

    answer = app.test_client().get("/usersync/scim/acme/v2/Users")

    assert answer.status_code == 401
    assert (tmp_path / "usersync.sqlite3").exists()
    release(app)


# -- Behind a proxy --------------------------------------------------------------------------------

FORWARDED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "id.corp.example",
    "X-Forwarded-Prefix": "/tools",
}


def location_of_a_new_person(app, headers):
    scim = scim_client(app, "Acme")
    created = scim.post("/Users", {"userName": "ann"}, headers=headers)
    listed = scim.get("/Users", headers=headers).json["Resources"][0]
    assert created.headers["Location"] == created.json["meta"]["location"]
    assert listed["meta"]["location"] == created.json["meta"]["location"]
    release(app)
    return created.json["meta"]["location"].rpartition("/")[0]


def test_locations_follow_a_proxy_that_the_host_trusts(tmp_path):
    app = an_app(tmp_path)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_proto=1, x_host=1, x_prefix=1)

    location = location_of_a_new_person(app, FORWARDED)

    assert location == "https://id.corp.example/tools/usersync/scim/acme/v2/Users"


def test_locations_do_not_follow_headers_that_the_host_does_not_trust(tmp_path):
    location = location_of_a_new_person(an_app(tmp_path), FORWARDED)

    assert location == "http://localhost/usersync/scim/acme/v2/Users"


def test_a_public_url_is_stronger_than_any_header(tmp_path):
    app = an_app(tmp_path, USERSYNC_PUBLIC_URL="https://sync.corp.example/x/")
    app.wsgi_app = ProxyFix(app.wsgi_app, x_proto=1, x_host=1, x_prefix=1)

    location = location_of_a_new_person(app, FORWARDED)

    assert location == "https://sync.corp.example/x/usersync/scim/acme/v2/Users"


def test_guards_of_the_host_run_for_scim_where_they_are_wanted(tmp_path):
    app = Flask("host", instance_path=str(tmp_path), static_folder=None)
    app.config.update(SECRET_KEY="test", USERSYNC_SCIM_HOST_GUARDS="on")
    CSRFProtect(app)
    UserSync(app)
    scim = scim_client(app)
    assert scim.post("/Users", {"userName": "ann"}).status_code == 201
    app.before_request_funcs[None].append(wall)

    assert scim.get("/Users").status_code == 302
    release(app)
