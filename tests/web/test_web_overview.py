"""The overview: what waits, who fell silent, what failed, and the drawing of the days."""

from datetime import UTC, datetime, timedelta

from usersync_ext.core.records import RequestRecord
from usersync_ext.store import overview
from usersync_ext.store.overview import DayOfChanges
from usersync_ext.web.chart import drawing


def note(site, source, *, ago=timedelta(), status=200):
    record = RequestRecord(
        at=datetime.now(UTC) - ago,
        source_id=source.id,
        method="GET",
        path="/Users",
        status=status,
        duration_ms=3,
    )
    site.state.engine.recorder.note_request(record, None)


def waiting(site):
    return site.words(site.get("/").select_one(".waiting") or site.get("/").select_one("h1"))


def test_failures_of_the_last_day_are_counted_but_not_a_providers_looking(site):
    source = site.add_source()
    for status in (400, 409, 500, 404, 401, 412, 200):
        note(site, source, status=status)
    note(site, source, status=400, ago=timedelta(hours=25))

    page = site.get("/")

    assert "3 requests of Acme in the last 24 hours" in waiting(site)
    link = page.select_one(".waiting a[href$='requests?failed=1']")
    assert len(site.get(link["href"].removeprefix("/usersync")).select("tbody tr")) >= 4


def test_a_provider_that_fell_silent_is_told_with_its_usual_rhythm(site):
    source = site.add_source("Contoso", "entra")
    for number in reversed(range(10)):
        note(site, source, ago=timedelta(hours=5, minutes=40 * number))

    assert "Contoso : no request for 5 hours, though it usually calls every 40 minutes." in waiting(
        site
    )


def test_a_source_that_is_off_is_not_called_silent(site):
    source = site.add_source("Contoso", "entra", state="off")
    for number in reversed(range(10)):
        note(site, source, ago=timedelta(hours=5, minutes=40 * number))

    assert "no request for" not in site.words(site.get("/"))


def test_the_drawing_tells_what_was_given_changed_and_taken(filled):
    page = filled.get("/")
    day = datetime.now(UTC).date().isoformat()

    assert {bar["class"][0] for bar in page.select("svg rect")} == {"given", "taken"}
    [row] = page.select(".brief tbody tr")
    assert filled.words(row) == f"{day} 3 0 1"
    link = row.select_one("a")["href"].removeprefix("/usersync")
    assert len(filled.get(link).select("tbody tr")) == 6  # the held ones, too


def test_without_changes_there_is_no_drawing(site):
    site.add_source()

    assert not site.get("/").select("svg")


def test_days_are_those_of_utc_and_have_their_own_counts(site):
    source = site.add_source(state="active")
    site.push(source, "ann@x.test", "ben@x.test")
    site.deactivate(source, "ann@x.test")
    now = datetime.now(UTC)

    with site.state.engine.store.reading() as session:
        today = overview.changes_per_day(session, now)
        later = overview.changes_per_day(session, now + timedelta(days=3))
        months_later = overview.changes_per_day(session, now + timedelta(days=90))

    assert len(today) == 30
    assert today[-1] == DayOfChanges(day=now.date(), given=2, changed=0, taken=1)
    assert later[-4] == today[-1]
    assert not any(day.given for day in months_later)


def test_bars_do_not_leave_the_drawing_and_small_ones_are_seen():
    day = datetime(2026, 3, 1, tzinfo=UTC).date()
    days = [
        DayOfChanges(day=day, given=100_000, changed=5),
        DayOfChanges(day=day + timedelta(days=1), given=1, taken=1),
        DayOfChanges(day=day + timedelta(days=2)),
    ]

    drawn = drawing(days)

    assert [bar.kind for bar in drawn.bars] == ["given", "changed", "given", "taken"]
    for bar in drawn.bars:
        assert bar.height >= 2
        assert bar.y >= -2
        assert bar.y + bar.height <= drawn.height
        assert 0 <= bar.x < bar.x + bar.width <= drawn.width


def test_nothing_is_not_drawn():
    assert drawing([]) is None
    assert drawing([DayOfChanges(day=datetime(2026, 3, 1, tzinfo=UTC).date())]) is None


def test_somebody_is_explained_in_two_clicks(filled):
    form = filled.get("/").select_one("form[role=search]")
    answer = filled.client.get(
        form["action"], query_string={"search": "ben", "why": form.button["value"]}
    )

    assert "Why" in filled.words(filled.get(answer.location.removeprefix("/usersync")))
