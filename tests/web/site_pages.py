"""Every page of the site, for the tests that each page must pass: HTML, vnu, axe, keyboard.

A new page is a new line here. ``PAGES`` and ``POSTS`` need no more than what ``fill`` stores (see
conftest.py); ``MORE_PAGES`` and ``MORE_POSTS`` need ``fill_more``.
"""

from usersync_ext.core.records import Actor
from usersync_ext.sync import admin, by_hand, group_admin, runs
from usersync_ext.testing import ScimClient

ADMIN = Actor(kind="admin", name="eve")
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LONG = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaf"
"""Eighty characters without a blank."""
UMLAUTS = "Zoë Straße 株式会社 Ωmega"
ARABIC = "شركة المثال"
CREW_RULES = {
    "group_mode": "manual",
    "removal_limit_count": "50",
    "removal_limit_percent": "100",
}

PAGES = (
    "/",
    "/sources/add",
    "/sources/acme/",
    "/sources/watched/",
    "/sources/acme/state/observe",
    "/sources/watched/state/active",
    "/sources/acme/state/off",
    "/sources/acme/rules",
    "/sources/acme/rules?run=1",
    "/sources/acme/groups",
    "/sources/acme/groups?search=x",
    "/sources/acme/groups/map",
    "/sources/acme/runs",
    "/sources/acme/runs/1",
    "/sources/watched/runs",
    "/sources/acme/tokens",
    "/sources/acme/tokens/1/revoke",
    "/sources/acme/test",
    "/sources/acme/requests",
    "/sources/acme/held",
    "/sources/watched/held",
    "/sources/acme/adoption",
    "/sources/watched/adoption",
    "/sources/acme/leavers",
    "/sources/watched/leavers",
    "/sources/acme/leave",
    "/people",
    "/people/1",
    "/people/2",
    "/directory",
    "/directory/add",
    "/directory/2",
    "/directory/4",
    "/directory/4/delete",
    "/directory/2/hand-over",
    "/directory/2/hand-over?target=watched",
    "/directory/2/hand-over?target=nowhere",
    "/directory/4/hand-over",
    "/directory/groups",
    "/directory/groups/1",
    "/directory/groups/1/delete",
    "/activity",
    "/about",
    "/guides/entra",
    "/sources/nowhere/",
)
NOT_FOUND = ("/sources/nowhere/",)
"""The pages of the list that are the error page."""
POSTS = (
    ("/sources/add", {}),
    ("/sources/acme/rules", {"username_regex": "("}),
    ("/sources/acme/rules", {"preview": "1", "directory": "local"}),
    ("/sources/acme/rules", {"add_row": "1"}),
    (
        "/sources/acme/rules",
        {"attribute_mapping-9-field": "x y", "attribute_mapping-9-from": "title"},
    ),
    ("/directory/groups/1", {"minimum": "-1"}),
    ("/sources/acme/runs/1", {"resume": "1"}),
    ("/sources/acme/tokens", {"label": "new"}),
    ("/sources/acme/tokens", {"expires_in_days": "x"}),
    ("/sources/acme/test", {"user_name": "ann@x.test", "groups": "nobody"}),
    ("/sources/acme/test", {"user_name": "test", "full_name": "Test Person"}),
    ("/sources/acme/leave", {"confirm": "x"}),
    ("/directory/add", {}),
    ("/directory/4", {"user_name": ""}),
    ("/directory/4", {"user_name": "root", "attributes": "user_name = x"}),
    ("/sources/acme/held", {"release_selected": "1"}),
    ("/sources/acme/leavers", {"person": "2"}),
)
"""Wrong forms and previews: what they answer is a page of its own. The CSRF token is added."""
EMPTY_PAGES = ("/", "/people", "/directory", "/directory/groups", "/activity")
"""The pages that say something else while nothing is stored."""
MORE_PAGES = (
    "/sources/crew/",
    "/sources/crew/rules",
    "/sources/crew/groups",
    "/sources/crew/groups?search=nothing",
    "/sources/crew/groups/map",
    "/sources/crew/groups/import",
    "/sources/crew/groups/import?all=1",
    "/sources/crew/runs",
    "/sources/crew/runs/2",
    "/sources/crew/runs/3",
    "/sources/crew/runs/4",
    "/sources/crew/tokens",
    "/sources/crew/requests",
    "/sources/crew/requests?failed=1",
    "/sources/crew/adoption",
    "/sources/crew/leavers",
    f"/sources/{LONG.lower()}/",
    f"/sources/{LONG.lower()}/groups",
    f"/sources/{LONG.lower()}/leave",
    "/people?source=crew",
    "/people?search=nobody",
    "/people/4",
    "/people/5",
    "/people/6",
    "/people/7",
    "/people/8",
    "/people/9",
    "/directory?search=nobody",
    "/directory/5",
    "/directory/9",
    "/directory/10",
    "/directory/groups/2",
    "/directory/groups/4",
    "/activity?search=nothing",
    "/guides/okta",
    "/guides/custom-scim",
)
MORE_POSTS = (
    ("/sources/crew/groups", {"preview": "1", "from_0": "nobody's", "to_0": "wiki"}),
    ("/sources/crew/groups", {"add_row": "1", "from_0": LONG}),
    ("/sources/crew/groups/import", {}),
    ("/sources/crew/rules", {"preview": "1", "directory": "local"}),
    ("/sources/crew/", {"name": ""}),
    ("/sources/crew/adoption", {"accept": "1", "person": "1"}),
    ("/directory/groups", {"name": ""}),
    ("/sources/add", {"csrf_token": "expired"}),
)


def fill_more(site):
    """Store what makes the other pages long: mapped groups, proposals, leavers, failures, runs."""
    engine = site.state.engine
    by_hand.add_group(engine, ADMIN, "admins")
    by_hand.protect_group(engine, ADMIN, "2", protected=True)
    by_hand.add_account(engine, ADMIN, user_name="gil@x.test", full_name="Gil", email="gil@x.test")
    by_hand.edit_account(engine, ADMIN, "5", {"email_verified": True})
    crew = site.add_source("Crew", "okta", state="active", rules=CREW_RULES)
    fill_crew(engine, scim_of(site, crew), crew)
    long = site.add_source(LONG, "keycloak", state="active", rules={"group_mode": "on_the_fly"})
    client = scim_of(site, long)
    person = push_person(client, f"{LONG}@{LONG.lower()}.test", displayName=f"{LONG} {ARABIC}")
    push_groups(client, {LONG: [person], UMLAUTS: [person]})
    engine.recorder.flush()


def scim_of(site, source):
    """Return a provider's client with a new token."""
    token, _ = admin.add_token(site.state.engine, ADMIN, source, label=LONG)
    return ScimClient(site.app, source, token)


def push_person(client, name, **more):
    """Push a person; return their id."""
    emails = [{"value": name, "type": "work", "primary": True}]
    record = {"schemas": [USER], "userName": name, "emails": emails, **more}
    return client.post("/Users", record).get_json()["id"]


def push_groups(client, members):
    """Push groups, given as their members by name."""
    for name, ids in members.items():
        record = {"displayName": name, "members": [{"value": each} for each in ids]}
        client.post("/Groups", {"schemas": [GROUP], "externalId": f"00g{name}", **record})


def fill_crew(engine, client, crew):
    """Store a source with groups, of which one is refused, a proposal, leavers and runs."""
    names = ("dora@x.test", "emil@x.test", UMLAUTS, "fay@x.test", "gil@x.test")
    people = [push_person(client, name, title="Boss", displayName=name) for name in names]
    push_groups(client, {"IdP_wiki": people[:3], "IdP_admins": people[:1], LONG: people[:2]})
    push_groups(client, {"berlin": people[2:4], UMLAUTS: []})
    to = {"IdP_wiki": "wiki", "IdP_admins": "admins", LONG: LONG}
    additions = [group_admin.addition(engine, crew, name, to[name]) for name in to]
    group_admin.change_mappings(engine, ADMIN, crew, additions)
    client.patch(f"/Users/{people[1]}", {"op": "replace", "path": "active", "value": False})
    client.delete(f"/Users/{people[3]}")
    client.post("/Users", {"schemas": [USER], "userName": "dora@x.test"})
    client.get(f"/Users/{LONG}")
    client.get("/Users", query_string={"filter": "userName sounds like dora"})
    finished = runs.start(engine, ADMIN, crew, {"update_users": False}, applies=True)
    runs.work_on(engine, finished)
    runs.start(engine, ADMIN, crew, {"inactive_action": "delete"}, applies=False)
