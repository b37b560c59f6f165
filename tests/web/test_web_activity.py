"""Activity: every change and action, filtered by source, kind, outcome, person and day."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest


def subjects(page):
    return [row.select("td")[1].text.strip() for row in page.select("tbody tr")]


def kinds(page):
    return {strong.text for strong in page.select("tbody .what > strong")}


def lines(answer):
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_activity_has_changes_and_administrators_actions(filled):
    everything = filled.words(filled.get("/activity"))

    assert "Source added" in everything
    assert "Deactivate" in everything
    assert kinds(filled.get("/activity?what=admin")) >= {"Account added", "Token added"}
    assert "Deactivate" not in kinds(filled.get("/activity?what=admin"))
    assert kinds(filled.get("/activity?what=change")) == {"Create", "Deactivate"}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("what=create", {"ann@x.test", "ben@x.test", "cat@x.test"}),
        ("what=deactivate&outcome=applied", {"ann@x.test"}),
        ("outcome=held", {"ben@x.test", "cat@x.test"}),
        ("outcome=refused", set()),
        ("search=BEN", {"ben@x.test"}),
        ("search=root", {"root"}),
        ("search=some&what=create", {"ann@x.test", "ben@x.test", "cat@x.test"}),
        ("source=watched&what=change", set()),
        ("source=watched", {"Watched"}),
        ("what=nonsense&outcome=nonsense&source=watched", {"Watched"}),
    ],
)
def test_activity_is_filtered(filled, wanted, found):
    assert set(subjects(filled.get(f"/activity?{wanted}"))) == found


def test_activity_is_filtered_by_days_of_utc(filled):
    today = datetime.now(UTC).date()
    before, after = today - timedelta(days=1), today + timedelta(days=1)

    everything = subjects(filled.get("/activity"))
    assert subjects(filled.get(f"/activity?since={before}&until={after}")) == everything
    assert subjects(filled.get(f"/activity?until={before}")) == []
    assert subjects(filled.get(f"/activity?since={after}")) == []


def test_a_day_that_is_none_is_said_beside_its_field_and_kept(filled):
    page = filled.get("/activity?since=yesterday&until=2026-13-01")

    field = page.select_one("#usersync-since")
    assert field["value"] == "yesterday"
    assert field["aria-invalid"] == "true"
    assert page.find(id=field["aria-describedby"].split()[1]).text.startswith("This is no day")
    assert subjects(page)


def test_what_was_chosen_stays_chosen(filled):
    page = filled.get("/activity?what=deactivate&outcome=held&source=acme&search=ben")

    assert [o["value"] for o in page.select("option[selected]")] == ["acme", "deactivate", "held"]
    assert page.select_one("#usersync-search")["value"] == "ben"


def test_activity_comes_in_pages(site):
    source = site.add_source(state="active")
    site.add_source("Other")
    site.push(source, *(f"u{n:03}@x.test" for n in range(55)))

    first = site.get("/activity?source=acme&what=create")
    following = first.select_one("a[rel=next]")["href"].removeprefix("/usersync")
    last = site.get(following)

    assert len(subjects(first)) == 50
    assert "source=acme" in following
    assert "what=create" in following
    assert subjects(last) == [f"u{n:03}@x.test" for n in reversed(range(5))]


def test_the_file_has_every_line_that_fits_and_not_only_a_page(site):
    source = site.add_source(state="active")
    site.push(source, *(f"u{n:03}@x.test" for n in range(55)))
    page = site.get("/activity?source=acme&what=create")

    answer = site.client.get(page.select_one(".export a")["href"])

    found = lines(answer)
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert [line["subject"] for line in found] == [f"u{n:03}@x.test" for n in reversed(range(55))]
    assert found[0]["kind"] == "create"
    assert found[0]["actor"] == "token:test"
    assert '"user_name": "u054@x.test"' in found[0]["after"]
    assert datetime.fromisoformat(found[0]["at"]).tzinfo is not None


def test_a_spreadsheet_runs_nothing_of_the_file(site):
    source = site.add_source(state="active")
    site.push(source, "=cmd|' /C calc'!A0")

    [line] = lines(site.client.get("/usersync/activity.csv?what=create"))

    assert line["subject"].startswith("'=cmd")


def test_the_file_is_for_administrators_only(make_site):
    site = make_site("filled", is_admin=lambda: False)

    assert site.client.get("/usersync/activity.csv").status_code == 403
