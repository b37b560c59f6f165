"""Approvals, adoption, leavers and hand-over: what an administrator decides person by person."""

import pytest

from usersync_ext.core.records import Actor
from usersync_ext.store import people
from usersync_ext.sync import admin, by_hand
from usersync_ext.sync.push import Push
from usersync_ext.sync.pushing import NewRecord

ADMIN = Actor(kind="admin", name="test")
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
WITHOUT_DOMAIN = {"username_regex": "(.*)@.*", "username_replacement": "$1"}
HELD = "/sources/acme/held"
ADOPTION = "/sources/acme/adoption"
LEAVERS = "/sources/acme/leavers"


def rows(site, path):
    return [site.words(row) for row in site.get(path).select("tbody tr")]


def states(site):
    """Return whether each account is active, by name."""
    found = {}
    for row in site.get("/directory").select("tbody tr"):
        found[row.th.a.text] = "✓ Active" in site.words(row)
    return found


def add_account(site, user_name, email="", *, verified=False, groups=(), **values):
    engine = site.state.engine
    account = by_hand.add_account(engine, ADMIN, user_name=user_name, email=email, **values)
    if verified:
        by_hand.edit_account(engine, ADMIN, account.key, {"email_verified": True})
    if groups:
        by_hand.set_groups(engine, ADMIN, account.key, groups)
    return account.key


def push(site, source, *names, **more):
    for name in names:
        emails = [{"value": name, "type": "work", "primary": True}]
        site.push(source, name, emails=emails, **more)


# -- approvals -------------------------------------------------------------------------------------


def test_one_of_several_is_released_and_the_others_wait_on(filled):
    page = filled.post(HELD, release_selected="1", people="2")

    assert "Changes of 1 person were released." in filled.words(page)
    assert [row.th.a.text for row in page.select("tbody tr")] == ["cat@x.test"]
    assert states(filled)["ben@x.test"] is False
    assert states(filled)["cat@x.test"] is True


def test_one_of_several_is_rejected_and_keeps_the_account(filled):
    page = filled.post(HELD, reject_selected="1", people="3")

    assert "Changes of 1 person were rejected." in filled.words(page)
    assert "rejected by an administrator" in filled.words(filled.get("/people/3"))
    assert states(filled)["cat@x.test"] is True


@pytest.mark.parametrize("button", ["release_selected", "reject_selected"])
def test_a_decision_without_a_selection_does_nothing_and_says_so(filled, button):
    page = filled.post(HELD, status=200, **{button: "1"})

    assert filled.words(page.select_one("[role=alert]")) == (
        "Select at least one person first. Nothing was changed."
    )
    assert len(page.select("tbody tr")) == 2


@pytest.mark.parametrize("people", ["x", "-1", "99999999999999999999"])
def test_a_selection_that_is_none_does_nothing(filled, people):
    filled.post(HELD, status=200, release_selected="1", people=people)

    assert len(rows(filled, HELD)) == 2


def test_all_means_no_more_than_what_the_page_showed(filled):
    page = filled.post(HELD, status=200, release="1", count="1")

    assert "2 changes wait by now." in filled.words(page.select_one("[role=alert]"))
    assert len(page.select("tbody tr")) == 2


def test_people_of_another_source_are_not_decided_on(filled):
    filled.post("/sources/watched/held", release_selected="1", people="2")

    assert len(rows(filled, HELD)) == 2


def test_without_a_directory_nothing_is_decided(filled):
    admin.change_source(filled.state.engine, ADMIN, filled.source(), {"directory": ""})

    filled.post(HELD, status=503, release="1")

    assert len(rows(filled, HELD)) == 2


def test_several_changes_of_one_person_are_one_row(site):
    rules = {"removal_limit_count": "0", "removal_limit_percent": "0"}
    source = site.add_source("Acme", state="active", rules=rules)
    site.push(source, "ann@x.test")
    site.deactivate(source, "ann@x.test")
    change(site, source, "ann@x.test", userName="eve@x.test")

    [row] = rows(site, HELD)

    assert "Deactivate" in row
    assert "Rename" in row


def change(site, source, name, **values):
    engine = site.state.engine
    with engine.store.reading() as session:
        [found] = people.find_people(session, name, source)
    work = engine.work_for(source, Actor(kind="token", name="test"))
    Push(engine, work).change_user(
        found.scim_id,
        lambda stored: NewRecord(record={**stored.parsed(), **values}, comparable={}),
    )


def test_approvals_come_in_pages(site):
    rules = {"removal_limit_count": "0", "removal_limit_percent": "0"}
    source = site.add_source("Acme", state="active", rules=rules)
    names = [f"u{n:03}@x.test" for n in range(55)]
    site.push(source, *names)
    site.deactivate(source, *names)

    first = site.get(HELD)
    link = first.select_one("a[rel=next]")["href"].removeprefix(site.prefix)

    assert len(first.select("tbody tr")) == 50
    assert len(site.get(link).select("tbody tr")) == 5
    assert "Release all 55" in site.words(first)
    released = site.post(link, release_selected="1", people="55")
    assert "Changes of 1 person were released." in site.words(released)


# -- adoption --------------------------------------------------------------------------------------


@pytest.fixture
def proposed(site):
    """One safe proposal, one of an administrator, one with another e-mail."""
    group = by_hand.add_group(site.state.engine, ADMIN, "admins")
    add_account(site, "ann", "ann@x.test", verified=True)
    add_account(site, "boss", "boss@x.test", verified=True, groups=[group.key])
    add_account(site, "cleo", "other@x.test", full_name="Cleo Park")
    source = site.add_source("Acme", state="active", rules=WITHOUT_DOMAIN)
    push(site, source, "ann@x.test", "boss@x.test", "cleo@x.test")
    return site


def owners(site):
    return {
        row.th.a.text: site.words(row.select("td")[2])
        for row in site.get("/directory").select("tbody tr")
    }


def test_proposals_show_accounts_evidence_and_risks(proposed):
    page = proposed.get(ADOPTION)

    assert "Adoption 3" in proposed.words(page.select_one(".parts"))
    ann, boss, cleo = (proposed.words(item) for item in page.select(".proposals > li"))
    assert "Same user name 'ann'." in ann
    assert "Nothing , it is safe." in ann
    assert "Administrator: the person would get these rights." in boss
    assert "Other e-mail: other@x.test." in cleo
    assert "1 of 3 on this page is safe" in proposed.words(page)


def test_an_accepted_account_is_managed_by_the_source(proposed):
    page = proposed.post(ADOPTION, person="3", account="cleo", accept="1")

    text = proposed.words(page)
    assert "Accepted: the account cleo is for cleo@x.test of Acme." in text
    assert len(page.select(".proposals > li")) == 2
    assert owners(proposed)["cleo"] == "acme"


def test_a_refused_account_is_never_proposed_to_this_person_again(proposed):
    page = proposed.post(ADOPTION, person="3", account="cleo", refuse="1")

    text = proposed.words(page)
    assert "Refused: cleo@x.test of Acme does not get the account cleo." in text
    assert "cleo@x.test" not in proposed.words(page.select_one(".proposals"))
    assert owners(proposed)["cleo"] == "you, by hand"


def test_all_safe_ones_are_accepted_and_a_risky_one_stays(proposed):
    page = proposed.post(ADOPTION, accept_safe="1")

    assert "1 safe proposal was accepted." in proposed.words(page)
    assert owners(proposed) == {
        "ann": "acme",
        "boss": "you, by hand",
        "cleo": "you, by hand",
    }
    assert len(page.select(".proposals > li")) == 2


def test_an_account_that_two_people_want_is_not_safe_and_stops_nobody_else(proposed):
    same = [{"value": "ann@x.test", "primary": True}]
    proposed.push(proposed.source(), "ann@y.test", emails=same)
    add_account(proposed, "dora", "dora@x.test", verified=True)
    push(proposed, proposed.source(), "dora@x.test")

    shown = proposed.words(proposed.get(ADOPTION))
    proposed.post(ADOPTION, accept_safe="1")

    assert "More than one person waits for this account." in shown
    assert owners(proposed)["ann"] == "you, by hand"
    assert owners(proposed)["dora"] == "acme"


def test_an_account_that_waits_for_nobody_is_not_adopted(proposed):
    page = proposed.post(ADOPTION, status=404, person="3", account="ann", accept="1")

    assert "No account waits for 'cleo@x.test'" in proposed.words(page)
    proposed.post(ADOPTION, status=404, person="99", account="ann", accept="1")
    proposed.post(ADOPTION, status=400, person="3", account="cleo")


def test_a_person_of_another_source_is_not_decided_on(proposed):
    proposed.add_source("Other", state="active")

    proposed.post("/sources/other/adoption", status=404, person="3", account="cleo", accept="1")


def test_without_proposals_the_page_explains_the_policy(filled):
    page = filled.get(ADOPTION)

    assert "Never by itself: a match waits for your decision" in filled.words(page)
    assert page.select_one('.empty a[href="/usersync/sources/acme/rules"]')
    assert "not active" in filled.words(filled.get("/sources/watched/adoption"))


def test_proposals_come_in_pages(site):
    names = [f"u{n:02}" for n in range(52)]
    for name in names:
        add_account(site, name)
    source = site.add_source("Acme", state="active", rules=WITHOUT_DOMAIN)
    site.push(source, *(f"{name}@x.test" for name in names))

    first = site.get(ADOPTION)
    link = first.select_one("a[rel=next]")["href"].removeprefix(site.prefix)

    assert len(first.select(".proposals > li")) == 50
    assert len(site.get(link).select(".proposals > li")) == 2


def test_a_proposed_person_leads_to_the_adoption_page(proposed):
    page = proposed.get("/people/3")

    assert page.select_one(f'.next a[href="/usersync{ADOPTION}"]')
    overview = proposed.get("/")
    assert overview.select_one(f'.waiting a[href="/usersync{ADOPTION}"]')


# -- leavers ---------------------------------------------------------------------------------------


def test_leavers_are_listed_with_what_becomes_of_them(filled):
    page = filled.get(LEAVERS)

    [row] = page.select("tbody tr")
    assert "ann@x.test" in filled.words(row)
    assert "inactive at the source" in filled.words(row)
    assert "not by itself" in filled.words(row)
    assert "Delete disabled accounts after days is 0." in filled.words(page)


def test_leavers_show_when_they_are_deleted(filled):
    admin.change_source(filled.state.engine, ADMIN, filled.source(), {"delete_after_days": "30"})

    page = filled.get(LEAVERS)

    assert "deleted after 30 days" in filled.words(page)
    assert len(page.select("tbody time")) == 2


def test_a_restored_account_is_enabled_and_leaves_the_list(filled):
    page = filled.post(LEAVERS, person="1")

    assert "The account ann@x.test of ann@x.test is enabled again." in filled.words(page)
    assert "Nobody." in filled.words(page)
    assert states(filled)["ann@x.test"] is True


def test_a_restore_that_cannot_be_says_why_on_the_page(filled):
    page = filled.post(LEAVERS, status=200, person="2")

    assert "There is no disabled account to restore." in filled.words(page)
    assert len(page.select("tbody tr")) == 1


def test_a_leaver_of_another_source_is_not_restored(filled):
    filled.post("/sources/watched/leavers", status=404, person="1")
    filled.post("/sources/watched/leavers", status=404, person="99")

    assert states(filled)["ann@x.test"] is False


def test_without_leavers_the_page_says_where_they_come_from(filled):
    assert "Nobody." in filled.words(filled.get("/sources/watched/leavers"))


def test_a_person_whose_account_was_disabled_leads_to_the_leavers(filled):
    assert filled.get("/people/1").select_one(f'.next a[href="/usersync{LEAVERS}"]')
    assert not filled.get("/people/2").select_one(f'.next a[href="/usersync{LEAVERS}"]')


@pytest.mark.parametrize("path", [ADOPTION, LEAVERS])
def test_without_a_directory_there_is_nothing_to_decide(filled, path):
    admin.change_source(filled.state.engine, ADMIN, filled.source(), {"directory": ""})

    assert "Nobody" in (text := filled.words(filled.get(path))) or "Nothing waits." in text


# -- hand-over -------------------------------------------------------------------------------------


def hand_over(account, target):
    return f"/directory/{account}/hand-over?target={target}"


def test_a_managed_account_is_handed_over_after_a_preview(site):
    acme, other = site.add_source("Acme", state="active"), site.add_source("Other")
    site.push(acme, "ann@x.test", title="Clerk")
    site.push(other, "ann@x.test", title="Boss")
    site.post("/sources/other/state/active")

    asked = site.get(hand_over(1, "other"))
    assert owners(site)["ann@x.test"] == "acme"
    page = site.post(hand_over(1, "other"), target="other")

    assert "Acme , for ann@x.test" in site.words(asked)
    assert "Other , for ann@x.test" in site.words(asked)
    assert "Title brought in line with the provider." in site.words(asked)
    text = "The account ann@x.test went from Acme to Other, for ann@x.test."
    assert text in site.words(page)
    assert owners(site)["ann@x.test"] == "other"


def test_a_target_without_such_a_person_is_told_and_the_account_waits(filled):
    admin.change_source(filled.state.engine, ADMIN, filled.source("watched"), {"state": "active"})

    asked = filled.get(hand_over(2, "watched"))
    page = filled.post(hand_over(2, "watched"), target="watched")

    assert "Watched has no such person yet." in filled.words(asked)
    assert "where it waits for its person" in filled.words(page)
    assert owners(filled)["ben@x.test"] == "you, by hand"
    filled.push(filled.source("watched"), "ben@x.test")
    assert owners(filled)["ben@x.test"] == "watched"


def test_the_preview_says_when_the_target_only_observes(filled):
    page = filled.get(hand_over(2, "watched"))

    assert "Watched is not active" in filled.words(page)


def test_a_protected_account_is_not_handed_over(filled):
    filled.post("/directory/2/protect", protect="1")

    page = filled.post(hand_over(2, "watched"), status=200, target="watched")

    assert "The account 'ben@x.test' is protected." in filled.words(page.select_one("[role=alert]"))
    assert owners(filled)["ben@x.test"] == "acme"
    assert "Hand over" not in filled.words(filled.get("/directory/2"))


def test_an_account_protected_by_its_name_is_not_handed_over(filled):
    admin.change_source(filled.state.engine, ADMIN, filled.source(), {"protected_names": "ben*"})

    page = filled.get(hand_over(2, "watched"))

    assert "is protected" in filled.words(page.select_one("[role=alert]"))
    assert "which leaves it alone" in filled.words(filled.get("/directory/2"))


@pytest.mark.parametrize("target", ["acme", "nowhere", "x%00"])
def test_a_target_that_cannot_be_is_refused_on_the_page(filled, target):
    page = filled.get(hand_over(2, target))

    assert "Choose one of the sources." in filled.words(page.select_one("[role=alert]"))
    assert not page.select("form[method=post]")


def test_a_local_account_has_nothing_to_hand_over(filled):
    page = filled.post(hand_over(4, "watched"), status=200, target="watched")

    assert "No source manages this account" in filled.words(page)
    assert "Hand over" not in filled.words(filled.get("/directory/4"))


# -- administrators --------------------------------------------------------------------------------


def test_a_protected_group_makes_administrators_and_the_last_one_stays(site):
    source = site.add_source("Acme", state="active")
    secret, _ = admin.add_token(site.state.engine, ADMIN, source)
    users, headers = "/usersync/scim/acme/v2/Users", {"Authorization": f"Bearer {secret}"}
    person = {"schemas": [USER], "userName": "ann@x.test", "active": True}
    created = site.client.post(users, json=person, headers=headers).json
    site.post("/directory/groups", name="wiki")
    site.post("/directory/groups/1/protect", protect="1")
    site.post("/directory/1", groups="1")

    leave = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    answer = site.client.patch(f"{users}/{created['id']}", json=leave, headers=headers)

    assert answer.status_code == 403
    assert "one of the last 1 administrators, 1 must stay" in answer.json["detail"]
    assert "Administrator" in rows(site, "/directory")[0]
    assert states(site)["ann@x.test"] is True
