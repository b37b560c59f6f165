"""Every page in a real browser: accessible, as wide as its window, within the content policy.

A page is opened once and then looked at in four ways. axe-core checks everything in a wide light
window and in a narrow dark one, and the contrast alone in the other two: nothing else depends on
the colours. Forms that are wrong, previews, error pages and the sign-in pages are pages, too.
"""

import pytest

from tests.browser.conftest import PASSWORD
from tests.web.site_pages import EMPTY_PAGES, MORE_PAGES, MORE_POSTS, NOT_FOUND, PAGES, POSTS

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERYTHING = {
    "runOnly": {"type": "tag", "values": STANDARDS},
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
    "preload": False,
}
CONTRAST = {
    "runOnly": {"type": "rule", "values": ["color-contrast"]},
    "resultTypes": ["violations"],
    "preload": False,
}
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
SMALLEST = {"width": 320, "height": 640}
NAMED = {
    "button",
    "checkbox",
    "combobox",
    "DisclosureTriangle",
    "link",
    "radio",
    "region",
    "searchbox",
    "spinbutton",
    "textbox",
}


def inspect(watched, served):
    """Return what is wrong with the page that is open, in sentences."""
    page = watched.page
    for script in served.scripts:
        page.add_script_tag(url=served.address + script)
    page.evaluate("usersyncTest.openEverything()")
    found = seen(page, WIDE, "light", EVERYTHING) + nameless(page)
    found += seen(page, WIDE, "dark", CONTRAST)
    found += seen(page, PHONE, "dark", EVERYTHING) + seen(page, PHONE, "light", CONTRAST)
    found += page.evaluate("usersyncTest.tooWide().concat(usersyncTest.sticky())")
    page.set_viewport_size(SMALLEST)
    found += page.evaluate("usersyncTest.tooWide().concat(usersyncTest.sticky())")
    return found + watched.problems


def check(watched, served):
    """Fail with everything that is wrong with the page that is open."""
    found = inspect(watched, served)
    assert not found, "\n".join(found)


def seen(page, size, colours, options):
    """Return what axe finds in a window of that size with those colours."""
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=colours)
    violations = page.evaluate("options => usersyncTest.axe(options)", options)
    return [f"{size['width']}px, {colours}: {text}" for text in violations]


def nameless(page):
    """Return what can have the focus and has no name, as a screen reader is told."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [
        f"{node['role']['value']} without a name"
        for node in nodes
        if not node["ignored"]
        and node["role"]["value"] in NAMED
        and not node.get("name", {}).get("value", "").strip()
    ]


@pytest.mark.parametrize("path", [*PAGES, *MORE_PAGES])
def test_every_page_is_accessible_and_fits(served, watched, path):
    answer = watched.get(served.site + path)

    assert answer.status == (404 if path in NOT_FOUND else 200)
    check(watched, served)


def test_no_page_in_german_is_wider_than_a_phone(served, open_page):
    german = open_page(locale="de-DE", viewport=PHONE)
    found = {}
    for path in (*PAGES, *MORE_PAGES):
        german.get(served.site + path)
        german.page.add_script_tag(url=served.address + served.inspecting)
        found[path] = german.page.evaluate("usersyncTest.tooWide()")

    assert german.page.locator("html").get_attribute("lang") == "de"
    assert {path: wide for path, wide in found.items() if wide} == {}


@pytest.mark.parametrize(("path", "values"), [*POSTS, *MORE_POSTS])
def test_every_answer_to_a_form_is_accessible_and_fits(served, watched, path, values):
    watched.post(f"{served.site}/sources/add", served.site + path, values)

    check(watched, served)


@pytest.mark.parametrize("path", EMPTY_PAGES)
def test_empty_pages_are_accessible_and_fit(served, watched, path):
    watched.get(served.empty + path)

    check(watched, served)


def test_the_page_for_who_is_no_administrator_is_accessible_and_fits(served, watched):
    answer = watched.get(f"{served.closed}/")

    assert answer.status == 403
    check(watched, served)


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/first/login", "There is no password yet"),
        ("/first/set-password/{link}", "Set the administrator's password"),
        ("/first/set-password/old", "This link does not work any more"),
        ("/signed/login", "Sign in"),
        ("/outdated/login", "The database cannot be used now"),
    ],
)
def test_the_sign_in_pages_are_accessible_and_fit(served, stranger, path, heading):
    stranger.get(served.address + path.format(link=served.link))

    assert stranger.page.get_by_role("heading", level=1).inner_text() == heading
    check(stranger, served)


@pytest.mark.parametrize(
    ("path", "values", "error"),
    [
        (
            "/first/set-password/{link}",
            {"password": "short", "again": "x"},
            "Use at least 10 characters.",
        ),
        ("/signed/login", {"password": "x"}, "The password is wrong."),
        ("/locked/login", {"password": "x"}, "Too many wrong passwords"),
        ("/signed/login", {"csrf_token": "old"}, "The page was open for too long."),
    ],
)
def test_refused_sign_in_pages_are_accessible_and_fit(served, stranger, path, values, error):
    served.lock()
    address = served.address + path.format(link=served.link)

    stranger.post(address, address, values)

    assert error in stranger.page.get_by_role("alert").first.inner_text()
    check(stranger, served)


@pytest.mark.parametrize("path", ["/usersync/", "/confirm"])
def test_signed_in_pages_are_accessible_and_fit(served, stranger, path):
    login = f"{served.address}/signed/login"
    stranger.post(login, login, {"password": PASSWORD})

    stranger.get(f"{served.address}/signed{path}")

    assert stranger.page.get_by_role("heading", level=1).inner_text() != "Sign in"
    check(stranger, served)
