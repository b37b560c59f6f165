"""Every client's requests about groups: what we answer, and who is in the directory's group then.

The shapes are those of scim-clients.md, a section per client; each in both modes of group sync.
"""

import json

import pytest

from tests.rules.acting import (
    ENTERPRISE,
    GROUP,
    USER,
    accounts,
    groups_of,
    lines,
    map_group,
    memberships,
    push,
    set_rules,
)

ADSCIM = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
KINDS = {
    "entra": "entra",
    "okta": "okta",
    "onelogin": "onelogin",
    "oracle": "oracle",
    "keycloak": "keycloak",
    "miniorange": "miniorange",
    "authentik": "custom-scim",
    "jumpcloud": "custom-scim",
    "ping": "custom-scim",
    "aws": "custom-scim",
}


class Client:
    """An identity provider's client that pushes groups to a source in one of the two modes."""

    def __init__(self, app, provider, mode):
        self.app, self.provider, self.mode = app, provider, mode
        self.ids = {name: push(provider, name) for name in ("ann", "ben", "cyd")}

    def id(self, name):
        return self.ids[name]

    def create(self, **body):
        """Create the group team; map it where that is done by hand; return its path."""
        answer = self.provider.post("/Groups", {"schemas": [GROUP], "displayName": "team", **body})
        assert answer.status_code == 201, answer.text
        assert answer.json["displayName"] == "team"
        if self.mode == "manual":
            map_group(self.app, self.provider, answer.json["id"], "team")
        return f"/Groups/{answer.json['id']}"

    def with_members(self, *names):
        """Create the group team with members; return its path."""
        return self.create(members=[{"value": self.id(name)} for name in names])

    def patch(self, path, *operations):
        return self.provider.patch(path, *filled(operations, self.ids))

    def listed(self, path):
        """Return the names of the members that the group has in our answers."""
        names = {value: name for name, value in self.ids.items()}
        return {names[m["value"]] for m in self.provider.get(path).json.get("members", [])}

    @property
    def team(self):
        """The members of the directory's group."""
        return memberships(self.app).get("team")


def filled(value, ids):
    """Return a value with the SCIM ids in the place of names in angle brackets."""
    text = json.dumps(value)
    for name, scim_id in ids.items():
        text = text.replace(f"<{name}>", scim_id)
    return json.loads(text)


@pytest.fixture(params=["manual", "on_the_fly"])
def client_of(app, provider_of, request):
    """Make a client of a kind."""

    def make(kind="custom-scim", **rules):
        provider = provider_of(app, kind=KINDS.get(kind, kind), group_mode=request.param, **rules)
        return Client(app, provider, request.param)

    return make


# -- one operation: who sends it, on team with ann and ben, and who is in it then ------------------

SHAPES = {
    "entra adds": (
        [{"op": "Add", "path": "members", "value": [{"$ref": None, "value": "<cyd>"}]}],
        {"ann", "ben", "cyd"},
    ),
    "entra removes": (
        [{"op": "Remove", "path": "members", "value": [{"$ref": None, "value": "<ann>"}]}],
        {"ben"},
    ),
    "entra with the flag removes": (
        [{"op": "remove", "path": 'members[value eq "<ann>"]'}],
        {"ben"},
    ),
    "entra names the path in full": (
        [{"op": "Add", "path": f"{GROUP}:members", "value": [{"value": "<cyd>"}]}],
        {"ann", "ben", "cyd"},
    ),
    "entra's postman set": (
        [{"name": "addMember", "op": "add", "path": "Members", "value": ["<cyd>"]}],
        {"ann", "ben", "cyd"},
    ),
    "okta changes two and renames": (
        [
            {"op": "remove", "path": 'members[value eq "<ben>"]'},
            {"op": "add", "path": "members", "value": [{"value": "<cyd>", "display": "cyd"}]},
        ],
        {"ann", "cyd"},
    ),
    "okta's name with every change": (
        [
            {"op": "replace", "value": {"id": "<id>", "displayName": "team"}},
            {"op": "remove", "path": 'members[value eq "<ben>"]'},
        ],
        {"ann"},
    ),
    "okta's name alone": (
        [{"op": "replace", "value": {"id": "<id>", "displayName": "team"}}],
        {"ann", "ben"},
    ),
    "okta pushes now": (
        [{"op": "replace", "path": "members", "value": [{"value": "<ben>"}, {"value": "<cyd>"}]}],
        {"ben", "cyd"},
    ),
    "onelogin adds": (
        [{"value": [{"value": "<cyd>"}], "op": "add", "path": "members"}],
        {"ann", "ben", "cyd"},
    ),
    "onelogin removes": (
        [{"value": [{"value": "<ann>"}], "op": "remove", "path": "members"}],
        {"ben"},
    ),
    "keycloak replaces": (
        [
            {
                "op": "replace",
                "path": "members",
                "value": [{"value": "<cyd>", "$ref": "Users/<cyd>"}],
            }
        ],
        {"cyd"},
    ),
    "keycloak empties": ([{"op": "remove", "path": "members"}], set()),
    "keycloak empties with null": (
        [{"op": "replace", "path": "members", "value": None}],
        set(),
    ),
    "scim-for-keycloak's json in a string": (
        [{"op": "replace", "value": json.dumps({"displayName": "team"})}],
        {"ann", "ben"},
    ),
    "authentik replaces all but members": (
        [
            {
                "op": "replace",
                "path": None,
                "value": {"schemas": [GROUP], "id": "<id>", "displayName": "team"},
            }
        ],
        {"ann", "ben"},
    ),
    "authentik sends the difference": (
        [
            {"op": "add", "path": "members", "value": [{"value": "<cyd>"}]},
            {"op": "remove", "path": "members", "value": [{"value": "<ben>"}]},
        ],
        {"ann", "cyd"},
    ),
    "ssosync removes by list": (
        [{"op": "remove", "path": "members", "value": [{"value": "<ann>"}, {"value": "<ben>"}]}],
        set(),
    ),
    "jumpcloud adds": (
        [{"op": "add", "path": "members", "value": [{"value": "<cyd>"}]}],
        {"ann", "ben", "cyd"},
    ),
    "ping adds one object": (
        [{"op": "add", "path": "members", "value": {"value": "<cyd>"}}],
        {"ann", "ben", "cyd"},
    ),
    "members in a value without a path": (
        [{"op": "add", "value": {"members": [{"value": "<cyd>"}]}}],
        {"ann", "ben", "cyd"},
    ),
    "again": (
        [{"op": "add", "path": "members", "value": [{"value": "<ann>"}]}],
        {"ann", "ben"},
    ),
    "removed who is none": (
        [{"op": "remove", "path": "members", "value": [{"value": "<cyd>"}]}],
        {"ann", "ben"},
    ),
    "removed nobody": (
        [{"op": "remove", "path": "members", "value": []}],
        {"ann", "ben"},
    ),
}


@pytest.mark.parametrize(("operations", "members"), SHAPES.values(), ids=SHAPES)
def test_a_patch_changes_group_and_directory_alike(client_of, operations, members):
    client = client_of()
    path = client.with_members("ann", "ben")
    client.ids["id"] = path.rpartition("/")[2]

    answer = client.patch(path, *operations)

    assert (answer.status_code, answer.data) == (204, b"")
    assert client.listed(path) == members
    assert client.team == members


WRONG = {
    "an id that we never gave": ([{"op": "add", "path": "members", "value": [{"value": "x1"}]}]),
    "an id beside good ones": (
        [{"op": "add", "path": "members", "value": [{"value": "<cyd>"}, {"value": "x1"}]}]
    ),
    "a later operation is wrong": (
        [
            {"op": "remove", "path": "members"},
            {"op": "add", "path": "members", "value": [{"value": "x1"}]},
        ]
    ),
    "an unknown operation": ([{"op": "delete", "path": "members", "value": [{"value": "<ann>"}]}]),
    "another id": ([{"op": "replace", "value": {"id": "x1", "displayName": "team"}}]),
}


@pytest.mark.parametrize("operations", WRONG.values(), ids=WRONG)
def test_a_patch_that_is_wrong_changes_nothing_on_either_side(client_of, operations):
    client = client_of()
    path = client.with_members("ann", "ben")

    answer = client.patch(path, *operations)

    assert answer.status_code == 400
    assert answer.json["detail"]
    assert client.listed(path) == {"ann", "ben"}
    assert client.team == {"ann", "ben"}


# -- 1 Entra ---------------------------------------------------------------------------------------


def test_entra_makes_a_group_in_two_steps_and_ends_it(client_of):
    client = client_of("entra")
    provider = client.provider
    look_up = '/Groups?filter=displayName eq "team"&excludedAttributes=members'

    assert provider.get(look_up).json["totalResults"] == 0
    path = client.create(schemas=[GROUP, ADSCIM], externalId="8aa1", meta={"resourceType": "Group"})
    assert not client.team
    for name in ("ann", "ben"):
        value = [{"$ref": None, "value": client.id(name)}]
        assert client.patch(path, {"op": "Add", "path": "members", "value": value}).data == b""
    assert client.team == {"ann", "ben"}
    assert "members" not in provider.get(f"{path}?excludedAttributes=members").json
    assert provider.get(look_up).json["Resources"][0]["externalId"] == "8aa1"

    deleted = provider.delete(path)

    assert (deleted.status_code, deleted.data) == (204, b"")
    assert provider.get(path).status_code == 404
    assert client.team == set()


def test_entra_renames_a_group(client_of):
    client = client_of("entra")
    path = client.with_members("ann")

    answer = client.patch(path, {"op": "Replace", "path": "displayName", "value": "team EU"})

    name = {"manual": "team", "on_the_fly": "team EU"}[client.mode]
    assert answer.status_code == 204
    assert memberships(client.app) == {name: {"ann"}}


@pytest.mark.parametrize("inactive", ["False", False])
def test_entra_disables_and_enables_without_a_word_about_groups(client_of, inactive):
    client = client_of("entra")
    client.with_members("ann", "ben")
    user = f"/Users/{client.id('ann')}"

    off = client.patch(user, {"op": "Replace", "path": "active", "value": inactive})
    assert client.team == {"ann", "ben"}
    on = client.patch(user, {"op": "Replace", "path": "active", "value": "True"})

    assert (off.status_code, on.status_code) == (200, 200)
    assert [g["display"] for g in on.json["groups"]] == ["team"]
    assert accounts(client.app)["ann"].active
    assert client.team == {"ann", "ben"}


def test_entra_asks_whether_somebody_is_a_member(client_of):
    client = client_of("entra")
    path = client.with_members("ann")
    group = path.rpartition("/")[2]

    found = [
        client.provider.get(
            f'/Groups?filter=id eq "{group}" and members eq "{client.id(name)}"'
        ).json["totalResults"]
        for name in ("ann", "ben")
    ]

    assert found == [1, 0]


def test_an_employee_without_memberships_is_created_by_entra_beside_the_groups(client_of):
    client = client_of("entra")
    path = client.create()
    record = {
        "schemas": [USER, ENTERPRISE],
        "userName": "dan",
        "externalId": "d1",
        "groups": [],
        "roles": [],
        "addresses": None,
    }
    client.ids["dan"] = client.provider.post("/Users", record).json["id"]

    client.patch(path, {"op": "Add", "path": "members", "value": [{"value": "<dan>"}]})

    assert client.team == {"dan"}


# -- 2 Okta ----------------------------------------------------------------------------------------


def test_okta_links_a_group_by_its_name_and_unlinks_it(client_of):
    client = client_of("okta", group_delete="delete_empty")
    path = client.create(members=[])

    found = client.provider.get('/Groups?filter=displayName eq "team"&startIndex=1&count=100').json

    assert found["totalResults"] == 1
    assert path.endswith(found["Resources"][0]["id"])
    assert client.provider.delete(path).status_code == 204
    assert client.team is None


def test_okta_renames_with_its_own_shape(client_of):
    client = client_of("okta")
    path = client.with_members("ann")
    client.ids["id"] = path.rpartition("/")[2]

    client.patch(path, {"op": "replace", "value": {"id": "<id>", "displayName": "crew"}})

    name = {"manual": "team", "on_the_fly": "crew"}[client.mode]
    assert memberships(client.app) == {name: {"ann"}}
    assert lines(client.app, "remove_member") == []


def test_okta_pushes_now_and_only_the_difference_is_written(client_of):
    """Issue 5: replace with everybody is a difference, not a rewrite."""
    client = client_of("okta")
    path = client.with_members("ann", "ben")
    before = lines(client.app, "add_member", "remove_member")
    everybody = [{"value": f"<{name}>", "display": name} for name in ("ben", "cyd")]

    client.patch(path, {"op": "replace", "path": "members", "value": everybody})

    written = lines(client.app, "add_member", "remove_member")[len(before) :]
    assert sorted(written) == [
        ("add_member", "cyd", "team", "applied"),
        ("remove_member", "ann", "team", "applied"),
    ]
    assert client.team == {"ben", "cyd"}


def test_okta_pushes_now_what_is_there_already_and_nothing_is_written(client_of):
    client = client_of("okta")
    path = client.with_members("ann", "ben")
    version = client.provider.get(path).headers["ETag"]
    before = lines(client.app, "add_member", "remove_member")
    everybody = [{"value": f"<{name}>", "display": name} for name in ("ben", "ann")]

    answer = client.patch(path, {"op": "replace", "path": "members", "value": everybody})

    assert answer.status_code == 204
    assert lines(client.app, "add_member", "remove_member") == before
    assert client.provider.get(path).headers["ETag"] == version


def test_okta_adds_256_members_at_once_and_takes_them_out_one_operation_each(client_of):
    client = client_of("okta", removal_limit_count=300)
    names = [f"user{n:03}" for n in range(256)]
    client.ids |= {name: push(client.provider, name) for name in names}
    path = client.create(members=[])

    added = client.patch(
        path, {"op": "add", "path": "members", "value": [{"value": f"<{n}>"} for n in names]}
    )
    assert (added.status_code, client.team) == (204, set(names))
    removed = client.patch(
        path, *[{"op": "remove", "path": f'members[value eq "<{n}>"]'} for n in names[:255]]
    )

    assert (removed.status_code, client.team) == (204, {"user255"})
    assert len(lines(client.app, "add_member", "remove_member")) == 256 + 255


def test_an_okta_wizard_app_puts_the_whole_group(client_of):
    client = client_of("okta")
    path = client.with_members("ann", "ben")
    body = {
        "schemas": [GROUP],
        "displayName": "team",
        "members": [{"value": client.id("cyd"), "display": "cyd"}],
    }

    answer = client.provider.put(path, body)

    assert answer.status_code == 200
    assert [m["value"] for m in answer.json["members"]] == [client.id("cyd")]
    assert client.team == {"cyd"}


def test_okta_sends_a_users_groups_back_and_nothing_comes_of_it(client_of):
    client = client_of("okta")
    client.with_members("ann")
    user = client.provider.get(f"/Users/{client.id('ann')}").json

    echoed = client.provider.put(f"/Users/{client.id('ann')}", user)
    emptied = client.provider.put(f"/Users/{client.id('ann')}", {**user, "groups": []})

    assert (echoed.status_code, emptied.status_code) == (200, 200)
    assert client.team == {"ann"}


# -- 3 OneLogin ------------------------------------------------------------------------------------


def test_onelogin_takes_memberships_away_when_it_disables_and_gives_them_again(client_of):
    client = client_of("onelogin")
    path, user = client.with_members("ann", "ben"), f"/Users/{client.id('ann')}?"
    body = {"schemas": ["urn:scim:schemas:core:2.0"], "userName": "ann"}
    ann = [{"value": "<ann>"}]

    left = client.patch(path, {"value": ann, "op": "remove", "path": "members"})
    off = client.provider.put(user, {**body, "active": False})
    assert (client.team, accounts(client.app)["ann"].active) == ({"ben"}, False)
    on = client.provider.put(user, {**body, "active": True})
    back = client.patch(path, {"value": ann, "op": "add", "path": "members"})

    codes = [answer.status_code for answer in (left, off, on, back)]
    assert codes == [204, 200, 200, 204]
    assert client.team == {"ann", "ben"}


def test_onelogin_takes_a_person_out_before_it_deletes_them(client_of):
    client = client_of("onelogin")
    path = client.with_members("ann", "ben")

    client.patch(path, {"value": [{"value": "<ann>"}], "op": "remove", "path": "members"})
    answer = client.provider.delete(f"/Users/{client.id('ann')}")

    assert answer.status_code == 204
    assert client.team == {"ben"}


def test_onelogins_first_version_is_refused_clearly(client_of):
    client = client_of("onelogin")
    path = client.with_members("ann")
    body = {"members": [{"value": client.id("ann"), "operation": "delete"}]}

    answer = client.provider.request("PATCH", path, body)

    assert answer.status_code == 400
    assert answer.json["detail"]
    assert client.team == {"ann"}


def test_onelogin_lists_groups_before_it_makes_one(client_of):
    client = client_of("onelogin")

    empty = client.provider.get("/Groups?count=100&startIndex=1")
    client.create()
    found = client.provider.get("/Groups?")

    assert (empty.status_code, empty.json["totalResults"]) == (200, 0)
    assert found.json["Resources"][0]["displayName"] == "team"


# -- 4 Oracle, 7 miniOrange: shapes of others until one is recorded --------------------------------


@pytest.mark.parametrize("kind", ["oracle", "miniorange"])
def test_a_client_whose_shapes_are_not_published_is_served_with_those_of_others(client_of, kind):
    client = client_of(kind)
    path = client.create(**{"urn:ietf:params:scim:schemas:oracle:idcs:extension:group:Group": {}})

    client.patch(path, {"op": "add", "path": "members", "value": [{"value": "<ann>"}]})
    assert client.team == {"ann"}
    body = {"displayName": "team", "members": [{"value": client.id("ben"), "type": "User"}]}
    assert client.provider.put(path, body).status_code == 200

    assert client.team == {"ben"}


# -- 5 Keycloak ------------------------------------------------------------------------------------


def test_keycloak_makes_a_group_with_all_its_members(client_of):
    client = client_of("keycloak")
    members = [
        {"value": client.id(name), "$ref": f"Users/{client.id(name)}"} for name in ("ann", "ben")
    ]

    path = client.create(externalId="5c1e", members=members)

    assert client.listed(path) == {"ann", "ben"}
    assert client.team == {"ann", "ben"}


def test_keycloaks_put_without_members_clears_the_group(client_of):
    """T32"""
    client = client_of("keycloak")
    path = client.with_members("ann", "ben")

    answer = client.provider.put(path, {"schemas": [GROUP], "displayName": "team"})

    assert answer.status_code == 200
    assert answer.json.get("members", []) == []
    assert client.team == set()


@pytest.mark.parametrize("op", ["replace", "add"])
def test_a_patch_without_path_and_members_clears_nothing(client_of, op):
    """T3"""
    client = client_of("keycloak")
    path = client.with_members("ann", "ben")

    answer = client.patch(path, {"op": op, "value": {"displayName": "team", "externalId": "5c1e"}})

    assert answer.status_code == 204
    assert client.team == {"ann", "ben"}


def test_keycloaks_put_with_members_is_a_difference(client_of):
    client = client_of("keycloak")
    path = client.with_members("ann", "ben")
    before = lines(client.app, "add_member", "remove_member")
    members = [
        {"value": client.id(name), "$ref": f"Users/{client.id(name)}"} for name in ("ben", "cyd")
    ]

    client.provider.put(path, {"displayName": "team", "members": members})

    written = lines(client.app, "add_member", "remove_member")[len(before) :]
    assert {line[:2] for line in written} == {("remove_member", "ann"), ("add_member", "cyd")}
    assert client.team == {"ben", "cyd"}


def test_a_put_without_members_that_is_too_much_is_held_and_still_answered(client_of):
    """T32: under the guard."""
    client = client_of("keycloak", removal_limit_count=1, removal_limit_percent=0)
    path = client.with_members("ann", "ben", "cyd")

    answer = client.provider.put(path, {"displayName": "team"})

    assert answer.status_code == 200
    assert client.listed(path) == set()
    assert client.team == {"ann", "ben", "cyd"}


# -- 8 authentik -----------------------------------------------------------------------------------


def test_authentik_adopts_a_group_by_its_name_after_a_conflict(client_of):
    client = client_of("authentik")
    path = client.create()

    again = client.provider.post(
        "/Groups", {"schemas": [GROUP], "displayName": "team", "externalId": "9f"}
    )
    found = client.provider.get('/Groups?filter=displayName eq "team"').json["Resources"]

    assert (again.status_code, again.json["scimType"]) == (409, "uniqueness")
    assert "displayName" in again.json["detail"]
    assert [f"/Groups/{g['id']}" for g in found] == [path]


def test_authentik_reads_the_members_before_it_sends_the_difference(client_of):
    client = client_of("authentik")
    path = client.with_members("ann", "ben")
    whole = {"schemas": [GROUP], "displayName": "team", "externalId": "9f"}

    client.patch(path, {"op": "replace", "path": None, "value": whole})
    known = {m["value"] for m in client.provider.get(path).json["members"]}
    client.patch(
        path,
        {"op": "add", "path": "members", "value": [{"value": "<cyd>"}]},
        {"op": "remove", "path": "members", "value": [{"value": "<ben>"}]},
    )

    assert known == {client.id("ann"), client.id("ben")}
    assert client.provider.get(path).json["externalId"] == "9f"
    assert client.team == {"ann", "cyd"}


# -- 9 JumpCloud, 10 Ping, 11 ssosync --------------------------------------------------------------


def test_jumpclouds_activation_makes_and_deletes_a_person_and_a_group(client_of):
    client = client_of("jumpcloud", group_delete="delete_empty")
    user = push(client.provider, "test@corp.example")
    group = client.create(members=[{"value": user}])
    assert client.team == {"test@corp.example"}

    answers = [client.provider.delete(path) for path in (group, f"/Users/{user}")]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert not client.team
    assert not accounts(client.app)["test@corp.example"].active


def test_ping_asks_for_user_0_before_every_operation(client_of):
    client = client_of("ping")
    path = client.create()

    missing = client.provider.get("/Users/0")
    client.patch(path, {"op": "add", "path": "members", "value": [{"value": "<ann>"}]})

    assert missing.status_code == 404
    assert missing.mimetype == "application/scim+json"
    assert client.team == {"ann"}


def test_ssosync_makes_renames_fills_and_deletes_a_group(client_of):
    client = client_of("aws")
    path = client.create(externalId="aws-1", members=[])
    for name in ("ann", "ben"):
        found = client.provider.get(f'/Users?filter=userName eq "{name}"').json
        assert found["totalResults"] == 1
        value = [{"value": found["Resources"][0]["id"]}]
        client.patch(path, {"op": "add", "path": "members", "value": value})
    assert client.team == {"ann", "ben"}

    renamed = client.patch(
        path,
        {"op": "replace", "path": "displayName", "value": "crew"},
        {"op": "replace", "path": "externalId", "value": "aws-2"},
    )

    name = {"manual": "team", "on_the_fly": "crew"}[client.mode]
    assert renamed.status_code == 204
    assert memberships(client.app) == {name: {"ann", "ben"}}
    assert client.provider.delete(path).status_code == 204
    assert memberships(client.app) == {name: set()}


# -- all -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_group_that_is_not_there_is_a_404_whatever_is_asked(client_of, kind):
    provider = client_of(kind).provider

    answers = [
        provider.get("/Groups/0"),
        provider.put("/Groups/0", {"nonsense": True}),
        provider.patch("/Groups/0", {"op": "nonsense"}),
        provider.delete("/Groups/0"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


def test_everything_works_while_group_sync_is_off_and_is_granted_later(client_of):
    client = client_of()
    set_rules(client.app, client.provider, group_mode="off")
    path = client.create(members=[{"value": client.id("ann")}])
    client.patch(path, {"op": "add", "path": "members", "value": [{"value": "<ben>"}]})
    assert groups_of(client.app) == {}

    set_rules(client.app, client.provider, group_mode=client.mode)

    assert client.team == {"ann", "ben"}
