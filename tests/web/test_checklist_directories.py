"""Checklist 23-25 and 32: which directory is written to, and how often."""

import pytest
from provisioning import Desk, MemoryDirectory, mail, replaced

from usersync_ext.core.records import Account


@pytest.fixture
def crm():
    return MemoryDirectory()


@pytest.fixture
def two(make_site, provider_of, crm):
    """A desk where the embedded directory has the CRM beside it."""
    site = make_site(directory=crm)
    return Desk(site, provider_of(site.app))


@pytest.mark.parametrize(("selected", "other"), [("local", "crm"), ("crm", "local")])
def test_a_push_changes_only_the_selected_directory(two, crm, selected, other):
    """Checklist 23"""
    accounts = {"local": two.accounts, "crm": crm.accounts}
    two.save(directory=selected)

    ann, ben = two.push("ann"), two.push("ben")
    two.patch(ann, replaced("active", False))
    two.patch(ben, replaced("userName", "benny"))

    assert accounts[selected]() == {"ann": False, "benny": True}
    assert accounts[other]() == {}
    assert bool(crm.log) is (selected == "crm")


def test_the_page_says_that_only_the_selected_directory_is_changed(two):
    """Checklist 23"""
    text = two.site.words(two.options().find(id="directory-help"))

    assert "The selected directory will be the only one to receive provisioning operations." in text


def test_after_switching_the_next_push_goes_to_the_new_directory(two, crm):
    """Checklist 24"""
    ann = two.push("ann", displayName="Ann")

    two.save(directory="crm")
    two.patch(ann, replaced("displayName", "Ann Bee"))
    two.push("ben")

    assert crm.accounts() == {"ann": True, "ben": True}
    assert crm.find(names=["ann"])[0].full_name == "Ann Bee"
    assert two.accounts() == {"ann": True}
    assert two.account("ann")["Full Name"] == "Ann"


def test_the_page_says_what_happens_to_accounts_of_the_former_directory(two, crm):
    """Checklist 24"""
    ann = two.push("ann")
    assert "Accounts in another directory stay as they are" in two.site.words(
        two.options().find(id="directory-help")
    )

    two.save(directory="crm")
    two.patch(ann, replaced("active", False))

    assert two.accounts() == {"ann": True}
    assert "A local account: no source manages it." in two.site.words(
        two.site.get(two.address("ann")).select_one(".next")
    )


def test_after_switching_nobody_gets_the_account_of_a_stranger_by_its_key(two, crm):
    """Checklist 24: keys mean something in one directory only."""
    ann = two.push("ann")
    key = two.address("ann").rpartition("/")[2]
    crm.add(Account(key=key, user_name="zoe", full_name="Zoe"))

    preview = two.preview(directory="crm")
    two.save(directory="crm")
    two.patch(ann, replaced("displayName", "Ann Bee"))

    assert two.site.words(preview.select_one(".counts > div")) == "Create 1"
    assert crm.find(keys=[key])[0].full_name == "Zoe"
    assert crm.accounts() == {"zoe": True, "ann": True}


def test_a_person_with_an_account_in_another_directory_has_a_page(two, crm):
    """Checklist 24"""
    two.save(directory="crm")
    two.push("ann")

    assert two.standing("ann").startswith("✓ In sync")


def test_switching_back_takes_up_the_accounts_that_stayed(two, crm):
    """Checklist 24"""
    ann = two.push("ann", externalId="1")
    address = two.address("ann")
    two.save(directory="crm")

    two.save(directory="local", match_policy="user_name")
    two.patch(ann, replaced("displayName", "Ann Bee"))

    assert two.accounts() == {"ann": True}
    assert two.address("ann") == address
    assert two.account("ann")["Full Name"] == "Ann Bee"


@pytest.mark.parametrize(
    ("write", "after"),
    [
        (lambda desk, ann: desk.post("ben"), {"ann": True, "ben": True}),
        (lambda desk, ann: desk.provider.patch(ann, replaced("active", False)), {"ann": False}),
        (lambda desk, ann: desk.provider.delete(ann), {"ann": False}),
    ],
    ids=["post", "patch", "delete"],
)
def test_without_directory_writes_are_refused_with_the_reason_and_none_is_lost(two, write, after):
    """Checklist 25"""
    ann = two.push("ann")
    before = two.provider.get("/Users").json
    two.save(directory="")

    refused = write(two, ann)

    assert refused.status_code == 503
    assert refused.headers["Retry-After"].isdigit()
    assert "has no directory: select one under User Provisioning Options" in refused.json["detail"]
    assert two.provider.get("/Users").json == before
    two.save(directory="local")
    assert write(two, ann).status_code in {200, 201, 204}
    assert two.accounts() == after


ANN = {"displayName": "Ann Bee", "emails": mail("ann@x.test"), "active": True}


@pytest.mark.parametrize(
    "write",
    [
        lambda desk, ann: desk.provider.put(ann, {"userName": "ann", **ANN}),
        lambda desk, ann: desk.provider.patch(ann, replaced("displayName", "Ann Bee")),
        lambda desk, ann: desk.provider.patch(ann, {"op": "add", "value": ANN}),
        lambda desk, ann: desk.provider.patch(ann, replaced("active", "True")),
    ],
    ids=["put", "patch", "patch without path", "status"],
)
def test_a_second_write_of_the_same_writes_nothing(two, crm, write):
    """Checklist 32"""
    two.save(directory="crm")
    ann = two.push("ann", **{**ANN, "displayName": "Ann"})
    write(two, ann)
    before, log, activity = two.provider.get(ann), list(crm.log), two.activity()

    again = write(two, ann)

    assert again.status_code == 200
    assert again.json["meta"] == before.json["meta"]
    assert two.provider.get(ann).headers["ETag"] == before.headers["ETag"]
    assert crm.log == log
    assert two.activity() == activity


# -- accounts of two directories are never mistaken for each other ---------------------------------


def test_an_account_of_the_former_directory_selects_nobody_in_the_new_one(two, crm):
    two.push("ann", externalId="1")
    crm.add(Account(key="1", user_name="zoe"))

    two.save(directory="crm", match_policy="external_id")

    assert crm.held["1"] == Account(key="1", user_name="zoe")
    assert set(crm.accounts()) == {"zoe", "ann"}


def test_pages_name_accounts_of_another_directory_without_leading_to_embedded_ones(two, crm):
    crm.add(Account(key="7", user_name="ann"))
    two.save(directory="crm")
    two.push("ann")
    ben = two.push("ben")
    two.patch(ben, replaced("active", False))

    paths = ("/sources/acme/adoption", "/sources/acme/leavers", "/people")
    pages = [two.site.get(path) for path in paths]

    for page, name in zip(pages, ("ann", "ben", "ben"), strict=True):
        assert name in page.get_text()
        assert not page.select('main a[href*="/directory/accounts/"]')
