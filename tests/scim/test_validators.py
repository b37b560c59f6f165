"""What Microsoft's validators and Okta's SPEC test publish as their assertions (T-07).

Written from the descriptions in scim-clients.md §1 and §2; the numbers are those of Microsoft's
test overview. The steps that go through Entra itself are sent here as Entra sends them.
"""

import time

import pytest
from recordings.player import client_of, served_app

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MAIL = "ada.lind@example.com"
UNKNOWN = "6f9c7b1e-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def server(sqlite_template, tmp_path_factory):
    with served_app(sqlite_template, tmp_path_factory.mktemp("validators")) as served:
        yield served


@pytest.fixture
def scim(server):
    """The validator's connection to an active source."""
    with client_of(*server) as client:
        yield client


def a_user(user_name=MAIL, **attributes):
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": user_name,
        "externalId": f"ext-{user_name}",
        "active": True,
        "displayName": "Ada Lind",
        "name": {"givenName": "Ada", "familyName": "Lind", "formatted": "Ada Lind"},
        "emails": [{"primary": True, "type": "work", "value": user_name}],
        **attributes,
    }


def post(scim, path, body, **request):
    return scim.send({"method": "POST", "path": path, "body": body, **request})


def created(scim, **attributes):
    """Create a person and return the id."""
    answer = post(scim, "/Users", a_user(**attributes))
    assert answer.status_code == 201
    return answer.json()["id"]


def created_group(scim, name="Editors", *members):
    """Create a group and return the id."""
    body = {"schemas": [GROUP], "displayName": name, "members": [{"value": m} for m in members]}
    answer = post(scim, "/Groups", body)
    assert answer.status_code == 201
    return answer.json()["id"]


def patch(scim, path, *operations):
    """Send a PATCH of operations given as op, path and value."""
    keys = ("op", "path", "value")
    body = {
        "schemas": [PATCH],
        "Operations": [dict(zip(keys, one, strict=False)) for one in operations],
    }
    return scim.send({"method": "PATCH", "path": path, "body": body})


def found(scim, text, endpoint="/Users"):
    answer = scim.get(f"{endpoint}?filter={text}")
    assert answer.status_code == 200
    return answer.json()


# -- Microsoft's Logic App: people (1 to 7) --------------------------------------------------------


def test_microsoft_1_a_created_user_is_found_by_user_name(scim):
    scim_id = created(scim)

    assert [r["id"] for r in found(scim, f'userName eq "{MAIL}"')["Resources"]] == [scim_id]
    assert [one["user_name"] for one in scim.accounts()] == [MAIL]


def test_microsoft_2_updated_attributes_have_the_new_values(scim):
    scim_id = created(scim)

    patch(
        scim,
        f"/Users/{scim_id}",
        ("Replace", "title", "Editor"),
        ("Add", f"{ENTERPRISE}:department", "News"),
    )

    body = scim.get(f"/Users/{scim_id}").json()
    assert body["title"] == "Editor"
    assert body[ENTERPRISE]["department"] == "News"


def test_microsoft_3_a_disabled_user_is_inactive(scim):
    scim_id = created(scim)

    answer = patch(scim, f"/Users/{scim_id}", ("Replace", "active", "False"))

    assert answer.json()["active"] is False
    assert scim.accounts()[0]["active"] is False


def test_microsoft_4_a_deleted_user_is_gone(scim):
    scim_id = created(scim)

    scim.send({"method": "DELETE", "path": f"/Users/{scim_id}"})

    assert scim.get(f"/Users/{scim_id}").status_code == 404
    assert found(scim, f'userName eq "{MAIL}"')["totalResults"] == 0


@pytest.mark.parametrize("path", [f"{ENTERPRISE}:manager", "manager"])
def test_microsoft_5_and_25_a_manager_is_set_changed_and_removed(scim, path):
    ids = [created(scim, user_name=f"user{n}@example.com") for n in range(3)]
    person = f"/Users/{ids[0]}"

    def manager():
        return scim.get(person).json().get(ENTERPRISE, {}).get("manager", {}).get("value")

    patch(scim, person, ("Add", path, ids[1]))
    assert manager() == ids[1]
    patch(scim, person, ("Replace", path, ids[2]))
    assert manager() == ids[2]
    patch(scim, person, ("Replace", path, ""))
    assert manager() is None


def test_microsoft_6_a_user_is_restored_after_a_soft_delete(scim):
    scim_id = created(scim)

    patch(scim, f"/Users/{scim_id}", ("Replace", "active", "False"))
    patch(scim, f"/Users/{scim_id}", ("Replace", "active", "True"))

    assert scim.get(f"/Users/{scim_id}").json()["active"] is True
    assert scim.accounts()[0]["active"] is True


def test_microsoft_6_a_user_is_restored_after_a_delete(scim):
    scim_id = created(scim)
    scim.send({"method": "DELETE", "path": f"/Users/{scim_id}"})
    assert found(scim, f'userName eq "{MAIL}"')["totalResults"] == 0

    again = created(scim)

    assert [r["id"] for r in found(scim, f'userName eq "{MAIL}"')["Resources"]] == [again]
    assert [(a["user_name"], a["active"]) for a in scim.accounts()] == [(MAIL, True)]


def test_microsoft_7_provision_on_demand_mixes_both_dialects(scim):
    scim_id = created(scim)
    path = f"/Users/{scim_id}"

    patch(scim, path, ("Replace", "displayName", "Ada B."))
    patch(scim, path, ("replace", 'emails[type eq "work"].value', "ada@example.com"))

    [account] = scim.accounts()
    assert (account["full_name"], account["email"]) == ("Ada B.", "ada@example.com")


# -- Microsoft's Logic App: groups (8 to 14) -------------------------------------------------------


def test_microsoft_8_and_13_a_created_group_is_found_by_name(scim):
    scim_id = created_group(scim)

    hits = found(scim, 'displayName eq "Editors"&excludedAttributes=members', "/Groups")
    assert [hit["id"] for hit in hits["Resources"]] == [scim_id]


def test_microsoft_9_a_renamed_group_has_the_new_name(scim):
    scim_id = created_group(scim)

    answer = patch(scim, f"/Groups/{scim_id}", ("Replace", "displayName", "Editors EU"))

    assert answer.status_code == 204
    assert found(scim, 'displayName eq "Editors EU"', "/Groups")["totalResults"] == 1


def test_microsoft_10_a_deleted_group_is_gone(scim):
    scim_id = created_group(scim)

    scim.send({"method": "DELETE", "path": f"/Groups/{scim_id}"})

    assert found(scim, 'displayName eq "Editors"', "/Groups")["totalResults"] == 0


def test_microsoft_11_and_12_a_member_is_added_and_removed(scim):
    person, group = created(scim), created_group(scim)
    members = [{"$ref": None, "value": person}]

    added = patch(scim, f"/Groups/{group}", ("Add", "members", members))
    assert [m["value"] for m in scim.get(f"/Groups/{group}").json()["members"]] == [person]
    removed = patch(scim, f"/Groups/{group}", ("Remove", "members", members))

    assert (added.status_code, removed.status_code) == (204, 204)
    assert "members" not in scim.get(f"/Groups/{group}").json()


def test_microsoft_14_a_group_is_restored_after_a_delete(scim):
    scim_id = created_group(scim)
    scim.send({"method": "DELETE", "path": f"/Groups/{scim_id}"})

    again = created_group(scim)

    assert again != scim_id
    assert found(scim, 'displayName eq "Editors"', "/Groups")["totalResults"] == 1


# -- Microsoft's Logic App: SCIM itself (15 to 24; 21 and 22 are about OAuth) ----------------------


def names_in(schema):
    """Return the attributes of a schema and their parts, as a mapping names them."""
    for attribute in schema["attributes"]:
        yield attribute["name"]
        for part in attribute.get("subAttributes", ()):
            yield f"{attribute['name']}.{part['name']}"


def test_microsoft_15_every_mapped_attribute_is_discovered(scim):
    resources = scim.get("/Schemas").json()["Resources"]

    schemas = {schema["id"]: set(names_in(schema)) for schema in resources}
    assert schemas[USER] >= {
        *("userName", "active", "displayName", "title", "preferredLanguage", "name.givenName"),
        *("name.familyName", "name.formatted", "emails.type", "emails.value", "locale"),
        *("addresses.streetAddress", "phoneNumbers.value", "roles.value", "timezone"),
    }
    assert schemas[GROUP] >= {"displayName", "members", "members.value"}
    assert schemas[ENTERPRISE] >= {"employeeNumber", "department", "manager"}


def test_microsoft_15_mails_of_type_work_are_discovered_and_nothing_forbidden(scim):
    user = next(s for s in scim.get("/Schemas").json()["Resources"] if s["id"] == USER)

    emails = next(a for a in user["attributes"] if a["name"] == "emails")
    kinds = next(a for a in emails["subAttributes"] if a["name"] == "type")
    assert "work" in kinds["canonicalValues"]
    assert not {"password", "emails.display"} & set(names_in(user))


@pytest.mark.parametrize("empty", ["", None])
def test_microsoft_16_an_update_with_nothing_clears(scim, empty):
    scim_id = created(scim, title="Editor", nickName="A", preferredLanguage="en")

    names = ("title", "nickName", "preferredLanguage")
    answer = patch(scim, f"/Users/{scim_id}", *(("Replace", name, empty) for name in names))

    assert answer.status_code == 200
    assert not set(names) & scim.get(f"/Users/{scim_id}").json().keys()


def test_microsoft_17_a_posted_user_comes_back_with_an_id(scim):
    answer = post(scim, "/Users", a_user())

    assert answer.status_code == 201
    assert answer.json()["id"]
    assert answer.json()["userName"] == MAIL


@pytest.mark.parametrize(
    "name", ["displayName", "title", "nickName", "preferredLanguage", "locale", "timezone"]
)
@pytest.mark.parametrize("path", ["{}", USER + ":{}"])
def test_microsoft_18_every_single_value_can_be_patched(scim, name, path):
    scim_id = created(scim)

    answer = patch(scim, f"/Users/{scim_id}", ("Replace", path.format(name), "Europe/Berlin x"))

    assert answer.status_code == 200
    assert answer.json()[name] == "Europe/Berlin x"
    assert scim.get(f"/Users/{scim_id}").json() == answer.json()


def test_microsoft_19_a_posted_group_comes_back_with_an_id(scim):
    answer = post(scim, "/Groups", {"schemas": [GROUP], "displayName": "Editors"})

    assert answer.status_code == 201
    assert answer.json()["id"]
    assert answer.json()["displayName"] == "Editors"


def test_microsoft_20_a_group_can_be_patched(scim):
    scim_id = created_group(scim)

    answer = patch(
        scim,
        f"/Groups/{scim_id}",
        ("Replace", "displayName", "Editors EU"),
        ("Add", "externalId", "8aa1"),
    )

    assert answer.status_code == 204
    body = scim.get(f"/Groups/{scim_id}").json()
    assert (body["displayName"], body["externalId"]) == ("Editors EU", "8aa1")


@pytest.mark.parametrize("endpoint", ["/Users", "/Groups"])
def test_microsoft_23_and_24_pages_echo_their_start(scim, endpoint):
    for number in range(11):
        if endpoint == "/Users":
            created(scim, user_name=f"user{number}@example.com")
        else:
            created_group(scim, f"Group {number}")

    pages = [scim.get(f"{endpoint}?startIndex={page * 5 + 1}&count=5") for page in range(3)]

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert [page.json()["startIndex"] for page in pages] == [1, 6, 11]
    assert [page.json()["itemsPerPage"] for page in pages] == [5, 5, 1]
    assert len({r["id"] for page in pages for r in page.json()["Resources"]}) == 11


# -- scimvalidator.microsoft.com -------------------------------------------------------------------


def test_the_validator_gets_the_user_back_from_a_patch_as_scim_json(scim):
    scim_id = created(scim)

    answer = patch(scim, f"/Users/{scim_id}", ("replace", "displayName", "Ada B."))

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/scim+json")
    assert answer.json()["id"] == scim_id


def test_the_validator_finds_a_user_name_in_any_case(scim):
    created(scim)

    assert found(scim, f'userName eq "{MAIL.upper()}"')["totalResults"] == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ('emails[type eq "work"].display', "Work"),
        ('emails[type eq "work"].primary', True),
        ('emails[type eq "home"].value', "ada@home.example"),
        ('emails[type eq "other"].value', "ada@other.example"),
        ('phoneNumbers[type eq "fax"].value', "+49 30 1"),
        ("timezone", "OZJWYQZJWTSB"),
    ],
)
def test_the_validator_patches_paths_that_few_servers_know(scim, path, value):
    scim_id = created(scim)

    answer = patch(scim, f"/Users/{scim_id}", ("replace", path, value))

    assert answer.status_code == 200
    assert value in flat(scim.get(f"/Users/{scim_id}").json())


def flat(value):
    """Return every value within a value."""
    if isinstance(value, dict):
        return [each for item in value.values() for each in flat(item)]
    if isinstance(value, list):
        return [each for item in value for each in flat(item)]
    return [value]


def test_the_validator_cannot_remove_what_is_required(scim):
    scim_id = created(scim)

    answer = patch(scim, f"/Users/{scim_id}", ("remove", "userName"))

    assert answer.status_code == 400
    assert scim.get(f"/Users/{scim_id}").json()["userName"] == MAIL


# -- Microsoft's Postman set -----------------------------------------------------------------------


def test_the_postman_set_creates_with_capital_keys_and_a_string_for_active(scim):
    boss = created(scim, user_name="bob@example.com")
    body = {
        "schemas": [USER, ENTERPRISE],
        "UserName": MAIL,
        "Active": "True",
        "Emails": [{"Primary": True, "Type": "work", "Value": MAIL}],
        ENTERPRISE: {"Department": "News", "Manager": {"Value": boss}},
    }

    answer = post(scim, "/Users", body).json()

    assert answer["userName"] == MAIL
    assert answer["active"] is True
    assert answer["emails"] == [{"primary": True, "type": "work", "value": MAIL}]
    assert answer[ENTERPRISE]["department"] == "News"
    assert answer[ENTERPRISE]["manager"]["value"] == boss


def test_the_postman_set_patches_with_stray_keys(scim):
    scim_id = created(scim)
    operation = {"op": "Replace", "name": "title", "path": "title", "value": "Editor"}
    body = {"schemas": [PATCH], "id": scim_id, "Operations": [operation]}

    answer = scim.send({"method": "PATCH", "path": f"/Users/{scim_id}", "body": body})

    assert answer.status_code == 200
    assert answer.json()["title"] == "Editor"


def test_the_postman_set_adds_members_as_bare_strings(scim):
    person, group = created(scim), created_group(scim)

    answer = patch(scim, f"/Groups/{group}", ("add", "members", [person]))

    assert answer.status_code == 204
    assert scim.get(f"/Groups/{group}").json()["members"][0]["value"] == person


def test_the_postman_set_filters_and_projects(scim):
    created(scim)

    begun = found(scim, 'userName sw "A"')
    projected = scim.get('/Users?attributes=emails[type eq "work"],userNme').json()

    assert begun["totalResults"] == 1
    assert projected["Resources"][0]["emails"][0]["value"] == MAIL
    assert "displayName" not in projected["Resources"][0]


def test_the_postman_set_wants_409_400_and_200(scim):
    scim_id = created(scim)

    duplicate = post(scim, "/Users", a_user())
    nameless = post(scim, "/Users", {"schemas": [USER], "displayName": "Nobody"})
    put = scim.send({"method": "PUT", "path": f"/Users/{scim_id}", "body": a_user(title="Chief")})

    assert (duplicate.status_code, nameless.status_code, put.status_code) == (409, 400, 200)
    assert nameless.json()["scimType"] == "invalidValue"


# -- Okta's SPEC test ------------------------------------------------------------------------------


def test_okta_finds_the_first_user_with_all_that_it_needs(scim):
    created(scim)

    body = scim.get("/Users?count=1&startIndex=1").json()

    assert {type(body[name]) for name in ("itemsPerPage", "startIndex", "totalResults")} == {int}
    [user] = body["Resources"]
    assert user["id"]
    assert user["name"]["familyName"] == "Lind"
    assert user["name"]["givenName"] == "Ada"
    assert user["userName"]
    assert user["active"] is True
    assert user["emails"][0]["value"]


def test_okta_gets_an_empty_list_for_a_name_that_nobody_has(scim):
    body = found(scim, 'userName eq "nobody@example.com"')

    assert body["totalResults"] == 0
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]


def test_okta_gets_a_404_with_an_error_for_an_unknown_id(scim):
    answer = scim.get(f"/Users/{UNKNOWN}")

    assert answer.status_code == 404
    assert answer.json()["schemas"] == [ERROR]
    assert answer.json()["status"] == "404"
    assert answer.json()["detail"]


def test_okta_creates_with_plain_json_and_a_second_time_is_a_409(scim):
    headers = {"Content-Type": "application/json", "Accept": "application/json"}

    answers = [post(scim, "/Users", a_user(), headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 409]
    body = answers[0].json()
    assert body["active"] is True
    assert body["userName"] == MAIL
    assert scim.get(f"/Users/{body['id']}").json()["name"]["familyName"] == "Lind"


def test_okta_finds_an_upper_case_user_name(scim):
    created(scim)

    assert scim.get(f'/Users?filter=userName eq "{MAIL.upper()}"').status_code == 200
    assert found(scim, f'userName eq "{MAIL.upper()}"')["totalResults"] == 1


def test_okta_gets_groups_in_less_than_600_ms(scim):
    begin = time.perf_counter()

    answer = scim.get("/Groups")

    assert answer.status_code == 200
    assert time.perf_counter() - begin < 0.6


def test_okta_gets_a_401_with_an_error_for_something_that_is_no_token(scim):
    request = {"method": "GET", "path": "/Groups", "headers": {"Authorization": "non-token"}}

    answer = scim.send(request)

    assert answer.status_code == 401
    assert answer.json()["schemas"] == [ERROR]
    assert answer.json()["status"] == "401"
    assert answer.json()["detail"]


def test_okta_deactivates_and_reactivates(scim):
    scim_id = created(scim)
    path = f"/Users/{scim_id}"

    for active in (False, True, False):
        answer = patch(scim, path, ("replace", "active", active))

        assert answer.json()["active"] is active
        assert scim.get(path).json()["active"] is active
        assert scim.accounts()[0]["active"] is active
