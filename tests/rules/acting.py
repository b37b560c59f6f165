"""What tests of rules do: push people, set rules, and look at what became of everybody."""

from usersync_ext.core.records import Actor
from usersync_ext.directories.local import LocalAccounts
from usersync_ext.state import state_of
from usersync_ext.store import journal, people, sources
from usersync_ext.store.overview import list_held
from usersync_ext.sync import admin, by_hand, group_admin
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
        return journal.list_entries(session, journal.Lines(**filters), limit=5000)[::-1]


# -- groups ----------------------------------------------------------------------------------------


def member(op, *ids):
    """Return the operation that adds, removes or replaces members."""
    return {"op": op, "path": "members", "value": [{"value": each} for each in ids]}


def join(provider, group, *ids):
    """Add people to a group of the provider."""
    return provider.patch(f"/Groups/{group}", member("add", *ids))


def leave(provider, group, *ids):
    """Take people out of a group of the provider."""
    return provider.patch(f"/Groups/{group}", member("remove", *ids))


def rename_to(provider, group, name):
    """Give a group of the provider another name."""
    return provider.patch(f"/Groups/{group}", replaced("displayName", name))


def groups_of(app):
    """Return the groups of the directory by name."""
    return {g.group.name: g for g in group_admin.list_directory_groups(engine_of(app))}


def members_of(app):
    """Return who is in each group of the directory, and why."""
    engine = engine_of(app)
    return {
        name: {w.membership.account: w.text for w in group_admin.all_members(engine, g.group.key)}
        for name, g in groups_of(app).items()
    }


def memberships(app):
    """Return the names of the members of each group of the directory."""
    return {name: set(found) for name, found in members_of(app).items()}


def local_group(app, name, *, protected=False, minimum=0):
    """Create a group of the directory by hand; return its key."""
    engine = engine_of(app)
    group = by_hand.add_group(engine, ADMIN, name)
    if protected:
        by_hand.protect_group(engine, ADMIN, group.key, protected=True)
    if minimum:
        by_hand.set_minimum(engine, ADMIN, group.key, minimum)
    return group.key


def give_by_hand(app, user_name, *names):
    """Make these existing groups those that an account has by hand."""
    known = groups_of(app)
    keys = [known[name].group.key for name in names]
    by_hand.set_groups(engine_of(app), ADMIN, accounts(app)[user_name].key, keys)


def adding(app, provider, name, to, **how):
    """Return the change by which a group of the provider is mapped."""
    group = group_admin.find_source_group(engine_of(app), source_of(app, provider), name)
    return group_admin.adding(group, to, **how)


def removing(app, provider, name, to=""):
    """Return the changes by which a group of the provider is no longer mapped."""
    rows = group_admin.mapping_of(engine_of(app), source_of(app, provider), name, to)
    return [group_admin.removing(row) for row in rows]


def change_table(app, provider, *changes):
    """Change the mapping table and return what that did."""
    return group_admin.change_mappings(
        engine_of(app), ADMIN, source_of(app, provider), list(changes)
    )


def map_group(app, provider, name, to, **how):
    """Map a group of the provider to one of the directory; return what that did."""
    return change_table(app, provider, adding(app, provider, name, to, **how))


def unmap(app, provider, name, to=""):
    """Take a group of the provider out of the mapping table; return what that did."""
    return change_table(app, provider, *removing(app, provider, name, to))


def mapping_table(app, provider):
    """Return the mapping table as pairs of names."""
    found = group_admin.list_source_groups(engine_of(app), source_of(app, provider))
    return {(line.group.name, target) for line in found for target in line.targets}


def problems(app, provider):
    """Return what keeps a source from giving groups, a line each."""
    return group_admin.problems_of(engine_of(app), source_of(app, provider))


def held_kinds(app, provider):
    """Return who has a change that waits, and which."""
    with engine_of(app).store.reading() as session:
        return {(h.user_name, h.kind) for h in list_held(session, source_of(app, provider).id)}


def lines(app, *kinds):
    """Return the journal's lines of some kinds as kind, subject, group and outcome."""
    return [
        (e.kind, e.subject, (e.after or e.before or {}).get("group"), e.outcome)
        for e in entries(app)
        if e.kind in kinds
    ]
