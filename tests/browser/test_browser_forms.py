"""Forms without a mouse, in a real browser: the way of the focus, Enter, and what errors do."""

import pytest

from tests.browser.conftest import PASSWORD
from tests.web.site_pages import LONG, MORE_PAGES, PAGES

START = """() => {
    const stops = usersyncTest.stops();
    window.visited = [];
    document.addEventListener("keyup", () => visited.push(usersyncTest.focus(stops)));
    const top = document.createElement("span");
    top.tabIndex = -1;
    document.body.prepend(top);
    top.focus();
    top.remove();
    return stops.map(usersyncTest.name);
}"""
INNER_STOPS = 12
"""How often Tab may stop inside of fields, such as at the parts of a date."""
SUMMARY = "() => document.activeElement.matches('.summary[role=alert]')"
LINKS = ".summary a"


def tab_through(watched, served):
    """Press Tab from the top of the page to its end; return the stops and what is wrong."""
    page = watched.page
    page.add_script_tag(url=served.address + served.inspecting)
    stops = page.evaluate(START)
    for _ in range(len(stops) + INNER_STOPS):
        page.keyboard.press("Tab")
    visited = page.evaluate("visited")
    reached = places_once(place for place, _ in visited)
    found = [text for _, wrong in visited for text in wrong]
    found += [f"not reached: {stops[n]}" for n in range(len(stops)) if n not in reached]
    if reached != sorted(reached):
        found.append(f"out of order: {[stops[n] for n in reached]}")
    return stops, found + page.evaluate("usersyncTest.defaults()") + watched.problems


def places_once(places):
    """Return the places that had the focus until it left the page or came to the first again."""
    found = []
    for place in places:
        if found and place in {-1, found[0]}:
            break
        if place >= 0:
            found.append(place)
    return found


@pytest.mark.parametrize("path", [*PAGES, *MORE_PAGES])
def test_tab_reaches_everything_in_order_and_shows_where_it_is(served, watched, path):
    watched.get(served.site + path)

    stops, wrong = tab_through(watched, served)

    assert stops[0] == 'a "Skip to content"'
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", ["/first/set-password/{link}", "/signed/login"])
def test_tab_reaches_everything_of_the_sign_in_pages(served, stranger, path):
    stranger.get(served.address + path.format(link=served.link))

    _, wrong = tab_through(stranger, served)

    assert not wrong, "\n".join(wrong)


def test_the_skip_link_leads_past_the_navigation(served, watched):
    watched.get(f"{served.site}/people")

    watched.page.keyboard.press("Tab")
    watched.page.keyboard.press("Enter")
    watched.page.keyboard.press("Tab")

    assert watched.page.evaluate("document.activeElement.closest('main') !== null")


# -- sending by keyboard alone ---------------------------------------------------------------------


def go_to(page, label):
    """Press Tab until the field or button of that name has the focus."""
    for _ in range(120):
        page.keyboard.press("Tab")
        named = page.evaluate(
            """() => {
                const element = document.activeElement;
                const label = element.labels && element.labels[0] || element;
                return label.textContent.trim();
            }"""
        )
        if named == label:
            return
    pytest.fail(f"Tab does not lead to {label}")


def test_enter_in_a_text_field_makes_a_token(served, watched):
    page = watched.page
    watched.get(f"{served.site}/sources/watched/tokens")

    go_to(page, "Label")
    page.keyboard.type("by keyboard")
    with page.expect_navigation():
        page.keyboard.press("Enter")

    assert page.get_by_role("heading", level=1).inner_text() == "Your new token"


def test_enter_in_the_options_previews_and_saves_nothing(served, watched):
    page = watched.page
    watched.get(f"{served.site}/sources/crew/rules")

    go_to(page, "Apply Regular expression on username field")
    page.keyboard.type("(.*)@.*")
    with page.expect_navigation():
        page.keyboard.press("Enter")

    assert page.get_by_role("heading", name="Preview: nothing is saved yet").is_visible()


def test_a_source_is_chosen_named_and_added_by_keyboard_alone(served, watched):
    page = watched.page
    watched.get(f"{served.site}/sources/add")

    page.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    go_to(page, "Name")
    page.keyboard.type("By keyboard")
    with page.expect_navigation():
        page.keyboard.press("Enter")

    assert page.url == f"{served.site}/sources/by-keyboard/"


def test_the_password_is_entered_by_keyboard_alone(served, stranger):
    page = stranger.page
    stranger.get(f"{served.address}/signed/usersync/people")

    go_to(page, "Password")
    page.keyboard.type(PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")

    assert page.url == f"{served.address}/signed/usersync/people"


# -- after an error --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "typed", "button"),
    [
        ("/sources/add", {"name": ""}, "Add source"),
        ("/sources/acme/", {"name": ""}, "Change name"),
        ("/sources/acme/rules", {"username_regex": "(", "scope_filter": "no filter"}, "Save"),
        ("/sources/acme/rules", {"removal_limit_count": "many"}, "Preview"),
        ("/sources/acme/tokens", {"label": "new", "expires_in_days": "x"}, "Create token"),
        ("/sources/acme/leave", {"confirm": "acne"}, "Leave Acme"),
        ("/sources/acme/rules", {"attribute_mapping-3-from": "no ( path"}, "Save"),
        ("/sources/crew/groups", {"from_0": "nobody's", "to_0": "wiki"}, "Preview"),
        ("/sources/crew/groups/import", {}, "Preview"),
        ("/directory/add", {"user_name": "", "full_name": "Eve"}, "Add account"),
        ("/directory/4", {"attributes": "user_name = x"}, "Save"),
        ("/directory/groups", {"name": ""}, "Add group"),
        ("/directory/groups/1", {"minimum": "-1"}, "Save"),
    ],
)
def test_an_error_has_the_focus_and_leads_to_its_field(served, watched, path, typed, button):
    page = watched.page
    watched.get(served.site + path)
    page.evaluate("document.querySelectorAll('form').forEach(form => { form.noValidate = true; })")
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")

    for name, text in typed.items():
        page.locator(f"#{name}").fill(text)
    page.get_by_role("main").get_by_role("button", name=button, exact=True).last.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")

    assert page.evaluate(SUMMARY)
    assert page.locator(LINKS).count() > 0
    assert {name: page.locator(f"#{name}").input_value() for name in typed} == typed
    for link in page.locator(LINKS).all():
        assert untied(page, link) == []


def untied(page, link):
    """Follow a link of the summary by keyboard; return what it and its field fail to do."""
    target = link.get_attribute("href").removeprefix("#")
    link.focus()
    page.keyboard.press("Enter")
    return page.evaluate(
        """target => {
            const field = document.getElementById(target);
            if (!field) return [`#${target} is not there`];
            const found = [];
            if (!field.contains(document.activeElement)) found.push(`#${target} gets no focus`);
            const inputs = field.matches("input, select, textarea")
                ? [field] : [...field.querySelectorAll("input, select, textarea")];
            const told = [field, ...inputs].filter(each => each.getAttribute("aria-describedby"))
                .flatMap(each => each.getAttribute("aria-describedby").split(" "))
                .map(id => document.getElementById(id));
            if (told.includes(null)) found.push(`#${target} is described by what is not there`);
            if (!told.some(each => each && each.matches(".error"))) {
                found.push(`#${target} does not say its error`);
            }
            if (![field, ...inputs].some(each => each.getAttribute("aria-invalid") === "true")) {
                found.push(`#${target} is not marked as invalid`);
            }
            return found;
        }""",
        target,
    )


def test_a_wrong_password_has_the_focus_in_its_field(served, stranger):
    page = stranger.page
    stranger.get(f"{served.address}/first/set-password/{served.link}")

    page.get_by_label("New password").fill("short")
    page.keyboard.press("Tab")
    page.keyboard.type("other")
    with page.expect_navigation():
        page.keyboard.press("Enter")

    focused = page.locator("input:focus")
    assert focused.get_attribute("name") == "password"
    assert focused.get_attribute("aria-invalid") == "true"
    assert "password-error" in focused.get_attribute("aria-describedby")


def test_a_long_name_keeps_what_was_typed(served, watched):
    page = watched.page
    watched.get(f"{served.site}/directory/add")

    page.locator("#full_name").fill(LONG)
    page.evaluate("document.querySelectorAll('form').forEach(form => { form.noValidate = true; })")
    with page.expect_navigation():
        page.locator("#full_name").press("Enter")

    assert page.locator("#full_name").input_value() == LONG
