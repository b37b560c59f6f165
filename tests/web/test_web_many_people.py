"""Pages with 100,000 people: few statements, the same for few people, and no walk through all."""

from collections.abc import Iterator

import many
import pytest
from sites import build, close
from sqlalchemy import text

from usersync_ext.store import migrate

MANY = 100_000
LISTS = (
    "/people",
    "/people?after=90000",
    "/people?source=third",
    "/people?state=failed",
    "/people?state=gone",
    "/people?state=held&source=acme",
    "/people?search=user9999",
    "/people?search=user",
    "/people?search=Person+Number+7",
    "/people?search=mail1",
    "/people?search=external-77",
    "/people?search=nobody",
    "/people?search=user&source=watched",
    "/people/5",
    "/activity",
    "/activity?before=90000",
    "/activity?source=third",
    "/activity?what=change",
    "/activity?what=admin",
    "/activity?what=delete",
    "/activity?what=deactivate&source=third",
    "/activity?outcome=refused",
    "/activity?outcome=held",
    "/activity?search=user9999",
    "/activity?search=nobody",
    "/activity?since={day}&until={day}",
    "/activity?what=update&until={day}",
    "/directory",
    "/directory?search=user9",
)
OTHERS = (
    "/",
    "/about",
    "/directory/5",
    "/directory/groups",
    "/guides/okta",
    "/sources/acme/",
    "/sources/acme/adoption",
    "/sources/acme/groups",
    "/sources/acme/groups/map",
    "/sources/acme/held",
    "/sources/acme/leave",
    "/sources/acme/leavers",
    "/sources/acme/requests",
    "/sources/acme/rules",
    "/sources/acme/runs",
    "/sources/acme/state/observe",
    "/sources/acme/state/off",
    "/sources/acme/test",
    "/sources/acme/tokens",
    "/sources/add",
)


def site_with(people: int, folder) -> Iterator:
    site = build(folder, str(people))
    migrate.upgrade(site.state.engine.store)
    many.fill(site, people)
    yield site
    close(site)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    yield from site_with(120, tmp_path_factory.mktemp("few"))


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    yield from site_with(MANY, tmp_path_factory.mktemp("crowd"))


def a_day(site):
    with site.state.engine.store.reading() as session:
        query = text("SELECT substr(at, 1, 10) FROM usersync_journal WHERE id = 100")
        return session.scalar(query)


def cost(site, path):
    """Return how many statements a page runs, and thousands of instructions of the database."""
    path = path.format(day=a_day(site))
    site.get(path)
    with many.statements(site) as seen:
        site.get(path)
    with many.effort(site) as thousands:
        site.get(path)
    return len(seen), thousands[0]


def test_the_crowd_is_one(crowd):
    with crowd.state.engine.store.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM usersync_identity")) == MANY
        assert session.scalar(text("SELECT count(*) FROM usersync_journal")) > MANY


@pytest.mark.parametrize("path", LISTS)
def test_people_and_activity_take_few_statements_and_look_at_few_rows(crowd, path):
    statements, thousands = cost(crowd, path)

    assert statements < 10
    assert thousands < 1_000  # a walk through all lines of the journal takes more


@pytest.mark.parametrize("path", LISTS + OTHERS)
def test_a_page_runs_the_same_statements_for_few_and_for_many_people(few, crowd, path):
    assert cost(crowd, path)[0] <= cost(few, path)[0] + 1 <= 21


def test_the_overview_counts_a_month_in_one_statement(crowd):
    statements, thousands = cost(crowd, "/")

    assert statements < 12
    assert thousands < 5_000


def test_a_search_that_fits_everybody_shows_the_first_and_leads_on(crowd):
    page = crowd.get("/people?search=user")
    following = crowd.client.get(page.select_one("a[rel=next]")["href"]).text

    assert len(page.select("tbody tr")) == 50
    assert page.select_one("tbody th").text not in following


def test_pages_of_a_list_have_everybody_once(few):
    seen = []
    path = "/usersync/people"
    while path:
        page = few.get(path.removeprefix("/usersync"))
        seen += [a.text for a in page.select("tbody th a")]
        following = page.select_one("a[rel=next]")
        path = following["href"] if following else None

    assert len(seen) == len(set(seen)) == 120
