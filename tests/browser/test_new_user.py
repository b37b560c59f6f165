"""The path of a new user in a real browser: first start, source, token, first person."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

pytest.importorskip("playwright", reason="no Playwright: install the package playwright")
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD

ROOT = Path(__file__).parents[2]
expect.set_options(timeout=20_000)  # a page looks by itself every four seconds
USER = "urn:ietf:params:scim:schemas:core:2.0:User"


@pytest.fixture
def server(tmp_path):
    """What ``usersync serve`` prints at its first start."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("USERSYNC_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "usersync_ext.standalone", "serve", "--port", "0"],
        env={
            **clean,
            "USERSYNC_DATA": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    said = ""
    while "Ctrl-C" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    yield said
    process.terminate()
    process.communicate(timeout=30)


def send(address, token, method="GET", **values):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.request(method, f"{address}/Users", headers=headers, timeout=10, **values)


@pytest.mark.parametrize(
    "context",
    [
        {"viewport": {"width": 1280, "height": 900}},
        {
            "viewport": {"width": 390, "height": 844},
            "color_scheme": "dark",
            "java_script_enabled": False,
        },
    ],
    ids=["wide", "phone, dark, without JavaScript"],
)
def test_a_new_user_gets_from_the_first_start_to_the_first_person(open_page, server, context):
    watched = open_page(**context)
    page = watched.page
    main = page.get_by_role("main")

    def step():
        """Return the step that is to be taken, after a look where nothing looks by itself."""
        if "java_script_enabled" in context:
            page.reload()
        return page.locator("[aria-current=step]")

    page.goto(re.search(r"http://\S+/set-password/\S+", server)[0])
    for box in page.locator("input[type=password]").all():
        box.fill(PASSWORD)
    main.get_by_role("button").click()

    page.get_by_role("link", name="Add source").first.click()
    page.get_by_label("Okta").check()
    page.get_by_label("Name", exact=True).fill("Acme Okta")
    main.get_by_role("button", name="Add source").click()

    step().get_by_role("link", name="Look at the rules").click()
    page.locator("[name=username_regex]").fill("(.*)@.*")
    page.locator("[name=username_replacement]").fill("$1")
    main.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="SCIM Configuration").click()

    step().get_by_role("button", name="Create a token").click()
    address, token = (code.inner_text() for code in page.locator("main table code").all()[:2])
    page.get_by_role("link", name="I have copied it").click()
    expect(step()).to_contain_text("Waiting for the first request of Okta")

    assert send(address, f"{token}x").status_code == 401
    page.reload()
    expect(main).to_contain_text("Paste the whole token into OAuth Bearer Token")

    assert send(address, token).status_code == 200
    expect(step()).to_contain_text("assign one person")
    expect(page.locator("#first-steps")).to_contain_text("Test API Credentials passed")

    page.get_by_role("link", name="send a test person").click()
    main.get_by_role("button", name="Send a test person").click()
    expect(main).to_contain_text("The test person was removed again.")
    assert main.get_by_text("Would get an account").is_visible()
    page.get_by_role("link", name="SCIM Configuration").click()

    ada = {"schemas": [USER], "userName": "ada.lind@example.com", "displayName": "Ada Lind"}
    assert send(address, token, "POST", json=ada).status_code == 201
    expect(step()).to_contain_text("Go active")
    page.get_by_role("link", name="ada.lind@example.com").click()

    assert page.get_by_role("heading", level=1).inner_text() == "Ada Lind"
    assert "observed only" in main.inner_text().lower()
    assert "makes 'ada.lind' of 'ada.lind@example.com'" in main.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.problems == []


def test_a_german_browser_is_answered_in_german(open_page, server):
    watched = open_page(locale="de-DE", viewport={"width": 390, "height": 844})
    page = watched.page

    page.goto(re.search(r"http://\S+/set-password/\S+", server)[0])
    for box in page.locator("input[type=password]").all():
        box.fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Passwort").click()

    assert page.get_by_role("heading", level=1).inner_text() == "Willkommen"
    assert page.locator("html").get_attribute("lang") == "de"
    assert watched.problems == []
