"""Groups through the pages: mapping, preview, import, a group's own page, the drawing."""

import csv
import io
import json

import pytest
from provisioning import GROUP, USER
from sqlalchemy import event
from test_web_html import check

from usersync_ext.core.records import Actor
from usersync_ext.core.scope import SourceGroup
from usersync_ext.sync import by_hand
from usersync_ext.sync.group_admin import SourceGroupLine
from usersync_ext.web.group_map import drawn

GROUPS = "/sources/acme/groups"
IMPORT = f"{GROUPS}/import"
ADMIN = Actor(kind="admin", name="eve")


@pytest.fixture
def okta(site, provider_of):
    """The client of an active Okta source with Manual Group Mapping."""
    return provider_of(site.app, "Acme", "okta", group_mode="manual")


@pytest.fixture
def fly(site, provider_of):
    """The client of an active source whose groups are mapped on the fly."""
    return provider_of(site.app, "Acme", "okta", group_mode="on_the_fly")


def push(provider, *names):
    """Create people; return their ids."""
    users = [provider.post("/Users", {"schemas": [USER], "userName": name}) for name in names]
    return [user.json["id"] for user in users]


def push_group(provider, name, *members):
    """Create a group; return its address."""
    record = {
        "schemas": [GROUP],
        "displayName": name,
        "members": [{"value": member} for member in members],
    }
    answer = provider.post("/Groups", record)
    assert answer.status_code == 201, answer.text
    return f"/Groups/{answer.json['id']}"


def preview(site, path=GROUPS, **values):
    """Preview changes of the mapping table; return the page of their run."""
    return site.post(path, preview="1", **values)


def apply(site, page):
    """Press the main button of a run's page; return the page that confirms it."""
    button = page.select_one("button[name=apply]")
    return site.post(button.find_parent("form")["action"].removeprefix(site.prefix), apply="1")


def map_groups(site, **values):
    return apply(site, preview(site, **values))


def rows(site, page, section="section"):
    """Return the lines of the tables in a part of a page."""
    return [site.words(row) for row in page.select(f"{section} tbody tr")]


def link(page, text):
    """Return the address of a link."""
    return next(a["href"] for a in page.select("main a") if " ".join(a.text.split()) == text)


def follow(site, page, text):
    return site.get(link(page, text).removeprefix(site.prefix))


def group_page(site, name):
    return follow(site, site.get("/directory/groups"), name)


def counts(site, page):
    """Return the numbers of a run that are not 0, by their labels."""
    pairs = [(site.words(c.dt), site.words(c.dd)) for c in page.select(".counts > div")]
    return {label: number for label, number in pairs if number != "0"}


# -- mapping ---------------------------------------------------------------------------------------


def test_two_groups_are_mapped_after_a_preview(site, okta):
    ann, ben = push(okta, "ann", "ben")
    push_group(okta, "IdP_users", ann, ben)
    push_group(okta, "IdP_wiki", ann)

    shown = preview(site, from_0="IdP_users", to_0="users", from_1="IdP_wiki", to_1="wiki")
    before = site.get("/directory/groups")
    done = apply(site, shown)

    assert counts(site, shown) == {"Update": "2", "Gain a group": "2"}
    assert rows(site, shown, "#groups") == ["users 2 0 ◔ Created", "wiki 1 0 ◔ Created"]
    assert "No group yet" in site.words(before)
    assert "Saved. Changes: 2 update, 2 people gain a group." in site.words(done)
    assert rows(site, group_page(site, "users"))[:2] == [
        "ann Because the group 'IdP_users' of Acme is mapped to it. acme",
        "ben Because the group 'IdP_users' of Acme is mapped to it. acme",
    ]


def test_a_run_says_what_it_changes_in_the_table_in_words(site, okta):
    push_group(okta, "IdP_users")
    push_group(okta, "IdP_wiki")
    map_groups(site, from_0="IdP_users", to_0="users")

    page = preview(site, from_0="IdP_wiki", to_0="wiki", remove="1")

    text = "added: IdP_wiki → wiki; removed: IdP_users → users"
    assert f"Group mapping: {text}" in site.words(page)
    assert text in site.words(site.get("/sources/acme/runs"))


def test_a_row_is_removed_and_its_members_lose_the_group(site, okta):
    push_group(okta, "IdP_users", *push(okta, "ann"))
    map_groups(site, from_0="IdP_users", to_0="users")

    shown = preview(site, remove="1")
    done = apply(site, shown)

    assert counts(site, shown) == {"Update": "1", "Lose a group": "1"}
    assert "1 person loses a group" in site.words(done)
    assert "Nobody is in this group." in site.words(group_page(site, "users"))
    assert "No group is mapped yet." in site.words(site.get(GROUPS))


def test_nothing_typed_is_lost_by_an_error(site, okta):
    push_group(okta, "IdP_users")

    values = {"from_0": "nobody", "to_0": "users", "from_1": "IdP_users", "to_1": ""}
    page = site.post(GROUPS, status=200, preview="1", **values)

    assert [page.find(id=name)["value"] for name in values] == list(values.values())
    assert page.find(id="from_0")["aria-invalid"] == "true"
    assert "has told us of no group 'nobody'" in site.words(page.select_one("[role=alert]"))
    assert page.find(id="to_1")["aria-invalid"] == "true"


def test_another_row_keeps_what_was_typed(site, okta):
    push_group(okta, "IdP_users")

    page = site.post(GROUPS, status=200, add_row="1", from_0="IdP_users", to_0="users")

    assert page.find(id="from_0")["value"] == "IdP_users"
    assert page.find(id="from_1")["value"] == ""
    assert not page.select("[role=alert]")


def test_a_preview_of_nothing_says_what_to_do_first(site, okta):
    push_group(okta, "IdP_users")

    page = site.post(GROUPS, status=200, preview="1", from_0="", to_0="")

    assert "Tick a row to remove or fill in a new row first." in site.words(page)


def test_the_same_row_twice_is_refused(site, okta):
    push_group(okta, "IdP_users")
    same = {"from_0": "IdP_users", "to_0": "users", "from_1": "idp_users", "to_1": "USERS"}

    twice = site.post(GROUPS, status=200, preview="1", **same)
    map_groups(site, from_0="IdP_users", to_0="users")
    again = site.post(GROUPS, status=200, preview="1", from_0="IdP_users", to_0="Users")

    assert "Another new row says the same." in site.words(twice)
    assert "is mapped to 'Users' already" in site.words(again)


def test_settings_changed_since_the_preview_lead_to_a_new_preview(site, okta):
    push_group(okta, "IdP_users", *push(okta, "ann"))
    push_group(okta, "IdP_wiki")
    old = preview(site, from_0="IdP_users", to_0="users")
    map_groups(site, from_0="IdP_wiki", to_0="wiki")

    address = old.select_one("button[name=apply]").find_parent("form")["action"]
    refused = site.post(address.removeprefix(site.prefix), status=200, apply="1")
    again = site.post(address.removeprefix(site.prefix), again="1")
    done = apply(site, again)

    assert "preview again" in site.words(refused.select_one("[role=alert]"))
    assert "Saved." in site.words(done)
    assert "ann" in site.words(group_page(site, "users"))


def test_a_mapping_follows_its_group_and_is_marked_once_that_is_deleted(site, okta):
    group = push_group(okta, "IdP_users")
    map_groups(site, from_0="IdP_users", to_0="users")

    okta.patch(group, {"op": "replace", "path": "displayName", "value": "IdP_people"})
    renamed = rows(site, site.get(GROUPS), "#mapping")
    okta.delete(group)
    page = site.get(GROUPS)
    map_groups(site, remove="1")

    assert renamed[0].startswith("IdP_people users")
    assert "Deleted the provider has it no longer" in site.words(page.select_one("#mapping"))
    assert "The provider deleted the group 'IdP_people'" in site.words(page.select_one(".waiting"))
    assert not site.get(GROUPS).select("#mapping, .waiting")


def test_a_protected_group_is_given_only_by_a_row_that_is_allowed_to(site, okta):
    push_group(okta, "IdP_admins", *push(okta, "ann"))
    map_groups(site, from_0="IdP_admins", to_0="admins")

    blocked = site.get(GROUPS)
    shown = preview(site, asked="1", allow="1")
    apply(site, shown)
    allowed = site.get(GROUPS)

    assert "'admins' is protected" in site.words(blocked.select_one(".waiting"))
    assert not blocked.find(id="allow-1").has_attr("checked")
    assert "IdP_admins → admins (may give a protected group)" in site.words(shown)
    assert allowed.select_one("input[name=allow]").has_attr("checked")
    assert not allowed.select(".waiting")
    assert "ann" in site.words(group_page(site, "admins"))


# -- import ----------------------------------------------------------------------------------------


def test_groups_are_imported_under_their_names_or_others(site, okta):
    push_group(okta, "staff", *push(okta, "ann"))
    push_group(okta, "IdP_wiki")
    push_group(okta, "left out")

    page = site.get(IMPORT)
    shown = preview(site, IMPORT, groups=["1", "2"], to_1="staff", to_2="wiki")
    apply(site, shown)

    assert page.find(id="to_2")["value"] == "IdP_wiki"
    assert not page.select("input[checked]")
    assert "added: staff → staff, IdP_wiki → wiki" in site.words(shown)
    assert [row.th.text for row in site.get(IMPORT).select("tbody tr")] == ["left out"]


def test_all_groups_of_a_page_are_chosen_by_a_link(site, okta):
    push_group(okta, "staff")
    push_group(okta, "wiki")

    page = follow(site, site.get(IMPORT), "Choose all on this page")

    assert len(page.select("input[name=groups][checked]")) == 2


def test_an_import_of_nothing_or_under_no_name_is_refused_with_what_was_typed(site, okta):
    push_group(okta, "staff")
    push_group(okta, "wiki")

    none = site.post(IMPORT, status=200, to_1="people", to_2="wiki")
    bad = site.post(IMPORT, status=200, groups="1", to_1="", to_2="pages")

    assert "Tick at least one group first." in site.words(none)
    assert none.find(id="to_1")["value"] == "people"
    assert bad.find(id="to_1")["aria-invalid"] == "true"
    assert bad.find(id="to_2")["value"] == "pages"
    assert bad.find(id="groups-1").has_attr("checked")


def test_there_is_nothing_to_import_into_without_a_table(site, fly):
    answer = site.client.get(site.prefix + IMPORT)

    assert answer.status_code == 303
    assert answer.location == site.prefix + GROUPS


# -- many groups -----------------------------------------------------------------------------------


@pytest.fixture
def many(site, okta):
    """An Okta source with 250 groups, every one of them mapped."""
    for number in range(250):
        push_group(okta, f"team-{number:03}")
    for start in (0, 100, 200):
        ids = range(start + 1, min(start + 100, 250) + 1)
        names = {f"to_{number}": f"t{number - 1:03}" for number in ids}
        apply(site, preview(site, IMPORT, groups=[str(number) for number in ids], **names))
    return okta


def test_groups_and_rows_are_searched_and_shown_by_the_hundred(site, many):
    first = site.get(GROUPS)
    last = follow(site, follow(site, first, "Next page"), "Next page")
    groups = site.get(f"{GROUPS}?after=200")
    found = site.get(f"{GROUPS}?search=TEAM-12")
    target = site.get(f"{GROUPS}?search=t249")

    assert len(first.select("#mapping tbody tr")) == 100
    assert last.select("#mapping tbody th")[-1].text == "team-249"
    assert groups.select_one("#idp-groups tbody th").text == "team-200"
    assert len(found.select("#mapping tbody tr")) == 10
    assert found.select_one("#idp-groups tbody th").text == "team-120"
    assert [row.th.text for row in target.select("#mapping tbody tr")] == ["team-249"]
    assert "No group fits." in site.words(target)
    assert "Every group that Okta sent is mapped." in site.words(site.get(IMPORT))


def test_the_directorys_groups_are_searched_and_shown_by_the_hundred(site):
    for number in range(101):
        by_hand.add_group(site.state.engine, ADMIN, f"Team {number:03}")

    first = site.get("/directory/groups")
    last = follow(site, first, "Next page")
    found = site.get("/directory/groups?search=TEAM 05")

    assert len(first.select("tbody tr")) == 100
    assert [row.a.text for row in last.select("tbody th")] == ["Team 100"]
    assert len(found.select("tbody tr")) == 10
    assert "No group fits." in site.words(site.get("/directory/groups?search=x"))


def test_the_drawing_has_the_first_forty_groups(site, many):
    page = site.get(f"{GROUPS}/map")
    found = site.get(f"{GROUPS}/map?search=team-249")

    assert len(page.select("svg g")) == 80
    assert "The first 40 groups are drawn." in site.words(page)
    assert [text.text for text in found.select("svg g text")] == ["team-249", "t249"]


def statements(site, path):
    """Return how many statements a page takes."""
    seen = []
    engine = site.state.engine.store.engine
    count = lambda *arguments: seen.append(arguments[2])  # noqa: E731
    event.listen(engine, "before_cursor_execute", count)
    site.get(path)
    event.remove(engine, "before_cursor_execute", count)
    return len(seen)


@pytest.mark.parametrize("mode", ["manual", "on_the_fly", "off"])
def test_lists_of_groups_take_the_same_statements_for_any_number(site, provider_of, mode):
    paths = (GROUPS, f"{GROUPS}/map", "/directory/groups", "/directory/groups/1")
    okta = provider_of(site.app, "Acme", "okta", group_mode=mode)
    by_hand.add_group(site.state.engine, ADMIN, "wiki")
    push_group(okta, "first")
    few = [statements(site, path) for path in paths]

    for number in range(40):
        push_group(okta, f"team-{number}")

    assert [statements(site, path) for path in paths] == few
    assert max(few) < 20


# -- what the tab says -----------------------------------------------------------------------------


def test_without_groups_the_tab_says_what_to_switch_on_in_okta(site, okta):
    page = site.get(GROUPS)

    assert "Okta has sent no group yet." in site.words(page)
    assert "Push Groups must be switched on" in site.words(page)
    assert "Manual Group Mapping" in site.words(page.select_one(".next"))
    assert link(page, "Change it") == f"{site.prefix}/sources/acme/rules#group-mapping"
    assert page.select_one(".tabs [aria-current]").text == "Groups"


def test_groups_on_the_fly_show_what_each_stands_for_or_why_for_nothing(site, fly):
    push_group(fly, "staff", *push(fly, "ann"))
    push_group(fly, "x" * 300)
    push_group(fly, "Admins")

    page = site.get(GROUPS)

    assert rows(site, page, "#idp-groups")[0] == "staff 1 staff"
    assert "nothing:" in rows(site, page, "#idp-groups")[1]
    assert "'Admins' gives nothing" in site.words(page.select_one(".waiting"))
    assert not page.select("#mapping, form[method=post]")


def test_the_drawing_says_in_a_table_what_it_shows(site, fly):
    push_group(fly, "staff", *push(fly, "ann"))

    page = site.get(f"{GROUPS}/map")

    assert page.select_one("svg")["aria-describedby"] == "usersync-map-table"
    assert rows(site, page, "main") == ["staff 1 staff"]
    assert [text.text for text in page.select("svg .people")] == ["1"]


def test_a_protected_group_is_not_drawn_as_if_it_were_given(site, okta):
    push_group(okta, "IdP_admins", *push(okta, "ann"))
    map_groups(site, from_0="IdP_admins", to_0="admins")

    drawing = site.get(f"{GROUPS}/map")
    table = site.get(GROUPS)

    assert rows(site, drawing, "main") == ["IdP_admins 1 not admins: protected"]
    assert drawing.select("svg .people") == []
    assert "is created with its first member" not in site.words(table)


def test_lines_of_the_drawing_go_from_each_group_to_what_it_stands_for():
    def line(name, *targets):
        return SourceGroupLine(
            group=SourceGroup(scim_id=name, name=name), member_count=2, targets=targets
        )

    drawing = drawn([line("idle"), line("b", "users", "wiki"), line("a", "Users"), line("n" * 40)])

    assert [box.name[:4] for box in drawing.left] == ["a", "b", "idle", "nnnn"]
    assert [box.is_idle for box in drawing.left] == [False, False, True, True]
    assert [box.name for box in drawing.right] == ["Users", "wiki"]
    assert [line.label for line in drawing.lines] == ["2", "2", ""]
    assert drawing.lines[0].path.startswith(f"M250 {drawing.left[0].middle}C")
    assert drawing.left[3].label == "n" * 29 + "…"
    assert max(box.y + drawing.box_height for box in drawing.left) <= drawing.height


# -- one group of the directory --------------------------------------------------------------------


def test_the_page_of_a_group_shows_who_is_in_it_and_why(site, fly):
    ann, ben = push(fly, "ann", "ben")
    push_group(fly, "inner", ben)
    push_group(fly, "staff", ann)
    site.post("/directory/add", user_name="zoe")
    site.post("/directory/3", user_name="zoe", active="y", groups="2")

    page = group_page(site, "staff")

    assert rows(site, page)[:2] == [
        "ann Because the group 'staff' of Acme is mapped to it. acme",
        "zoe Given by hand by admin. you, by hand",
    ]
    assert link(page, "ann") == f"{site.prefix}/directory/1"
    assert "Managed by acme , for its group staff" in site.words(page.select_one(".facts"))
    assert "Add member added to 'staff'" in site.words(page)
    assert "acme" in rows(site, site.get("/directory/groups"), "main")[0]


def test_a_group_in_a_group_is_shown_on_both_pages(site, provider_of):
    okta = provider_of(site.app, "Acme", group_mode="on_the_fly", nested_groups="keep")
    inner = push_group(okta, "inner", *push(okta, "ann"))
    push_group(okta, "outer", inner.removeprefix("/Groups/"))

    page = group_page(site, "outer")

    assert "Groups in it inner" in site.words(page.select_one(".facts"))
    assert "Is in outer" in site.words(follow(site, page, "inner").select_one(".facts"))


def test_members_are_shown_by_the_hundred(site, fly):
    push_group(fly, "staff", *push(fly, *(f"p{number:03}" for number in range(101))))

    page = group_page(site, "staff")
    rest = follow(site, page, "Next page")

    assert len(page.select_one("section:nth-of-type(2) tbody").select("tr")) == 100
    assert "p100" in rows(site, rest)[0]


def test_a_group_is_protected_on_its_own_page(site):
    site.post("/directory/groups", name="wiki")

    page = site.post("/directory/groups/1/protect", protect="1", stay="1")

    assert page.h1.text == "wiki"
    assert "Protected" in site.words(page.select_one(".next"))


def test_a_minimum_keeps_the_last_members(site, fly):
    ann, ben = push(fly, "ann", "ben")
    group = push_group(fly, "staff", ann, ben)

    wrong = site.post("/directory/groups/1", status=200, minimum="some")
    page = site.post("/directory/groups/1", minimum="2")
    answer = fly.patch(group, {"op": "remove", "path": f'members[value eq "{ann}"]'})

    assert wrong.find(id="minimum")["aria-invalid"] == "true"
    assert "The group staff keeps at least 2 members." in site.words(page)
    assert answer.status_code == 403, answer.text
    assert "ann" in rows(site, group_page(site, "staff"))[0]


# -- runs and people -------------------------------------------------------------------------------


@pytest.fixture
def sweep(site, provider_of):
    """A source whose next run takes zoe, whom it does not know, out of the group wiki."""
    okta = provider_of(site.app, "Acme", "okta", group_mode="manual", keep_existing_users="off")
    site.post("/directory/groups", name="wiki")
    site.post("/directory/add", user_name="zoe")
    site.post("/directory/1", user_name="zoe", active="y", groups="1")
    push_group(okta, "IdP_wiki", *push(okta, "ann"))
    return okta


def test_a_preview_names_who_else_loses_a_group(site, sweep):
    page = preview(site, from_0="IdP_wiki", to_0="wiki")
    apply(site, page)

    assert counts(site, page) == {"Update": "1", "Gain a group": "1", "Lose a group": "1"}
    outsiders = rows(site, page, "#groups")[1]
    assert outsiders.startswith("zoe wiki")
    assert "ann" in site.words(group_page(site, "wiki"))
    assert "zoe" not in rows(site, group_page(site, "wiki"))[0]


def test_the_export_of_a_run_has_memberships_groups_and_outsiders(site, sweep):
    preview(site, from_0="IdP_wiki", to_0="wiki")
    plan = f"{site.prefix}/sources/acme/runs/1/plan"

    table = list(csv.DictReader(io.StringIO(site.client.get(f"{plan}.csv").text)))
    data = json.loads(site.client.get(f"{plan}.json").text)

    assert [(row["person"], row["change"]) for row in table] == [
        ("ann", "add_member"),
        ("zoe", "remove_member"),
    ]
    assert table[1]["before"] == '{"group": "wiki"}'
    assert data["people"][0]["changes"][0]["after"] == {"group": "wiki"}
    assert data["groups"] == [{"name": "wiki", "gains": 1, "losses": 1, "change": "", "was": ""}]
    assert data["outsiders"][0]["account"] == "zoe"


def test_a_refused_membership_is_on_the_persons_page_and_an_alert(site, fly):
    ann, ben = push(fly, "ann", "ben")
    group = push_group(fly, "Admins", ann)
    fly.patch(group, {"op": "add", "path": "members", "value": [{"value": ben}]})

    person = site.get("/people/1")
    overview = site.get("/")
    source = site.get("/sources/acme/")

    assert "Refused The group 'Admins' is protected" in site.words(person)
    assert "Refused" in site.words(overview.select_one(".waiting"))
    refused = f"{site.prefix}/activity?source=acme&outcome=refused"
    assert refused in [a["href"] for a in overview.select(".waiting a")]
    assert "wanted what a rule protects" in site.words(source)


def test_steps_about_groups_read_as_sentences(site, fly):
    push_group(fly, "staff", *push(fly, "ann"))

    steps = site.words(site.get("/people/1").select_one(".why"))

    assert "In 'staff': because the provider's group 'staff' is mapped to it." in steps
    assert "staff → nothing" not in steps


# -- options ---------------------------------------------------------------------------------------


def test_unsaved_rules_are_tried_on_a_typed_name_and_the_sources_groups(site, fly):
    for name in ("IdP_staff", "staff", "IdP_admins"):
        push_group(fly, name)
    values = {
        "group_mode": "on_the_fly",
        "group_regex": "^IdP_(.*)$",
        "group_replacement": "$1",
        "group_sample": "IdP_wiki",
    }

    page = site.post("/sources/acme/rules", status=200, preview="1", directory="local", **values)
    table = page.find("caption", string="What becomes of group names").parent

    assert [site.words(row) for row in table.select("tbody tr")] == [
        "IdP_wiki (your sample) wiki",
        "IdP_staff staff",
        "staff staff",
        "IdP_admins admins ◔ Protected nobody gets it.",
    ]
    assert "staff from IdP_staff, staff" in site.words(page.select_one("#preview"))


# -- valid HTML, no script needed ------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        GROUPS,
        f"{GROUPS}?search=x",
        IMPORT,
        f"{IMPORT}?all=1",
        f"{GROUPS}/map",
        "/sources/acme/runs/1",
        "/directory/groups/1",
        "/people/1",
    ],
)
def test_every_page_about_groups_is_valid_and_labelled(site, sweep, path):
    map_groups(site, from_0="IdP_wiki", to_0="wiki")
    push_group(sweep, "IdP_<others>")

    check(site.client.get(site.prefix + path).text)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (GROUPS, {"from_0": "nobody", "to_0": "x", "from_1": "IdP_wiki", "to_1": ""}),
        (GROUPS, {"add_row": "1", "from_0": "IdP_wiki"}),
        (GROUPS, {}),
        (IMPORT, {}),
        (IMPORT, {"groups": "1", "to_1": ""}),
        ("/directory/groups/1", {"minimum": "x"}),
    ],
)
def test_every_answer_to_a_form_about_groups_is_valid_and_labelled(site, sweep, path, values):
    data = {"csrf_token": site.csrf(), **values}

    check(site.client.post(site.prefix + path, data=data).text)
