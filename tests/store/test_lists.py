"""What the pages list of people, changes and days, on every database."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from usersync_ext.core.records import Actor, PersonState
from usersync_ext.store import journal, overview, people
from usersync_ext.store.journal import Lines, Whose
from usersync_ext.sync import admin, explain
from usersync_ext.sync.push import Push
from usersync_ext.sync.pushing import NewRecord

ACTOR = Actor(kind="cli", name="ada")
ROBOT = Actor(kind="token", name="usx_1234…")


def push(engine, source, *names):
    for name in names:
        record = {
            "userName": name,
            "externalId": f"id-{name}",
            "displayName": f"{name.title()} of the Staff",
            "emails": [{"value": f"{name}@Mail.Example"}],
            "active": True,
        }
        Push(engine, engine.work_for(source, ROBOT)).create_user(
            NewRecord(record=record, comparable={})
        )


@pytest.fixture
def sources(engine):
    acme = admin.add_source(engine, ACTOR, name="Acme", kind="okta", state="active")
    other = admin.add_source(engine, ACTOR, name="Other", kind="entra")
    push(engine, acme, "ann", "ben", "cat")
    push(engine, other, "ann-marie", "zoë")
    return acme, other


def found(engine, **wanted):
    with engine.store.reading() as session:
        return [person.user_name for person in people.list_people(session, **wanted)]


def subjects(engine, lines, **values):
    with engine.store.reading() as session:
        return [entry.subject for entry in journal.list_entries(session, lines, **values)]


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("AN", ["ann", "ann-marie"]),
        ("ben of", ["ben"]),
        ("cat@mail", ["cat"]),
        ("ZOË", ["zoë"]),
        ("id-ann", ["ann"]),
        ("id-an", []),
        ("nn", []),
        ("%", []),
    ],
)
def test_people_are_found_by_each_of_their_names(engine, sources, search, names):
    assert found(engine, search=search) == names


def test_people_of_all_sources_with_a_state_come_in_the_order_of_their_arrival(engine, sources):
    acme, other = sources

    assert found(engine, state=PersonState.IN_SYNC) == ["ann", "ben", "cat"]
    assert found(engine, state=PersonState.OBSERVED) == ["ann-marie", "zoë"]
    assert found(engine, state=PersonState.OBSERVED, source=acme) == []
    assert found(engine, state=PersonState.IN_SYNC, limit=2) == ["ann", "ben"]
    assert found(engine, source=other, search="an") == ["ann-marie"]


def test_without_sources_there_is_nobody(engine):
    assert found(engine) == []
    assert found(engine, state=PersonState.FAILED) == []
    assert found(engine, search="ann") == []


def test_a_page_goes_on_after_the_last_of_the_one_before(engine, sources):
    assert found(engine, search="an", after_id=1) == ["ann-marie"]
    assert found(engine, after_id=2, limit=2) == ["cat", "ann-marie"]
    assert found(engine, state=PersonState.IN_SYNC, after_id=2) == ["cat"]


def test_lines_of_the_journal_are_found_by_time_kind_outcome_and_person(engine, sources):
    now = datetime.now(UTC)
    whose = explain.find_whose(engine, "ann", 10)

    assert whose == Whose(identity_ids=[1, 4], account_keys=["1"])
    assert subjects(engine, Lines(whose=whose)) == ["ann"]
    assert subjects(engine, Lines(kind="create")) == ["cat", "ben", "ann"]
    assert subjects(engine, Lines(outcome="refused")) == []
    assert subjects(engine, Lines(outcome="applied", source="acme", kind="create"), limit=1) == [
        "cat"
    ]
    assert subjects(engine, Lines(since=now - timedelta(hours=1), kind="create")) != []
    assert subjects(engine, Lines(until=now - timedelta(hours=1))) == []
    assert subjects(engine, Lines(since=now + timedelta(hours=1))) == []
    assert subjects(engine, Lines(category="admin")) == ["Other", "Acme"]
    assert subjects(engine, Lines(whose=Whose(identity_ids=[], account_keys=[]))) == []


def test_the_figures_and_days_of_the_overview(engine, sources):
    now = datetime.now(UTC)
    with engine.store.reading() as session:
        figures = {
            source.key: numbers for source, numbers in overview.list_figures(session, sources, now)
        }
        days = overview.changes_per_day(session, now)

    assert figures["acme"].states == {"in_sync": 3}
    assert figures["other"].people == 2
    assert figures["acme"].failures == 0
    assert figures["acme"].silence is None
    assert (days[-1].given, days[-1].changed, days[-1].taken) == (3, 0, 0)
    assert sum(day.given for day in days) == 3


def test_the_last_account_of_a_person_is_that_of_their_newest_line(engine, sources):
    """And it is found by the lines of the person, however many others there are."""
    with engine.store.writing() as session:
        old, new = (
            {**line_of(1), "kind": kind, "account_key": key}
            for kind, key in (("create", "old"), ("adopt", "new"))
        )
        refused = {**line_of(1), "outcome": "refused", "account_key": "refused"}
        elsewhere = {**line_of(1), "directory": "jira", "account_key": "elsewhere"}
        journal.add_entries(session, [old, new, refused, elsewhere, line_of(2)])

    with engine.store.reading() as session:
        assert journal.last_accounts(session, "local", [1, 5]) == {1: "new"}
        if session.dialect.name == "sqlite":
            assert "usersync_journal_identity_id" in plan_of_lines(session)


def line_of(identity_id):
    return {
        "at": datetime.now(UTC),
        "source": "acme",
        "actor": "token:usx_1234…",
        "category": "change",
        "kind": "create",
        "subject": "ann",
        "reason": "created",
        "outcome": "applied",
        "destructive": False,
        "before": None,
        "after": None,
        "request_id": None,
        "identity_id": identity_id,
        "directory": "local",
        "account_key": "1",
        "group_key": None,
    }


def plan_of_lines(session):
    seen = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        seen.append((statement, parameters))

    event.listen(session, "before_cursor_execute", note)
    journal.last_accounts(session, "local", [1, 5])
    event.remove(session, "before_cursor_execute", note)
    statement, parameters = seen[0]
    return str(session.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
