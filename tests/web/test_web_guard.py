"""Who may look, CSRF, headers, errors: for every page of the route table (S-19)."""

import logging
import re

import pytest
from flask import Flask, abort, redirect
from flask_wtf import CSRFProtect
from jinja2 import DictLoader
from werkzeug.exceptions import HTTPException

from usersync_ext import UserSync
from usersync_ext.web import routes

SAMPLES = {"key": "acme", "wanted": "off", "kind": "okta"}


def path_of(rule: str) -> str:
    return re.sub(r"<(?:[^:>]*:)?(\w+)>", lambda m: SAMPLES.get(m.group(1), "1"), rule)


PATHS = [path_of(route.rule) for route in routes()]
POSTS = [path_of(route.rule) for route in routes() if route.posts]


def test_the_route_table_is_not_empty():
    assert len(PATHS) >= 20
    assert len(POSTS) >= 12


@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_refused_to_whoever_is_no_admin(make_site, path):
    site = make_site(is_admin=lambda: False)

    page = site.get(path, status=403)

    assert page.h1.text == "You cannot see this page"
    assert "UserSync(app, is_admin=" in page.get_text()
    assert not page.select("nav")


def test_without_is_admin_nobody_gets_in(make_site):
    site = make_site(is_admin=None)

    site.get("/", status=403)


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_every_post_without_csrf_token_is_refused(filled, path, token):
    values = {} if token is None else {"csrf_token": token}

    response = filled.client.post(filled.prefix + path, data=values)

    assert response.status_code == 400
    assert "This form has expired" in response.text


@pytest.mark.parametrize("path", POSTS)
def test_csrf_holds_where_the_host_switched_it_off(make_site, path):
    site = make_site(config={"WTF_CSRF_ENABLED": False, "WTF_CSRF_CHECK_DEFAULT": False})

    assert site.client.post(site.prefix + path).status_code == 400


@pytest.mark.parametrize("path", sorted(set(PATHS) - set(POSTS)))
def test_pages_that_only_show_take_no_post(site, path):
    response = site.client.post(site.prefix + path, data={"csrf_token": site.csrf()})

    assert response.status_code == 405


def test_a_get_of_every_page_changes_nothing(filled):
    def state():
        with filled.state.engine.store.engine.connect() as connection:
            return list(connection.connection.iterdump())

    filled.state.engine.recorder.flush()
    before = state()

    for path in PATHS:
        filled.client.get(filled.prefix + path)

    assert state() == before


def test_pages_work_beside_the_hosts_own_csrf_protection(make_site):
    site = make_site()
    CSRFProtect(site.app)

    page = site.post("/sources/add", name="Acme", kind="okta")

    assert page.h1.text == "SCIM Configuration"


def test_pages_keep_out_of_caches_and_frames(site):
    headers = site.client.get("/usersync/").headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_a_host_template_brings_the_hosts_policy(make_site):
    site = make_site(config={"USERSYNC_BASE_TEMPLATE": "host.html"})
    site.app.jinja_loader = DictLoader(HOST)

    response = site.client.get("/usersync/")

    assert "Content-Security-Policy" not in response.headers
    assert "<p>host</p>" in response.text
    assert 'class="usersync shell"' in response.text
    assert response.text.count("<main") == 1


def test_an_outdated_database_says_run_upgrade(make_site):
    site = make_site(database=None)

    page = site.get("/", status=503)

    assert "flask usersync upgrade" in page.get_text()


def test_an_unforeseen_error_shows_a_reference_that_the_log_has(site, monkeypatch, caplog):
    def broken():
        raise RuntimeError("secret detail")

    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setitem(site.app.view_functions, "usersync.web.about", broken)

    with caplog.at_level(logging.ERROR, logger="usersync"):
        page = site.get("/about", status=500)

    reference = page.select_one("main code").text
    assert reference in caplog.text
    assert "secret detail" not in page.get_text()


def test_a_hosts_catch_all_does_not_swallow_our_errors(site):
    site.app.register_error_handler(Exception, lambda error: ("host error", 500))
    site.app.register_error_handler(HTTPException, lambda error: ("host error", 500))

    page = site.get("/sources/nowhere/", status=404)

    assert page.h1.text == "Not found"


def test_a_host_may_send_strangers_to_its_login(make_site):
    site = make_site(is_admin=lambda: abort(redirect("/login")))

    response = site.client.get("/usersync/")

    assert response.status_code == 302
    assert response.location == "/login"


@pytest.mark.parametrize(
    "path",
    [
        "/people/99999999999999999999999",
        "/people/2147483647",
        "/people?after=9999999999999999999999&search=%00&source=%27&state=nonsense",
        "/directory?after=99999999999999999999&search=%00",
        "/directory/2147483647",
        "/activity?before=-1&category=x&source=%00",
        "/sources/A%00b/",
        "/sources/acme/state/explode",
        "/sources/acme/held?after=x",
        "/guides/%3Cscript%3E",
    ],
)
def test_odd_addresses_are_never_a_500(filled, path):
    assert filled.client.get(filled.prefix + path).status_code in {200, 404}


def test_two_apps_in_one_process_have_their_own_people(make_site):
    one, two = make_site(), make_site()

    one.add_source("Only here")

    assert "Only here" in one.get("/").get_text()
    assert "Only here" not in two.get("/").get_text()


def test_init_app_mounts_under_any_prefix(tmp_path):
    app = Flask("x", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="x" * 32)
    usersync = UserSync(is_admin=lambda: True)
    usersync.init_app(app, url_prefix="/a/b")

    with app.test_client() as client:
        assert client.get("/a/b/").status_code == 200
    app.extensions["usersync"].engine.store.dispose()


HOST = {
    "host.html": "<!doctype html><title>{% block title %}{% endblock %}</title>"
    "{% block head %}{% endblock %}<main><p>host</p>{% block content %}{% endblock %}</main>"
}
