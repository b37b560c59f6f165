"""From an empty installation to the first person: what is done, what is next, what it waits for."""

import pytest

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def step(site, key="acme"):
    """Return the words of the step that is to be taken now."""
    return site.words(site.get(f"/sources/{key}/").select_one(".first .now"))


def done(site):
    return [site.words(li.strong) for li in site.get("/sources/acme/").select(".first .done")]


def send(site, token, method="get", path="/Users", **values):
    headers = {"Authorization": f"Bearer {token}"}
    call = getattr(site.client, method)
    return call(f"/usersync/scim/acme/v2{path}", headers=headers, **values)


def token_of(site):
    page = site.post("/sources/acme/tokens", status=200, label="Okta", expires_in_days="365")
    return page.select("td code")[1].text


def test_an_empty_installation_names_the_steps_and_leads_to_the_first(site):
    page = site.get("/")

    assert [site.words(li).split(" ")[0] for li in page.select(".steps li")] == [
        "Add",
        "Look",
        "Copy",
        "Watch",
    ]
    assert page.select_one("main a.primary")["href"] == "/usersync/sources/add"


def test_after_adding_the_rules_come_first_with_what_holds_now(site):
    site.post("/sources/add", name="Acme", kind="okta")

    assert step(site).startswith("Look at the rules")
    assert "under the name as Okta sends it" in step(site)
    assert done(site) == []


def test_who_changed_the_rules_is_led_to_connecting(site):
    site.post("/sources/add", name="Acme", kind="okta")
    site.post("/sources/acme/rules", directory="local", username_regex="(.*)@.*")

    assert step(site).startswith("Connect Okta")
    assert site.get("/sources/acme/").select_one(".first .now button.primary")


def test_with_a_token_it_waits_and_names_the_test_of_the_providers_console(site):
    site.add_source()
    token_of(site)

    assert "Waiting for the first request of Okta" in step(site)
    assert "Test API Credentials" in step(site)
    assert done(site) == ["Look at the rules", "Connect Okta"]
    assert site.get("/sources/acme/").select_one("#first-steps[data-live]")


def test_a_first_answer_is_told_with_its_time(site):
    site.add_source()
    send(site, token_of(site))

    first = site.words(site.get("/sources/acme/").select_one(".first"))
    assert "Test API Credentials passed" in first
    assert "Received 20" in first
    assert "Under Assignments assign one person" in step(site)


def test_a_request_in_vain_is_no_first_answer(site):
    site.add_source()
    assert send(site, token_of(site), path="/Nonsense").status_code == 404

    assert "Waiting for the first request" in step(site)


def test_what_was_not_let_in_says_what_to_change_until_a_request_is_answered(site):
    site.add_source()
    token = token_of(site)
    send(site, token[:-2])
    site.client.get("/usersync/scim/acme/Users", headers={"Authorization": f"Bearer {token}"})

    told = site.words(site.get("/sources/acme/").select_one(".waiting"))
    assert "Paste the whole token into OAuth Bearer Token" in told
    assert "the address lacks /v2. Put http://localhost/usersync/scim/acme/v2 into SCIM" in told
    assert "mistyped" in site.words(site.get("/sources/acme/requests").select_one(".waiting"))

    send(site, token)

    assert "mistyped" not in site.words(site.get("/sources/acme/"))
    assert "mistyped" in site.words(site.get("/sources/acme/requests"))


def test_an_address_of_no_source_is_told_on_the_overview(site):
    site.add_source()
    site.client.get("/usersync/scim/acne/v2/Users", headers={"Authorization": "Bearer x"})

    assert "acne" in site.words(site.get("/").select_one(".waiting"))


def test_a_failed_request_comes_with_what_to_change(site):
    site.add_source()
    token = token_of(site)
    send(site, token, "post", json={"schemas": [USER]})

    for path in ("/sources/acme/", "/sources/acme/requests"):
        assert "Map userName in its attribute mapping" in site.words(site.get(path))


def test_requests_come_in_pages(site):
    site.add_source()
    token = token_of(site)
    for _ in range(105):
        send(site, token)

    first = site.get("/sources/acme/requests")
    last = site.get(first.select_one("a[rel=next]")["href"].removeprefix("/usersync"))

    assert len(first.select("tbody tr")) == 100
    assert len(last.select("tbody tr")) == 5


def test_the_first_person_leads_to_the_why_and_to_going_active(site):
    site.add_source()
    body = {"schemas": [USER], "userName": "ada@x.test"}
    assert send(site, token_of(site), "post", json=body).status_code == 201
    page = site.get("/sources/acme/")

    assert page.select_one(".first a[href='/usersync/people/1']").text == "ada@x.test"
    assert step(site).startswith("Go active")
    assert page.select_one(".first .now a.primary")["href"].endswith("/state/active")
    assert not page.select_one("[data-live]")


def test_when_all_is_done_the_steps_make_room_for_the_state(site):
    source = site.add_source(state="active")
    site.push(source, "ada@x.test")
    page = site.get("/sources/acme/")

    assert not page.select(".first")
    assert "Active." in site.words(page.select_one(".next"))


def test_a_source_that_is_off_says_so_instead_of_waiting(site):
    site.add_source(state="off")
    page = site.get("/sources/acme/")

    assert not page.select(".first")
    assert "(503)" in site.words(page.select_one(".next"))


@pytest.mark.parametrize("state", ["observe", "active", "off"])
def test_there_is_one_main_action(site, state):
    site.add_source(state=state)

    assert len(site.get("/sources/acme/").select("main .primary")) == 1
