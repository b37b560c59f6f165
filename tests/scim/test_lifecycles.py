"""A whole life at every provider, as its client sends it (scim-clients.md §1 to §12).

A file in ``recordings/lifecycles`` holds ``description``, ``origin``, ``kind`` and ``rules`` of the
source, and ``steps``: each has a ``name``, a ``request``, and what to ``expect`` of its answer, of
a following ``get`` and of the accounts. Every answer is judged by §14 as well (``player.judge``).
"""

import json

import pytest
from recordings.player import (
    FOLDER,
    check_accounts,
    check_answer,
    check_resource,
    client_of,
    served_app,
)

LIVES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((FOLDER / "lifecycles").glob("*.json"))
}
PROVIDERS = {
    "entra-default_dialect",
    "entra-aadOptscim062020",
    "okta-scim_2_test_app",
    "okta-app_wizard_put",
    "onelogin",
    "oracle-put_stand_in",
    "keycloak-mitodl",
    "keycloak-scim_for_keycloak",
    "miniorange-entra_stand_in",
    "authentik",
    "jumpcloud",
    "ping-github_emu",
    "ssosync",
    "sailpoint-discovery",
    "cyberark",
}


@pytest.fixture(scope="module")
def server(sqlite_template, tmp_path_factory):
    with served_app(sqlite_template, tmp_path_factory.mktemp("lifecycles")) as served:
        yield served


@pytest.mark.parametrize("name", LIVES)
def test_a_provider_lives_its_life_against_us(server, name):
    life = LIVES[name]
    with client_of(*server, kind=life["kind"], **life.get("rules", {})) as client:
        for step in life["steps"]:
            response = client.send(step["request"])
            try:
                check_step(client, step, response)
            except AssertionError as error:
                error.add_note(f"step: {step['name']}")
                raise


def check_step(client, step, response):
    expect = step["expect"]
    check_answer(client, response, expect)
    if "get" in expect:
        check_resource(client, expect["get"].get("path", ""), expect["get"])
    check_accounts(client, expect)


def test_every_provider_has_a_recorded_life():
    assert set(LIVES) == PROVIDERS


def test_a_recorded_life_says_what_becomes_of_the_account():
    for name, life in LIVES.items():
        steps = life["steps"]
        checked = [s for s in steps if {"account", "accounts"} & s["expect"].keys()]
        assert len(steps) > 4, name
        assert len(checked) > 1, name
