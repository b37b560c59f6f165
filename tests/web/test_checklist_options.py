"""Checklist 22, 26-39 and 58-60: User Provisioning Options, from the page to the accounts."""

import pytest
from provisioning import GROUP, Desk, entered, mail, replaced


@pytest.fixture
def desk(site, provider_of):
    return Desk(site, provider_of(site.app))


def test_one_tab_lists_all_provisioning_options(desk):
    """Checklist 22"""
    tabs = desk.site.get("/sources/acme/").select_one("nav.tabs")
    link = tabs.find("a", string="User Provisioning Options")

    page = desk.site.get(link["href"].removeprefix(desk.site.prefix))

    form = page.select_one("form.rules")
    assert {desk.site.words(label) for label in form.select("label, legend")} >= {
        "Directory",
        "Import Users",
        "Update Users",
        "Enable Users",
        "Users inactive in the provider",
        "Apply Regular expression on username field",
        "Replacement",
    }


# -- Import Users, Update Users --------------------------------------------------------------------


def test_with_import_on_an_unknown_person_gets_an_account_with_the_providers_details(desk):
    """Checklist 26"""
    desk.save(import_users=True)

    desk.push("ann@x.test", displayName="Ann Bee", emails=mail("ann.bee@x.test"))

    shown = desk.account("ann@x.test")
    assert shown["User name"] == "ann@x.test"
    assert shown["Full Name"] == "Ann Bee"
    assert shown["Email"] == "ann.bee@x.test"


def test_with_import_off_a_push_is_recorded_without_an_account(desk):
    """Checklist 27"""
    desk.save(import_users=False)

    ann = desk.push("ann", displayName="Ann Bee")

    assert desk.provider.get(ann).json["displayName"] == "Ann Bee"
    assert desk.accounts() == {}
    assert desk.standing("ann").startswith("– Not imported Not imported: import is off.")


def test_with_import_off_an_account_that_was_made_before_is_still_updated(desk):
    """Checklist 28"""
    ann = desk.push("ann", displayName="Ann")
    desk.save(import_users=False)

    desk.patch(ann, replaced("displayName", "Ann Bee"))

    assert desk.account("ann")["Full Name"] == "Ann Bee"


def test_with_import_off_an_account_made_by_hand_is_adopted_and_updated(desk):
    """Checklist 28"""
    desk.site.post("/directory/add", user_name="ann", full_name="Ann")
    desk.save(import_users=False, match_policy="user_name")

    desk.push("ann", displayName="Ann Bee")
    desk.push("ben")

    assert desk.accounts() == {"ann": True}
    assert desk.account("ann")["Full Name"] == "Ann Bee"


NEW_DETAILS = (replaced("displayName", "Ann Bee"), replaced("emails", mail("bee@x.test")))


def test_with_update_on_full_name_and_email_follow_the_provider(desk):
    """Checklist 29"""
    ann = desk.push("ann", displayName="Ann", emails=mail("ann@x.test"))
    desk.save(update_users=True)

    desk.patch(ann, *NEW_DETAILS)

    shown = desk.account("ann")
    assert (shown["Full Name"], shown["Email"]) == ("Ann Bee", "bee@x.test")


def test_with_update_off_attributes_stay_and_status_and_groups_follow(desk):
    """Checklist 30"""
    ann = desk.push("ann", displayName="Ann", emails=mail("ann@x.test"))
    desk.save(update_users=False)

    record = desk.patch(ann, *NEW_DETAILS, replaced("active", False))
    members = [{"value": record["id"]}]
    desk.provider.post("/Groups", {"schemas": [GROUP], "displayName": "Wiki", "members": members})

    shown = desk.account("ann")
    assert (shown["Full Name"], shown["Email"]) == ("Ann", "ann@x.test")
    assert desk.accounts() == {"ann": False}
    text = desk.site.words(desk.person("ann"))
    assert "Full name and e-mail stay as they are: Update Users is off." in text
    assert "At the source: Wiki." in text


@pytest.mark.parametrize(("clears", "left"), [(True, ""), (False, "+1 2")])
@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "phoneNumbers"},
        replaced("phoneNumbers", None),
        replaced('phoneNumbers[type eq "work"].value', ""),
    ],
    ids=["removed", "null", "empty text"],
)
def test_a_cleared_attribute_is_cleared_or_kept_as_the_option_says(desk, clears, left, operation):
    """Checklist 31"""
    ann = desk.push("ann", phoneNumbers=[{"value": "+1 2", "type": "work"}])
    desk.save(clear_attributes=clears)

    desk.patch(ann, operation)

    assert desk.account("ann").get("Phone", "") == left
    assert "None" not in desk.site.words(desk.site.get(desk.address("ann")).main)


# -- Enable Users ----------------------------------------------------------------------------------


def test_with_enable_on_an_inactive_account_of_an_active_person_becomes_active(desk):
    """Checklist 33"""
    ann = desk.push("ann", active=False)
    assert desk.accounts() == {"ann": False}
    desk.save(enable_users=True)

    desk.patch(ann, replaced("active", True))

    assert desk.accounts() == {"ann": True}


def test_with_disable_an_inactive_person_keeps_a_disabled_account(desk):
    """Checklist 34"""
    desk.save(inactive_action="disable")
    ann = desk.push("ann")

    desk.patch(ann, replaced("active", False))

    assert desk.accounts() == {"ann": False}


def test_with_delete_the_account_of_an_inactive_person_is_gone(desk):
    """Checklist 35"""
    desk.save(inactive_action="delete")
    ann = desk.push("ann")

    desk.patch(ann, replaced("active", False))

    assert desk.accounts() == {}
    assert desk.provider.get(ann).json["active"] is False


@pytest.mark.parametrize("action", ["disable", "delete"])
def test_with_enable_off_the_status_never_changes(desk, action):
    """Checklist 36"""
    ann, ben = desk.push("ann"), desk.push("ben", active=False)
    desk.save(enable_users=False, inactive_action=action)

    desk.patch(ann, replaced("active", False))
    desk.patch(ben, replaced("active", True))

    assert desk.accounts() == {"ann": True, "ben": False}
    assert "Enable Users is off" in desk.site.words(desk.person("ann"))


def test_who_is_active_again_has_the_same_account_and_groups(desk):
    """Checklist 37"""
    ann = desk.push("ann")
    address = desk.address("ann")
    desk.site.post("/directory/groups", name="wiki")
    desk.site.post(address, groups="1")

    desk.patch(ann, replaced("active", False))
    desk.patch(ann, replaced("active", True))

    assert desk.accounts() == {"ann": True}
    assert desk.address("ann") == address
    assert "wiki" in desk.site.words(desk.site.get("/directory").select_one("tbody tr"))


@pytest.mark.parametrize(("action", "left"), [("disable", {"ann": False}), ("delete", {})])
def test_a_scim_delete_follows_the_same_choice(desk, action, left):
    """Checklist 39"""
    desk.save(inactive_action=action)
    ann = desk.push("ann")

    answer = desk.provider.delete(ann)

    assert answer.status_code == 204
    assert desk.provider.get(ann).status_code == 404
    assert desk.accounts() == left
    assert "eleted in the provider" in desk.standing("ann", state="gone")


# -- saving, existing and read-only accounts -------------------------------------------------------

OTHER_VALUES = {
    "import_users": False,
    "clear_attributes": False,
    "inactive_action": "delete",
    "match_policy": "external_id",
    "scope_filter": 'department eq "R&D" or title co "<b>"',
    "exclude_people": "svc-*, root",
    "user_name_attribute": 'emails[type eq "work"].value | userName',
    "username_replacement": "$$ ",
    "attribute_mapping-3-from": 'title | "none"',
    "attribute_mapping-3-case": "lower",
    "removal_limit_count": "3",
}


def test_saving_is_confirmed_and_a_reload_shows_the_same_values(desk):
    """Checklist 58"""
    sent, answer = desk.send("save", {**OTHER_VALUES, "username_regex": "@x$"})

    page = desk.site.get(answer.location.removeprefix(desk.site.prefix))
    assert "Saved." in desk.site.words(page.select_one("[role=status]"))
    shown = entered(desk.options().select_one("form.rules"))
    assert {**shown, "csrf_token": ""} == {**sent, "csrf_token": ""}


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("username_regex", "("),
        ("scope_filter", "department eq"),
        ("removal_limit_percent", "101"),
        ("attribute_mapping-4-from", "{title"),
    ],
)
def test_an_invalid_form_keeps_what_was_typed_in_all_other_fields(desk, field, wrong):
    """Checklist 58"""
    before = entered(desk.options().select_one("form.rules"))

    sent, page = desk.refused(**{**OTHER_VALUES, field: wrong})

    shown = entered(page.select_one("form.rules"))
    assert {**shown, "csrf_token": ""} == {**sent, "csrf_token": ""}
    assert page.select("[role=alert] a[href]")
    stored = entered(desk.options().select_one("form.rules"))
    assert {**stored, "csrf_token": ""} == {**before, "csrf_token": ""}


def test_an_existing_account_of_the_same_name_is_adopted_and_not_doubled(desk):
    """Checklist 59"""
    desk.site.post("/directory/add", user_name="ann", full_name="Ann")
    address = desk.address("ann")
    desk.save(match_policy="user_name")

    desk.push("ann", displayName="Ann Bee")

    assert desk.accounts() == {"ann": True}
    assert desk.address("ann") == address
    page = desk.site.get(address)
    assert "Managed by source acme for ann" in desk.site.words(page.select_one(".next"))


def test_an_existing_account_of_the_same_name_waits_by_default_until_it_is_accepted(desk):
    """Checklist 59"""
    desk.site.post("/directory/add", user_name="ann", full_name="Ann")
    desk.push("ann", displayName="Ann Bee")
    assert desk.standing("ann").startswith("◔ Proposed")
    assert desk.account("ann")["Full Name"] == "Ann"

    desk.press("/sources/acme/adoption", "accept")

    assert desk.accounts() == {"ann": True}
    assert desk.account("ann")["Full Name"] == "Ann Bee"


def test_a_read_only_account_is_reported_for_its_person_and_the_run_goes_on(desk):
    """Checklist 60: an account that no source may change is called protected."""
    ann = desk.push("ann@x.test")
    desk.push("ben@x.test")
    desk.press(desk.address("ann@x.test"), "protect")

    page = desk.save(username_regex="@.*", username_replacement="")

    assert "Changes: 1 rename." in desk.site.words(page.select_one("[role=status]"))
    assert set(desk.accounts()) == {"ann@x.test", "ben"}
    reason = "The account 'ann@x.test' is protected: rename is refused."
    assert reason in desk.standing("ann@x.test")
    refused = desk.provider.patch(ann, replaced("active", False))
    assert refused.status_code == 403
    assert "'ann@x.test' is protected" in refused.json["detail"]
