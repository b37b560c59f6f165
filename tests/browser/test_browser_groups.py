"""Group mapping in a real browser: a pushed group is mapped, previewed, applied and explained."""

import pytest

from usersync_ext.state import state_of
from usersync_ext.sync.startup import ensure_schema

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
WIDE = {"viewport": {"width": 1280, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "color_scheme": "dark",
    "java_script_enabled": False,
}


@pytest.fixture
def pages(app, provider_of, serve):
    """The address of the pages of an app whose Okta has pushed a group with one member."""
    ensure_schema(state_of(app))
    okta = provider_of(app, "Acme", "okta")
    ada = okta.post("/Users", {"schemas": [USER], "userName": "ada"}).json["id"]
    members = [{"value": ada}]
    okta.post("/Groups", {"schemas": [GROUP], "displayName": "IdP_wiki", "members": members})
    with serve(app) as address:
        yield f"{address}/usersync"


@pytest.mark.parametrize("context", [WIDE, PHONE], ids=["wide", "phone, dark, no JavaScript"])
def test_an_administrator_maps_a_pushed_group_and_sees_why_its_member_is_in(
    open_page, pages, context
):
    watched = open_page(**context)
    page = watched.page
    main = page.get_by_role("main")

    page.goto(f"{pages}/sources/acme/groups")
    main.get_by_role("link", name="Change it").click()
    page.get_by_label("Manual Group Mapping: by the table under Groups").check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("navigation", name="Acme").get_by_role("link", name="Groups").click()
    page.get_by_label("IdP group").fill("IdP_wiki")
    page.get_by_label("Directory group").fill("wiki")
    main.get_by_role("button", name="Preview").last.click()
    preview = main.inner_text()
    main.get_by_role("button", name="Save and apply exactly this").click()
    applied = main.inner_text()
    page.get_by_role("navigation", name="User Sync").get_by_role("link", name="Groups").click()
    main.get_by_role("link", name="wiki", exact=True).click()

    assert "Nothing is changed yet." in preview
    assert "1 group of the directory: 1 membership begins" in preview
    assert "1 person gains a group." in applied
    assert page.get_by_role("heading", level=1).inner_text() == "wiki"
    member = page.get_by_role("row").filter(has=page.get_by_role("link", name="ada")).first
    assert "Because the group 'IdP_wiki' of Acme is mapped to it." in member.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.problems == []
