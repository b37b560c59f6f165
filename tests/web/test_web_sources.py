"""Sources: overview, adding, connection, state, requests, approvals, leaving."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import event

from usersync_ext.core.records import RequestRecord
from usersync_ext.providers import BUILT_IN
from usersync_ext.providers.base import ConnectionValue

STEPS = {
    "entra": (
        "Enterprise applications",
        "SCIM Provisioner with SAML ( SCIM V2 Core )",
        "Automatic",
    ),
    "okta": ("SCIM 2.0 Test App( OAuth Bearer Token )", "Configure API Integration"),
    "oracle": ("App Catalog", "GenericScim - Bearer Token", "Type of Integration"),
}


def test_the_empty_overview_leads_to_adding_a_source(site):
    page = site.get("/")

    [action] = page.select("main a.primary")
    assert action["href"] == "/usersync/sources/add"


def test_add_source_offers_each_provider_by_name_and_mark(site):
    page = site.get("/sources/add")

    assert len(page.select("input[name=kind]")) == len(BUILT_IN)
    for provider in BUILT_IN:
        assert site.label(page, provider.title)["value"] == provider.kind
        [mark] = page.select(f'img[src$="marks/{provider.mark}"]')
        assert site.status(mark["src"]) == 200


def test_a_new_source_observes_and_shows_its_connection(site):
    page = site.post("/sources/add", name="Acme Okta", kind="okta")

    assert page.h1.text == "SCIM Configuration"
    assert "The source was added." in site.words(page)
    assert site.source("acme-okta").state == "observe"
    assert "http://localhost/usersync/scim/acme-okta/v2" in page.get_text()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "Acme"}, "Choose a provider."),
        ({"name": "  ", "kind": "okta"}, "Enter a name."),
        ({"name": "!!", "kind": "okta"}, "Must have at least one letter"),
        ({"name": "Taken", "kind": "okta"}, "There is already a source 'taken'"),
        ({"name": "Acme", "kind": "nonsense"}, "Not a valid choice"),
    ],
)
def test_a_source_that_cannot_be_added_says_why_and_keeps_the_input(site, values, message):
    site.add_source("Taken")

    page = site.post("/sources/add", status=200, **values)

    assert message in site.words(page.select_one("[role=alert]"))
    assert page.select_one("input[name=name]")["value"] == values["name"].strip()


@pytest.mark.parametrize("provider", BUILT_IN, ids=lambda p: p.kind)
def test_each_provider_shows_its_own_fields_and_steps(site, provider):
    site.add_source("Acme", provider.kind)

    page = site.get("/sources/acme/")

    text = site.words(page)
    rows = [site.words(row) for row in page.select("table.values tbody th")]
    assert rows == [field.label for field in provider.fields]
    assert len(page.select(".steps:not(.first) li")) == len(provider.steps)
    for step in STEPS.get(provider.kind, ()):
        assert step in [site.words(s) for s in page.select(".steps strong")]
    for fact in (*provider.hints, *provider.verified, *provider.unverified):
        assert " ".join(fact.replace("**", "").split()) in text
    assert page.select_one(f'a[href="/usersync/guides/{provider.kind}"]')
    assert "**" not in text


def test_entra_shows_the_table_of_terms_with_copy_buttons(site):
    site.add_source("Acme", "entra")

    page = site.get("/sources/acme/")

    head = [site.words(cell) for cell in page.select("table.values thead th")]
    assert head == ["Azure AD Term", "User Sync Plugin Term", "Value"]
    cells = [[site.words(c) for c in row.select("th, td")][:2] for row in page.select("tbody tr")]
    assert cells == [["Tenant URL", "SCIM Base URL"], ["Secret Token", "Bearer Token"]]
    button = page.select_one("button[data-copy]")
    assert page.find(id=button["data-copy"]).text == "http://localhost/usersync/scim/acme/v2"


@pytest.mark.parametrize("provider", BUILT_IN, ids=lambda p: p.kind)
def test_each_provider_has_a_guide_without_a_source(site, provider):
    page = site.get(f"/guides/{provider.kind}")

    assert len(page.select(".steps:not(.first) li")) == len(provider.steps)


def test_the_address_follows_the_public_url(make_site):
    site = make_site(config={"USERSYNC_PUBLIC_URL": "https://id.example.com/app/"})
    site.add_source("Acme")

    page = site.get("/sources/acme/")

    assert "https://id.example.com/app/usersync/scim/acme/v2" in page.get_text()


def test_two_sources_have_different_addresses(site):
    site.add_source("One")
    site.add_source("Two")

    assert "/scim/one/v2" in site.get("/sources/one/").get_text()
    assert "/scim/two/v2" in site.get("/sources/two/").get_text()


def test_going_active_is_asked_with_what_it_would_do(site):
    source = site.add_source("Acme")
    site.push(source, "ann@x.test", "ben@x.test")

    page = site.get("/sources/acme/state/active")

    numbers = {site.words(d.dt): site.words(d.dd) for d in page.select(".counts > div")}
    assert numbers["Create"] == "2"
    assert site.source().state == "observe"


def test_going_active_creates_the_accounts(site):
    source = site.add_source("Acme")
    site.push(source, "ann@x.test", "ben@x.test")

    page = site.post("/sources/acme/state/active")

    assert "The source is active now. Changes: 2 create." in site.words(page)
    assert "ann@x.test" in site.get("/directory").get_text()


def test_going_active_tells_what_the_guard_would_hold(site):
    source = site.add_source("Acme", rules={"removal_limit_count": "0"}, state="active")
    site.push(source, "ann@x.test")
    site.post("/sources/acme/state/observe")
    site.deactivate(site.source(), "ann@x.test")

    page = site.get("/sources/acme/state/active")

    assert (
        "Only 0 of these 1 renames and removals may pass at once, so all 1 wait under Approvals"
        in site.words(page)
    )


def test_without_directory_going_active_says_what_is_missing(site):
    site.add_source("Acme", directory="")

    page = site.get("/sources/acme/state/active")

    assert "No directory is selected" in site.words(page)


@pytest.mark.parametrize("wanted", ["observe", "off"])
def test_what_stops_accounts_from_being_kept_up_says_how_many(filled, wanted):
    page = filled.words(filled.get(f"/sources/acme/state/{wanted}"))

    assert "3 accounts are managed by Acme and are concerned." in page


def test_a_source_can_be_renamed_and_keeps_its_address(site):
    site.add_source("Acme")

    page = site.post("/sources/acme/", name="Acme Inc")

    assert "Acme Inc" in site.words(page)
    assert "/scim/acme/v2" in page.get_text()


def test_the_overview_says_what_waits(filled):
    waiting = filled.words(filled.get("/").select_one(".waiting"))

    assert "2 changes of Acme" in waiting
    assert "token production of Acme ends in 8 days" in waiting


def test_the_overview_takes_the_same_statements_for_any_number_of_sources(site):
    site.add_source("One")
    site.get("/")
    one = statements(site, "/")
    for name in ("Two", "Three", "Four"):
        site.push(site.add_source(name), "ann@x.test")

    assert statements(site, "/") == one <= 10


def statements(site, path):
    seen = []
    engine = site.state.engine.store.engine
    count = lambda *arguments: seen.append(arguments[2])  # noqa: E731
    event.listen(engine, "before_cursor_execute", count)
    site.get(path)
    event.remove(engine, "before_cursor_execute", count)
    return len(seen)


def note_request(site, source, status=200, **values):
    record = RequestRecord(
        at=datetime.now(UTC),
        source_id=source.id,
        method="PATCH",
        path="/Users/1",
        status=status,
        duration_ms=4,
        **values,
    )
    site.state.engine.recorder.note_request(record, None)


def test_requests_are_shown_at_once_with_what_was_wrong(site):
    source = site.add_source("Acme")
    note_request(site, source)
    note_request(site, source, 400, detail="no such path", notes=("odd",), token_prefix="usx_ab12")

    page = site.get("/sources/acme/requests")

    assert len(page.select("tbody tr")) == 2
    assert "no such path odd ! 400 4 ms usx_ab12…" in site.words(page.select_one("tbody tr"))


def test_requests_can_be_limited_to_failed_ones(site):
    source = site.add_source("Acme")
    note_request(site, source)
    note_request(site, source, 409)

    page = site.get("/sources/acme/requests?failed=1")

    assert len(page.select("tbody tr")) == 1


def test_without_requests_the_page_says_what_it_waits_for(site):
    site.add_source("Acme", "okta")

    page = site.get("/sources/acme/requests")

    assert "No request yet: waiting for Okta." in site.words(page)


def test_held_changes_are_listed_with_reasons(filled):
    page = filled.get("/sources/acme/held")

    assert "Approvals 2" in filled.words(page.select_one(".tabs"))
    rows = [filled.words(row) for row in page.select("tbody tr")]
    assert len(rows) == 2
    assert "ben@x.test" in rows[0]
    assert "Deactivate" in rows[0]


@pytest.mark.parametrize(("button", "active"), [("release", 0), ("reject", 2)])
def test_held_changes_are_released_or_rejected(filled, button, active):
    page = filled.post("/sources/acme/held", **{button: "1"})

    assert f"Changes of 2 people were {button}" in filled.words(page)
    assert "Nothing waits." in filled.words(page)
    rows = [filled.words(row) for row in filled.get("/directory?search=").select("tbody tr")]
    assert sum("✓ Active" in row for row in rows if "@x.test" in row) == active


def test_leaving_says_how_many_are_concerned_and_wants_the_key(filled):
    page = filled.post("/sources/acme/leave", status=200, ending="delete", accounts="delete")

    assert "3 people" in filled.words(page)
    assert "3 accounts" in filled.words(page)
    assert "Type acme to confirm." in filled.words(page.select_one("[role=alert]"))
    assert page.select_one("input[name=ending][checked]")["value"] == "delete"


def test_a_detached_source_lets_go_of_its_accounts(filled):
    filled.post("/sources/acme/leave", ending="detach", accounts="keep", confirm="acme")

    assert filled.source("acme").state == "off"
    assert "acme" not in filled.words(filled.get("/directory").select_one("tbody"))


def test_a_deleted_source_is_gone_with_the_accounts_that_were_to_go(filled):
    page = filled.post("/sources/acme/leave", ending="delete", accounts="delete", confirm="acme")

    assert "Acme was deleted; it managed" in filled.words(page)
    filled.get("/sources/acme/", status=404)
    assert "@x.test" not in filled.get("/directory").get_text()


def test_every_value_of_a_provider_can_be_shown():
    assert {v.value for v in ConnectionValue} == {"SCIM Base URL", "Bearer Token"}
