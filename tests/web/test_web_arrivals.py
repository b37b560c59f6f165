"""What pages say of requests that arrive wrong: what came, and what to change in which field."""

import re
from datetime import UTC, datetime

import pytest

from usersync_ext.core.arrivals import ELSE, Fault, Problem, Stray
from usersync_ext.core.records import Actor, RequestRecord, Source, SourceState
from usersync_ext.providers import BUILT_IN, OKTA
from usersync_ext.providers.base import ConnectionValue, Provider
from usersync_ext.state import state_of
from usersync_ext.store import requests as store_requests
from usersync_ext.sync import admin
from usersync_ext.testing import ScimClient, scim_client
from usersync_ext.web.arrivals import (
    ADVICE,
    DETAILS,
    FAULTS,
    OF_PROVIDER,
    advice,
    label_of,
    request_advice,
    unknown_source_advice,
)

ADDRESS = "https://wiki.example/usersync/scim/acme/v2"
NOW = datetime(2026, 11, 29, 4, 0, tzinfo=UTC)
ADMIN = Actor(kind="system", name="test")
PROVIDERS = pytest.mark.parametrize("provider", BUILT_IN, ids=lambda provider: provider.kind)
PATHS = {
    Fault.NO_VERSION: "/Users",
    Fault.OTHER_VERSION: "/v1/Users",
    Fault.SLASHES: "//v2/Users",
    Fault.SURPLUS: "/v2/Users/Users",
    Fault.UNKNOWN_RESOURCE: "/v2/Roles",
}


def a_stray(problem, path="/v2/Users", source="acme", **values):
    defaults = {"method": "GET", "client": "192.0.2.1", "token_prefix": "usx_ab12"}
    given = defaults | values
    return Stray(source=source, problem=problem, path=path, first_at=NOW, last_at=NOW, **given)


def a_source(key, name):
    return Source(
        id=1,
        key=key,
        name=name,
        kind="okta",
        state=SourceState.OBSERVE,
        directory="local",
        rules={},
        version=1,
        created_at=NOW,
    )


def labels(provider):
    return {label_of(provider, value) for value in ConnectionValue}


def assert_a_sentence(text, provider):
    """Check that a text is whole, and names the console's field and the provider."""
    assert text.endswith(".")
    assert not re.search(r"%|\(\w+\)s|[{}]|  |None", text), text
    assert any(label in text for label in labels(provider)), text
    assert provider.title in text
    assert text.count(". ") <= 1, text


# -- Requests that came to no source ---------------------------------------------------------------


@PROVIDERS
@pytest.mark.parametrize("problem", Problem)
def test_each_problem_names_the_field_of_each_console(problem, provider):
    assert_a_sentence(advice(a_stray(problem), provider, ADDRESS), provider)


@PROVIDERS
@pytest.mark.parametrize("fault", PATHS)
def test_each_wrong_address_is_named_with_the_right_one(fault, provider):
    said = advice(a_stray(Problem.WRONG_PATH, PATHS[fault]), provider, ADDRESS)

    assert_a_sentence(said, provider)
    assert f"…/scim/acme{PATHS[fault]}" in said
    assert ADDRESS in said
    assert label_of(provider, ConnectionValue.SCIM_BASE_URL) in said


@PROVIDERS
@pytest.mark.parametrize(
    ("source", "path", "problem"),
    [
        ("v2", "/Users", Problem.WRONG_PATH),
        ("", "", Problem.WRONG_PATH),
        ("", "/…/v2/Users", Problem.WRONG_PATH),
        ("acne", "/v2/Users", Problem.UNKNOWN_SOURCE),
        ("other", "/v2/Users", Problem.OTHER_SOURCES_TOKEN),
    ],
)
def test_a_token_that_came_to_another_address_names_the_right_one(provider, source, path, problem):
    said = advice(a_stray(problem, path, source), provider, ADDRESS)

    assert_a_sentence(said, provider)
    assert f"…/scim/{source}{path}" in said
    assert f"Put {ADDRESS} into {label_of(provider, ConnectionValue.SCIM_BASE_URL)}" in said


def test_every_problem_and_every_fault_has_its_sentence():
    assert set(ADVICE) == set(Problem)
    assert set(FAULTS) == set(Fault) == set(PATHS) | {Fault.NO_SOURCE}


def test_what_is_said_for_one_provider_is_said_for_that_one_only():
    kinds = {provider.kind for provider in BUILT_IN}

    for kind, problem in OF_PROVIDER:
        assert kind in kinds
        told = {advice(a_stray(problem), p, ADDRESS).replace(p.title, "") for p in BUILT_IN}
        assert len(told) > 1


@pytest.mark.parametrize(
    ("stray", "said"),
    [
        (
            a_stray(Problem.UNKNOWN_TOKEN),
            "Okta sent a token that User Sync does not know. Paste a live token into OAuth Bearer "
            "Token; a token is shown only when it is made, so make a new one if it is lost.",
        ),
        (
            a_stray(Problem.WRONG_PATH, "/Users"),
            "Okta called …/scim/acme/Users: the address lacks /v2. Put "
            "https://wiki.example/usersync/scim/acme/v2 into SCIM Base URL.",
        ),
        (
            a_stray(Problem.WRONG_PATH, "/v2/User"),
            "Okta called …/scim/acme/v2/User: there is no /User, it is called /Users. Put "
            "https://wiki.example/usersync/scim/acme/v2 into SCIM Base URL, and correct the path "
            "where it can be entered.",
        ),
        (
            a_stray(Problem.REVOKED_TOKEN),
            "Okta sent the token usx_ab12…, which was revoked. Make a new token and paste it into "
            "OAuth Bearer Token.",
        ),
    ],
)
def test_it_is_said_in_the_consoles_words(stray, said):
    assert advice(stray, OKTA, ADDRESS) == said


@pytest.mark.parametrize("path", ["/v2/ServiceProviderConfig", "/v2", ""])
def test_a_first_look_without_a_token_is_said_mildly(path):
    said = advice(a_stray(Problem.NO_TOKEN, path), OKTA, ADDRESS)

    assert "Nothing is wrong if requests with a token follow" in said
    assert_a_sentence(said, OKTA)


def test_a_provider_that_names_no_field_gets_our_own_words():
    bare = Provider(
        kind="x", title="X", mark="", summary="", abilities=frozenset(), fields=(), steps=()
    )

    said = advice(a_stray(Problem.EXPIRED_TOKEN), bare, ADDRESS)

    assert said.endswith("paste it into Bearer Token.")


# -- Keys that no source has -----------------------------------------------------------------------


@pytest.mark.parametrize("key", ["acne", "Acme", "acm", "acme-"])
def test_the_source_with_the_most_similar_key_is_named(key):
    known = [a_source("zeta", "Zeta"), a_source("acme", "Acme Inc.")]

    said = unknown_source_advice(a_stray(Problem.UNKNOWN_SOURCE, source=key), known)

    assert f"no source has the key {key}" in said
    assert "If it means Acme Inc., put acme in its place" in said


@pytest.mark.parametrize("known", [[], [a_source("zeta", "Zeta")]])
def test_no_source_is_named_where_none_is_similar(known):
    said = unknown_source_advice(a_stray(Problem.UNKNOWN_SOURCE), known)

    assert "no source has the key acme" in said
    assert "Zeta" not in said


def test_an_address_without_a_key_says_that_it_lacks_it():
    said = unknown_source_advice(a_stray(Problem.WRONG_PATH, "/Users", "v2"), [])

    assert said.startswith("A request came to …/scim/v2/Users: the address lacks the key")


@pytest.mark.parametrize(("count", "said"), [(1, "1 more request to"), (7, "7 more requests to")])
def test_what_was_counted_together_says_how_many(count, said):
    rest = a_stray(Problem.UNKNOWN_SOURCE, ELSE, "", count=count)

    assert unknown_source_advice(rest, []).startswith(said)


# -- Requests that were let in and failed ----------------------------------------------------------


@pytest.fixture
def scim(app):
    return scim_client(app, "Acme", kind="okta")


def patch(scim, **operation):
    ann = scim.post("/Users", {"userName": "ann"}).json["id"]
    return scim.patch(f"/Users/{ann}", operation)


def post_twice(scim, **values):
    scim.post("/Users", {"userName": "ann", "externalId": "1"})
    return scim.post("/Users", {"userName": "ben", "externalId": "2", **values})


def with_a_read_only_token(scim):
    engine = state_of(scim.app).engine
    secret, _ = admin.add_token(engine, ADMIN, scim.source, read_only=True)
    return ScimClient(scim.app, scim.source, secret).post("/Users", {"userName": "ann"})


def while_off(scim):
    admin.change_source(state_of(scim.app).engine, ADMIN, scim.source, {"state": "off"})
    return scim.get("/Users")


def without_a_directory(scim):
    engine = state_of(scim.app).engine
    admin.change_source(engine, ADMIN, scim.source, {"directory": ""})
    return scim.post("/Users", {"userName": "ann"})


def add_a_stranger(scim):
    group = scim.post("/Groups", {"displayName": "Editors"}).json["id"]
    change = {"op": "add", "path": "members", "value": [{"value": "nobody"}]}
    return scim.patch(f"/Groups/{group}", change)


def in_first_version(scim):
    return scim.post("/Users", {"schemas": ["urn:scim:schemas:core:1.0"], "userName": "x"})


def at_wrong_address(scim):
    headers = {"Authorization": f"Bearer {scim.token}"}
    return scim.client.get("/usersync/scim/acme/Users?count=1", headers=headers)


def send_html(scim):
    return scim.request("POST", "/Users", data="<p>", headers={"Content-Type": "text/html"})


FAILURES = {
    "a read-only token": (with_a_read_only_token, 403, "which may only read. Make a token"),
    "a name that is there": (lambda s: post_twice(s, userName="ANN"), 409, "has already. Match"),
    "an externalId twice": (lambda s: post_twice(s, externalId="1"), 409, "the same externalId"),
    "no user name": (lambda s: s.post("/Users", {}), 400, "without a userName. Map userName"),
    "SCIM 1.1": (in_first_version, 400, "sent SCIM 1.1. Choose its app for SCIM 2.0"),
    "a stranger in a group": (add_a_stranger, 400, "Assign them to the application in Okta"),
    "an unknown operation": (lambda s: patch(s, op="upsert"), 400, "that SCIM does not have"),
    "a bad path": (lambda s: patch(s, op="replace", path="a[b", value=1), 400, "target attribute"),
    "nothing to remove": (lambda s: patch(s, op="remove"), 400, "target attribute"),
    "a bad filter": (lambda s: s.get("/Users?filter=("), 400, "by which it matches people"),
    "an unknown filter": (lambda s: s.get('/Users?filter=x eq "y"'), 400, "by which it matches"),
    "too much": (
        lambda s: s.post("/Users", {"userName": "x" * (9 << 20)}),
        413,
        "fewer members or operations",
    ),
    "no JSON": (send_html, 415, "did not send JSON"),
    "oneself": (lambda s: s.get("/Me"), 501, "asked for /Me"),
    "a source that is off": (while_off, 503, "This source was off"),
    "no directory": (without_a_directory, 503, "under User Provisioning Options"),
    "no such resource": (lambda s: s.get("/User/1"), 404, "no /User, it is called /Users"),
    "the resource twice": (lambda s: s.post("/Users/Users", {}), 405, "has Users too much"),
    "no version": (at_wrong_address, 404, "called …/scim/acme/Users: the address lacks /v2"),
}
HARMLESS = {
    "nobody": (lambda s: s.get("/Users/0"), 404),
    "somebody gone": (lambda s: s.delete("/Users/0"), 404),
    "an unknown schema": (lambda s: s.get("/Schemas/urn:x"), 404),
    "a wrong method": (lambda s: s.request("PUT", "/Users", {}), 405),
    "a value of a wrong kind": (lambda s: s.post("/Users", {"userName": "x", "active": "y"}), 400),
}


def failed(scim):
    """Return the newest request that failed, as the page lists it."""
    engine = state_of(scim.app).engine
    engine.recorder.flush()
    with engine.store.reading() as session:
        found = store_requests.list_requests(session, scim.source.id, failed_only=True)
    return found[0]


@pytest.mark.parametrize("name", FAILURES)
def test_a_request_that_failed_says_what_to_change(scim, name):
    act, status, words = FAILURES[name]

    answer = act(scim)
    said = request_advice(failed(scim), OKTA, ADDRESS)

    assert answer.status_code == status
    assert words in said
    assert said.endswith(".")
    assert not re.search(r"%|\(\w+\)s|[{}]|  |None", said)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_failure_that_explains_itself_gets_no_advice(scim, name):
    act, status = HARMLESS[name]

    answer = act(scim)

    assert answer.status_code == status
    assert request_advice(failed(scim), OKTA, ADDRESS) == ""


def test_a_request_that_was_served_gets_no_advice():
    served = RequestRecord(
        at=NOW, source_id=1, method="GET", path="/User", status=200, duration_ms=1
    )

    assert request_advice(served, OKTA, ADDRESS) == ""


@PROVIDERS
@pytest.mark.parametrize("index", range(len(DETAILS)))
def test_no_advice_has_an_unfilled_place_for_any_provider(index, provider):
    status, _, text = DETAILS[index]
    record = RequestRecord(
        at=NOW,
        source_id=1,
        method="PATCH",
        path="/Users",
        status=status,
        duration_ms=1,
        detail=SAMPLES[index],
        token_prefix="usx_ab12",
    )

    said = request_advice(record, provider, ADDRESS)

    assert said.split("%")[0]
    assert not re.search(r"%|\(\w+\)s", said)
    assert text.split("%(")[0] in said


SAMPLES = (
    "This token is read-only",
    "",
    "",
    "/Me is not supported",
    "source 'acme' is switched off",
    "source 'acme' has no directory",
    'userName "ann" is already used',
    'externalId "1" is already used',
    "The body is a SCIM 1.1 change",
    "userName is missing or empty",
    "this source has no user or group with the id x",
    'Operations[0]: op "upsert" is not add, replace or remove',
    "Operations[0]: remove needs a path",
    "the filter cannot be read",
)
"""An answer of each form of ``DETAILS``, in its order."""
