"""What tests of rules do: push people, set rules, and look at what became of everybody."""

from usersync_ext.core.records import Actor
from usersync_ext.directories.local import LocalAccounts
from usersync_ext.state import state_of
from usersync_ext.store import journal, people, sources
from usersync_ext.sync import admin, by_hand
from usersync_ext.sync.explain import explain_person, list_accounts

ADMIN = Actor(kind="admin", name="root")
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def engine_of(app):
    return state_of(app).engine


def push(provider, user_name, **attributes):
    """Create a person; return their SCIM id."""
    answer = provider.post("/Users", {"schemas": [USER], "userName": user_name, **attributes})
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def push_group(provider, name, *members):
    """Create a group; return its SCIM id."""
    record = {"schemas": [GROUP], "displayName": name, "members": [{"value": m} for m in members]}
    answer = provider.post("/Groups", record)
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def works_in(department):
    """Return the attributes of somebody in a department."""
    return {ENTERPRISE: {"department": department}}


def mail(address):
    return [{"value": address, "type": "work", "primary": True}]


def replaced(path, value):
    return {"op": "replace", "path": path, "value": value}


def disable(provider, scim_id):
    return provider.patch(f"/Users/{scim_id}", replaced("active", False))


def source_of(app, provider):
    with engine_of(app).store.reading() as session:
        return sources.get_source(session, provider.source)


def set_rules(app, provider, **values):
    """Store new settings of a source, apply them, and return what they did."""
    return admin.change_source(engine_of(app), ADMIN, source_of(app, provider), values)[1]


def preview(app, provider, **values):
    """Return what new settings would do."""
    return admin.preview_rules(engine_of(app), ADMIN, source_of(app, provider), values)


def accounts(app):
    """Return all accounts by name."""
    return {a.account.user_name: a.account for a in list_accounts(engine_of(app), limit=2000)}


def active_names(app):
    """Return the names of the accounts that are enabled."""
    return {name for name, account in accounts(app).items() if account.active}


def person(app, user_name, provider=None):
    """Return the newest person of a user name."""
    source = source_of(app, provider) if provider else None
    with engine_of(app).store.reading() as session:
        return people.find_people(session, user_name, source)[0]


def why(app, user_name, provider=None):
    return person(app, user_name, provider).why


def explained(app, user_name, provider=None):
    return explain_person(engine_of(app), person(app, user_name, provider).id)


def steps(app, user_name):
    """Return the steps of a person's explanation by rule."""
    return {step.rule: step for step in explained(app, user_name).decision.steps}


def local_account(app, user_name, *, verified=False, protected=False, admin_of="", **values):
    """Create an account by hand; ``admin_of`` names a protected group that it joins."""
    engine = engine_of(app)
    account = by_hand.add_account(engine, ADMIN, user_name=user_name, **values)
    if verified:
        by_hand.edit_account(engine, ADMIN, account.key, {"email_verified": True})
    if admin_of:
        make_administrator(app, account.key, admin_of)
    if protected:
        by_hand.protect_account(engine, ADMIN, account.key, protected=True)
    return account


def make_administrator(app, key, group_name):
    """Put an account into a group whose members are administrators."""
    engine = engine_of(app)
    with engine.store.writing() as session:
        local = LocalAccounts(session)
        group = next((g for g in local.groups() if g.name == group_name), None)
        group = group or local.add_group(group_name)
        local.protect_group(group.key, True)
        keys = [g.key for g in local.groups() if g.key == group.key]
        local.set_groups(key, keys, "by hand")


def held(app, provider):
    """Return the changes that wait for a decision."""
    with engine_of(app).store.reading() as session:
        return journal.count_held(session, source_of(app, provider).id)


def entries(app, **filters):
    """Return the journal's lines, the oldest first."""
    with engine_of(app).store.reading() as session:
        return journal.list_entries(session, limit=5000, **filters)[::-1]
