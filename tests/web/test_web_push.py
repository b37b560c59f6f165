"""What a provider's page says is all that its robot needs: paste, push, see the person."""

import pytest

from usersync_ext.providers import BUILT_IN

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def pasted(page) -> dict[str, str]:
    """Return what the page that shows a new token says, under the provider's own words."""
    rows = page.select("table tbody tr")
    return {row.select_one("th").text.strip(): row.select_one("code").text for row in rows}


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.kind)
def test_a_person_is_pushed_with_the_values_copied_from_the_page(site, kind):
    """Checklist 85 to 108."""
    site.post("/sources/add", kind=kind.kind, name="Acme")
    site.post("/sources/acme/state/active")
    values = pasted(site.post("/sources/acme/tokens", status=200, label="Acme", expires_in_days=""))
    assert list(values) == [field.label for field in kind.fields]
    address, token = values.values()

    answer = site.client.post(
        f"{address}/Users",
        json={"schemas": [USER], "userName": "ada.lind", "displayName": "Ada Lind"},
        headers={"Authorization": f"Bearer {token}"},
    )

    assert answer.status_code == 201, answer.text
    person = site.words(site.get("/people/1"))
    assert "Ada Lind" in person
    assert "created: acme pushed a person whom the directory does not know" in person.lower()
    assert "ada.lind" in site.words(site.get("/directory"))
    assert token not in site.get("/sources/acme/tokens").text


def test_a_source_tells_what_failed_and_what_nothing_uses(site):
    """T14 and DESIGN §5: an operation that is not understood is an alert on the source's page."""
    site.add_source("Acme", state="active")
    values = pasted(site.post("/sources/acme/tokens", status=200, label="x", expires_in_days=""))
    address, token = values.values()
    headers = {"Authorization": f"Bearer {token}"}
    person = {"schemas": [USER], "userName": "ada.lind", "companyName": "Acme"}
    answer = site.client.post(f"{address}/Users", json=person, headers=headers)
    bad = {"Operations": [{"op": "frobnicate", "path": "active", "value": False}]}

    site.client.patch(f"{address}/Users/{answer.json['id']}", json=bad, headers=headers)

    page = site.words(site.get("/sources/acme/"))
    assert "1 in the last 24 hours" in page
    assert "was answered 400" in page
    assert "frobnicate" in page
    assert 'unknown attribute "companyName" is kept but not used' in page
