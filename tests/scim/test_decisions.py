"""Every row of DESIGN §3 "Decisions" about people and SCIM, and what trust.md asks of pushes."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from usersync_ext import UserSync, signals
from usersync_ext.core.options import DEFAULT_RULES
from usersync_ext.core.records import Actor, ChangeKind
from usersync_ext.core.username import account_name
from usersync_ext.directories.local import LocalAccounts
from usersync_ext.signals import Skip
from usersync_ext.state import state_of
from usersync_ext.store import journal, sources, tokens
from usersync_ext.sync import admin, by_hand
from usersync_ext.sync.explain import explain_person, list_accounts, list_people

ADMIN = Actor(kind="admin", name="root")
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def a_user(user_name="ada", **attributes):
    record = {"schemas": [USER], "userName": user_name, **attributes}
    return {key: value for key, value in record.items() if value is not None}


def mail(address):
    return [{"value": address, "type": "work", "primary": True}]


def push(provider, user_name="ada", **attributes):
    """Create a person and return the answer's body."""
    answer = provider.post("/Users", a_user(user_name, **attributes))
    assert answer.status_code == 201, answer.json
    return answer.json


def push_group(provider, name, *members, **attributes):
    """Create a group and return the answer's body."""
    record = {"schemas": [GROUP], "displayName": name, **attributes}
    answer = provider.post("/Groups", {**record, "members": [{"value": m} for m in members]})
    assert answer.status_code == 201, answer.json
    return answer.json


def replaced(path, value):
    return {"op": "replace", "path": path, "value": value}


def disable(provider, scim_id):
    return provider.patch(f"/Users/{scim_id}", replaced("active", False))


def engine_of(app):
    return state_of(app).engine


def accounts(app):
    """Return every account by name."""
    return {listed.account.user_name: listed.account for listed in list_accounts(engine_of(app))}


def account(app, user_name):
    return accounts(app).get(user_name)


def person(app, scim_id):
    return next(p for p in list_people(engine_of(app)) if p.scim_id == scim_id)


def explained(app, scim_id):
    return explain_person(engine_of(app), person(app, scim_id).id)


def changes(app, **filters):
    """Return the journal's lines about people, oldest first."""
    with engine_of(app).store.reading() as session:
        return journal.list_entries(session, journal.Lines(**filters), limit=1000)[::-1]


def held_count(app, provider):
    with engine_of(app).store.reading() as session:
        return journal.count_held(session, sources.get_source(session, provider.source).id)


def change_source(app, provider, **values):
    """Store settings of a provider's source, as a page or command would."""
    engine = engine_of(app)
    return admin.change_source(engine, ADMIN, source_of(app, provider), values)[1]


def source_of(app, provider):
    with engine_of(app).store.reading() as session:
        return sources.get_source(session, provider.source)


def decide_held(app, provider, *, release):
    return admin.decide_held(engine_of(app), ADMIN, source_of(app, provider), release=release)


def local_account(app, user_name, **values):
    return by_hand.add_account(engine_of(app), ADMIN, user_name=user_name, **values)


def protect(app, user_name):
    by_hand.protect_account(engine_of(app), ADMIN, account(app, user_name).key, protected=True)


@contextmanager
def received(signal, app):
    """Collect what a signal tells while the block runs."""
    seen = []

    def receiver(sender, **arguments):
        seen.append(arguments)

    with signal.connected_to(receiver, sender=app):
        yield seen


# -- import off, observe, proposals, holds: the provider gets its normal answer -------------------


def test_with_import_off_a_person_is_stored_without_an_account(app, provider_of):
    provider = provider_of(app, import_users="off")

    ada = push(provider)

    assert provider.get(f"/Users/{ada['id']}").json == ada
    assert account(app, "ada") is None
    assert person(app, ada["id"]).why == "not imported: import is off"


def test_switching_import_on_makes_the_accounts_of_those_who_were_pushed_before(app, provider_of):
    provider = provider_of(app, import_users="off")
    ada = push(provider, displayName="Ada")

    summary = change_source(app, provider, import_users="on")

    assert summary.counts["create"] == 1
    assert account(app, "ada").full_name == "Ada"
    assert person(app, ada["id"]).state == "in_sync"


def test_a_source_that_observes_answers_faithfully_and_changes_nothing(app, provider_of):
    provider = provider_of(app, state="observe")

    ada = push(provider, emails=mail("ada@x.test"))
    patched = provider.patch(f"/Users/{ada['id']}", replaced("title", "Editor"))

    assert patched.json["title"] == "Editor"
    assert accounts(app) == {}
    assert changes(app) == []
    assert person(app, ada["id"]).state == "observed"
    assert "would be: created" in person(app, ada["id"]).why


def test_leaving_observe_stops_before_the_first_removal_of_too_many(app, provider_of):
    """T-01"""
    provider = provider_of(app, removal_limit_count=2)
    people = [push(provider, f"user{n}") for n in range(5)]
    change_source(app, provider, state="observe")
    for one in people:
        disable(provider, one["id"])
    assert all(a.active for a in accounts(app).values())

    summary = change_source(app, provider, state="active")

    assert all(a.active for a in accounts(app).values())
    assert summary.held == 5
    assert held_count(app, provider) == 5


def test_an_account_of_the_same_name_is_proposed_and_not_taken(app, provider):
    """S-03"""
    local_account(app, "ada", full_name="Local Ada", email="ada@host.test")

    ada = push(provider, displayName="Eve", emails=mail("eve@evil.test"))

    assert account(app, "ada").owner is None
    assert account(app, "ada").full_name == "Local Ada"
    assert account(app, "ada").email == "ada@host.test"
    assert person(app, ada["id"]).state == "proposed"
    assert "waits for an administrator" in person(app, ada["id"]).why


def test_a_proposed_account_is_adopted_when_the_policy_of_the_source_allows_it(app, provider):
    key = local_account(app, "ada").key
    push(provider, displayName="Ada Lind")

    change_source(app, provider, match_policy="user_name")

    assert account(app, "ada").key == key
    assert account(app, "ada").owner == "acme"
    assert account(app, "ada").full_name == "Ada Lind"


def test_a_protected_account_is_never_adopted(app, provider_of):
    provider = provider_of(app, match_policy="user_name")
    local_account(app, "ada")
    protect(app, "ada")

    answer = provider.post("/Users", a_user("ada"))

    assert answer.status_code == 403
    assert "protected" in answer.json["detail"]
    assert account(app, "ada").owner is None


def test_memberships_of_people_without_an_account_wait_in_the_mirror(app, provider_of):
    provider = provider_of(app, import_users="off")
    ada = push(provider)
    group = push_group(provider, "Editors", ada["id"])

    change_source(app, provider, import_users="on")

    members = provider.get(f"/Groups/{group['id']}").json["members"]
    assert [member["value"] for member in members] == [ada["id"]]
    assert explained(app, ada["id"]).source_groups == ("Editors",)
    assert account(app, "ada") is not None


# -- names that are taken --------------------------------------------------------------------------


def test_a_name_of_another_source_is_a_409_that_names_value_and_owner(app, provider_of):
    """T-21: the filter finds nobody here, so the detail explains."""
    push(provider_of(app, name="First"), "ada")
    second = provider_of(app, name="Second")

    answer = second.post("/Users", a_user("ADA"))

    assert answer.status_code == 409
    assert answer.json["scimType"] == "uniqueness"
    assert "'ADA'" in answer.json["detail"]
    assert "'first'" in answer.json["detail"]
    assert second.get("/Users").json["totalResults"] == 0


def test_a_409_within_a_source_names_the_attribute_and_the_filter_finds_it(provider):
    """T-21"""
    ada = push(provider, "ada", externalId="7")

    by_name = provider.post("/Users", a_user("Ada"))
    by_id = provider.post("/Users", a_user("bob", externalId="7"))

    assert (by_name.status_code, by_id.status_code) == (409, 409)
    assert 'userName "Ada"' in by_name.json["detail"]
    assert 'externalId "7"' in by_id.json["detail"]
    for text in ('userName eq "Ada"', 'externalId eq "7"'):
        found = provider.get("/Users", query_string={"filter": text}).json
        assert [one["id"] for one in found["Resources"]] == [ada["id"]]


def test_two_people_transformed_to_one_name_are_a_409(app, provider_of):
    provider = provider_of(app, username_regex="(.*)@.*", username_replacement="$1")
    push(provider, "ada@one.test")

    answer = provider.post("/Users", a_user("ada@two.test"))

    assert answer.status_code == 409
    assert "'ada@one.test'" in answer.json["detail"]
    assert provider.get("/Users").json["totalResults"] == 1


def test_two_people_of_one_name_do_not_stop_the_others_when_import_is_switched_on(app, provider_of):
    provider = provider_of(
        app, import_users="off", username_regex="(.*)@.*", username_replacement="$1"
    )
    first, second = push(provider, "ada@one.test"), push(provider, "ada@two.test")
    push(provider, "bob@one.test")

    summary = change_source(app, provider, import_users="on")

    assert set(accounts(app)) == {"ada", "bob"}
    assert summary.counts["create"] == 2
    assert person(app, first["id"]).account_name == "ada"
    assert person(app, second["id"]).state == "failed"
    assert "'ada'" in person(app, second["id"]).why


def test_a_leaver_is_disabled_even_when_their_name_has_become_somebody_elses(app, provider):
    push(provider, "ada@one.test")
    second = push(provider, "ada@two.test")
    change_source(app, provider, username_regex="(.*)@.*", username_replacement="$1")
    assert person(app, second["id"]).state == "failed"

    answer = disable(provider, second["id"])

    assert answer.status_code == 200
    assert not account(app, "ada@two.test").active


# -- who comes back --------------------------------------------------------------------------------


def test_the_same_external_id_gets_its_account_back(app, provider):
    """T-06"""
    ada = push(provider, externalId="7", displayName="Ada")
    key = account(app, "ada").key
    provider.delete(f"/Users/{ada['id']}")
    assert not account(app, "ada").active

    again = push(provider, externalId="7", displayName="Ada B.")

    assert again["id"] != ada["id"]
    assert account(app, "ada").key == key
    assert account(app, "ada").active
    assert account(app, "ada").full_name == "Ada B."
    assert person(app, again["id"]).account_key == key


def test_the_same_external_id_gets_its_account_back_under_a_new_name(app, provider):
    ada = push(provider, externalId="7")
    key = account(app, "ada").key
    provider.delete(f"/Users/{ada['id']}")

    push(provider, "ada.lind", externalId="7")

    assert account(app, "ada.lind").key == key
    assert len(accounts(app)) == 1


@pytest.mark.parametrize("external_id", ["8", None])
def test_the_same_name_with_another_external_id_is_a_proposal(app, provider, external_id):
    ada = push(provider, externalId="7")
    provider.delete(f"/Users/{ada['id']}")

    other = push(provider, externalId=external_id)

    assert not account(app, "ada").active
    assert person(app, other["id"]).state == "proposed"
    assert person(app, other["id"]).account_key is None


def test_a_patched_external_id_never_takes_over_a_tombstones_account(app, provider):
    ada = push(provider, externalId="7")
    provider.delete(f"/Users/{ada['id']}")
    eve = push(provider, "eve", externalId="9")

    answer = provider.patch(f"/Users/{eve['id']}", replaced("externalId", "7"))

    assert answer.status_code == 200
    assert person(app, eve["id"]).account_name == "eve"
    assert not account(app, "ada").active


def test_a_person_renamed_at_the_source_keeps_the_account(app, provider):
    """T-05"""
    ada = push(provider, emails=mail("ada@one.test"))
    key = account(app, "ada").key

    provider.patch(
        f"/Users/{ada['id']}",
        replaced("userName", "ada.berg"),
        replaced('emails[type eq "work"].value', "ada.berg@one.test"),
    )

    assert account(app, "ada.berg").key == key
    assert account(app, "ada.berg").email == "ada.berg@one.test"
    assert len(accounts(app)) == 1


def test_two_verified_accounts_with_one_mail_are_both_named_and_none_is_linked(app, provider_of):
    """T-05"""
    provider = provider_of(app, match_policy="email_verified")
    for name in ("ada1", "ada2"):
        made = local_account(app, name, email="ada@x.test")
        with engine_of(app).store.writing() as session:
            LocalAccounts(session).edit(replace(made, email_verified=True))

    ada = push(provider, emails=mail("ada@x.test"))

    steps = " ".join(step.text for step in explained(app, ada["id"]).decision.steps)
    assert "ada1" in steps
    assert "ada2" in steps
    assert {a.owner for n, a in accounts(app).items() if n != "ada"} == {None}


def test_disabled_and_enabled_again_a_person_has_the_same_groups(app, provider):
    """T-06"""
    ada = push(provider)
    group = push_group(provider, "Editors", ada["id"])
    with engine_of(app).store.writing() as session:
        local = LocalAccounts(session)
        local.set_groups(account(app, "ada").key, [local.add_group("Local").key], "by hand")

    disable(provider, ada["id"])
    while_inactive = provider.get(f"/Groups/{group['id']}").json["members"]
    provider.patch(f"/Users/{ada['id']}", replaced("active", True))

    assert [member["value"] for member in while_inactive] == [ada["id"]]
    assert provider.get(f"/Users/{ada['id']}").json["groups"][0]["value"] == group["id"]
    [listed] = list_accounts(engine_of(app))
    assert listed.account.active
    assert listed.groups == ("Local",)


# -- protected accounts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "write",
    [
        lambda provider, id_: disable(provider, id_),
        lambda provider, id_: provider.patch(f"/Users/{id_}", replaced("displayName", "Eve")),
        lambda provider, id_: provider.patch(f"/Users/{id_}", replaced("userName", "eve")),
        lambda provider, id_: provider.put(f"/Users/{id_}", a_user("ada", displayName="Eve")),
        lambda provider, id_: provider.delete(f"/Users/{id_}"),
    ],
    ids=["disable", "patch", "rename", "put", "delete"],
)
def test_a_change_of_a_protected_account_is_a_403_and_nothing_is_written(app, provider, write):
    ada = push(provider, displayName="Ada")
    protect(app, "ada")
    before = provider.get(f"/Users/{ada['id']}").json

    answer = write(provider, ada["id"])

    assert answer.status_code == 403
    assert "'ada' is protected" in answer.json["detail"]
    assert provider.get(f"/Users/{ada['id']}").json == before
    assert account(app, "ada").active
    assert changes(app)[-1].outcome == "refused"


def test_what_does_not_concern_the_account_is_stored_for_a_protected_person(app, provider):
    ada = push(provider)
    protect(app, "ada")

    answer = provider.patch(f"/Users/{ada['id']}", replaced("nickName", "Addie"))

    assert answer.status_code == 200
    assert answer.json["nickName"] == "Addie"


# -- the host's hooks and signals ------------------------------------------------------------------


def test_a_veto_of_before_apply_is_a_400_with_its_text(make_app, provider_of):
    usersync = UserSync(is_admin=lambda: True)

    @usersync.before_apply
    def no_contractors(change):
        return Skip("contractors need a sponsor") if change.subject.startswith("x-") else change

    app = hooked_app(make_app, usersync)
    provider = provider_of(app)

    answer = provider.post("/Users", a_user("x-ada"))
    push(provider, "bob")

    assert answer.status_code == 400
    assert "contractors need a sponsor" in answer.json["detail"]
    assert set(accounts(app)) == {"bob"}
    assert provider.get("/Users").json["totalResults"] == 1


def hooked_app(make_app, usersync):
    """Make an app without an extension of its own, and give it this one."""
    app = make_app(usersync=None)
    engine = engine_of(app)
    engine.hooks.before_apply = usersync._before_apply
    engine.hooks.on_leaver = usersync._on_leaver
    return app


def test_before_apply_may_alter_a_change(make_app, provider_of):
    usersync = UserSync(is_admin=lambda: True)

    @usersync.before_apply
    def shout(change):
        return replace(change, after=replace(change.after, full_name="ADA"))

    app = hooked_app(make_app, usersync)

    push(provider_of(app), displayName="Ada")

    assert account(app, "ada").full_name == "ADA"
    assert changes(app)[-1].after["full_name"] == "ADA"


def test_a_change_that_before_apply_undoes_is_not_journalled_again(make_app, provider_of):
    usersync = UserSync(is_admin=lambda: True)

    @usersync.before_apply
    def keep_name(change):
        return replace(change, after=replace(change.after, full_name="ADA"))

    app = hooked_app(make_app, usersync)
    provider = provider_of(app)
    ada = push(provider, displayName="Ada")

    provider.patch(f"/Users/{ada['id']}", replaced("displayName", "Ada B."))

    assert account(app, "ada").full_name == "ADA"
    assert [entry.kind for entry in changes(app)] == ["create"]


def test_before_apply_cannot_give_a_name_that_somebody_has(make_app, provider_of):
    usersync = UserSync(is_admin=lambda: True)

    @usersync.before_apply
    def same_name(change):
        return replace(change, after=replace(change.after, user_name="staff"))

    app = hooked_app(make_app, usersync)
    provider = provider_of(app)
    push(provider, "ada")

    answer = provider.post("/Users", a_user("bob"))

    assert answer.status_code == 409
    assert "'staff'" in answer.json["detail"]
    assert set(accounts(app)) == {"staff"}


def test_on_leaver_is_told_of_everybody_who_is_disabled_or_deleted(make_app, provider_of):
    usersync = UserSync(is_admin=lambda: True)
    told = []
    usersync.on_leaver(lambda account, replacement: told.append((account.user_name, replacement)))
    app = hooked_app(make_app, usersync)
    provider = provider_of(app)
    ada, bob = push(provider, "ada"), push(provider, "bob")

    disable(provider, ada["id"])
    provider.delete(f"/Users/{bob['id']}")

    assert told == [("ada", None), ("bob", None)]


@pytest.mark.parametrize(
    ("signal", "act"),
    [
        (signals.account_updated, replaced("displayName", "Ada B.")),
        (signals.account_renamed, replaced("userName", "ada.b")),
        (signals.account_deactivated, replaced("active", False)),
    ],
    ids=["updated", "renamed", "deactivated"],
)
def test_a_signal_tells_what_became_of_the_account(app, provider, signal, act):
    ada = push(provider, displayName="Ada")

    with received(signal, app) as seen:
        provider.patch(f"/Users/{ada['id']}", act)

    [told] = seen
    assert told["source"] == "acme"
    assert told["account"]["key"] == account(app, told["account"]["user_name"]).key
    assert told["event_id"] > 0


def test_a_signal_is_sent_after_the_commit(app, provider):
    found = []

    def receiver(sender, **arguments):
        found.append(account(app, "ada"))

    with signals.account_created.connected_to(receiver, sender=app):
        push(provider)

    assert found[0].user_name == "ada"


def test_no_signal_is_sent_for_what_was_refused(app, provider):
    push(provider)
    protect(app, "ada")

    with received(signals.account_created, app) as created:
        provider.post("/Users", a_user("ADA"))

    assert created == []


def test_a_receiver_that_fails_stops_nobody(app, provider):
    def receiver(sender, **arguments):
        raise RuntimeError("broken")

    with signals.account_created.connected_to(receiver, sender=app):
        answer = provider.post("/Users", a_user())

    assert answer.status_code == 201


# -- sources and tokens ----------------------------------------------------------------------------


def test_a_source_that_is_off_answers_503_and_keeps_its_tokens(app, provider):
    ada = push(provider)
    change_source(app, provider, state="off")

    answer = disable(provider, ada["id"])

    assert answer.status_code == 503
    assert answer.headers["Retry-After"].isdigit()
    assert account(app, "ada").active
    change_source(app, provider, state="active")
    assert provider.get(f"/Users/{ada['id']}").json["active"] is True


def test_without_a_directory_writes_answer_503_and_reads_go_on(app, provider):
    ada = push(provider)
    change_source(app, provider, directory="")

    answers = [
        provider.post("/Users", a_user("bob")),
        disable(provider, ada["id"]),
        provider.delete(f"/Users/{ada['id']}"),
    ]

    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert all(answer.headers["Retry-After"].isdigit() for answer in answers)
    assert provider.get("/Users").json["Resources"] == [ada]


def test_a_revoked_token_is_401(app, provider):
    source = source_of(app, provider)
    with engine_of(app).store.reading() as session:
        [token] = tokens.list_tokens(session, source)
    admin.revoke_token(engine_of(app), ADMIN, source, token)

    answer = provider.get("/Users")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_expired_token_is_401(app, provider):
    with engine_of(app).store.writing() as session:
        secret, _ = tokens.add_token(
            session,
            sources.get_source(session, provider.source),
            label="old",
            read_only=False,
            expires_in_days=1,
            actor=ADMIN,
            now=datetime.now(UTC) - timedelta(days=2),
        )
    provider.token = secret

    assert provider.get("/Users").status_code == 401


def test_a_token_of_another_source_is_401(app, provider_of):
    first, second = provider_of(app, name="First"), provider_of(app, name="Second")
    first.token = second.token

    assert first.get("/Users").status_code == 401


def test_removing_a_source_kills_its_tokens_and_keeps_its_accounts(app, provider):
    push(provider)

    admin.leave_source(
        engine_of(app), ADMIN, source_of(app, provider), accounts="keep", remove=True
    )

    assert provider.get("/Users").status_code == 401
    assert account(app, "ada").owner is None
    assert account(app, "ada").active


def test_a_new_source_of_an_old_name_has_its_whole_limit(app, provider_of):
    provider = provider_of(app, removal_limit_count=1)
    disable(provider, push(provider)["id"])
    admin.leave_source(
        engine_of(app), ADMIN, source_of(app, provider), accounts="delete", remove=True
    )
    again = provider_of(app, removal_limit_count=1)

    disable(again, push(again, "bob")["id"])

    assert not account(app, "bob").active


# -- leaving ---------------------------------------------------------------------------------------


def test_a_deleted_person_is_404_at_once_and_the_account_is_disabled(app, provider):
    ada = push(provider)

    answer = provider.delete(f"/Users/{ada['id']}")

    assert (answer.status_code, answer.data) == (204, b"")
    assert provider.get(f"/Users/{ada['id']}").status_code == 404
    assert provider.get("/Users").json["totalResults"] == 0
    assert not account(app, "ada").active


@pytest.mark.parametrize("leave", [disable, lambda p, id_: p.delete(f"/Users/{id_}")])
def test_with_the_delete_rule_the_account_of_a_leaver_is_deleted(app, provider_of, leave):
    provider = provider_of(app, inactive_action="delete")
    ada = push(provider)

    leave(provider, ada["id"])

    assert account(app, "ada") is None
    assert changes(app)[-1].kind == "delete"


def test_a_leaver_whose_account_was_deleted_gets_a_new_one_on_return(app, provider_of):
    provider = provider_of(app, inactive_action="delete")
    ada = push(provider)
    disable(provider, ada["id"])

    provider.patch(f"/Users/{ada['id']}", replaced("active", True))

    assert account(app, "ada").active


def test_a_source_that_does_not_own_the_account_changes_only_its_mirror(app, provider):
    local_account(app, "ada")
    ada = push(provider)

    provider.delete(f"/Users/{ada['id']}")

    assert account(app, "ada").active
    assert account(app, "ada").owner is None
    assert provider.get(f"/Users/{ada['id']}").status_code == 404


def test_with_enable_users_off_nobody_is_disabled(app, provider_of):
    provider = provider_of(app, enable_users="off")
    ada = push(provider)

    disable(provider, ada["id"])
    provider.delete(f"/Users/{ada['id']}")

    assert account(app, "ada").active


# -- attributes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operation",
    [replaced("emails", None), replaced("emails", ""), {"op": "remove", "path": "emails"}],
    ids=["null", "empty", "removed"],
)
def test_an_attribute_cleared_at_the_source_is_cleared_in_the_account(app, provider, operation):
    ada = push(provider, emails=mail("ada@x.test"))

    answer = provider.patch(f"/Users/{ada['id']}", operation)

    assert "emails" not in answer.json
    assert account(app, "ada").email == ""


@pytest.mark.parametrize(
    "operation",
    [replaced("userName", None), replaced("userName", ""), {"op": "remove", "path": "userName"}],
    ids=["null", "empty", "removed"],
)
def test_a_user_name_is_never_cleared(app, provider, operation):
    ada = push(provider)

    answer = provider.patch(f"/Users/{ada['id']}", operation)

    assert answer.status_code == 400
    assert "userName" in answer.json["detail"]
    assert provider.get(f"/Users/{ada['id']}").json == ada


def test_with_update_users_off_attributes_of_the_account_stay(app, provider_of):
    provider = provider_of(app, update_users="off")
    ada = push(provider, displayName="Ada", emails=mail("ada@x.test"))

    provider.put(f"/Users/{ada['id']}", a_user("ada", displayName="Eve"))

    assert account(app, "ada").full_name == "Ada"
    assert account(app, "ada").email == "ada@x.test"


@pytest.mark.parametrize("active", [True, False])
def test_a_status_that_the_source_takes_back_leaves_the_account_as_it_is(app, provider, active):
    ada = push(provider, active=active)

    answer = provider.patch(f"/Users/{ada['id']}", {"op": "remove", "path": "active"})

    assert answer.status_code == 200
    assert "active" not in answer.json
    assert account(app, "ada").active is active


def test_unknown_attributes_are_kept_and_never_reach_an_account(app, provider):
    """S-16"""
    foreign = {"is_admin": True, "protected": True, "owner": "x", "email_verified": True, "key": 1}

    ada = push(provider, **foreign, roles=[{"value": "admin"}])

    assert foreign.items() <= provider.get(f"/Users/{ada['id']}").json.items()
    assert not account(app, "ada").protected
    assert not account(app, "ada").email_verified
    assert account(app, "ada").owner == "acme"


# -- names that change -----------------------------------------------------------------------------


def test_a_rename_renames_the_account(app, provider):
    ada = push(provider, displayName="Ada")

    provider.patch(f"/Users/{ada['id']}", replaced("userName", "ada.b"))

    assert set(accounts(app)) == {"ada.b"}
    assert [entry.kind for entry in changes(app)] == ["create", "rename"]


def test_with_rename_accounts_off_the_account_keeps_its_name(app, provider_of):
    provider = provider_of(app, rename_accounts="off")
    ada = push(provider)

    answer = provider.patch(f"/Users/{ada['id']}", replaced("userName", "ada.b"))

    assert answer.json["userName"] == "ada.b"
    assert set(accounts(app)) == {"ada"}


def test_a_rename_to_a_name_that_somebody_has_is_a_409_and_nothing_changes(app, provider):
    """S-03"""
    local_account(app, "root", email="root@host.test")
    ada = push(provider)

    answer = provider.patch(
        f"/Users/{ada['id']}", replaced("userName", "root"), replaced("displayName", "Eve")
    )

    assert answer.status_code == 409
    assert "'root'" in answer.json["detail"]
    assert provider.get(f"/Users/{ada['id']}").json == ada
    assert account(app, "root").owner is None
    assert account(app, "ada").full_name == "ada"


def test_renames_are_counted_by_the_guard(app, provider_of):
    provider = provider_of(app, removal_limit_count=1)
    people = [push(provider, f"user{n}", displayName="X") for n in range(3)]

    for one in people:
        provider.patch(
            f"/Users/{one['id']}",
            replaced("userName", f"new-{one['userName']}"),
            replaced("displayName", "Y"),
        )

    assert set(accounts(app)) == {"new-user0", "user1", "user2"}
    assert {a.full_name for a in accounts(app).values()} == {"Y"}  # the rest was not held
    assert held_count(app, provider) == 2


def test_two_people_who_swap_names_get_each_others(app, provider_of):
    provider = provider_of(app, rename_accounts="off")
    first, second = push(provider, "a"), push(provider, "b")
    keys = {name: found.key for name, found in accounts(app).items()}
    for one, name in ((first, "tmp"), (second, "a"), (first, "b")):
        assert provider.patch(f"/Users/{one['id']}", replaced("userName", name)).status_code == 200

    change_source(app, provider, rename_accounts="on")

    assert account(app, "b").key == keys["a"]
    assert account(app, "a").key == keys["b"]
    assert person(app, first["id"]).state == "in_sync"
    renames = [entry for entry in changes(app) if entry.kind == "rename"]
    assert {(e.before["user_name"], e.after["user_name"]) for e in renames} == {
        ("a", "b"),
        ("b", "a"),
    }


def test_a_rule_that_makes_a_chain_of_names_renames_everybody_of_it(app, provider_of):
    provider = provider_of(
        app, username_regex=r"(\d)-(\d)", username_replacement="$1", removal_limit_count=100
    )
    people = [push(provider, f"{n}-{n + 1}") for n in range(5)]
    keys = {name: found.key for name, found in accounts(app).items()}

    change_source(app, provider, username_replacement="$2")

    assert {name: a.key for name, a in accounts(app).items()} == {
        str(int(name) + 1): key for name, key in keys.items()
    }
    assert {person(app, one["id"]).state for one in people} == {"in_sync"}


def test_a_swap_of_which_the_guard_holds_one_half_loses_nobody(app, provider_of):
    provider = provider_of(app, rename_accounts="off", removal_limit_count=1)
    first, second = push(provider, "a"), push(provider, "b")
    keys = {name: found.key for name, found in accounts(app).items()}
    for one, name in ((first, "tmp"), (second, "a"), (first, "b")):
        provider.patch(f"/Users/{one['id']}", replaced("userName", name))

    change_source(app, provider, rename_accounts="on")
    assert {name: found.key for name, found in accounts(app).items()} == keys
    decide_held(app, provider, release=True)

    assert {name: found.key for name, found in accounts(app).items()} == {
        "a": keys["b"],
        "b": keys["a"],
    }


# -- the guard -------------------------------------------------------------------------------------


def test_removals_over_the_limit_are_held_and_the_provider_gets_its_normal_answer(app, provider_of):
    provider = provider_of(app, removal_limit_count=2)
    people = [push(provider, f"user{n}") for n in range(3)]

    with received(signals.run_needs_approval, app) as alerts:
        answers = [disable(provider, one["id"]) for one in people]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [answer.json["active"] for answer in answers] == [False, False, False]
    assert [account(app, f"user{n}").active for n in range(3)] == [False, False, True]
    assert len(alerts) == 1
    assert person(app, people[2]["id"]).state == "held"
    assert "release or reject" in person(app, people[2]["id"]).why
    assert changes(app)[-1].outcome == "held"


def test_a_deletion_over_the_limit_is_404_at_once_and_the_account_stays(app, provider_of):
    provider = provider_of(app, removal_limit_count=0, removal_limit_percent=0)
    ada = push(provider)

    assert provider.delete(f"/Users/{ada['id']}").status_code == 204

    assert provider.get(f"/Users/{ada['id']}").status_code == 404
    assert account(app, "ada").active
    assert held_count(app, provider) == 1


def test_the_limit_is_the_larger_of_count_and_percent(app, provider_of):
    provider = provider_of(app, removal_limit_count=1, removal_limit_percent=50)
    people = [push(provider, f"user{n}") for n in range(8)]

    for one in people[:6]:
        disable(provider, one["id"])

    assert sum(not a.active for a in accounts(app).values()) == 4
    assert held_count(app, provider) == 2


def test_released_changes_are_made(app, provider_of):
    provider = provider_of(app, removal_limit_count=0, removal_limit_percent=0)
    ada = push(provider)
    disable(provider, ada["id"])

    count = decide_held(app, provider, release=True)

    assert count == 1
    assert not account(app, "ada").active
    assert held_count(app, provider) == 0
    assert person(app, ada["id"]).state == "in_sync"


def test_rejected_changes_are_not_made_and_do_not_alert_again(app, provider_of):
    provider = provider_of(app, removal_limit_count=0, removal_limit_percent=0)
    ada = push(provider)
    disable(provider, ada["id"])

    with received(signals.run_needs_approval, app) as alerts:
        decide_held(app, provider, release=False)
        provider.patch(f"/Users/{ada['id']}", replaced("displayName", "Ada B."))

    assert account(app, "ada").active
    assert account(app, "ada").full_name == "Ada B."
    assert held_count(app, provider) == 0
    assert alerts == []
    assert "rejected" in person(app, ada["id"]).why


def test_an_approval_ends_with_the_change_that_it_was_for(app, provider_of):
    provider = provider_of(app, removal_limit_count=0, removal_limit_percent=0)
    ada = push(provider)
    disable(provider, ada["id"])
    decide_held(app, provider, release=True)
    provider.patch(f"/Users/{ada['id']}", replaced("active", True))

    disable(provider, ada["id"])

    assert account(app, "ada").active
    assert held_count(app, provider) == 1


def test_a_held_change_is_forgotten_when_the_provider_takes_it_back(app, provider_of):
    provider = provider_of(app, removal_limit_count=0, removal_limit_percent=0)
    ada = push(provider)
    disable(provider, ada["id"])

    provider.patch(f"/Users/{ada['id']}", replaced("active", True))

    assert held_count(app, provider) == 0
    assert person(app, ada["id"]).state == "in_sync"


def test_a_change_taken_back_while_observing_leaves_no_approval_behind(app, provider_of):
    provider = provider_of(app, removal_limit_count=0, removal_limit_percent=0)
    ada = push(provider)
    disable(provider, ada["id"])
    change_source(app, provider, state="observe")
    provider.patch(f"/Users/{ada['id']}", replaced("active", True))

    change_source(app, provider, state="active")

    assert held_count(app, provider) == 0
    assert account(app, "ada").active


def test_people_who_are_new_or_come_back_are_never_held(app, provider_of):
    provider = provider_of(app, removal_limit_count=0, removal_limit_percent=0)

    for number in range(20):
        push(provider, f"user{number}", active=number % 2 == 0)

    assert len(accounts(app)) == 20
    assert held_count(app, provider) == 0


# -- groups ----------------------------------------------------------------------------------------


def test_a_group_name_twice_is_a_409(provider):
    push_group(provider, "Editors", externalId="1")

    answer = provider.post("/Groups", {"schemas": [GROUP], "displayName": "EDITORS"})

    assert answer.status_code == 409
    assert 'displayName "EDITORS"' in answer.json["detail"]


def test_groups_of_one_name_with_different_external_ids_live_side_by_side(provider):
    push_group(provider, "Editors", externalId="1")
    push_group(provider, "Editors", externalId="2")

    same = provider.post("/Groups", {"schemas": [GROUP], "displayName": "X", "externalId": "2"})

    assert provider.get("/Groups").json["totalResults"] == 2
    if same.status_code == 409:
        assert "externalId" in same.json["detail"]


def test_unknown_ids_in_add_are_a_400_that_names_them_all(provider):
    ada = push(provider)
    group = push_group(provider, "Editors")

    answer = provider.patch(
        f"/Groups/{group['id']}",
        {"op": "add", "path": "members", "value": [{"value": v} for v in ("x1", ada["id"], "x2")]},
    )

    assert answer.status_code == 400
    assert "x1, x2" in answer.json["detail"]
    assert "members" not in provider.get(f"/Groups/{group['id']}").json


def test_groups_are_returned_by_default_and_the_etag_covers_them(provider):
    ada = push(provider)
    path = f"/Users/{ada['id']}"
    before = provider.get(path).headers["ETag"]

    push_group(provider, "Editors", ada["id"])

    assert [g["display"] for g in provider.get(path).json["groups"]] == ["Editors"]
    assert provider.get(path).headers["ETag"] != before
    stale = provider.patch(path, replaced("title", "x"), headers={"If-Match": before})
    assert stale.status_code == 412


def test_a_request_that_changes_nothing_never_bumps_the_version(app, provider):
    """T-17"""
    ada = push(provider, displayName="Ada", emails=mail("ada@x.test"))
    path = f"/Users/{ada['id']}"
    lines = len(changes(app))

    answers = [
        provider.put(path, ada),
        provider.patch(path, replaced("active", True), replaced("displayName", "Ada")),
        provider.patch(path, replaced('emails[type eq "work"].value', "ada@x.test")),
    ]

    assert [answer.json for answer in answers] == [ada, ada, ada]
    assert len(changes(app)) == lines


# -- protocol --------------------------------------------------------------------------------------


def test_a_bulk_request_is_answered_operation_by_operation(app, provider):
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": a_user("ada")},
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": {"schemas": [USER]}},
        {
            "method": "POST",
            "path": "/Groups",
            "bulkId": "g",
            "data": {
                "schemas": [GROUP],
                "displayName": "Editors",
                "members": [{"value": "bulkId:a"}],
            },
        },
    ]

    answer = provider.post("/Bulk", {"schemas": [BULK], "Operations": operations})

    assert answer.status_code == 200
    assert [one["status"] for one in answer.json["Operations"]] == ["201", "400", "201"]
    assert set(accounts(app)) == {"ada"}


def test_a_bulk_request_of_too_many_operations_is_a_413(app, provider):
    one = {"method": "DELETE", "path": "/Users/0"}

    answer = provider.post("/Bulk", {"schemas": [BULK], "Operations": [one] * 1001})

    assert answer.status_code == 413


def test_me_is_501(provider):
    assert provider.get("/Me").status_code == 501


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes", "/Users"])
def test_discovery_needs_the_token_as_everything_does(provider, path):
    assert provider.get(path).status_code == 200

    answer = provider.get(path, headers={"Authorization": "Bearer nonsense"})

    assert answer.status_code == 401


def test_a_body_over_8_mib_is_a_413(provider):
    body = b'{"userName": "' + b"a" * (8 * 1024 * 1024) + b'"}'

    answer = provider.request("POST", "/Users", data=body, content_type="application/scim+json")

    assert answer.status_code == 413


def test_more_than_5000_operations_or_members_are_a_413(provider):
    group = push_group(provider, "Editors")
    path = f"/Groups/{group['id']}"
    members = [{"value": str(number)} for number in range(5001)]

    answers = [
        provider.patch(path, *[replaced("displayName", "X")] * 5001),
        provider.patch(path, {"op": "add", "path": "members", "value": members}),
    ]

    assert [answer.status_code for answer in answers] == [413, 413]


def test_a_body_nested_deeper_than_64_is_a_400(provider):
    body = '{"userName": "ada", "x": ' + "[" * 65 + "]" * 65 + "}"

    answer = provider.request("POST", "/Users", data=body, content_type="application/scim+json")

    assert answer.status_code == 400
    assert answer.json["scimType"] == "invalidSyntax"


# -- e-mail and look-alike names -------------------------------------------------------------------


def test_a_mail_that_is_another_persons_user_name_is_reported_and_not_refused(app, provider):
    """S-13"""
    push(provider, "ada@x.test")

    eve = push(provider, "eve", emails=mail("ADA@x.test"))

    steps = " ".join(step.text for step in explained(app, eve["id"]).decision.steps)
    assert "ada@x.test" in steps
    assert account(app, "eve").email == "ADA@x.test"


@pytest.mark.parametrize(
    "clash",
    [
        a_user("eve", emails=mail("Ada@x.test")),
        a_user("eve", emails=mail("mail@x.test")),
        a_user("MAIL@x.test"),
    ],
    ids=["mail is a user name", "mail is a mail", "user name is a mail"],
)
def test_where_people_log_in_by_mail_a_mail_that_somebody_has_is_a_409(
    make_app, provider_of, clash
):
    """S-08, S-13"""
    app = make_app(USERSYNC_LOGIN_BY_EMAIL=True)
    provider = provider_of(app)
    push(provider, "ada@x.test", emails=mail("mail@x.test"))

    answer = provider.post("/Users", clash)

    assert answer.status_code == 409
    assert "ada@x.test" in answer.json["detail"]
    assert len(accounts(app)) == 1


def test_where_people_log_in_by_mail_it_cannot_be_patched_to_somebody_elses(make_app, provider_of):
    """S-08"""
    app = make_app(USERSYNC_LOGIN_BY_EMAIL=True)
    provider = provider_of(app)
    push(provider, "ada", emails=mail("ada@x.test"))
    eve = push(provider, "eve", emails=mail("eve@x.test"))

    answer = provider.patch(f"/Users/{eve['id']}", replaced("emails", mail("ADA@x.test")))

    assert answer.status_code == 409
    assert account(app, "eve").email == "eve@x.test"
    assert disable(provider, eve["id"]).status_code == 200


def test_a_changed_mail_is_not_verified_any_more(app, provider):
    """S-03"""
    ada = push(provider, emails=mail("ada@x.test"))
    with engine_of(app).store.writing() as session:
        LocalAccounts(session).edit(replace(account(app, "ada"), email_verified=True))

    with received(signals.account_updated, app) as seen:
        provider.patch(f"/Users/{ada['id']}", replaced("emails", mail("root@host.test")))

    assert not account(app, "ada").email_verified
    assert seen[0]["account"]["email"] == "root@host.test"


@pytest.mark.parametrize(
    "look_alike",
    ["ADA", "ada.", "ada ", "\uff41\uff44\uff41", "a\u200bda", "ada\u00ad", "ada.. ."],
    ids=["case", "dot", "blank", "wide", "zero width", "soft hyphen", "dots"],
)
def test_a_name_that_looks_like_an_account_never_gets_one_beside_it(app, provider, look_alike):
    """S-13"""
    local_account(app, "ada")

    answer = provider.post("/Users", a_user(look_alike))

    assert answer.status_code == 201
    assert set(accounts(app)) == {"ada"}
    assert account(app, "ada").owner is None
    assert person(app, answer.json["id"]).state in {"proposed", "failed"}


def test_a_name_of_two_scripts_is_reported(app, provider):
    """S-13"""
    ada = push(provider, "\u0430da")

    steps = " ".join(step.text for step in explained(app, ada["id"]).decision.steps)

    assert "CYRILLIC" in steps


@pytest.mark.parametrize(
    ("regex", "replacement", "received_name", "wanted"),
    [
        ("(.*)@.*", "$1", "ada@x.test", "ada"),
        ("a", "b", "aXa", "bXb"),
        ("(a)", "$11", "a", "a1"),
        ("a", "$$", "xa", "x$"),
        ("a", r"\$", "xa", "x$"),
        ("x*", "-", "axxb", "a-b"),
        ("(.*)@.*", "$1", "no-mail", "no-mail"),
    ],
)
def test_every_match_that_is_not_empty_is_replaced(regex, replacement, received_name, wanted):
    rules = {**DEFAULT_RULES, "username_regex": regex, "username_replacement": replacement}

    assert account_name(received_name, rules).name == wanted


@pytest.mark.parametrize("regex", ["(?=a)", "(?<!a)b", r"(a)\1"])
def test_what_re2_cannot_run_is_refused_by_name(app, provider, regex):
    with pytest.raises(admin.InvalidSetting) as error:
        change_source(app, provider, username_regex=regex)

    assert "look" in str(error.value) or "back-reference" in str(error.value)


def test_a_username_rule_changes_the_account_and_never_what_the_source_said(app, provider_of):
    provider = provider_of(app, username_regex="(.*)@.*", username_replacement="$1")
    ada = push(provider, "ada@x.test")

    found = provider.get("/Users", query_string={"filter": 'userName eq "ada@x.test"'})

    assert found.json["Resources"] == [ada]
    assert set(accounts(app)) == {"ada"}


# -- isolation and audit (trust.md) ----------------------------------------------------------------


@pytest.mark.parametrize("external_id", ["1", "0", "-1", " 1", "\uff11", "01"])
def test_an_external_id_never_selects_a_local_account(app, provider_of, external_id):
    """S-01"""
    provider = provider_of(app, match_policy="external_id")
    root = local_account(app, "root")

    ada = push(provider, externalId=external_id)

    assert ada["externalId"] == external_id
    assert ada["id"] not in {external_id, root.key}
    assert len(ada["id"]) == 36
    assert account(app, "ada").key != root.key
    assert account(app, "root").owner is None


@pytest.mark.parametrize("which", ["account key", "foreign id", "foreign externalId"])
def test_an_external_id_of_somebody_else_selects_nobody(app, provider_of, which):
    """S-01"""
    other = provider_of(app, name="Other")
    bob = push(other, "bob", externalId="secret")
    provider = provider_of(app, match_policy="external_id")
    value = {
        "account key": account(app, "bob").key,
        "foreign id": bob["id"],
        "foreign externalId": "secret",
    }[which]

    push(provider, "ada", externalId=value)

    assert account(app, "bob").owner == "other"
    assert account(app, "ada").owner == "acme"


@pytest.fixture
def strangers(app, provider_of):
    """Two sources; the first one's person and group are what the second must not reach."""
    first, second = provider_of(app, name="First"), provider_of(app, name="Second")
    bob = push(first, "bob", externalId="b1", displayName="Bob")
    group = push_group(first, "Admins", bob["id"])
    return first, second, bob["id"], group["id"]


@pytest.mark.parametrize(
    "reach",
    [
        lambda p, u, g: p.get(f"/Users/{u}"),
        lambda p, u, g: p.get(f"/Groups/{g}"),
        lambda p, u, g: disable(p, u),
        lambda p, u, g: p.put(f"/Users/{u}", a_user("bob")),
        lambda p, u, g: p.delete(f"/Users/{u}"),
        lambda p, u, g: p.delete(f"/Groups/{g}"),
        lambda p, u, g: p.patch(f"/Groups/{g}", replaced("displayName", "X")),
        lambda p, u, g: p.patch(f"/Groups/{g}", {"op": "remove", "path": "members"}),
    ],
)
def test_another_sources_ids_are_404(app, strangers, reach):
    """S-02, T-14"""
    first, second, user_id, group_id = strangers
    before = first.get("/Users").json, first.get("/Groups").json

    answer = reach(second, user_id, group_id)

    assert answer.status_code == 404
    assert (first.get("/Users").json, first.get("/Groups").json) == before
    assert account(app, "bob").active


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "bob"',
        'externalId eq "b1"',
        "id pr",
        'displayName co "o"',
        'id eq "{user}"',
        'groups.value eq "{group}"',
    ],
)
def test_filters_and_counts_never_see_another_sources_people(strangers, text):
    """S-02, T-14"""
    _, second, user_id, group_id = strangers
    query = {"filter": text.format(user=user_id, group=group_id)}

    with_get = second.get("/Users", query_string=query).json
    with_post = second.post("/.search", {**query, "count": 0}).json

    assert with_get["totalResults"] == 0
    assert with_post["totalResults"] == 0


def test_another_sources_person_cannot_be_made_a_member(strangers):
    """S-02, T-14"""
    _, second, user_id, group_id = strangers
    own = push_group(second, "Own")
    add = {"op": "add", "path": "members", "value": [{"value": user_id}, {"value": group_id}]}

    patched = second.patch(f"/Groups/{own['id']}", add)
    created = second.post(
        "/Groups", {"schemas": [GROUP], "displayName": "New", "members": [{"value": user_id}]}
    )

    assert (patched.status_code, created.status_code) == (400, 400)
    assert user_id in patched.json["detail"]
    assert second.get("/Groups").json["totalResults"] == 1


def test_bulk_and_managers_do_not_reach_another_source(app, strangers):
    """S-02"""
    first, second, user_id, _ = strangers
    operations = [
        {"method": "DELETE", "path": f"/Users/{user_id}"},
        {
            "method": "PATCH",
            "path": f"/Users/{user_id}",
            "data": {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [replaced("active", False)],
            },
        },
    ]

    bulk = second.post("/Bulk", {"schemas": [BULK], "Operations": operations})
    eve = push(second, "eve", **{ENTERPRISE: {"manager": {"value": user_id}}})

    assert [one["status"] for one in bulk.json["Operations"]] == ["404", "404"]
    assert account(app, "bob").active
    assert eve[ENTERPRISE]["manager"].keys() == {"value", "$ref"}  # no name: nothing is revealed
    assert f"/scim/second/v2/Users/{user_id}" in eve[ENTERPRISE]["manager"]["$ref"]
    assert first.get(f"/Users/{user_id}").json["userName"] == "bob"


def test_local_accounts_are_invisible_to_every_source(app, provider):
    """T-14"""
    root = local_account(app, "root")

    found = provider.get("/Users").json
    by_key = provider.get(f"/Users/{root.key}")

    assert found["totalResults"] == 0
    assert by_key.status_code == 404


def test_a_body_that_names_another_id_is_a_400_and_writes_nothing(app, provider):
    """S-07"""
    ada, bob = push(provider, "ada"), push(provider, "bob")

    answer = provider.put(f"/Users/{ada['id']}", a_user("eve", id=bob["id"]))

    assert answer.status_code == 400
    assert answer.json["scimType"] == "mutability"
    assert set(accounts(app)) == {"ada", "bob"}


def test_every_change_has_one_line_in_the_journal_with_its_actor_and_request(app, provider):
    """T-16"""
    ada = push(provider, displayName="Ada")
    path = f"/Users/{ada['id']}"
    requests = [
        provider.patch(path, replaced("displayName", "Ada B.")),
        provider.patch(path, replaced("userName", "ada.b")),
        provider.patch(path, replaced("active", False)),
        provider.patch(path, replaced("active", True)),
        provider.patch(path, replaced("active", True)),
        provider.delete(path),
    ]

    lines = changes(app, identity_id=changes(app)[0].identity_id)

    kinds = ["create", "update", "rename", "deactivate", "activate", "deactivate"]
    assert [line.kind for line in lines] == kinds
    assert {line.actor for line in lines} == {f"token:{provider.token[:8]}…"}
    ids = [answer.headers["X-Request-Id"] for answer in requests]
    assert [line.request_id for line in lines[1:]] == ids[:4] + ids[5:]
    assert all(line.reason and line.before != line.after for line in lines)


def test_what_an_administrator_does_is_in_the_journal_under_their_name(app, provider):
    """T-16"""
    change_source(app, provider, update_users="off")

    lines = changes(app, category="admin", source="acme")

    assert [line.kind for line in lines] == ["source_added", "token_added", "source_changed"]
    assert lines[-1].actor == "admin:root"
    assert "update_users=off" in lines[-1].reason


def test_an_answer_to_a_write_is_what_the_next_get_answers(provider):
    """T-21"""
    ada = push(provider, displayName="Ada", emails=mail("ada@x.test"), password="secret")

    put = provider.put(f"/Users/{ada['id']}", a_user("ada", title="Editor"))
    put_read = provider.get(f"/Users/{ada['id']}")
    patched = provider.patch(f"/Users/{ada['id']}", replaced("title", "Chief"))

    assert put.json == put_read.json
    assert patched.json == provider.get(f"/Users/{ada['id']}").json


def test_two_requests_at_once_for_one_name_make_one_person(app, provider):
    """T-21"""
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: provider_post(provider), range(4)))

    assert sorted(answers) == [201, 409, 409, 409]
    assert len(accounts(app)) == 1


def provider_post(provider):
    client = provider.app.test_client()
    return client.post(
        f"{provider.base}/Users", json=a_user("ada"), headers=provider.headers
    ).status_code


def test_the_kinds_that_the_guard_counts_are_those_that_take_something_away():
    from usersync_ext.core.records import DESTRUCTIVE

    assert {
        ChangeKind.RENAME,
        ChangeKind.DEACTIVATE,
        ChangeKind.DELETE,
        ChangeKind.REMOVE_MEMBER,
    } == DESTRUCTIVE


@pytest.mark.parametrize(("policy", "managed_by"), [("external_id", "acme"), ("link_only", None)])
def test_a_detached_source_gets_its_accounts_back_only_by_the_externalid_policy(
    app, provider_of, policy, managed_by
):
    provider = provider_of(app)
    push(provider, externalId="e-1")
    key = account(app, "ada").key
    admin.leave_source(
        engine_of(app), ADMIN, source_of(app, provider), accounts="keep", remove=False
    )

    change_source(app, provider, state="active", match_policy=policy)

    assert account(app, "ada").key == key
    assert account(app, "ada").owner == managed_by


def test_what_a_rule_refused_stands_on_the_persons_page(app, provider_of):
    provider = provider_of(app)
    ada = push(provider)
    protect(app, "ada")

    answer = provider.patch(f"/Users/{ada['id']}", {"op": "replace", "value": {"active": False}})

    assert answer.status_code == 403
    [person] = list_people(engine_of(app))
    [newest, *_] = explain_person(engine_of(app), person.id).changes
    assert (newest.subject, newest.kind, newest.outcome) == ("ada", "update", "refused")
    assert "protected" in newest.reason
