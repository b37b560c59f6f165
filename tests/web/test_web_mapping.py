"""User Provisioning Options: who is in, with which attributes, and trying both on real people."""

import json

import pytest

from usersync_ext.core.fields import STANDARD
from usersync_ext.core.options import DEFAULT_RULES, RULES

RULES_PATH = "/sources/acme/rules"


def entered(**changes):
    """Return the form as a browser sends it: switches that are off are left out."""
    values = {"directory": "local", **DEFAULT_RULES, **changes}
    return {key: value for key, value in values.items() if value is not False}


def rows(*free, **standard):
    """Return the table's inputs: standard fields by name, free ones as pairs of name and from."""
    pairs = [(name, standard.get(name, default)) for name, (_, default) in STANDARD.items()]
    return {
        f"attribute_mapping-{number}-{part}": text
        for number, (name, source) in enumerate([*pairs, *free])
        for part, text in (("field", name), ("from", source))
    }


def cells(page):
    """Return field and expression of each row."""
    return {
        row.select_one("input[name$='-field']")["value"]: row.select_one("input[name$='-from']")[
            "value"
        ]
        for row in page.select("#attribute_mapping tbody tr")
    }


def mapping(site):
    return json.loads(site.source().rules["attribute_mapping"] or "[]")


def test_options_stand_under_the_heading_of_their_section(site):
    site.add_source()

    page = site.get(RULES_PATH)

    headings = list(dict.fromkeys(option.section for option in RULES))
    assert [site.words(h) for h in page.select("section.options > h2")] == headings
    assert [site.words(a) for a in page.select(".onpage a")] == headings
    for link in page.select(".onpage a"):
        assert page.select_one(link["href"]) is not None


def test_a_number_says_what_holds_by_default(site):
    site.add_source()

    page = site.get(RULES_PATH)

    assert "Default: 10." in site.words(page.find(id="removal_limit_count-help"))
    assert "Default: on." in site.words(page.find(id="import_users-help"))


def test_the_table_shows_where_each_field_comes_from(site):
    site.add_source(rules={"attribute_mapping": "title = nickName\ncost_center = costCenter"})

    found = cells(site.get(RULES_PATH))

    assert found["title"] == "nickName"
    assert found["email"] == "emails"
    assert found["cost_center"] == "costCenter"
    assert list(found)[: len(STANDARD)] == list(STANDARD)


def test_saving_an_untouched_table_stores_no_row(site):
    site.add_source()

    site.post(RULES_PATH, save="1", **entered(), **rows())

    assert site.source().rules["attribute_mapping"] == ""


def test_a_form_without_the_table_leaves_the_mapping_as_it_is(site):
    site.add_source(rules={"attribute_mapping": "title = nickName"})

    site.post(RULES_PATH, save="1", **entered(update_users=False))

    assert mapping(site)[0]["from"] == "nickName"


def test_a_changed_an_emptied_and_a_new_row_are_stored(site):
    site.add_source()

    site.post(
        RULES_PATH,
        save="1",
        **entered(),
        **rows(("cost_center", "costCenter"), title='title | "Staff"', phone=""),
        **{"attribute_mapping-3-case": "lower", "attribute_mapping-9-regex": "^C"},
    )

    stored = {row["field"]: row for row in mapping(site)}
    assert stored["title"]["from"] == 'title | "Staff"'
    assert stored["phone"]["from"] == ""
    assert stored["email"]["case"] == "lower"
    assert stored["cost_center"]["regex"] == "^C"
    assert stored.keys() == {"title", "phone", "email", "cost_center"}


def test_add_row_keeps_what_was_typed_and_saves_nothing(site):
    site.add_source()

    page = site.post(
        RULES_PATH,
        status=200,
        add_row="1",
        **entered(username_regex="(", import_users=False, scope_groups="Sales\nLegal"),
        **rows(("cost_center", "costCenter"), title="nickName"),
    )

    assert list(cells(page))[-2:] == ["cost_center", ""]
    assert cells(page)["title"] == "nickName"
    assert page.select_one("input[name=username_regex]")["value"] == "("
    assert page.select_one("textarea[name=scope_groups]").text.strip() == "Sales\nLegal"
    assert not page.select_one("input[name=import_users]").has_attr("checked")
    assert not page.select("[role=alert]")
    assert site.source().rules == DEFAULT_RULES


def test_remove_takes_the_row_of_its_button_only(site):
    site.add_source()
    typed = rows(("one", "title"), ("two", "title"), ("three", "title"))
    page = site.post(RULES_PATH, status=200, add_row="1", **entered(), **typed)
    second = page.select("button[name=remove_row]")[1]

    page = site.post(RULES_PATH, status=200, remove_row=second["value"], **entered(), **typed)

    assert list(cells(page))[len(STANDARD) :] == ["one", "three"]


@pytest.mark.parametrize("number", ["0", "-1", "x", "99"])
def test_standard_rows_cannot_be_removed(site, number):
    site.add_source()

    page = site.post(RULES_PATH, status=200, remove_row=number, **entered(), **rows())

    assert list(cells(page)) == list(STANDARD)


def test_enter_in_a_field_previews_and_removes_nothing(site):
    site.add_source(rules={"attribute_mapping": "cost_center = costCenter"})

    first = site.get(RULES_PATH).select_one("form.rules button")

    assert first["name"] == "preview"


def test_an_empty_new_row_is_ignored(site):
    site.add_source()

    site.post(RULES_PATH, save="1", **entered(), **rows(("", "")))

    assert site.source().rules["attribute_mapping"] == ""


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("cost_center", "costCenter |", "cost_center: there is nothing before or after a |"),
        ("", "costCenter", "a row needs the name of an attribute"),
        ("user_name", "userName", "user_name: use user_name_attribute"),
        ("cost center", "costCenter", "cannot be the name of a field"),
        ("title", "costCenter", "title is there twice"),
        ("x", "{title", "a brace is not closed"),
        ("x", "ti\ttle", "must not have control characters"),
    ],
)
def test_a_wrong_row_is_named_beside_the_table_and_nothing_is_lost(site, name, source, message):
    site.add_source()

    page = site.post(
        RULES_PATH, status=200, save="1", **entered(), **rows((name, source), title="nickName")
    )

    [error] = page.select("#attribute_mapping .error")
    assert message.lower() in site.words(error).lower()
    assert page.select_one("[role=alert] a")["href"] == "#attribute_mapping"
    assert cells(page)["title"] in {"nickName", source}
    assert page.select("#attribute_mapping input[name$='-9-from']")[0]["value"] == source
    assert site.source().rules == DEFAULT_RULES


def test_all_wrong_rows_are_named_together(site):
    site.add_source()

    page = site.post(
        RULES_PATH, status=200, save="1", **entered(), **rows(("x", "|"), title="{", phone="|")
    )

    assert len(page.select("#attribute_mapping .error")) == 3
    assert len(page.select("#attribute_mapping input[name$='-from'][aria-invalid=true]")) == 3


def test_a_wrong_filter_is_named_beside_the_field_and_nothing_is_lost(site):
    site.add_source()

    page = site.post(
        RULES_PATH,
        status=200,
        save="1",
        **entered(scope_filter="department eq"),
        **rows(title="nickName"),
    )

    assert "the filter cannot be read" in site.words(page.find(id="scope_filter-error")).lower()
    assert page.select_one("input[name=scope_filter]")["value"] == "department eq"
    assert cells(page)["title"] == "nickName"
    assert site.source().rules == DEFAULT_RULES


def test_names_may_be_written_one_in_a_line(site):
    site.add_source()

    site.post(RULES_PATH, save="1", **entered(exclude_people="ann\r\nben"))

    assert site.source().rules["exclude_people"] == "ann\nben"


# -- trying on real people -------------------------------------------------------------------------


def test_preview_tells_who_is_out_of_scope_and_why(site):
    source = site.add_source()
    site.push(source, "ann@x.test", "ben@partner.example")

    page = site.post(
        RULES_PATH,
        status=200,
        preview="1",
        **entered(scope_filter='not userName ew "@partner.example"'),
    )

    panel = page.select_one(".preview")
    assert "1 of the first 2 people is in scope." in site.words(panel)
    [row] = panel.find("caption", string="Who is out").parent.select("tbody tr")
    assert site.words(row).startswith("ben@partner.example Out of scope: does not match")


def tried(site, page):
    """Return the tester's rows: field, raw, mapped."""
    table = page.find(lambda tag: tag.name == "th" and tag.text == "Mapped").find_parent("table")
    return {
        site.words(row.th): [site.words(cell) for cell in row.select("td")]
        for row in table.select("tbody tr")
    }


def test_the_tester_shows_a_person_raw_and_mapped(site):
    source = site.add_source(state="active")
    site.push(source, "ann", title="Boss")
    site.push(source, "ben", title="Clerk", emails=[{"value": "B@x.test", "type": "work"}])

    page = site.post(
        RULES_PATH,
        status=200,
        preview="1",
        person="ben",
        **entered(),
        **rows(("motto", '"Always {title}"'), title="nickName | title", phone=""),
        **{"attribute_mapping-3-case": "lower", "attribute_mapping-5-case": "upper"},
    )

    found = tried(site, page)
    assert found["user name"] == ["ben", "ben"]
    assert found["title"] == ["title Clerk", "CLERK"]
    assert found["e-mail"] == ["emails (work) B@x.test", "b@x.test"]
    assert found["phone"] == ["not looked at", "left alone"]
    assert found["motto"] == ["nothing", "Always {title}"]
    assert page.select_one("input[name=person]")["value"] == "ben"
    assert "CLERK" not in site.get("/directory/2").get_text()


def test_without_a_name_the_tester_takes_the_first_person(site):
    site.push(site.add_source(), "ann", "ben")

    page = site.post(RULES_PATH, status=200, preview="1", **entered())

    assert tried(site, page)["user name"] == ["ann", "ann"]


def test_a_person_whom_the_source_does_not_have_is_named(site):
    site.push(site.add_source(), "ann")
    site.push(site.add_source("Other"), "zoe")

    page = site.post(RULES_PATH, status=200, preview="1", person="zoe", **entered())

    assert "Acme has nobody called zoe" in site.words(page.find(id="person-error"))


def test_names_are_tried_by_the_attribute_that_is_chosen(site):
    site.push(site.add_source(), "ann", nickName="Annie")
    site.push(site.source(), "ben")

    page = site.post(RULES_PATH, status=200, preview="1", **entered(user_name_attribute="nickName"))

    table = page.find("caption", string="What becomes of user names").parent
    found = [site.words(row) for row in table.select("tbody tr")]
    assert found[0] == "Annie Annie"
    assert "No account The provider sends no nickName" in found[1]
