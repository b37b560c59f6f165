"""The embedded directory by hand."""

import pytest


def test_an_account_is_created_by_hand(site):
    page = site.post("/directory/add", user_name="ann", full_name="Ann Bee", email="a@x.test")

    assert page.h1.text == "ann"
    assert "A local account" in site.words(page)
    row = site.words(site.get("/directory").select_one("tbody tr"))
    assert row == "ann Ann Bee a@x.test ✓ Active you, by hand"


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "Enter a user name."), ("ANN", "There is already an account"), ("a\x07b", "control")],
)
def test_an_account_that_cannot_be_is_refused_and_kept(site, name, message):
    site.post("/directory/add", user_name="ann")

    page = site.post("/directory/add", status=200, user_name=name, full_name="Kept")

    assert message in site.words(page.select_one("[role=alert]"))
    assert page.select_one("input[name=full_name]")["value"] == "Kept"


def test_accounts_are_searched_and_paged(site):
    source = site.add_source(state="active")
    site.push(source, *(f"u{n:03}@x.test" for n in range(55)))

    first = site.get("/directory")
    found = site.get("/directory?search=u01")

    assert len(first.select("tbody tr")) == 50
    assert "after=" in first.select_one("a[rel=next]")["href"]
    assert len(found.select("tbody tr")) == 10


def test_managed_fields_are_shown_disabled_with_their_source(filled):
    page = filled.get("/directory/2")

    assert filled.label(page, "Full Name").has_attr("disabled")
    assert "Managed by source acme" in filled.words(page.find(id="full_name-help"))
    assert not filled.label(page, "E-mail verified").has_attr("disabled")


def test_a_managed_field_that_is_sent_all_the_same_is_left_alone(filled):
    filled.post("/directory/2", full_name="Forged", user_name="forged", email_verified="y")

    page = filled.get("/directory/2")
    assert filled.label(page, "Full Name")["value"] == "Some One"
    assert filled.label(page, "E-mail verified").has_attr("checked")


def test_a_local_account_is_edited_and_gets_groups_by_hand(filled):
    page = filled.post("/directory/4", user_name="boss", full_name="Big", active="y", groups="1")

    assert "Saved." in filled.words(page)
    assert page.select_one("input[name=groups]").has_attr("checked")
    assert "given by hand by admin" in filled.words(page)
    assert "wiki" in filled.words(filled.get("/directory?search=boss").select_one("tbody"))


def test_a_group_is_taken_away_again(filled):
    filled.post("/directory/4", user_name="root", active="y", groups="1")

    page = filled.post("/directory/4", user_name="root", active="y")

    assert not page.select_one("input[name=groups]").has_attr("checked")


def test_a_group_that_does_not_exist_is_refused(filled):
    page = filled.post("/directory/4", status=200, user_name="root", groups="99")

    assert page.select_one("[role=alert]")


def test_an_account_is_protected_and_released_again(filled):
    assert "Protected" in filled.words(filled.post("/directory/4/protect", protect="1"))

    page = filled.post("/directory/4/protect", unprotect="1")

    assert "not protected now" in filled.words(page)


def test_a_local_account_is_deleted_after_a_question(filled):
    asked = filled.get("/directory/4/delete")
    page = filled.post("/directory/4/delete")

    assert "It does not come back." in filled.words(asked)
    assert "The account root was deleted." in filled.words(page)


@pytest.mark.parametrize(("account", "prepare"), [("2", {}), ("4", {"protect": "1"})])
def test_managed_and_protected_accounts_are_not_deleted(filled, account, prepare):
    if prepare:
        filled.post(f"/directory/{account}/protect", **prepare)

    assert not filled.get(f"/directory/{account}/delete").select("form")
    status = 409 if prepare else 400
    filled.post(f"/directory/{account}/delete", status=status)
    filled.get(f"/directory/{account}")


def test_groups_are_added_listed_and_deleted(site):
    page = site.post("/directory/groups", name="wiki")
    assert "The group wiki was added." in site.words(page)

    again = site.post("/directory/groups", status=200, name="WIKI")
    assert "There is already a group" in site.words(again.select_one("[role=alert]"))

    asked = site.get("/directory/groups/1/delete")
    assert "0 accounts lose this group." in site.words(asked)
    assert "No group yet." in site.words(site.post("/directory/groups/1/delete"))
    site.get("/directory/groups/1/delete", status=404)


ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
DETAILS = {
    "given_name": "Ann",
    "family_name": "Bee",
    "phone": "+1 2",
    "title": "Boss",
    "department": "Sales",
    "manager": "eve",
    "locale": "de-DE",
}


def test_a_local_account_gets_all_fields_by_hand(site):
    site.post("/directory/add", user_name="ann")

    free = "costCenter = 4711\r\n\r\nroom=A = 1\r\nempty ="
    page = site.post("/directory/1", user_name="ann", attributes=free, **DETAILS)

    for name, value in DETAILS.items():
        assert page.select_one(f"input[name={name}]")["value"] == value
    assert page.select_one("textarea").text.strip().splitlines() == [
        "costCenter = 4711",
        "room = A = 1",
    ]
    assert "Boss, Sales" in site.words(site.get("/directory").select_one("tbody tr"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user_name = x", "'user_name' cannot be the name of an attribute"),
        ("title = x", "'title' cannot be the name of an attribute"),
        ("= x", "cannot be the name of an attribute"),
        ("a = 1\nA = 2\na = 3", "each of them once"),
        ("a = x\x07", "printable"),
    ],
)
def test_free_attributes_that_cannot_be_are_refused_and_kept(site, text, message):
    site.post("/directory/add", user_name="ann")

    page = site.post("/directory/1", status=200, user_name="ann", attributes=text)

    assert message in site.words(page.select_one("[role=alert]"))
    assert page.select_one("textarea").text.strip()


def test_details_that_a_source_manages_are_only_shown(site):
    rules = {"attribute_mapping": "costCenter = costCenter\nphone ="}
    source = site.add_source("Acme", state="active", rules=rules)
    site.push(source, "ann", title="Boss", costCenter="4711", **{ENTERPRISE: {"department": "R"}})

    site.post("/directory/1", title="Forged", phone="+1 2", attributes="room = A1")

    page = site.get("/directory/1")
    facts = {site.words(d.dt): site.words(d.dd) for d in page.select("main form .facts > div")}
    assert facts == {"Title": "Boss", "Department": "R", "costCenter": "4711"}
    assert not page.select("input[name=title]")
    assert page.select_one("input[name=phone]")["value"] == "+1 2"
    assert page.select_one("textarea").text.strip() == "room = A1"


def test_a_free_attribute_that_a_source_manages_is_not_overwritten_by_hand(site):
    rules = {"attribute_mapping": "costCenter = costCenter"}
    source = site.add_source("Acme", state="active", rules=rules)
    site.push(source, "ann", costCenter="4711")

    page = site.post("/directory/1", attributes="costCenter = 1")

    assert "4711" in site.words(page.select_one("main form .facts"))


def test_without_update_users_the_details_are_the_administrators(site):
    source = site.add_source("Acme", state="active", rules={"update_users": "off"})
    site.push(source, "ann", title="Boss")

    page = site.post("/directory/1", full_name="Ann", title="Clerk")

    assert page.select_one("input[name=title]")["value"] == "Clerk"


def test_a_group_is_protected_and_released_again(filled):
    protected = filled.post("/directory/groups/1/protect", protect="1")
    released = filled.post("/directory/groups/1/protect", unprotect="1")

    assert "The members of wiki are administrators now." in filled.words(protected)
    assert "its members are administrators" in filled.words(protected.select_one("tbody"))
    assert "its members are administrators" not in filled.words(released.select_one("tbody"))
    journal = filled.words(filled.get("/activity?what=admin").select_one("tbody"))
    assert "Protection of a group" in journal
    filled.post("/directory/groups/99/protect", status=404, protect="1")


@pytest.mark.parametrize(
    ("name", "protected"),
    [
        ("admin", True),
        ("Admins", True),
        ("ADMINISTRATORS", True),
        ("wiki-administrators", True),
        ("Wiki-Admins", True),
        ("sysadmin", False),
        ("wiki-admin", False),
        ("admins-of-wiki", False),
    ],
)
def test_a_group_called_like_administrators_is_protected_from_the_start(site, name, protected):
    page = site.post("/directory/groups", name=name)

    assert ("its members are administrators" in site.words(page.select_one("tbody"))) is protected
    assert ("It is protected" in site.words(page)) is protected


def test_administrators_are_marked(filled):
    filled.post("/directory/groups/1/protect", protect="1")
    filled.post("/directory/4", user_name="root", active="y", groups="1")

    assert "Administrator" in filled.words(filled.get("/directory/4").select_one(".next"))
    assert "Administrator" in filled.words(filled.get("/directory?search=root").tbody)
    assert "are not any more" in filled.words(filled.get("/directory/groups/1/delete"))
