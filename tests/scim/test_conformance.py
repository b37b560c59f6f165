"""The field's own conformance tester and client against our running server (T-13)."""

import httpx2
import pytest
from recordings.player import client_of, served_app
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import (
    BulkRequest,
    Error,
    PatchOp,
    PatchOperation,
    SearchRequest,
)
from scim2_tester import Status, check_server


@pytest.fixture(scope="module")
def server(sqlite_template, tmp_path_factory):
    with served_app(sqlite_template, tmp_path_factory.mktemp("conformance")) as served:
        yield served


@pytest.fixture
def recorded(server):
    """A source with its accounts at hand."""
    with client_of(*server) as client:
        yield client


@pytest.fixture
def scim(recorded):
    """The library's client of the same source, which found out everything by itself."""
    headers = {"Authorization": f"Bearer {recorded.token}"}
    with httpx2.Client(base_url=recorded.base, headers=headers) as http:
        client = SyncSCIMClient(http)
        client.discover()
        yield client


@pytest.fixture
def models(scim):
    return scim.get_resource_model("User"), scim.get_resource_model("Group")


def a_user(model, name="ada", **values):
    return model(user_name=name, **values)


def a_patch(model, *operations):
    return PatchOp[model](operations=[PatchOperation[model](**one) for one in operations])


def test_the_conformance_tester_finds_nothing_and_skips_nothing(recorded):
    """T-13"""
    headers = {"Authorization": f"Bearer {recorded.token}"}
    with httpx2.Client(base_url=recorded.base, headers=headers) as http:
        results = check_server(SyncSCIMClient(http))

    other = [f"{r.status.name} {r.title}: {r.reason}" for r in results if bad(r)]
    assert other == []
    assert len(results) > 120
    assert {"crud:create", "crud:update", "crud:delete"} <= {t for r in results for t in r.tags}


def bad(result):
    return result.status is not Status.SUCCESS


def test_the_client_discovers_what_we_serve(scim):
    config = scim.provider.config

    assert config.patch.supported
    assert config.bulk.supported
    assert config.sort.supported
    assert config.etag.supported
    assert config.pagination.cursor
    assert {"User", "Group"} <= {model.__name__ for model in scim.provider.models}


def test_a_person_lives_from_creation_to_deletion(scim, models, recorded):
    user_model, _ = models

    created = scim.create(a_user(user_model, display_name="Ada", active=True))
    read = scim.query(user_model, created.id)
    patched = scim.modify(
        user_model,
        created.id,
        a_patch(user_model, {"op": "replace", "path": "displayName", "value": "Ada Lind"}),
    )
    assert recorded.accounts()[0]["full_name"] == "Ada Lind"
    patched.active = False
    replaced = scim.replace(patched)

    assert read == created
    assert patched.user_name == "ada"
    assert replaced.active is False
    assert recorded.accounts()[0]["active"] is False
    assert scim.delete(user_model, created.id) is None
    gone = scim.query(user_model, created.id, raise_scim_errors=False)
    assert isinstance(gone, Error)
    assert gone.status == 404


def test_a_group_lives_with_its_members(scim, models):
    user_model, group_model = models
    ada, bob = (scim.create(a_user(user_model, name)) for name in ("ada", "bob"))
    group = scim.create(group_model(display_name="Editors", members=[{"value": ada.id}]))
    path = (group_model, group.id)

    add = {"op": "add", "path": "members", "value": [{"value": bob.id}]}
    assert scim.modify(*path, a_patch(group_model, add)) is None
    assert {m.value for m in scim.query(*path).members} == {ada.id, bob.id}
    assert [g.value for g in scim.query(user_model, bob.id).groups] == [group.id]

    remove = {"op": "remove", "path": f'members[value eq "{ada.id}"]'}
    scim.modify(*path, a_patch(group_model, remove))
    assert [m.value for m in scim.query(*path).members] == [bob.id]

    scim.delete(user_model, bob.id)
    assert not scim.query(*path).members
    scim.delete(*path)
    assert scim.query(group_model).total_results == 0


def test_people_are_searched_with_get_and_with_post(scim, models):
    user_model, group_model = models
    for name in ("ada", "bob", "cy"):
        scim.create(a_user(user_model, name, title="Editor"))
    scim.create(group_model(display_name="Editors"))
    request = SearchRequest(
        filter='title eq "editor" and userName ne "bob"',
        sort_by="userName",
        sort_order="descending",
        attributes=["userName"],
    )

    found = [scim.query(user_model, query_parameters=request), scim.search(user_model, request)]
    everything = scim.search(SearchRequest(filter="meta.resourceType pr"))

    for answer in found:
        assert [one.user_name for one in answer.resources] == ["cy", "ada"]
        assert {one.active for one in answer.resources} == {None}
    assert everything.total_results == 4


def test_pages_by_index_hold_everybody_once(scim, models):
    user_model, _ = models
    for number in range(7):
        scim.create(a_user(user_model, f"user{number}"))

    pages = [
        scim.query(user_model, query_parameters=SearchRequest(start_index=start, count=3))
        for start in (1, 4, 7, 8)
    ]

    names = [one.user_name for page in pages for one in page.resources or ()]
    assert sorted(names) == [f"user{number}" for number in range(7)]
    assert [page.start_index for page in pages] == [1, 4, 7, 8]
    assert {page.total_results for page in pages} == {7}


def test_pages_by_cursor_hold_everybody_once(scim, models):
    user_model, _ = models
    for number in range(7):
        scim.create(a_user(user_model, f"user{number}"))

    names, cursor = [], ""
    while cursor is not None:
        request = SearchRequest(cursor=cursor, count=3)
        page = scim.query(user_model, query_parameters=request)
        names += [one.user_name for one in page.resources]
        cursor = page.next_cursor

    assert sorted(names) == [f"user{number}" for number in range(7)]
    assert len(names) == 7


def test_a_bulk_request_makes_people_and_their_group(scim, models, recorded):
    user_model, group_model = models
    both = user_model | group_model
    group = group_model(display_name="Editors", members=[{"value": "bulkId:a"}])
    operations = [
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": group},
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": a_user(user_model)},
    ]

    answer = scim.bulk(BulkRequest[both](operations=operations))

    assert [str(one.status) for one in answer.operations] == ["201", "201"]
    [group] = scim.query(group_model).resources
    [ada] = scim.query(user_model).resources
    assert [member.value for member in group.members] == [ada.id]
    assert [one["user_name"] for one in recorded.accounts()] == ["ada"]


def test_a_change_of_an_old_version_is_refused(scim, models):
    user_model, _ = models
    created = scim.create(a_user(user_model))
    rename = a_patch(user_model, {"op": "replace", "path": "title", "value": "x"})
    scim.modify(user_model, created.id, rename)
    created.display_name = "Eve"

    answer = scim.replace(created, raise_scim_errors=False)

    assert isinstance(answer, Error)
    assert answer.status == 412


def test_a_name_that_is_taken_is_the_libraries_uniqueness_error(scim, models):
    user_model, _ = models
    scim.create(a_user(user_model))

    answer = scim.create(a_user(user_model, "ADA"), raise_scim_errors=False)

    assert isinstance(answer, Error)
    assert (answer.status, answer.scim_type) == (409, "uniqueness")
