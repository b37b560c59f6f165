"""Signing in to the standalone app: the one-time link, sessions, and the slow-down."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from bs4 import BeautifulSoup
from cli_helpers import PAGES, PASSWORD, Browser

from usersync_ext.standalone import new_link, password
from usersync_ext.state import state_of
from usersync_ext.store.requests import set_value


@pytest.fixture
def app(make_standalone):
    return make_standalone()


@pytest.fixture
def first_link(app):
    """The one-time link of an app, as a path."""
    Browser(app).get("/login")  # brings the schema
    return new_link(app, state_of(app)).removeprefix("http://127.0.0.1:8080")


@pytest.fixture
def browser(app, first_link):
    """A browser where the password was set, then signed out."""
    browser = Browser(app)
    browser.send(first_link, password=PASSWORD, again=PASSWORD)
    browser.client.delete_cookie("usersync_session")
    return browser


def test_without_a_password_the_sign_in_page_says_where_the_link_is(app):
    page = Browser(app).get("/login")

    assert "printed on its console" in page.text


def test_the_link_works_once(app, first_link):
    Browser(app).send(first_link, password=PASSWORD, again=PASSWORD)

    assert Browser(app).get(first_link).status_code == 404


def test_a_link_of_yesterday_does_not_work(app, first_link, monkeypatch):
    now = time.time()
    monkeypatch.setattr(password.time, "time", lambda: now + password.LINK_SECONDS + 1)

    assert Browser(app).get(first_link).status_code == 404


def test_a_newer_link_ends_the_older_one(app, first_link):
    new_link(app, state_of(app))

    assert Browser(app).get(first_link).status_code == 404


def test_the_secret_of_a_link_is_not_stored(app, first_link):
    database = Path(app.instance_path)

    stored = b"".join(path.read_bytes() for path in database.glob("usersync.sqlite3*"))

    assert first_link.rpartition("/")[2].encode() not in stored


@pytest.mark.parametrize(
    ("first", "again", "said"),
    [
        ("short", "short", "at least 10 characters"),
        (PASSWORD, "another one", "The two are not the same"),
        ("", "", "Enter a password"),
    ],
)
def test_a_password_that_will_not_do_is_refused_beside_its_field(
    app, first_link, first, again, said
):
    page = Browser(app).send(first_link, password=first, again=again)

    assert said in page.text
    assert 'aria-invalid="true"' in page.text
    assert not password.is_set(state_of(app).engine.store)


def test_pages_lead_to_the_sign_in_page_and_back(browser):
    refused = browser.get("/usersync/sources/add?kind=okta")
    assert refused.headers["Location"] == "/login?next=/usersync/sources/add?kind%3Dokta"

    let_in = browser.sign_in(path=refused.headers["Location"])

    assert let_in.headers["Location"] == "/usersync/sources/add?kind=okta"
    assert browser.get("/usersync/sources/add").status_code == 200


@pytest.mark.parametrize(
    "target", ["https://evil.test/", "//evil.test/", "/\\evil.test", "evil", "/a\nb"]
)
def test_nobody_is_led_to_another_server(browser, target):
    answer = browser.sign_in(path=f"/login?next={requests.utils.quote(target)}")

    assert answer.headers["Location"] == PAGES


def test_a_wrong_password_opens_nothing(browser):
    answer = browser.sign_in("not the password")

    assert answer.status_code == 403
    assert browser.get(PAGES).status_code == 303


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(browser):
    cookie = browser.sign_in().headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_behind_https_the_session_cookie_is_for_https_only(make_standalone):
    app = make_standalone(USERSYNC_PUBLIC_URL="https://x.test")

    assert app.config["SESSION_COOKIE_SECURE"] is True


def test_after_five_failures_even_the_right_password_has_to_wait(browser, monkeypatch):
    now = time.time()
    monkeypatch.setattr(password.time, "time", lambda: now)
    for _ in range(5):
        browser.sign_in("not the password")

    answer = browser.sign_in()

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1"
    monkeypatch.setattr(password.time, "time", lambda: now + 1)
    assert browser.sign_in().status_code == 303


def test_the_delay_grows_to_thirty_seconds():
    assert [password.delay(n) for n in (0, 4, 5, 6, 7, 8, 9, 10, 1000)] == [
        0,
        0,
        1,
        2,
        4,
        8,
        16,
        30,
        30,
    ]


def test_another_process_knows_of_the_failures(browser, make_standalone, monkeypatch):
    now = time.time()
    monkeypatch.setattr(password.time, "time", lambda: now)
    for _ in range(5):
        browser.sign_in("not the password")

    assert Browser(make_standalone()).sign_in().status_code == 429


def test_twenty_guesses_at_once_are_counted_as_twenty(browser, app):
    store = state_of(app).engine.store

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: password.check(store, "guess"), range(20)))

    assert sum(wait == 0 for _, wait in answers) <= password.FREE_FAILURES + 2


def test_a_clock_that_was_set_back_locks_nobody_out(browser, app):
    with state_of(app).engine.store.writing() as session:
        set_value(session, password.FAILURES, f"[9, {time.time() + 86_400}]")

    assert browser.sign_in().status_code == 303


def test_a_success_forgets_the_failures(browser):
    for _ in range(4):
        browser.sign_in("not the password")
    browser.sign_in()
    for _ in range(4):
        browser.sign_in("not the password")

    assert browser.sign_in().status_code == 303


def test_a_new_password_ends_the_sessions_of_the_old_one(browser, app):
    browser.sign_in()
    fresh = new_link(app, state_of(app)).removeprefix("http://127.0.0.1:8080")

    Browser(app).send(fresh, password="another long one", again="another long one")

    assert browser.get(PAGES).status_code == 303


def test_a_session_ends_after_some_hours(browser):
    browser.sign_in()
    with browser.client.session_transaction() as session:
        session["signed_in_at"] -= 13 * 3600

    assert browser.get(PAGES).status_code == 303


def test_signing_out_needs_the_csrf_token_of_a_page(browser):
    browser.sign_in()

    browser.client.post("/logout")

    assert browser.get(PAGES).status_code == 200


def test_signing_out_ends_the_session(browser):
    browser.sign_in()
    page = BeautifulSoup(browser.get("/confirm").text, "html.parser")
    token = page.select_one("input[name=csrf_token]")["value"]

    browser.client.post("/logout", data={"csrf_token": token})

    assert browser.get(PAGES).status_code == 303


def test_a_sign_in_without_csrf_token_is_refused(browser):
    answer = browser.client.post("/login", data={"password": PASSWORD})

    assert "Set-Cookie" not in answer.headers or browser.get(PAGES).status_code == 303
    assert browser.get(PAGES).status_code == 303


def test_making_a_token_long_after_signing_in_asks_for_the_password_first(browser):
    browser.sign_in()
    page = browser.get("/usersync/sources/add")
    token = BeautifulSoup(page.text, "html.parser").select_one("input[name=csrf_token]")["value"]
    browser.client.post(
        "/usersync/sources/add", data={"csrf_token": token, "kind": "okta", "name": "Acme"}
    )
    with browser.client.session_transaction() as session:
        session["confirmed_at"] -= 16 * 60

    asked = browser.client.post("/usersync/sources/acme/tokens", data={"csrf_token": token})
    back = browser.sign_in(path=asked.headers["Location"])

    assert asked.headers["Location"] == "/confirm?next=/usersync/sources/acme/tokens"
    assert back.headers["Location"] == "/usersync/sources/acme/tokens"


def test_the_bare_address_leads_to_the_pages(app):
    assert Browser(app).get("/").headers["Location"] == PAGES


def test_mounted_at_the_root_the_sign_in_pages_still_work(make_standalone):
    app = make_standalone(USERSYNC_URL_PREFIX="/")

    assert Browser(app).get("/").headers["Location"] == "/login?next=/"
    assert Browser(app).get("/login").status_code == 200


def test_a_scim_request_is_not_led_to_the_sign_in_page(app):
    assert Browser(app).get("/usersync/scim/acme/v2/Users").status_code == 401


@pytest.mark.parametrize("path", ["/login", "/set-password/wrong"])
def test_sign_in_pages_are_kept_out_of_caches_and_frames(app, path):
    headers = Browser(app).get(path).headers

    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
