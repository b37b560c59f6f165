"""Requests that came to no source, and failed ones, outlast those that push them out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from sqlalchemy import text

from usersync_ext.core.arrivals import Problem, Stray
from usersync_ext.core.records import Actor, RequestRecord
from usersync_ext.store import requests, strays, tokens
from usersync_ext.sync import admin, telemetry

ACTOR = Actor(kind="cli", name="ada")
NOW = datetime(2026, 11, 29, 4, 0, tzinfo=UTC)


@pytest.fixture
def source(engine):
    return admin.add_source(engine, ACTOR, name="Acme", kind="okta")


def a_stray(source="acme", problem=Problem.NO_TOKEN, path="/v2/Users", at=NOW, **values):
    defaults = {"method": "GET", "client": "192.0.2.1", "token_prefix": ""}
    given = defaults | values
    return Stray(source=source, problem=problem, path=path, first_at=at, last_at=at, **given)


def added(engine, *found):
    with engine.store.writing() as session:
        strays.add_strays(session, found)


def listed(engine, **values):
    with engine.store.reading() as session:
        return strays.list_strays(session, **values)


def a_request(source, status=200, path="/Users", at=NOW, **values):
    return RequestRecord(
        at=at,
        source_id=source.id,
        method="GET",
        path=path,
        status=status,
        duration_ms=1,
        **values,
    )


def stored(engine, *found):
    with engine.store.writing() as session:
        requests.add_requests(session, found)


def listed_requests(engine, source, **values):
    with engine.store.reading() as session:
        return requests.list_requests(session, source.id, **{"limit": 1000, **values})


# -- Strays ----------------------------------------------------------------------------------------


def test_a_stray_that_comes_again_is_counted_and_keeps_its_first_time(engine):
    later = NOW + timedelta(minutes=1)

    added(engine, a_stray(count=3))
    added(engine, a_stray(at=later, client="192.0.2.2", count=2))

    [stray] = listed(engine)
    assert stray == replace(a_stray(client="192.0.2.2", count=5), last_at=later)


def test_a_count_that_arrives_late_does_not_turn_the_time_back(engine):
    added(engine, a_stray(client="new", token_prefix="usx_ab12"))
    added(engine, a_stray(client="old", at=NOW - timedelta(minutes=1)))

    [stray] = listed(engine)
    assert (stray.client, stray.last_at, stray.token_prefix) == ("new", NOW, "usx_ab12")
    assert stray.first_at == NOW - timedelta(minutes=1)


def test_only_the_newest_strays_are_kept(engine):
    for start in range(0, 250, 50):
        added(
            engine,
            *(
                a_stray(path=f"/{number}", at=NOW + timedelta(seconds=number))
                for number in range(start, start + 50)
            ),
        )

    found = listed(engine, limit=1000)
    assert [stray.path for stray in found] == [f"/{number}" for number in range(249, 49, -1)]


def test_invented_keys_do_not_push_out_the_strays_of_sources(engine):
    added(engine, a_stray())
    later = NOW + timedelta(days=1)
    for start in range(0, 300, 50):
        added(
            engine,
            *(
                a_stray(source=f"x{number}", problem=Problem.UNKNOWN_SOURCE, at=later)
                for number in range(start, start + 50)
            ),
        )

    found = listed(engine, limit=1000)
    assert len(found) == strays.KEPT_OF_UNKNOWN_SOURCES + 1
    assert found[-1].source == "acme"


def test_strays_are_listed_by_source_and_time(engine):
    added(engine, a_stray(), a_stray(source="b"), a_stray(path="/", at=NOW - timedelta(days=2)))

    assert len(listed(engine)) == 3
    assert [stray.source for stray in listed(engine, source="b")] == ["b"]
    assert len(listed(engine, source="acme")) == 2
    assert len(listed(engine, source="acme", since=NOW - timedelta(days=1))) == 1
    assert [stray.last_at for stray in listed(engine, limit=1)] == [NOW]


def test_a_stray_is_listed_for_the_source_whose_token_came_with_it(engine, source):
    with engine.store.writing() as session:
        _, token = tokens.add_token(
            session,
            source,
            label="",
            read_only=False,
            expires_in_days=None,
            actor=ACTOR,
            now=NOW,
        )
    added(engine, a_stray(source="acne", token_prefix=token.prefix), a_stray(source="x"))

    assert [stray.source for stray in listed(engine, source="acme")] == ["acne"]


def test_what_came_before_a_source_had_its_key_is_no_problem_of_it(engine):
    added(engine, a_stray(problem=Problem.UNKNOWN_SOURCE), a_stray())

    assert [stray.problem for stray in listed(engine, source="acme")] == [Problem.NO_TOKEN]
    assert len(listed(engine)) == 2


def test_strays_that_do_not_come_again_are_forgotten(engine):
    added(engine, a_stray(), a_stray(path="/old", at=NOW - timedelta(days=31)))

    with engine.store.writing() as session:
        strays.forget_strays(session, NOW - strays.KEPT_FOR)

    assert [stray.path for stray in listed(engine)] == ["/v2/Users"]


def test_processes_that_flush_at_once_lose_no_count(database_url, store_on):
    stores = [store_on(database_url) for _ in range(4)]

    def flush(store, numbers):
        for _ in range(10):
            with store.writing() as session:
                found = [a_stray(path=f"/{number}") for number in numbers]
                strays.add_strays(session, found)
                strays.forget_strays(session, NOW - strays.KEPT_FOR)

    orders = [range(30), range(29, -1, -1)] * 2
    threads = [Thread(target=flush, args=pair) for pair in zip(stores, orders, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with stores[0].reading() as session:
        found = strays.list_strays(session, limit=1000)
    assert [stray.count for stray in found] == [40] * 30


def test_a_flush_writes_strays_once_their_sources_are_looked_up(engine, source):
    engine.recorder.note_stray(a_stray())
    engine.recorder.note_stray(a_stray(source="acne"))
    engine.recorder.note_stray(a_stray(source="acne", problem=Problem.UNKNOWN_TOKEN))
    engine.recorder.flush()

    found = {stray.source: stray for stray in listed(engine)}
    assert found["acme"].problem is Problem.NO_TOKEN
    assert (found["acne"].problem, found["acne"].count) == (Problem.UNKNOWN_SOURCE, 2)


def test_a_flush_forgets_what_is_too_old(engine):
    added(engine, a_stray(at=datetime.now(UTC) - timedelta(days=31)))

    engine.recorder.note_stray(a_stray(source="b", at=datetime.now(UTC)))
    engine.recorder.flush()

    assert [stray.source for stray in listed(engine)] == ["b"]


def test_strangers_leave_room_for_the_strays_of_sources(engine, source):
    engine.recorder.note_stray(a_stray())
    engine.recorder.flush()

    for number in range(1000):
        engine.recorder.note_stray(a_stray(source=f"x{number}"))
    for number in range(20):
        engine.recorder.note_stray(a_stray(path=f"/{number}"))
    engine.recorder.flush()

    found = listed(engine, limit=1000)
    assert len([stray for stray in found if stray.source == "acme"]) == 21
    assert len(found) == 21 + telemetry.MAX_OF_UNKNOWN_SOURCES + 1
    [rest] = [stray for stray in found if not stray.source]
    assert rest.count == 1000 - telemetry.MAX_OF_UNKNOWN_SOURCES


# -- Requests --------------------------------------------------------------------------------------


def test_failed_requests_outlast_a_robot_that_polls(engine, source):
    stored(engine, a_request(source, 400, "/Users/broken"))
    for _ in range(3):
        stored(engine, *(a_request(source) for _ in range(400)))

    found = listed_requests(engine, source)
    assert len(found) == requests.KEPT_PER_SOURCE + 1
    assert found[-1].path == "/Users/broken"


def test_only_the_newest_failed_requests_are_kept_besides(engine, source):
    stored(engine, *(a_request(source, 400, f"/{number}") for number in range(300)))
    stored(engine, *(a_request(source) for _ in range(600)))

    failed = listed_requests(engine, source, failed_only=True)
    assert [request.path for request in failed] == [f"/{number}" for number in range(299, 99, -1)]
    assert len(listed_requests(engine, source)) == requests.KEPT


def test_failed_requests_among_the_newest_are_all_kept(engine, source):
    stored(engine, *(a_request(source, 400) for _ in range(700)))

    assert len(listed_requests(engine, source, failed_only=True)) == requests.KEPT_PER_SOURCE


def test_requests_of_other_sources_stay(engine, source):
    other = admin.add_source(engine, ACTOR, name="Other", kind="okta")
    stored(engine, a_request(other))
    stored(engine, *(a_request(source) for _ in range(600)))

    assert len(listed_requests(engine, other)) == 1


def test_a_buffer_keeps_failed_requests_although_others_fill_it(engine, source):
    engine.recorder.note_request(a_request(source, 500, "/first"), None)
    for _ in range(1000):
        engine.recorder.note_request(a_request(source), None)
    engine.recorder.note_request(a_request(source, 400, "/last"), None)
    engine.recorder.flush()

    failed = listed_requests(engine, source, failed_only=True)
    assert [request.path for request in failed] == ["/last", "/first"]


def test_pages_of_requests_follow_each_other_without_gap_or_repetition(engine, source):
    stored(engine, *(a_request(source, 200 + 200 * (n % 2), f"/{n}") for n in range(25)))

    first = listed_requests(engine, source, limit=10)
    second = listed_requests(engine, source, limit=10, before_id=first[-1].id)
    failed = listed_requests(engine, source, failed_only=True, before_id=second[0].id, limit=3)

    assert [r.path for r in first + second] == [f"/{n}" for n in range(24, 4, -1)]
    assert [r.path for r in failed] == ["/13", "/11", "/9"]
    assert all(r.id for r in first)


def test_alerts_count_failures_behind_many_reads(engine, source):
    old = NOW - timedelta(days=2)
    stored(engine, a_request(source, 400, "/old", at=old), a_request(source, 409, "/new"))
    stored(engine, *(a_request(source, 404) for _ in range(3)))
    stored(engine, *(a_request(source, notes=("odd",)) for _ in range(600)))

    with engine.store.reading() as session:
        count, newest, notes = requests.alerts_of(session, source.id, NOW - timedelta(days=1))

    assert (count, newest.path, notes) == (1, "/new", ["odd"])


def test_requests_were_answered_between_the_oldest_and_the_newest_that_was_served(engine, source):
    stored(engine, a_request(source, 503))
    with engine.store.reading() as session:
        assert requests.answered_between(session, source.id) is None
    last = NOW + timedelta(seconds=1)
    stored(engine, a_request(source), a_request(source, at=last), a_request(source, 404))

    with engine.store.reading() as session:
        assert requests.answered_between(session, source.id) == (NOW, last)


def test_sqlite_finds_failed_requests_by_their_own_index(sqlite_url, store_on):
    store = store_on(sqlite_url)
    seen: list[str] = []

    with store.reading() as session:
        statement = "SELECT id FROM usersync_request WHERE source_id = 1 AND status >= 400"
        plan = session.execute(text(f"EXPLAIN QUERY PLAN {statement} ORDER BY id DESC"))
        seen.extend(row[3] for row in plan)

    assert "usersync_request_failed" in " ".join(seen)
