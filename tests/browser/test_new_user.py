"""The path of a new user in a real browser: first start, source, token, first person."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.browser.conftest import PASSWORD

ROOT = Path(__file__).parents[2]
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

    page.goto(re.search(r"http://\S+/set-password/\S+", server)[0])
    for box in page.locator("input[type=password]").all():
        box.fill(PASSWORD)
    page.get_by_role("main").get_by_role("button").click()
    page.get_by_role("link", name="Add source").first.click()
    page.get_by_label("Okta").check()
    page.get_by_label("Name", exact=True).fill("Acme Okta")
    page.get_by_role("main").get_by_role("button", name="Add source").click()
    page.get_by_role("button", name="Create a token").click()
    address, token = (code.inner_text() for code in page.locator("main table code").all()[:2])
    answer = requests.post(
        f"{address}/Users",
        json={"schemas": [USER], "userName": "ada.lind@example.com", "displayName": "Ada Lind"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    page.get_by_role("navigation").get_by_role("link", name="People").first.click()
    page.get_by_role("link", name="ada.lind@example.com").click()

    assert answer.status_code == 201, answer.text
    assert page.get_by_role("heading", level=1).inner_text() == "Ada Lind"
    assert "observed only" in page.locator("main").inner_text().lower()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.problems == []
