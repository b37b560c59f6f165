"""What is wrong with a token or an address, and how little is kept of either."""

from datetime import UTC, datetime, timedelta

import pytest

from usersync_ext.core.arrivals import (
    ELSE,
    Fault,
    PathFault,
    Problem,
    Stray,
    address_fault,
    authorization,
    path_fault,
    path_of_member,
    path_of_stranger,
    readable,
    settled,
    tally,
)
from usersync_ext.store.tokens import checksum, is_well_formed

BODY = "Ab0" * 14 + "x"
TOKEN = f"usx_{BODY}{checksum(BODY)}"
NOW = datetime(2026, 11, 29, 4, 0, tzinfo=UTC)
ID = "0c663bc9-f983-4deb-b851-15f45969cd34"


def a_stray(source="acme", problem=Problem.NO_TOKEN, path="/v2/Users", **values):
    defaults = {"method": "GET", "client": "192.0.2.1", "token_prefix": "", "at": NOW}
    given = defaults | values
    at = given.pop("at")
    return Stray(source=source, problem=problem, path=path, first_at=at, last_at=at, **given)


# -- Tokens ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("", Problem.NO_TOKEN),
        ("  ", Problem.NO_TOKEN),
        ("Bearer", Problem.NO_TOKEN),
        ("Bearer  ", Problem.NO_TOKEN),
        ("Bearer null", Problem.NO_TOKEN),
        ("bearer undefined", Problem.NO_TOKEN),
        ("Basic YWRtaW46c2VjcmV0", Problem.BASIC),
        ("basic x", Problem.BASIC),
        (f"SSWS {TOKEN}", Problem.NOT_BEARER),
        (f"Token {TOKEN}", Problem.NOT_BEARER),
        ("non-token", Problem.NOT_BEARER),
        (TOKEN, Problem.BARE_TOKEN),
        (f"Bearer:{TOKEN}", Problem.BARE_TOKEN),
        (f"Bearer{TOKEN}", Problem.BARE_TOKEN),
        (f"Bearer Bearer {TOKEN}", Problem.DOUBLED_BEARER),
        (f"Bearer bearer: {TOKEN}", Problem.DOUBLED_BEARER),
        (f'Bearer "{TOKEN}"', Problem.WRAPPED_TOKEN),
        (f"Bearer '{TOKEN}'", Problem.WRAPPED_TOKEN),
        (f"Bearer <{TOKEN}>", Problem.WRAPPED_TOKEN),
        (f"Bearer {TOKEN},", Problem.WRAPPED_TOKEN),
        (f"Bearer {TOKEN}\\n", Problem.WRAPPED_TOKEN),
        (f"Bearer \\n{TOKEN}", Problem.WRAPPED_TOKEN),
        (f"Bearer {TOKEN}%0A", Problem.WRAPPED_TOKEN),
        (f"Bearer %22{TOKEN}%22", Problem.WRAPPED_TOKEN),
        (f"Bearer {TOKEN[:20]} {TOKEN[20:]}", Problem.WRAPPED_TOKEN),
        (f"Bearer {TOKEN[:20]}\t{TOKEN[20:]}", Problem.WRAPPED_TOKEN),
        (f"Bearer {TOKEN[:-1]}", Problem.MISTYPED_TOKEN),
        (f"Bearer {TOKEN}x", Problem.MISTYPED_TOKEN),
        (f"Bearer {TOKEN.upper()}", Problem.MISTYPED_TOKEN),
        (f"Bearer {TOKEN} {TOKEN}", Problem.MISTYPED_TOKEN),
        (f"Bearer {TOKEN}, Bearer {TOKEN}", Problem.WRAPPED_TOKEN),
        ("Bearer usx_", Problem.MISTYPED_TOKEN),
        ("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.", Problem.FOREIGN_TOKEN),
        ("Bearer hunter2", Problem.FOREIGN_TOKEN),
        ("Bearer \x00", Problem.FOREIGN_TOKEN),
    ],
)
def test_a_header_that_opens_nothing_is_told_by_what_is_wrong_with_it(header, problem):
    assert authorization(header, is_well_formed) == ("", problem)


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  ", " Bearer "])
def test_a_bearer_token_of_our_form_is_returned_whatever_the_case_of_its_scheme(scheme):
    assert authorization(f"{scheme}{TOKEN} ", is_well_formed) == (TOKEN, None)


# -- Addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/v2",
        "/v2/",
        "/v2/Users",
        "/v2//Users",
        "/v2/users/",
        "/v2/USERS",
        f"/v2/Users/{ID}",
        "/v2/Users/0",
        "/v2/Users/.search",
        "/v2/.search",
        "/v2/Groups",
        "/v2/Groups/…",
        "/v2/ServiceProviderConfig",
        "/v2/ResourceTypes/User",
        "/v2/ResourceTypes/Users",
        "/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
        "/v2/Bulk",
        "/v2/Me",
    ],
)
def test_an_address_that_exists_has_no_fault(path):
    assert path_fault(path, "acme") is None


@pytest.mark.parametrize(
    ("path", "fault", "found", "right"),
    [
        ("", Fault.NO_VERSION, "", ""),
        ("/", Fault.NO_VERSION, "", ""),
        ("/Users", Fault.NO_VERSION, "", ""),
        ("/Users/v2", Fault.NO_VERSION, "", ""),
        ("/nothing", Fault.NO_VERSION, "", ""),
        ("/v1/Users", Fault.OTHER_VERSION, "v1", ""),
        ("/V2/Users", Fault.OTHER_VERSION, "V2", ""),
        ("/v2 /Users", Fault.OTHER_VERSION, "v2 ", ""),
        ("/2.0/Users", Fault.OTHER_VERSION, "2.0", ""),
        ("//v2/Users", Fault.SLASHES, "", ""),
        ("/v2/Users//1", Fault.SLASHES, "", ""),
        ("/scim/v2/Users", Fault.SURPLUS, "scim", ""),
        ("/acme/v2/Users", Fault.SURPLUS, "acme", ""),
        ("/v2/v2", Fault.SURPLUS, "v2", ""),
        ("/v2/v2/Users", Fault.SURPLUS, "v2", ""),
        ("/v2/scim/v2/Users", Fault.SURPLUS, "scim/v2", ""),
        ("/v2/scim/acme/v2/Users", Fault.SURPLUS, "scim/acme/v2", ""),
        ("/v2/Users/Users", Fault.SURPLUS, "Users", ""),
        ("/v2/Users/Users/1", Fault.SURPLUS, "Users", ""),
        ("/v2/Users/Groups", Fault.SURPLUS, "Users", ""),
        ("/v2/Users/Users/.search", Fault.SURPLUS, "Users", ""),
        ("/v2/User", Fault.UNKNOWN_RESOURCE, "/User", "Users"),
        ("/v2/User/1", Fault.UNKNOWN_RESOURCE, "/User", "Users"),
        ("/v2/Group", Fault.UNKNOWN_RESOURCE, "/Group", "Groups"),
        ("/v2/me", Fault.UNKNOWN_RESOURCE, "/me", "Me"),
        ("/v2/ServiceProviderConfigs", Fault.UNKNOWN_RESOURCE, "/ServiceProviderConfigs", "S…"),
        ("/v2/schemas", Fault.UNKNOWN_RESOURCE, "/schemas", "Schemas"),
        ("/v2/Roles", Fault.UNKNOWN_RESOURCE, "/Roles", ""),
        ("/v2/Users/…/Groups", Fault.UNKNOWN_RESOURCE, "/Users/…/Groups", ""),
        ("/v2/Bulk/1", Fault.UNKNOWN_RESOURCE, "/Bulk/1", ""),
    ],
)
def test_a_wrong_address_is_told_by_what_is_wrong_with_it(path, fault, found, right):
    right = "ServiceProviderConfig" if right == "S…" else right

    assert path_fault(path, "acme") == PathFault(fault=fault, found=found, right=right)


@pytest.mark.parametrize(
    ("source", "path", "fault"),
    [
        ("", "", Fault.NO_SOURCE),
        ("v2", "/Users", Fault.NO_SOURCE),
        ("V2", "", Fault.NO_SOURCE),
        ("Users", "", Fault.NO_SOURCE),
        ("", "/acme/v2/Users", Fault.SLASHES),
        ("acne", "/Users", Fault.NO_VERSION),
    ],
)
def test_an_address_without_a_key_is_told_from_one_with_an_unknown_key(source, path, fault):
    assert address_fault(path, source).fault is fault


# -- What is kept ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/v2/Users", "/v2/Users"),
        ("/v2/users", "/v2/users"),
        (f"/v2/Users/{ID}", "/v2/Users/…"),
        ("/v2/uSeRs", "/v2/…"),
        ("/v2/Users/a/b/c", "/v2/Users/…"),
        ("/wp-login.php", "/…"),
        ("/acme/v2/Users", "/acme/v2/Users"),
        (f"/v2/Users/{TOKEN}", "/v2/Users/…"),
        ("/v2/Us\x00ers", "/v2/…"),
        ("/v2/v2/v2/v2/v2/v2/v2/v2", "/v2/v2/v2/v2/v2"),
        ("/", "/"),
        ("", ""),
    ],
)
def test_of_a_strangers_address_only_words_that_belong_there_are_kept(path, kept):
    assert path_of_stranger(path, "acme") == kept


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/v2/Usr", "/v2/Usr"),
        (f"/v2/Usr/{ID}", f"/v2/Usr/{ID}"),
        (f"/Users/{ID}", "/Users/…"),
        (f"/v2/Users/{ID}/Groups", "/v2/Users/…/Groups"),
        ("/v2/Users/Users/1", "/v2/Users/Users/…"),
        (f"/v2/x/{TOKEN}", "/v2/x/usx_…"),
        ("/v2/Us\x00\r\n\u202eers", "/v2/Us\ufffd\ufffd\ufffd\ufffders"),
        ("/v2/Ärzte", "/v2/Ärzte"),
        ("/v2/%41", "/v2/%41"),
    ],
)
def test_of_a_providers_address_all_is_kept_but_ids_and_tokens(path, kept):
    assert path_of_member(path) == kept


def test_a_text_is_cut_off_where_it_is_too_long():
    assert readable("x" * 300, 200) == "x" * 199 + "…"
    assert len(path_of_member("/v2/" + "x" * 300)) == 200


def test_no_token_is_readable_in_a_text():
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.abc"

    assert readable(f"?access_token={TOKEN}&t={TOKEN.upper()}&j={jwt}", 200) == (
        "?access_token=usx_…&t=USX_…&j=eyJ…"
    )


# -- Counting --------------------------------------------------------------------------------------


def counted(strays, room=50):
    found = {}
    for stray in strays:
        tally(found, stray, room)
    return list(found.values())


def test_requests_of_one_kind_are_counted_together_with_their_times():
    later = NOW + timedelta(seconds=3)

    [stray] = counted([a_stray(), a_stray(at=later, client="192.0.2.2"), a_stray()])

    assert (stray.count, stray.first_at, stray.last_at) == (3, NOW, later)
    assert stray.client == "192.0.2.2"


@pytest.mark.parametrize(
    "other",
    [
        {"source": "b"},
        {"problem": Problem.BASIC},
        {"method": "POST"},
        {"path": "/v2/Groups"},
    ],
)
def test_requests_of_another_kind_are_counted_apart(other):
    assert len(counted([a_stray(), a_stray(**other)])) == 2


def test_kinds_for_which_there_is_no_room_are_counted_as_one():
    strays = counted([a_stray(source=f"s{number}", path="/x") for number in range(60)], room=50)

    assert len(strays) == 51
    assert (strays[-1].path, strays[-1].count, strays[-1].source) == (ELSE, 10, "")


def test_a_kind_that_is_there_is_counted_although_there_is_no_room():
    [first, rest] = counted([a_stray(), a_stray(source="b"), a_stray()], room=1)

    assert (first.count, rest.count) == (2, 1)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("acme", Problem.NO_TOKEN),
        ("acne", Problem.UNKNOWN_SOURCE),
        ("v2", Problem.WRONG_PATH),
        ("", Problem.WRONG_PATH),
        ("users", Problem.NO_TOKEN),
    ],
)
def test_a_key_that_no_source_has_is_the_problem_before_any_other(source, problem):
    assert settled(a_stray(source=source), {"acme", "users"}).problem is problem


def test_what_was_counted_as_one_stays_so():
    [_, rest] = counted([a_stray(), a_stray(source="b")], room=1)

    assert settled(rest, {"acme"}) == rest
