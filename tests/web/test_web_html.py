"""Every page: valid HTML, accessible names, any prefix, no outside address; the stylesheet."""

import re
from pathlib import Path

import html5lib
import pytest
from bs4 import BeautifulSoup

from usersync_ext import __version__

PAGES = [
    "/",
    "/sources/add",
    "/sources/acme/",
    "/sources/watched/",
    "/sources/acme/state/observe",
    "/sources/watched/state/active",
    "/sources/acme/state/off",
    "/sources/acme/rules",
    "/sources/acme/rules?run=1",
    "/sources/acme/groups",
    "/sources/acme/groups?search=x",
    "/sources/acme/groups/map",
    "/sources/acme/runs",
    "/sources/acme/runs/1",
    "/sources/watched/runs",
    "/sources/acme/tokens",
    "/sources/acme/tokens/1/revoke",
    "/sources/acme/requests",
    "/sources/acme/held",
    "/sources/watched/held",
    "/sources/acme/adoption",
    "/sources/watched/adoption",
    "/sources/acme/leavers",
    "/sources/watched/leavers",
    "/sources/acme/leave",
    "/people",
    "/people/1",
    "/people/2",
    "/directory",
    "/directory/add",
    "/directory/2",
    "/directory/4",
    "/directory/4/delete",
    "/directory/2/hand-over",
    "/directory/2/hand-over?target=watched",
    "/directory/2/hand-over?target=nowhere",
    "/directory/4/hand-over",
    "/directory/groups",
    "/directory/groups/1",
    "/directory/groups/1/delete",
    "/activity",
    "/about",
    "/guides/entra",
    "/sources/nowhere/",
]
POSTS = [
    ("/sources/add", {}),
    ("/sources/acme/rules", {"username_regex": "("}),
    ("/sources/acme/rules", {"preview": "1", "directory": "local"}),
    ("/sources/acme/rules", {"add_row": "1"}),
    (
        "/sources/acme/rules",
        {"attribute_mapping-9-field": "x y", "attribute_mapping-9-from": "title"},
    ),
    ("/directory/groups/1", {"minimum": "x"}),
    ("/sources/acme/runs/1", {"resume": "1"}),
    ("/sources/acme/tokens", {"label": "new"}),
    ("/sources/acme/tokens", {"expires_in_days": "x"}),
    ("/sources/acme/leave", {"confirm": "x"}),
    ("/directory/add", {}),
    ("/directory/4", {"user_name": ""}),
    ("/directory/4", {"user_name": "root", "attributes": "user_name = x"}),
    ("/sources/acme/held", {"release_selected": "1"}),
    ("/sources/acme/leavers", {"person": "2"}),
]
CSS = Path(__file__).parents[2] / "static" / "usersync.css"


def check(html):
    html5lib.HTMLParser(strict=True).parse(html)
    page = BeautifulSoup(html, "html5lib")
    assert len(page.select("h1")) == 1
    assert len(page.select("main")) == 1
    assert page.title.text.strip()[0].isalnum()
    ids = [tag["id"] for tag in page.select("[id]")]
    assert len(ids) == len(set(ids))
    for label in page.select("label"):
        assert label["for"] in ids
    for tag in page.select("[aria-describedby]"):
        assert set(tag["aria-describedby"].split()) <= set(ids)
    labelled = {label["for"] for label in page.select("label")}
    for field in page.select("input:not([type=hidden]), select, textarea"):
        assert field["id"] in labelled
    for table in page.select("table"):
        assert table.caption
        assert all(th.get("scope") for th in table.select("th"))
        assert table.parent.get("class") == ["scroll"]
    for form in page.select("form[method=post]"):
        assert form.select_one("input[name=csrf_token]")["value"]
    assert not page.select("[style], [onclick], style, script:not([src])")
    for tag in page.select("[src], link[href]"):
        assert (tag.get("src") or tag["href"]).startswith("/")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_valid_and_labelled(filled, path):
    check(filled.client.get(filled.prefix + path).text)


@pytest.mark.parametrize(("path", "values"), POSTS)
def test_every_answer_to_a_form_is_valid_and_labelled(filled, path, values):
    data = {"csrf_token": filled.csrf(), **values}

    check(filled.client.post(filled.prefix + path, data=data).text)


@pytest.mark.parametrize("path", ["/", "/people", "/directory", "/directory/groups", "/activity"])
def test_empty_pages_are_valid_too(site, path):
    check(site.client.get(site.prefix + path).text)


@pytest.mark.parametrize("path", ["/sources/acme/adoption", "/directory/1", "/directory/2"])
def test_pages_about_adopted_accounts_are_valid(site, path):
    site.post("/directory/add", user_name="ann@x.test", full_name="Ann", email="a@x.test")
    source = site.add_source("Acme", state="active")
    site.push(source, "ann@x.test", "ben@x.test", title="Boss", displayName="<Ann>")

    check(site.client.get(site.prefix + path).text)


def test_all_links_of_all_pages_lead_somewhere(filled):
    links = set()
    for path in PAGES:
        page = BeautifulSoup(filled.client.get(filled.prefix + path).text, "html5lib")
        links |= {
            a["href"] for a in page.select("a[href^='/'], link[href], script[src]") if a.get("href")
        }

    for link in sorted(links):
        assert filled.status(link) == 200, link


def test_navigation_reaches_every_part(filled):
    page = filled.get("/people")

    assert [filled.words(a) for a in page.select(".side nav a")] == [
        "Overview",
        "People",
        "Accounts",
        "Groups",
        "Activity",
        "About",
    ]
    assert page.select_one(".side [aria-current=page]").text == "People"


def test_everything_stays_below_the_prefix(make_site):
    site = make_site(config={"USERSYNC_URL_PREFIX": "/a/b"})
    page = site.post("/sources/add", name="Acme", kind="okta")

    assert "http://localhost/a/b/scim/acme/v2" in page.get_text()
    for path in ("/", "/sources/acme/", "/sources/acme/rules", "/people", "/about"):
        page = site.get(path)
        for tag in page.select("[href^='/'], [src^='/'], [action^='/']"):
            target = tag.get("href") or tag.get("src") or tag.get("action")
            assert target.startswith("/a/b/")


def test_pages_follow_the_script_name_of_a_proxy(site):
    response = site.client.get("/usersync/", base_url="https://h.example/mounted/")

    assert 'href="/mounted/usersync/sources/add"' in response.text


def test_about_names_version_licence_and_database_without_password(make_site):
    site = make_site()

    text = site.words(site.get("/about"))

    assert __version__ in text
    assert "MIT" in text
    assert "No licence key is needed." in text
    assert "sqlite" in text


def test_every_selector_of_the_stylesheet_is_below_usersync():
    text = re.sub(r"/\*.*?\*/", "", CSS.read_text(), flags=re.S)
    selectors = [s for s in re.findall(r"([^{}]+)\{", text) if not s.strip().startswith("@")]

    assert len(selectors) > 80
    for selector in selectors:
        for part in re.sub(r"\([^)]*\)", "", selector).split(","):
            assert ".usersync" in part
    assert "!important" not in text
    assert "http" not in text
