"""Every page: valid HTML, accessible names, any prefix, no outside address; the stylesheet."""

import re
from pathlib import Path

import html5lib
import pytest
from bs4 import BeautifulSoup
from site_pages import EMPTY_PAGES, NOT_FOUND, PAGES, POSTS

from usersync_ext import __version__

WITHOUT_A_PAGE = {
    "activity_csv",
    "import_groups",  # needs a mapping table: it is among MORE_PAGES
    "protect_account",
    "protect_group",
    "run_export",
}
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
    answer = filled.client.get(filled.prefix + path)

    assert answer.status_code == (404 if path in NOT_FOUND else 200)
    check(answer.text)


def test_every_route_is_among_the_pages(filled):
    addresses = filled.app.url_map.bind("localhost")
    listed = {addresses.match(filled.prefix + path.partition("?")[0])[0] for path in PAGES}
    pages = {
        rule.endpoint
        for rule in filled.app.url_map.iter_rules()
        if rule.endpoint.startswith("usersync.web.")
    }

    assert len(pages) > 25
    assert pages - listed == {f"usersync.web.{name}" for name in WITHOUT_A_PAGE}


@pytest.mark.parametrize(("path", "values"), POSTS)
def test_every_answer_to_a_form_is_valid_and_labelled(filled, path, values):
    data = {"csrf_token": filled.csrf(), **values}

    check(filled.client.post(filled.prefix + path, data=data).text)


@pytest.mark.parametrize("path", EMPTY_PAGES)
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
        for part in re.split(r",(?![^(]*\))", selector):
            assert ".usersync" in part
    assert "!important" not in text
    assert "http" not in text
