"""Tokens: shown once, listed without secret, revoked at once (S-05, S-10)."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from usersync_ext.store.columns import table_of
from usersync_ext.store.schema import TokenRow

TOKENS = "/sources/acme/tokens"
SECRET = re.compile(r"usx_[0-9A-Za-z]{49}")


def test_a_token_is_shown_once_and_on_no_later_page(site, caplog):
    site.add_source()

    page = site.post(TOKENS, status=200, label="production", expires_in_days="30")

    secret = SECRET.search(page.get_text())[0]
    assert page.find(string=secret).parent.name == "code"
    for path in ("", "/tokens", "/requests", "/rules", "/held", "/leave", "/tokens/1/revoke"):
        assert secret not in str(site.get(f"/sources/acme{path or '/'}"))
    assert secret not in str(site.get("/activity"))
    assert secret not in caplog.text
    with site.client.session_transaction() as session:
        assert secret not in str(dict(session))
        assert "usx_" not in str(dict(session))


def test_the_page_with_the_secret_is_not_stored(site):
    site.add_source()

    response = site.client.post("/usersync" + TOKENS, data={"csrf_token": site.csrf()})

    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"


def test_the_list_shows_prefix_and_last_four(site):
    site.add_source()
    created = site.post(TOKENS, status=200, label="production", expires_in_days="", read_only="y")
    secret = SECRET.search(created.get_text())[0]

    row = site.words(site.get(TOKENS).select_one("tbody tr"))

    assert f"production {secret[:8]}…{secret[-4:]} read only" in row
    assert "never expires" in row
    assert "by admin" in row


@pytest.mark.parametrize(
    ("days", "word"), [(1, "Expires soon"), (29, "Expires soon"), (45, "Live"), (-1, "Expired")]
)
def test_expiry_is_warned_of_well_before(site, days, word):
    site.add_source()
    site.post(TOKENS, status=200, expires_in_days="30")
    with site.state.engine.store.writing() as session:
        at = datetime.now(UTC) + timedelta(days=days)
        session.execute(table_of(TokenRow).update().values(expires_at=at))

    assert word in site.words(site.get(TOKENS).select_one("tbody tr"))


@pytest.mark.parametrize("days", ["0", "3651", "soon", "-1", "²", "9" * 5000])
def test_a_wrong_life_time_is_refused_and_kept(site, days):
    site.add_source()

    page = site.post(TOKENS, status=200, label="mine", expires_in_days=days)

    assert "whole number from 1 to 3650" in site.words(page.find(id="expires_in_days-error"))
    assert page.select_one("input[name=expires_in_days]")["value"] == days
    assert page.select_one("input[name=label]")["value"] == "mine"
    assert not SECRET.search(page.get_text())


def test_the_connection_page_makes_a_token_with_one_click(site):
    site.add_source("Acme")
    form = site.get("/sources/acme/").select_one(".first form")
    values = {i["name"]: i["value"] for i in form.select("input")}

    response = site.client.post(form["action"], data=values)

    assert SECRET.search(response.text)
    page = site.get("/sources/acme/")
    assert not page.select("table form")
    assert "Shown once" in site.words(page)


def test_revoking_is_confirmed_and_takes_effect_at_once(site):
    site.add_source()
    site.post(TOKENS, status=200, label="old")

    asked = site.get(f"{TOKENS}/1/revoke")
    page = site.post(f"{TOKENS}/1/revoke")

    assert "Whoever still uses it gets 401." in site.words(asked)
    assert "Revoked" in site.words(page.select_one("tbody tr"))
    assert not page.select(f'a[href$="{TOKENS}/1/revoke"]')


def test_a_token_of_another_source_is_not_found(site):
    site.add_source("Acme")
    site.add_source("Other")
    site.post(TOKENS, status=200)

    site.get("/sources/other/tokens/1/revoke", status=404)


def test_without_recent_sign_in_no_token_is_made(make_site):
    site = make_site(recent_auth=lambda: False)
    site.add_source()

    page = site.post(TOKENS, status=403, label="sneaky")

    assert page.h1.text == "Sign in again first"
    assert not site.get(TOKENS).select("tbody tr")
    assert not site.get(TOKENS).select("input[name=label]")


def test_with_recent_sign_in_a_token_is_made(make_site):
    site = make_site(recent_auth=lambda: True)
    site.add_source()

    assert SECRET.search(site.post(TOKENS, status=200).get_text())


def test_the_journal_names_who_made_a_token(make_site):
    site = make_site(actor_name=lambda: "grace")
    site.add_source()
    site.post(TOKENS, status=200, label="mine")

    assert "admin:grace" in site.words(site.get("/activity").select_one("tbody tr"))
