"""What identity providers really send, one recorded file for each habit of scim-clients.md §13.

A file in ``recordings/tolerances`` holds

- ``description``, ``tolerance`` (T1 to T32), ``origin`` (who sends it), sometimes ``notes``,
- ``rules`` of the source, where they are not the defaults,
- ``setup``: requests that come before; ``as`` saves the id of what they create,
- ``request``: method, path, ``headers`` (null = not sent), and ``body`` or ``raw`` text,
- ``expect``: ``status``, ``scimType``, words of the ``detail``, ``body``; ``get``: what the next
  GET ``has`` and what is ``absent``; and the ``account`` (null for none), or all ``accounts``.
"""

import json
import re

import pytest
from recordings.player import (
    FOLDER,
    check_accounts,
    check_answer,
    check_resource,
    client_of,
    served_app,
)

FILES = sorted((FOLDER / "tolerances").glob("*.json"))
RECORDINGS = {path.stem: json.loads(path.read_text()) for path in FILES}
OCCURS = {
    1: "PATCH",
    2: "POST PUT PATCH GET",
    3: "PATCH",
    4: "PATCH",
    5: "PATCH",
    6: "PATCH",
    7: "PATCH",
    8: "PATCH",
    9: "PATCH",
    10: "POST PUT PATCH",
    11: "POST PUT PATCH",
    12: "POST PUT PATCH",
    13: "PATCH GET",
    14: "POST PUT PATCH",
    15: "POST PUT",
    16: "POST PUT PATCH",
    17: "POST PUT PATCH",
    18: "POST PUT PATCH",
    19: "POST PATCH",
    20: "PATCH",
    21: "POST PUT PATCH",
    22: "POST PUT PATCH",
    23: "POST PUT PATCH",
    24: "POST PUT PATCH",
    25: "GET",
    26: "GET PUT PATCH DELETE",
    27: "GET",
    28: "GET",
    29: "GET POST PUT PATCH",
    30: "GET POST PUT PATCH",
    31: "POST PUT PATCH",
    32: "PUT",
}
"""The methods with which each row of the table occurs."""


@pytest.fixture(scope="module")
def server(sqlite_template, tmp_path_factory):
    with served_app(sqlite_template, tmp_path_factory.mktemp("recordings")) as served:
        yield served


def resource_path(client, recording, response):
    """Return the path of the resource that a recorded request was about."""
    if recording["request"]["method"] == "POST" and response.status_code == 201:
        return response.json()["meta"]["location"].removeprefix(client.base)
    path = client.filled(recording["request"]["path"])
    return "/" + path.partition("?")[0].strip("/")


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recorded_request_is_understood(server, name):
    recording = RECORDINGS[name]
    with client_of(*server, **recording.get("rules", {})) as client:
        for step in recording.get("setup", ()):
            assert client.send(step).ok

        response = client.send(recording["request"])

        expect = recording["expect"]
        check_answer(client, response, expect)
        path = resource_path(client, recording, response)
        if "get" in expect:
            body = check_resource(client, path, expect["get"])
            if recording["request"]["method"] != "GET" and response.content and response.ok:
                assert response.json() == body  # the answer is what the next GET answers
        check_accounts(client, expect)


@pytest.mark.parametrize("row", range(1, 33))
def test_every_habit_is_recorded_with_every_method_with_which_it_occurs(row):
    recorded = {
        recording["request"]["method"]
        for recording in RECORDINGS.values()
        if recording["tolerance"] == f"T{row}"
    }

    assert recorded >= set(OCCURS[row].split())


def test_recordings_are_complete_and_named_by_row_and_origin():
    assert len(RECORDINGS) > 100
    for name, recording in RECORDINGS.items():
        row, origin, method, words = re.fullmatch(
            r"t(\d\d)-([a-z0-9]+)-(get|post|put|patch|delete)-(\w+)", name
        ).groups()
        assert recording["tolerance"] == f"T{int(row)}"
        assert recording["request"]["method"] == method.upper()
        assert {"description", "origin", "request", "expect"} <= recording.keys()
        assert {"account", "accounts"} & recording["expect"].keys()
        if method != "get":
            assert "get" in recording["expect"], f"{name}: {origin} {words}"
