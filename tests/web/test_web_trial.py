"""The page that sends a test person: form, answers, hosts in the way, and nothing left behind."""

import html5lib
import pytest
from flask import g, redirect, request, session
from flask_wtf import CSRFProtect
from sites import ADMIN, soup
from sqlalchemy import select
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from usersync_ext.store.record_tables import RequestRow
from usersync_ext.store.schema import Base, IdentityRow
from usersync_ext.sync import admin, runs
from usersync_ext.sync.push import Push
from usersync_ext.sync.pushing import NewRecord

PATH = "/sources/acme/test"
TRIAL = {"user_name": "test@x.test", "full_name": "Test Person", "email": "test@x.test"}
STEPS = ["GET", "GET", "POST", "GET", "PATCH", "PATCH", "DELETE"]
RENAMING = {"username_regex": "(.*)@.*", "username_replacement": "$1"}


@pytest.fixture
def acme(site):
    """A site with an active source of two people."""
    source = site.add_source("Acme", "okta", state="active", rules=RENAMING)
    site.push(source, "ann@corp.test", "ben@corp.test", emails=[{"value": "b@corp.test"}])
    return site


def send(site, path=PATH, **values):
    return site.post(path, 200, **{**TRIAL, **values})


def table(site, page):
    """Return method, status and meaning of each request."""
    rows = [row.select("th, td") for row in page.select("#result + section tbody tr")]
    return [
        (site.words(sent).split()[0], site.words(answer).split()[1], site.words(meaning))
        for sent, answer, meaning in rows
    ]


def push_groups(site, source, *names):
    for name in names:
        work = site.state.engine.work_for(source, ADMIN)
        new = NewRecord(record={"displayName": name}, comparable={})
        Push(site.state.engine, work).create_group(new, [])


def result(site, page):
    return site.words(page.select_one("#result"))


def stored_people(site):
    with site.state.engine.store.reading() as db:
        return sorted(db.scalars(select(IdentityRow.user_name)))


def everything(site):
    site.state.engine.recorder.flush()
    with site.state.engine.store.reading() as db:
        return {
            t.name: [tuple(r) for r in db.execute(select(t).order_by(*t.primary_key.columns))]
            for t in Base.metadata.sorted_tables
            if t.name != "usersync_journal"
        }


# -- the answer ----------------------------------------------------------------------------------


def test_each_request_is_shown_with_its_answer_and_what_it_means(acme):
    page = send(acme)

    rows = table(acme, page)
    assert [method for method, _, _ in rows] == STEPS
    assert [status for _, status, _ in rows] == ["200", "200", "201", "200", "200", "200", "204"]
    assert len({meaning for _, _, meaning in rows}) == 7
    assert 'userName eq "test@x.test"' in acme.words(page.select_one("#result + section"))


def test_what_the_rules_would_do_is_explained(acme):
    page = send(acme)

    text = result(acme, page)
    assert "Would get an account" in text
    assert "Account test " in text
    why = acme.words(page.select_one(".why"))
    assert "The username rule makes 'test' of 'test@x.test'." in why


def test_nothing_but_a_line_of_the_journal_is_left(acme):
    before = everything(acme)

    page = send(acme)

    assert "The test person was removed again." in result(acme, page)
    assert everything(acme) == before
    assert "Test person sent" in acme.words(acme.get("/activity?what=admin").main)


def test_requests_tokens_and_people_show_nothing_of_it(acme):
    send(acme)
    acme.state.engine.recorder.flush()

    with acme.state.engine.store.reading() as db:
        assert list(db.scalars(select(RequestRow.path))) == []
    for path in ("/sources/acme/requests", "/sources/acme/tokens", "/people"):
        text = acme.words(acme.get(path).main)
        assert "test@x.test" not in text
        assert "usersync-test" not in text


def test_a_source_that_observes_shows_the_same(acme):
    admin.change_source(acme.state.engine, ADMIN, acme.source(), {"state": "observe"})

    page = send(acme)

    assert [method for method, _, _ in table(acme, page)] == STEPS
    assert "Would get an account" in result(acme, page)


def test_a_source_that_is_off_says_so_and_sends_nothing(acme):
    admin.change_source(acme.state.engine, ADMIN, acme.source(), {"state": "off"})

    page = send(acme)

    assert page.select_one("#result") is None
    assert page.select_one("form button") is None
    assert "Off. A source that is off answers every provider with 503" in acme.words(page.main)
    assert "Test person sent" not in acme.words(acme.get("/activity?what=admin").main)


def test_a_source_without_directory_says_where_to_select_one(acme):
    admin.change_source(acme.state.engine, ADMIN, acme.source(), {"directory": ""})

    page = send(acme)

    assert table(acme, page)[-1][:2] == ("POST", "503")
    assert "Nothing more was sent." in table(acme, page)[-1][2]
    assert "select one under User Provisioning Options" in table(acme, page)[-1][2]
    assert "The test person was removed again." in result(acme, page)
    assert stored_people(acme) == ["ann@corp.test", "ben@corp.test"]


def test_nothing_is_sent_while_a_run_is_at_work(acme):
    engine = acme.state.engine
    runs.start(engine, ADMIN, acme.source(), RENAMING | {"rename_accounts": "off"}, applies=False)

    page = send(acme)

    assert page.select_one("#result") is None
    assert "A run is at work" in acme.words(page.main)


def test_groups_of_the_provider_are_explained(acme):
    source = acme.source()
    push_groups(acme, source, "Staff", "Editors")
    admin.change_source(acme.state.engine, ADMIN, source, {"group_mode": "on_the_fly"})

    page = send(acme, groups="staff\r\n\r\nEditors\r\nStaff")

    assert "Groups of the account Editors, Staff" in result(acme, page)


def test_the_page_is_valid_with_and_without_a_result(acme):
    for values in ({}, {"user_name": ""}, {"groups": "nobody"}):
        data = {"csrf_token": acme.csrf(), **TRIAL, **values}
        html = acme.client.post(acme.prefix + PATH, data=data).text

        html5lib.HTMLParser(strict=True).parse(html)
        ids = [tag["id"] for tag in soup(html).select("[id]")]
        assert len(ids) == len(set(ids))


# -- the form ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "user_name", "email"),
    [
        ([], "test.person@example.com", "test.person@example.com"),
        (["ann@old.test", "ben@new.test"], "test.person@new.test", "test.person@new.test"),
        (["ann"], "test.person", "test.person@example.com"),
    ],
)
def test_the_form_proposes_names_like_those_of_the_provider(site, names, user_name, email):
    site.push(site.add_source("Acme", "okta"), *names)

    page = site.get(PATH)

    assert site.label(page, "User name")["value"] == user_name
    assert site.label(page, "E-mail")["value"] == email


@pytest.mark.parametrize(
    ("label", "values", "text"),
    [
        ("User name", {"user_name": ""}, "Enter a user name."),
        ("User name", {"user_name": "a" * 256}, "255"),
        ("User name", {"user_name": "a\x07b"}, "Must not have control characters."),
        ("User name", {"user_name": "ANN@corp.test"}, "ann@corp.test: nothing was sent."),
        ("User name", {"user_name": "b@corp.test"}, "ann@corp.test: nothing was sent."),
        ("E-mail", {"email": "ben@corp.test"}, "ben@corp.test: nothing was sent."),
        ("Groups of the provider", {"groups": "Nobody"}, "Acme has no group Nobody."),
        ("Groups of the provider", {"groups": "a\nb\nc\nd\ne\nf"}, "At most 5 groups."),
        ("Groups of the provider", {"groups": "a\x00b"}, "Must not have control characters."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_sent(acme, label, values, text):
    before = everything(acme)

    page = send(acme, **values)

    field = acme.label(page, label)
    assert field["aria-invalid"] == "true"
    assert text in acme.words(page.find(id=f"{field['id']}-error"))
    assert acme.label(page, "Full name")["value"] == "Test Person"
    assert page.select_one("#result") is None
    assert everything(acme) == before


def test_a_form_without_csrf_token_sends_nothing(acme):
    answer = acme.client.post(acme.prefix + PATH, data=TRIAL)

    assert answer.status_code == 400
    assert stored_people(acme) == ["ann@corp.test", "ben@corp.test"]


def test_who_is_no_administrator_sends_nothing(make_site):
    site = make_site(is_admin=lambda: request.path.endswith("/add"))
    site.add_source("Acme", "okta")

    site.post(PATH, 403, **TRIAL)


def test_nobody_needs_an_email_or_a_full_name(acme):
    page = send(acme, email="", full_name="")

    assert table(acme, page)[-1][:2] == ("DELETE", "204")


# -- other hosts ---------------------------------------------------------------------------------


def test_it_works_under_a_prefix(make_site):
    site = make_site(config={"USERSYNC_URL_PREFIX": "/a/b"})
    site.add_source("Acme", "okta")

    assert table(site, send(site))[-1][:2] == ("DELETE", "204")


def test_it_works_at_the_root(make_site):
    site = make_site(config={"USERSYNC_URL_PREFIX": ""})
    site.add_source("Acme", "okta")

    assert table(site, send(site))[-1][:2] == ("DELETE", "204")


def sent_through(site, wsgi, root):
    """Send a test person through a WSGI application that mounts the site."""
    browser = Client(wsgi)
    address = f"{root}{site.prefix}{PATH}"
    page = soup(browser.get(address).text)
    data = {**TRIAL, "csrf_token": page.select_one("input[name=csrf_token]")["value"]}
    answer = browser.post(address, data=data)
    assert answer.status_code == 200
    return soup(answer.text)


def test_it_works_below_a_script_name(acme):
    mounted = DispatcherMiddleware(lambda *_: [], {"/mounted": acme.app})

    page = sent_through(acme, mounted, "/mounted")

    assert table(acme, page)[-1][:2] == ("DELETE", "204")
    assert "Sent to http://localhost/mounted/usersync/scim/acme/v2" in acme.words(page.main)


class CutsPrefix:
    """Let only addresses below a prefix through, and cut it off."""

    def __init__(self, inner):
        self.inner = inner

    def __call__(self, environ, start_response):
        if not environ["PATH_INFO"].startswith("/cut"):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"not mine"]
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/cut")
        environ["SCRIPT_NAME"] = "/cut"
        return self.inner(environ, start_response)


def test_it_works_where_a_middleware_of_the_app_cuts_a_prefix_off(acme):
    acme.app.wsgi_app = CutsPrefix(acme.app.wsgi_app)

    page = sent_through(acme, acme.app, "/cut")

    assert table(acme, page)[-1][:2] == ("DELETE", "204")


def wall():
    """Let nobody in who is not signed in; remember who it was."""
    g.setdefault("visitor", session.get("user"))
    return None if g.visitor or request.path.endswith("/add") else redirect("/sign-in")


def test_a_login_wall_in_the_way_is_told_in_words(make_site):
    site = make_site(config={"USERSYNC_SCIM_HOST_GUARDS": "on"})
    site.add_source("Acme", "okta")
    site.app.before_request(wall)
    with site.client.session_transaction() as cookie:
        cookie["user"] = "ada"

    page = send(site)

    assert table(site, page) == [
        (
            "GET",
            "302",
            "The application answered 302 before SCIM was reached. Nothing more was sent.",
        )
    ]
    assert "The test person was removed again." in result(site, page)


def test_a_host_that_fails_is_told_in_words(make_site):
    site = make_site(config={"USERSYNC_SCIM_HOST_GUARDS": "on"})
    site.add_source("Acme", "okta")

    @site.app.before_request
    def break_down():
        if "/scim/" in request.path:
            raise RuntimeError("the host is broken")

    page = send(site)

    assert "answered 500 before SCIM was reached" in table(site, page)[0][2]
    assert stored_people(site) == []


def test_guards_of_the_host_do_not_matter_where_scim_comes_first(make_site):
    site = make_site()
    site.add_source("Acme", "okta")
    CSRFProtect(site.app)
    site.app.before_request(wall)
    with site.client.session_transaction() as cookie:
        cookie["user"] = "ada"

    assert table(site, send(site))[-1][:2] == ("DELETE", "204")
