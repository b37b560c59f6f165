"""What arrives wrong is counted for the administrator: why, at which address, and no secret."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from pushing import host_app, statements
from sqlalchemy import select, update

from usersync_ext.core.arrivals import ELSE, Problem
from usersync_ext.core.records import Actor
from usersync_ext.state import state_of
from usersync_ext.store import requests as store_requests
from usersync_ext.store import strays, tokens
from usersync_ext.store.record_tables import RequestRow, StrayRow
from usersync_ext.store.schema import TokenRow
from usersync_ext.sync import admin, telemetry
from usersync_ext.testing import release, scim_client

ADMIN = Actor(kind="system", name="test")


@pytest.fixture
def scim(sqlite_url, tmp_path):
    client = scim_client(host_app(sqlite_url, tmp_path), "Acme")
    yield client
    release(client.app)


@pytest.fixture
def scim_anywhere(database_url, tmp_path):
    """The same on both kinds of database."""
    client = scim_client(host_app(database_url, tmp_path), "Acme")
    yield client
    release(client.app)


def call(scim, path, method="GET", **headers):
    """Send a request to a path below ``/scim``, with these headers only."""
    return scim.app.test_client().open(f"/usersync/scim{path}", method=method, headers=headers)


def bearer(scim):
    return {"Authorization": f"Bearer {scim.token}"}


def seen(scim, **values):
    """Return what was counted, the newest first."""
    engine = state_of(scim.app).engine
    engine.recorder.flush()
    with engine.store.reading() as session:
        return strays.list_strays(session, **values)


def rows(scim):
    """Return everything that is kept of requests, as text."""
    engine = state_of(scim.app).engine
    engine.recorder.flush()
    with engine.store.reading() as session:
        found = [*session.execute(select(StrayRow.__table__))]
        found += session.execute(select(RequestRow.__table__))
    return "\n".join(str(tuple(row)) for row in found)


def expire(scim):
    engine = state_of(scim.app).engine
    with engine.store.writing() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(TokenRow).values(expires_at=past))


def revoke(scim):
    engine = state_of(scim.app).engine
    with engine.store.writing() as session:
        [token] = tokens.list_tokens(session, scim.source)
        tokens.revoke_token(session, token, datetime.now(UTC))


# -- Tokens ----------------------------------------------------------------------------------------


def authorizations(scim):
    token = scim.token
    basic = base64.b64encode(f"admin:{token}".encode()).decode()
    return {
        Problem.NO_TOKEN: {},
        Problem.BASIC: {"Authorization": f"Basic {basic}"},
        Problem.NOT_BEARER: {"Authorization": f"SSWS {token}"},
        Problem.BARE_TOKEN: {"Authorization": token},
        Problem.DOUBLED_BEARER: {"Authorization": f"Bearer Bearer {token}"},
        Problem.WRAPPED_TOKEN: {"Authorization": f'Bearer "{token}"'},
        Problem.MISTYPED_TOKEN: {"Authorization": f"Bearer {token[:-1]}"},
        Problem.FOREIGN_TOKEN: {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."},
        Problem.UNKNOWN_TOKEN: {"Authorization": f"Bearer {tokens.new_secret()}"},
    }


def test_each_way_to_send_no_valid_token_is_told_apart(scim_anywhere):
    expected = authorizations(scim_anywhere)

    for headers in expected.values():
        assert call(scim_anywhere, "/acme/v2/Users", **headers).status_code == 401

    found = seen(scim_anywhere)
    assert {stray.problem for stray in found} == set(expected)
    assert {(s.source, s.method, s.path, s.count) for s in found} == {
        ("acme", "GET", "/v2/Users", 1)
    }
    assert {stray.client for stray in found} == {"127.0.0.1"}
    assert {stray.token_prefix for stray in found} == {""}


@pytest.mark.parametrize(
    ("end", "problem"), [(revoke, Problem.REVOKED_TOKEN), (expire, Problem.EXPIRED_TOKEN)]
)
def test_a_token_that_has_ended_is_told_by_its_prefix(scim, end, problem):
    end(scim)

    answer = scim.get("/Users")

    [stray] = seen(scim)
    assert answer.status_code == 401
    assert (stray.problem, stray.token_prefix) == (problem, scim.token[:8])


def test_a_token_of_another_source_is_listed_for_both(scim):
    other = scim_client(scim.app, "Other")

    call(scim, "/other/v2/Users", **bearer(scim))

    [stray] = seen(scim, source="other")
    assert stray.problem is Problem.OTHER_SOURCES_TOKEN
    assert stray.token_prefix == scim.token[:8]
    assert seen(scim, source="acme") == [stray]
    assert other.get("/Users").status_code == 200


def test_a_source_that_is_off_is_told_although_its_token_is_right(scim):
    admin.change_source(state_of(scim.app).engine, ADMIN, scim.source, {"state": "off"})

    answer = scim.get("/Users")

    [stray] = seen(scim)
    assert answer.status_code == 503
    assert (stray.problem, stray.token_prefix) == (Problem.SOURCE_OFF, scim.token[:8])


# -- Addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", ["none", "a valid token"])
def test_a_key_that_no_source_has_is_told_whatever_token_comes(scim, headers):
    sent = bearer(scim) if headers == "a valid token" else {}

    call(scim, "/acne/v2/Users", **sent)

    [stray] = seen(scim)
    assert (stray.problem, stray.source) == (Problem.UNKNOWN_SOURCE, "acne")
    assert bool(stray.token_prefix) == bool(sent)
    assert seen(scim, source="acme") == ([stray] if sent else [])


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/acme", ""),
        ("/acme/", "/"),
        ("/acme/Users", "/Users"),
        ("/acme/V2/Users", "/V2/Users"),
        ("/acme/v1/Users/1", "/v1/Users/…"),
        ("/acme/v2%20/Users", "/v2 /Users"),
        ("/acme//v2/Users", "//v2/Users"),
        ("/acme/v2/v2/Users", "/v2/v2/Users"),
        ("/acme/v2/scim/v2/Users", "/v2/scim/v2/Users"),
        ("/acme/v2/Users/Users", "/v2/Users/Users"),
        ("/acme/v2/User", "/v2/User"),
        ("/acme/v2/Userz", "/v2/Userz"),
        ("/acme/v2/me", "/v2/me"),
        ("/acme/v2/Users%00", "/v2/Users\ufffd"),
        ("/acme/v2/%C3%84rzte", "/v2/Ärzte"),
        ("/acme/v2/%25C3", "/v2/%C3"),
    ],
)
def test_a_wrong_address_with_a_valid_token_is_told(scim, path, kept):
    answer = call(scim, path, **bearer(scim))

    [stray] = seen(scim)
    assert answer.status_code == 404
    assert (stray.problem, stray.source, stray.path) == (Problem.WRONG_PATH, "acme", kept)
    assert stray.token_prefix == scim.token[:8]


def test_a_post_to_an_address_with_the_resource_twice_is_told(scim):
    answer = scim.post("/Users/Users", {"userName": "ann"})

    [stray] = seen(scim)
    assert answer.status_code == 405
    assert (stray.problem, stray.method, stray.path) == (
        Problem.WRONG_PATH,
        "POST",
        "/v2/Users/Users",
    )


@pytest.mark.parametrize(
    ("path", "source"),
    [("", ""), ("/", ""), ("/v2/Users", "v2"), ("/Users", "Users"), ("//acme/v2/Users", "")],
)
def test_an_address_without_a_key_is_told(scim, path, source):
    call(scim, path, **bearer(scim))

    [stray] = seen(scim)
    assert (stray.problem, stray.source) == (Problem.WRONG_PATH, source)
    assert seen(scim, source="acme") == [stray]


def test_a_wrong_address_is_shown_whole_among_the_requests(scim):
    call(scim, "/acme/Users?count=1", **bearer(scim))
    scim.get("/Users?count=1")
    rows(scim)

    with state_of(scim.app).engine.store.reading() as session:
        found = store_requests.list_requests(session, scim.source.id)

    assert [r.path for r in found] == ["/Users?count=1", "…/scim/acme/Users?count=1"]


# -- What is normal --------------------------------------------------------------------------------


def test_what_providers_do_to_look_is_not_told(scim):
    ann = scim.post("/Users", {"userName": "ann"}).json["id"]
    answers = [
        scim.get("/Users", query_string={"filter": 'userName eq "0b4c0b6e-nobody"'}),
        scim.get("/Groups?count=100&startIndex=1"),
        scim.get("/Users/0"),
        scim.get("/Users/"),
        scim.get("//Users"),
        scim.get("/users?"),
        scim.get("/?aadOptscim062020"),
        scim.get("/ServiceProviderConfig"),
        scim.get("/Schemas/urn:example:unknown"),
        scim.get("/Me"),
        scim.post("/Users", {"userName": "ann"}),
        scim.request("PUT", "/Users", {}),
        scim.get(f"/Users/{ann}"),
        scim.delete(f"/Users/{ann}"),
        scim.delete(f"/Users/{ann}"),
    ]

    assert {answer.status_code for answer in answers} == {200, 204, 404, 405, 409, 501}
    assert seen(scim) == []


# -- What is kept ----------------------------------------------------------------------------------


def test_no_secret_is_kept_of_whatever_came(scim_anywhere):
    scim = scim_anywhere
    other = tokens.new_secret()
    for headers in authorizations(scim).values():
        call(scim, "/acme/v2/Users", **headers)
    for secret in (scim.token, other):
        for sent in ({}, bearer(scim)):
            call(scim, f"/{secret}/v2/Users", **sent)
            call(scim, f"/acme/v2/{secret}", **sent)
            call(scim, f"/acme/v2/Users/{secret}/x", **sent)
            call(scim, f"/acme/v2/Users?access_token={secret}", **sent)
            call(scim, f"/acme/{secret}", **sent)
            call(scim, "/acme/v2/Users", method=secret, **sent)

    kept = rows(scim)

    for secret in (scim.token, other):
        for text in (secret, secret.upper()):
            assert text[8:] not in kept
            assert text[:12] not in kept
    assert other[:8] not in kept
    assert "eyJ" not in kept
    assert "YWRtaW4" not in kept
    assert len(seen(scim)) > 15


def test_control_characters_are_replaced(scim_anywhere):
    paths = ["/ac%00me/v2/Us%00ers", "/ac%0d%0ame/v2", "/%E2%80%AEx/v2", "/%FFy/v2"]
    for path in paths:
        call(scim_anywhere, path)
    for path in ("/acme/v2/Us%00ers", "/acme/v2/Us%0d%0aers", "/acme/v2/Users%E2%80%AE"):
        assert call(scim_anywhere, path, **bearer(scim_anywhere)).status_code == 404

    found = seen(scim_anywhere)
    assert len(found) == len(paths) + 3
    assert sum("\ufffd" in f"{s.source}{s.path}" for s in found) >= len(paths) + 2
    assert all(f"{stray.source}{stray.path}".isprintable() for stray in found)


def test_long_addresses_and_methods_are_cut_off(scim_anywhere):
    call(scim_anywhere, f"/{'k' * 500}/v2/Users")
    call(scim_anywhere, f"/acme/v2/{'x' * 500}", **bearer(scim_anywhere))
    call(scim_anywhere, "/acme/v2/Users", method="X" * 500)

    found = seen(scim_anywhere)
    assert {len(stray.source) for stray in found} == {4, 64}
    assert max(len(stray.path) for stray in found) == 200
    assert {stray.method for stray in found} == {"GET", ELSE}


def test_a_robot_with_a_dead_token_is_few_rows_however_many_people_it_sends(scim):
    revoke(scim)

    for number in range(100):
        scim.get("/Users", query_string={"filter": f'userName eq "person-{number}"'})
        scim.patch(f"/Users/id-{number}", {"op": "replace", "path": "active", "value": False})

    found = seen(scim)
    assert {(s.method, s.path, s.count) for s in found} == {
        ("GET", "/v2/Users", 100),
        ("PATCH", "/v2/Users/…", 100),
    }


def test_strangers_fill_neither_memory_nor_the_database(scim):
    scim.get("/Users/Users")
    seen(scim)

    for number in range(300):
        call(scim, f"/acme/{number}/{number}")
        call(scim, f"/stranger-{number}/v2/Users")
    in_memory = len(state_of(scim.app).engine.recorder._strays)
    found = seen(scim)

    assert in_memory <= telemetry.MAX_STRAYS + 1
    assert sum(stray.count for stray in found) == 601
    assert [s.path for s in found if s.source == "acme"] == ["/…", "/v2/Users/Users"]
    assert len(found) <= telemetry.MAX_OF_UNKNOWN_SOURCES + 3


def test_a_refused_request_costs_no_statement_but_the_look_at_its_token(scim):
    state_of(scim.app).engine.recorder.flush()
    scim.get("/Users")

    with statements(scim.app) as without_token:
        call(scim, "/acme/v2/Users")
        call(scim, "/acne/v2/Users", Authorization="Bearer usx_")
    with statements(scim.app) as unknown_token:
        call(scim, "/acme/v2/Users", Authorization=f"Bearer {tokens.new_secret()}")
    with statements(scim.app) as wrong_path:
        scim.get("/User")

    assert (len(without_token), len(unknown_token), len(wrong_path)) == (0, 1, 1)


def test_counts_of_two_flushes_add_up(scim_anywhere):
    for _ in range(2):
        call(scim_anywhere, "/acme/v2/Users")
        call(scim_anywhere, "/acme/v2/Users")
        seen(scim_anywhere)

    [stray] = seen(scim_anywhere)
    assert stray.count == 4
    assert stray.first_at < stray.last_at


def test_the_answer_tells_a_stranger_nothing_new(scim):
    answers = {
        call(scim, path, **headers).text
        for path in ("/acme/v2/Users", "/acne/v2/Users")
        for headers in ({}, authorizations(scim)[Problem.BASIC])
    }

    assert len(answers) == 1
