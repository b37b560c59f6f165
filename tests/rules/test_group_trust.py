"""What trust.md asks about groups: what a provider must not give itself, and what must end at once.

T-14 (the ownership matrix) and S-14; on both kinds of database.
"""

import pytest
from acting import (
    ADMIN,
    GROUP,
    accounts,
    adding,
    change_table,
    engine_of,
    entries,
    explained,
    give_by_hand,
    groups_of,
    join,
    leave,
    lines,
    local_account,
    local_group,
    map_group,
    mapping_table,
    member,
    members_of,
    memberships,
    preview,
    problems,
    push,
    push_group,
    rename_to,
    replaced,
    set_rules,
    source_of,
    steps,
    unmap,
)

from usersync_ext.directories.local import LocalAccounts
from usersync_ext.sync import by_hand, group_admin

TWINS = {
    "itself": "admins",
    "case": "ADMINS",
    "dot": "admins.",
    "blank": " admins ",
    "zero width": "ad\u200bmins",
    "full width": "\uff41dmins",
    "soft hyphen": "ad\u00admins",
    "with a prefix": "wiki-Admins",
    "other word": "Administrators",
}


@pytest.fixture
def app(database_url, make_app):
    return make_app(USERSYNC_DATABASE_URI=database_url)


@pytest.fixture
def fly(app, provider_of):
    """A provider in on-the-fly mode, that deletes and renames what it created."""
    return provider_of(app, group_mode="on_the_fly", group_delete="delete_empty")


def root_in(app, name):
    """Create a group of administrators with one member, root; return what it looks like."""
    local_group(app, name, protected=True)
    local_account(app, "root")
    give_by_hand(app, "root", name)
    return memberships(app)


def privileged(app):
    return {name for name, account in accounts(app).items() if account.privileged}


# -- T-14: protected groups by tricks with names ---------------------------------------------------


@pytest.mark.parametrize("name", TWINS.values(), ids=TWINS)
def test_a_protected_group_is_not_created_on_the_fly(app, fly, name):
    """T-14"""
    eve = push(fly, "eve")

    answer = fly.post("/Groups", {"displayName": name, "members": [{"value": eve}]})

    assert answer.status_code in {201, 400}
    assert memberships(app) == {}
    assert privileged(app) == set()


@pytest.mark.parametrize("name", TWINS.values(), ids=TWINS)
def test_a_protected_group_is_not_joined_on_the_fly(app, fly, name):
    """T-14: what the request asked for is refused, the mirror has it."""
    before = root_in(app, "admins")
    eve = push(fly, "eve")

    answer = fly.post("/Groups", {"displayName": name, "members": [{"value": eve}]})

    assert answer.status_code in {201, 400}
    assert memberships(app) == before
    assert privileged(app) == {"root"}


@pytest.mark.parametrize("name", TWINS.values(), ids=TWINS)
def test_a_group_does_not_become_protected_by_its_new_name(app, fly, name):
    """T-14: renamed to Administrators."""
    before = root_in(app, "admins")
    team = push_group(fly, "team", push(fly, "eve"))

    rename_to(fly, team, name)

    assert {n: m for n, m in memberships(app).items() if n != "team"} == before
    assert privileged(app) == {"root"}
    assert all(not g.is_protected for n, g in groups_of(app).items() if n != "admins")


@pytest.mark.parametrize("name", TWINS.values(), ids=TWINS)
def test_no_expression_makes_a_protected_group_of_a_name(app, fly, name):
    """T-14: regex result"""
    before = root_in(app, "admins")
    set_rules(app, fly, group_regex="^x_")

    push_group(fly, f"x_{name}", push(fly, "eve"))

    assert memberships(app) == before
    assert privileged(app) == {"root"}


@pytest.mark.parametrize("name", ["admins", "ADMINS", "\uff41dmins", "ad\u200bmins"])
def test_administrators_groups_are_protected_without_any_rule(app, provider_of, name):
    """T-14: an emptied rule leaves the marks, and names of new groups are still looked at."""
    provider = provider_of(app, group_mode="on_the_fly", protected_groups="")

    push_group(provider, name, push(provider, "eve"))

    assert memberships(app) == {}
    assert privileged(app) == set()


def test_a_group_that_is_marked_is_protected_whatever_it_is_called(app, fly):
    """T-14"""
    before = root_in(app, "crew")
    eve = push(fly, "eve")
    crew = push_group(fly, "Crew")

    answer = join(fly, crew, eve)

    assert answer.status_code == 403
    assert "the group 'crew' is protected: the membership of 'eve' is not given" in answer.text
    assert memberships(app) == before
    assert fly.get(f"/Groups/{crew}").json.get("members", []) == []


def test_a_group_protected_by_a_rule_is_neither_given_nor_emptied(app, fly):
    """T-14"""
    team = push_group(fly, "team", push(fly, "ann"))
    set_rules(app, fly, protected_groups="te*")

    given = join(fly, team, push(fly, "eve"))
    taken = fly.patch(f"/Groups/{team}", {"op": "remove", "path": "members"})

    assert (given.status_code, taken.status_code) == (403, 403)
    assert memberships(app) == {"team": {"ann"}}


def test_a_group_protected_by_a_rule_is_not_renamed(app, fly):
    """T-14, issue 5 "Protected groups" """
    team = push_group(fly, "team", push(fly, "ann"))
    set_rules(app, fly, protected_groups="te*")

    rename_to(fly, team, "crew")

    assert memberships(app)["team"] == {"ann"}


def test_a_group_protected_by_a_rule_is_not_renamed_in_case_either(app, fly):
    """T-14"""
    team = push_group(fly, "team", push(fly, "ann"))
    set_rules(app, fly, protected_groups="te*")

    rename_to(fly, team, "TEAM")

    assert memberships(app) == {"team": {"ann"}}


def test_a_group_protected_by_a_rule_is_not_deleted(app, fly):
    """T-14, issue 5 "Protected groups" """
    team = push_group(fly, "team")
    set_rules(app, fly, protected_groups="te*")

    assert fly.delete(f"/Groups/{team}").status_code == 204

    assert memberships(app) == {"team": set()}


def test_a_marked_group_is_neither_renamed_nor_emptied_nor_deleted(app, fly):
    """T-14"""
    team = push_group(fly, "team", push(fly, "ann"))
    key = groups_of(app)["team"].group.key
    by_hand.protect_group(engine_of(app), ADMIN, key, protected=True)

    rename_to(fly, team, "crew")
    assert memberships(app)["team"] == {"ann"}
    fly.delete(f"/Groups/{team}")

    assert memberships(app)["team"] == {"ann"}


def test_a_group_in_a_protected_one_gives_no_rights(app, provider_of):
    """T-14: nesting"""
    provider = provider_of(app, group_mode="on_the_fly", nested_groups="keep")
    root_in(app, "admins")
    child = push_group(provider, "team", push(provider, "eve"))

    push_group(provider, "admins", child)

    with engine_of(app).store.reading() as session:
        keys = [g.group.key for g in groups_of(app).values()]
        assert LocalAccounts(session).nested_in(keys) == []
    assert privileged(app) == {"root"}


def test_members_of_a_subgroup_of_a_protected_one_get_no_rights(app, provider_of):
    """T-14: nesting"""
    provider = provider_of(app, group_mode="on_the_fly", nested_groups="flatten")
    before = root_in(app, "admins")
    child = push_group(provider, "team", push(provider, "eve"))

    push_group(provider, "admins", child)

    assert memberships(app) == {**before, "team": {"eve"}}


# -- T-14: protected groups in the mapping table ---------------------------------------------------


@pytest.fixture
def manual(app, provider_of):
    return provider_of(app, group_mode="manual")


def pushed(provider, name, external_id, *members):
    """Create a group with an externalId; return its SCIM id."""
    body = {
        "displayName": name,
        "externalId": external_id,
        "members": [{"value": each} for each in members],
    }
    return provider.post("/Groups", body).json["id"]


@pytest.mark.parametrize("to", ["admins", "ADMINS", "\uff41dmins", "ad\u200bmins"])
def test_a_row_to_a_protected_group_gives_nothing_until_it_is_allowed(app, manual, to):
    """T-14"""
    before = root_in(app, "admins")
    push_group(manual, "one", push(manual, "ann"))

    summary = map_group(app, manual, "one", to)

    assert summary.counts["gain"] == 0
    assert memberships(app) == before
    assert any("is protected" in text for text in problems(app, manual))
    unmap(app, manual, "one")
    assert map_group(app, manual, "one", to, allow_protected=True).counts["gain"] == 1
    assert privileged(app) == {"ann", "root"}


def test_a_deleted_group_that_is_pushed_again_has_no_row_that_gives_rights(app, manual):
    """T-14: the same externalId does not bring an allowed row back."""
    root_in(app, "admins")
    group = pushed(manual, "one", "g-1", push(manual, "ann"))
    map_group(app, manual, "one", "admins", allow_protected=True)
    assert privileged(app) == {"ann", "root"}
    manual.delete(f"/Groups/{group}")
    assert privileged(app) == {"root"}

    pushed(manual, "one", "g-1", push(manual, "eve"))

    assert mapping_table(app, manual) == set()
    assert privileged(app) == {"root"}


def test_another_group_cannot_take_the_external_id_of_one_that_gives_rights(app, manual):
    """T-14"""
    root_in(app, "admins")
    one = pushed(manual, "one", "g-1")
    map_group(app, manual, "one", "admins", allow_protected=True)
    two = pushed(manual, "two", "g-2", push(manual, "eve"))

    answer = manual.patch(f"/Groups/{two}", replaced("externalId", "g-1"))
    assert answer.status_code == 409
    manual.delete(f"/Groups/{one}")
    manual.patch(f"/Groups/{two}", replaced("externalId", "g-1"))

    assert privileged(app) == {"root"}


def test_an_allowed_row_gives_the_protected_group_to_its_own_members_only(app, manual):
    """T-14"""
    root_in(app, "admins")
    push_group(manual, "one", push(manual, "ann"))
    push_group(manual, "two", push(manual, "eve"))
    map_group(app, manual, "one", "admins", allow_protected=True)

    map_group(app, manual, "two", "admins")

    assert privileged(app) == {"ann", "root"}


def test_who_has_rights_by_an_allowed_row_gives_none_to_those_planned_beside_them(app, manual):
    """T-14: looked at together in one run, each by their own row."""
    root_in(app, "admins")
    push_group(manual, "one", push(manual, "ann"))
    push_group(manual, "two", push(manual, "eve"))
    map_group(app, manual, "one", "admins", allow_protected=True)
    map_group(app, manual, "two", "admins")

    would = preview(app, manual, update_users="off")
    set_rules(app, manual, update_users="off")

    assert would.counts["gain"] == 0
    assert privileged(app) == {"ann", "root"}


def test_an_allowed_row_takes_back_what_it_gave_and_no_more(app, manual):
    """T-14"""
    root_in(app, "admins")
    ann = push(manual, "ann")
    group = push_group(manual, "one", ann)
    map_group(app, manual, "one", "admins", allow_protected=True)

    leave(manual, group, ann)

    assert privileged(app) == {"root"}
    join(manual, group, ann)
    unmap(app, manual, "one")
    assert privileged(app) == {"root"}


def test_an_allowed_row_of_one_source_allows_nothing_to_another(app, manual, provider_of):
    """T-14"""
    root_in(app, "admins")
    push_group(manual, "one", push(manual, "ann"))
    map_group(app, manual, "one", "admins", allow_protected=True)
    other = provider_of(app, name="Other", group_mode="on_the_fly", keep_existing_users=False)

    push_group(other, "admins", push(other, "eve"))

    assert privileged(app) == {"ann", "root"}


def test_protecting_a_mapped_group_keeps_its_members_until_somebody_decides(app, manual):
    """T-14"""
    ann = push(manual, "ann")
    group = push_group(manual, "one", ann)
    map_group(app, manual, "one", "users")
    key = groups_of(app)["users"].group.key
    by_hand.protect_group(engine_of(app), ADMIN, key, protected=True)

    assert leave(manual, group, ann).status_code == 403
    assert join(manual, group, push(manual, "eve")).status_code == 403

    assert memberships(app)["users"] == {"ann"}


# -- T-14: nothing in a SCIM resource sets a mapping -----------------------------------------------

ORDERS = {
    "to": "admins",
    "allow_protected": True,
    "allowProtected": True,
    "protected": True,
    "mappings": [{"op": "add", "group": "x", "to": "admins", "allow_protected": True}],
    "group_mode": "on_the_fly",
    "groups": [{"value": "admins", "display": "admins"}],
    "roles": [{"value": "admin"}],
    "is_admin": True,
    "urn:ietf:params:scim:schemas:extension:usersync:2.0:Group": {"to": "admins"},
}
WRITES = {
    "POST": lambda provider, _, record: provider.post("/Groups", {**record, "displayName": "new"}),
    "PUT": lambda provider, group, record: provider.put(f"/Groups/{group}", record),
    "PATCH": lambda provider, group, record: provider.patch(
        f"/Groups/{group}", {"op": "replace", "value": record}
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_group_resource_never_sets_a_mapping_or_a_rule(app, manual, write):
    """T-14"""
    before = root_in(app, "admins")
    eve = push(manual, "eve")
    group = push_group(manual, "one", eve)
    rules = source_of(app, manual).rules
    record = {
        "schemas": [GROUP],
        "displayName": "one",
        "members": [{"value": eve, **ORDERS}],
        **ORDERS,
    }

    write(manual, group, record)

    assert memberships(app) == before
    assert mapping_table(app, manual) == set()
    assert source_of(app, manual).rules == rules


@pytest.mark.parametrize("method", ["post", "put"])
def test_a_user_resource_never_gives_a_membership(app, fly, method):
    """T-14, S-16"""
    before = root_in(app, "admins")
    push_group(fly, "team")
    eve = push(fly, "eve")
    record = {**ORDERS, "groups": [{"value": "team"}, {"value": "admins"}]}

    if_new = {"post": ("/Users", "new"), "put": (f"/Users/{eve}", "eve")}
    path, name = if_new[method]
    getattr(fly, method)(path, {"userName": name, **record})

    assert memberships(app) == {**before, "team": set()}
    assert privileged(app) == {"root"}


def test_a_patch_of_a_users_groups_gives_nothing(app, fly):
    """T-14"""
    team = push_group(fly, "team")
    eve = push(fly, "eve")

    fly.patch(f"/Users/{eve}", {"op": "add", "path": "groups", "value": [{"value": team}]})

    assert memberships(app) == {"team": set()}


# -- T-14: other people's groups -------------------------------------------------------------------


def test_a_provider_sees_only_its_own_groups(app, fly, provider_of):
    """T-14"""
    other = provider_of(app, name="Other", group_mode="on_the_fly")
    local_group(app, "local")
    group = push_group(other, "theirs", push(other, "olga"))

    assert fly.get("/Groups").json["totalResults"] == 0
    assert fly.get(f"/Groups/{group}").status_code == 404
    assert rename_to(fly, group, "mine").status_code == 404
    assert fly.delete(f"/Groups/{group}").status_code == 404
    assert memberships(app) == {"local": set(), "theirs": {"olga"}}


def test_people_and_groups_of_another_source_cannot_be_made_members(app, fly, provider_of):
    """T-14, S-02"""
    other = provider_of(app, name="Other", group_mode="on_the_fly")
    olga = push(other, "olga")
    theirs = push_group(other, "theirs", olga)
    mine = push_group(fly, "mine")

    answers = [join(fly, mine, each) for each in (olga, theirs)]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert memberships(app) == {"mine": set(), "theirs": {"olga"}}


def test_a_row_cannot_be_made_for_a_group_of_another_source(app, manual, provider_of):
    """T-14"""
    other = provider_of(app, name="Other")
    group = push_group(other, "theirs")

    with pytest.raises(group_admin.InvalidSetting, match="Acme has no group"):
        change_table(app, manual, {"op": "add", "group": group, "name": "x", "to": "users"})


def test_a_member_by_hand_is_neither_taken_out_nor_taken_over(app, fly):
    """T-14: local memberships"""
    ann = push(fly, "ann")
    local_group(app, "team")
    give_by_hand(app, "ann", "team")
    group = push_group(fly, "team", ann)

    fly.patch(f"/Groups/{group}", {"op": "remove", "path": "members"})
    fly.delete(f"/Groups/{group}")

    assert members_of(app) == {"team": {"ann": "given by hand by admin:root"}}


def test_a_protected_account_is_put_into_no_group_and_taken_out_of_none(app, fly):
    """T-14"""
    ann = push(fly, "ann")
    team, wiki = push_group(fly, "team", ann), push_group(fly, "wiki")
    by_hand.protect_account(engine_of(app), ADMIN, accounts(app)["ann"].key, protected=True)

    assert join(fly, wiki, ann).status_code == 403
    assert leave(fly, team, ann).status_code == 403

    assert memberships(app) == {"team": {"ann"}, "wiki": set()}


# -- refusals: DESIGN "Decisions" ------------------------------------------------------------------


def test_a_request_that_is_refused_in_part_is_recorded_and_told(app, fly):
    local_group(app, "team")
    ann, root = push(fly, "ann"), push(fly, "boss")
    by_hand.protect_account(engine_of(app), ADMIN, accounts(app)["boss"].key, protected=True)
    group = push_group(fly, "team")

    answer = join(fly, group, ann, root)

    assert answer.status_code == 204
    assert {m["value"] for m in fly.get(f"/Groups/{group}").json["members"]} == {ann, root}
    assert memberships(app) == {"team": {"ann"}}
    assert ("add_member", "boss", "team", "refused") in lines(app, "add_member")
    assert "is protected" in steps(app, "boss")["protected_groups"].text


def test_a_request_about_something_else_is_not_refused_for_an_old_reason(app, provider_of):
    """A membership by hand that must not be taken away is no reason to refuse another request."""
    provider = provider_of(app, group_mode="manual", keep_existing_groups=False, scope_groups="all")
    ann = push(provider, "ann")
    push_group(provider, "all", ann)
    root_in(app, "admins")
    give_by_hand(app, "ann", "admins")
    other = push_group(provider, "other")

    assert join(provider, other, ann).status_code == 204


def test_a_refused_request_writes_nothing_but_the_refusal(app, fly):
    root_in(app, "admins")
    eve = push(fly, "eve")
    group = push_group(fly, "admins")
    version = fly.get(f"/Groups/{group}").json["meta"]["version"]
    before = len(entries(app))

    answer = join(fly, group, eve)

    assert answer.status_code == 403
    assert fly.get(f"/Groups/{group}").json["meta"]["version"] == version
    assert [e.outcome for e in entries(app)[before:]] in ([], ["refused"])
    assert explained(app, "eve").source_groups == ()


# -- S-14: at once, and by canonical names ---------------------------------------------------------


def test_the_answer_comes_after_the_membership_ended(app, manual):
    """S-14: removing the last mapped group removes the membership in the same transaction."""
    ann = push(manual, "ann")
    one, two = push_group(manual, "one", ann), push_group(manual, "two", ann)
    change_table(
        app, manual, adding(app, manual, "one", "users"), adding(app, manual, "two", "USERS")
    )

    leave(manual, one, ann)
    assert memberships(app) == {"users": {"ann"}}
    manual.patch(f"/Groups/{two}", member("replace"))

    assert memberships(app) == {"users": set()}
    [entry] = [e for e in entries(app) if e.kind == "remove_member"]
    assert entry.request_id == entries(app)[-1].request_id


def test_a_failed_write_of_the_directory_leaves_the_mirror_as_it_was(app, manual, monkeypatch):
    """S-14: one transaction for both."""
    ann = push(manual, "ann")
    group = push_group(manual, "one", ann)
    map_group(app, manual, "one", "users")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(LocalAccounts, "remove_members", failing)

    assert leave(manual, group, ann).status_code == 500

    monkeypatch.undo()
    assert [m["value"] for m in manual.get(f"/Groups/{group}").json["members"]] == [ann]
    assert memberships(app) == {"users": {"ann"}}


def failing(*_):
    raise RuntimeError("the disk is full")


@pytest.mark.parametrize("name", ["USERS", "users.", "\uff55sers", "us\u200bers", "Users"])
def test_look_alike_names_are_one_group_of_the_directory(app, fly, name):
    """S-14: group name compare canonical"""
    local_group(app, "users")

    push_group(fly, name, push(fly, "ann"))

    assert memberships(app) == {"users": {"ann"}}


def test_a_merged_group_is_left_when_the_last_name_for_it_goes(app, fly):
    """S-14"""
    ann = push(fly, "ann")
    groups = [
        fly.post(
            "/Groups", {"displayName": name, "externalId": name, "members": [{"value": ann}]}
        ).json["id"]
        for name in ("users", "USERS", "\uff55sers")
    ]

    for group in groups[:-1]:
        fly.delete(f"/Groups/{group}")

    assert memberships(app) == {"users": {"ann"}}
    fly.delete(f"/Groups/{groups[-1]}")
    assert "ann" not in memberships(app).get("users", set())
