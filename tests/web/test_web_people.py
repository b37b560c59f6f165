"""People, the why of each, and activity."""

import pytest

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def names(page):
    return [a.text for a in page.select("tbody th a")]


def test_people_are_found_by_the_beginning_of_a_name(filled):
    assert names(filled.get("/people?search=BEN")) == ["ben@x.test"]
    assert len(names(filled.get("/people?search=some"))) == 3
    assert "Nobody fits." in filled.words(filled.get("/people?search=nobody"))


def test_people_are_filtered_by_source_and_state(filled):
    filled.push(filled.source("watched"), "zoe@x.test")

    assert names(filled.get("/people?source=watched")) == ["zoe@x.test"]
    assert names(filled.get("/people?state=held")) == ["ben@x.test", "cat@x.test"]
    page = filled.get("/people?state=held&source=acme&search=c")
    assert names(page) == ["cat@x.test"]
    assert page.select_one("option[selected][value=held]")


def test_people_out_of_scope_are_found_and_their_page_leads_to_the_options(site):
    source = site.add_source("Acme", state="active", rules={"exclude_people": "ann*"})
    site.push(source, "ann@x.test", "ben@x.test")

    page = site.get("/people?state=out_of_scope")
    person = site.get("/people/1")

    assert names(page) == ["ann@x.test"]
    assert site.words(page.select_one("option[selected][value=out_of_scope]")) == "Out of scope"
    assert "Out of scope" in site.words(person.select_one(".next"))
    assert person.select_one('.next a[href="/usersync/sources/acme/rules"]')


def test_people_come_in_pages(site):
    source = site.add_source()
    site.push(source, *(f"u{n:03}@x.test" for n in range(60)))

    first = site.get("/people?source=acme")
    second = site.client.get(first.select_one("a[rel=next]")["href"]).text

    assert len(names(first)) == 50
    assert "u059@x.test" in second
    assert "u049@x.test" not in second
    assert "source=acme" in first.select_one("a[rel=next]")["href"]


def test_an_empty_list_leads_on(site):
    assert site.get("/people").select_one("main a.primary")["href"].endswith("/sources/add")


def test_a_person_shows_record_steps_account_and_changes(site):
    source = site.add_source(
        state="active", rules={"username_regex": "(.*)@.*", "username_replacement": "$1"}
    )
    site.push(
        source,
        "ann@x.test",
        displayName="Ann Bee",
        name={"familyName": "Bee"},
        emails=[{"value": "a@x.test", "type": "work", "primary": True}, {"value": "b@x.test"}],
        tags=["one", {"odd": 1}],
        **{ENTERPRISE: {"department": "R&D"}},
    )

    page = site.get("/people/1")

    rows = {site.words(r.th): site.words(r.td) for r in page.select(".record tbody tr")}
    assert rows["name.familyName"] == "Bee"
    assert rows["emails (work, primary)"] == "a@x.test"
    assert rows["emails"] == "b@x.test"
    assert rows["active"] == "true"
    assert rows[f"{ENTERPRISE}.department"] == "R&D"
    assert "The username rule makes 'ann' of 'ann@x.test'." in site.words(page)
    assert page.select_one('a[href="/usersync/directory/1"]').text == "ann"
    assert "Create" in site.words(page.select_one("table"))
    assert '"familyName": "Bee"' in page.pre.text


def test_a_person_whose_change_is_held_leads_to_the_approvals(filled):
    page = filled.get("/people/2")

    assert "Held" in filled.words(page.select_one(".next"))
    assert page.select_one('.next a[href="/usersync/sources/acme/held"]')


def test_without_directory_a_person_is_explained_still(site):
    source = site.add_source()
    site.push(source, "ann@x.test")
    site.post("/sources/acme/rules", directory="", **{"import_users": "y"}, **NUMBERS)

    assert "No directory is selected" in site.words(site.get("/people/1"))


NUMBERS = {
    "inactive_action": "disable",
    "match_policy": "link_only",
    "removal_limit_count": "1",
    "removal_limit_percent": "1",
    "removal_window_minutes": "1",
}


def test_the_only_one_whom_a_question_finds_is_explained_at_once(filled):
    answer = filled.client.get("/usersync/people?search=ben&why=1")

    assert answer.status_code == 303
    assert answer.location == "/usersync/people/2"
    assert len(names(filled.get("/people?search=some&why=1"))) == 3


def test_whom_no_source_sent_is_to_be_looked_for_elsewhere(filled):
    page = filled.get("/people?search=root&why=1")

    assert "Nobody fits." in filled.words(page)
    found = page.find("a", string="Accounts", href=lambda href: "search=root" in href)
    accounts = filled.get(found["href"].removeprefix("/usersync"))
    assert "root" in filled.words(accounts.select_one("tbody"))


def test_people_are_found_by_the_beginning_of_an_e_mail(site):
    mails = [{"value": "Ann.Other@Mail.test"}]
    site.push(site.add_source(), "ann", emails=mails)
    site.push(site.source(), "ben")

    assert names(site.get("/people?search=ann.OTHER@")) == ["ann"]


def test_people_who_are_gone_are_found_but_not_listed_among_the_others(site):
    source = site.add_source(state="active")
    site.push(source, "ann@x.test", "ben@x.test")
    site.delete(source, "ann@x.test")

    assert names(site.get("/people")) == ["ben@x.test"]
    assert names(site.get("/people?source=acme")) == ["ben@x.test"]
    assert names(site.get("/people?search=ann")) == ["ann@x.test"]
    assert names(site.get("/people?state=gone")) == ["ann@x.test"]
    assert names(site.get("/people?state=gone&search=ann&source=acme")) == ["ann@x.test"]


def test_whose_deletion_is_held_is_found_as_held(site):
    """Their source deleted them, and their account is still there: somebody will ask why."""
    rules = {"removal_limit_count": "0", "removal_limit_percent": "0"}
    source = site.add_source(state="active", rules=rules)
    site.push(source, "ann@x.test")
    site.delete(source, "ann@x.test")

    assert names(site.get("/people?state=held")) == ["ann@x.test"]
    answer = site.client.get("/usersync/people?search=ann&why=1")
    assert "Held" in site.words(site.get(answer.location.removeprefix("/usersync")))


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 1234*1234 }}{% raise %}",
    "=cmd|' /C calc'!A0",
    "\u202egnp.exe\u202c",
    "**bold** <b>x</b>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_of_a_source_is_only_text_everywhere(site, text):
    source = site.add_source(state="active")
    site.push(source, f"{text}@x.test", displayName=text, title=text, emails=[{"value": text}])
    site.post("/directory/groups", name="wiki")
    site.post("/sources/acme/tokens", status=200, label="label<i>x</i>")
    site.post("/sources/acme/", name=f"acme {text}"[:80])

    for path in ("/", "/people", "/people/1", "/directory", "/directory/1", "/activity"):
        page = site.get(path)
        assert len(page.select("script")) == 1
        assert not page.select("img[onerror], main b, main i")
        assert "1522756" not in site.words(page.main)
    assert f"{text}@x.test" in site.get("/people/1").get_text()
    assert "label<i>x</i>" in site.get("/sources/acme/tokens").get_text()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_that_an_administrator_typed_is_only_text(site, text):
    site.add_source()

    pages = [
        site.post("/sources/add", status=200, name=text),
        site.get("/people?search=" + text.replace("%", "%25").replace("&", "%26")),
        site.post("/sources/acme/leave", status=200, confirm=text),
    ]

    for page in pages:
        assert len(page.select("script")) == 1
        assert not page.select("img[onerror], main b")
