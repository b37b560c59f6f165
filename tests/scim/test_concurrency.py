"""Several providers' requests at once, over HTTP against real servers; locks and full disks."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import Barrier, local
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from processes import servers
from pushing import copied, host_app, stored
from sqlalchemy import create_engine, event, text

from usersync_ext.state import state_of
from usersync_ext.store import engine as store_engine
from usersync_ext.testing import release, scim_client

PATCH_URN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(request, tmp_path_factory):
    """Servers on one database: four waitress threads, and two processes of them on PostgreSQL."""
    folder = tmp_path_factory.mktemp("servers")
    count = 1 if request.param == "sqlite" else 2
    with copied(request.param, request, folder) as url, servers(count, url, folder) as started:
        app = host_app(url, folder)
        yield app, [address for _, address in started]
        release(app)


@pytest.fixture
def scim(place):
    """The provider of a source of its own."""
    return scim_client(place[0], f"Acme {uuid4().hex}")


@pytest.fixture
def alone(database_url, tmp_path):
    """A provider on a database that nobody else uses."""
    client = scim_client(host_app(database_url, tmp_path))
    client.database = database_url
    yield client
    release(client.app)


class Sender:
    """Sends requests over HTTP from many threads, each with its own connections."""

    def __init__(self, scim, addresses):
        self.scim = scim
        self.addresses = addresses
        self.kept = local()
        self.opened = []

    def connection(self, number):
        connections = self.kept.__dict__.setdefault("connections", {})
        address = self.addresses[number % len(self.addresses)]
        if address not in connections:
            connections[address] = HTTPConnection(urlsplit(address).netloc, timeout=60)
            self.opened.append(connections[address])
        return connections[address]

    def send(self, number, method, path, body=None):
        """Send a request to the server whose turn it is; return status, headers and JSON."""
        connection = self.connection(number)
        headers = {
            "Authorization": f"Bearer {self.scim.token}",
            "Content-Type": "application/scim+json",
        }
        sent = json.dumps(body) if body is not None else None
        connection.request(method, f"{self.scim.base_url}{path}", sent, headers)
        response = connection.getresponse()
        content = response.read()
        return response.status, response.headers, json.loads(content) if content else None

    def all_at_once(self, count, threads, request):
        """Return the answers of ``request(number)`` for each number, sent by some threads."""
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda number: self.send(number, *request(number)), range(count)))


@pytest.fixture
def sender(scim, place):
    sender = Sender(scim, place[1])
    yield sender
    for connection in sender.opened:
        connection.close()


def test_400_patches_of_different_attributes_of_one_person_all_survive(scim, sender):
    ann = scim.post("/Users", {"userName": "ann"}).json["id"]

    def patch(number):
        part = {"path": f"custom{number}", "value": str(number)}
        if number % 8 == 0:
            part["path"] = f'phoneNumbers[type eq "line{number}"].value'
        operation = {"op": "add", **part}
        return "PATCH", f"/Users/{ann}", {"schemas": [PATCH_URN], "Operations": [operation]}

    answers = sender.all_at_once(400, 8, patch)

    person = scim.get(f"/Users/{ann}").json
    assert {status for status, _, _ in answers} == {200}
    assert [person.get(f"custom{n}") for n in range(400) if n % 8] == [
        str(n) for n in range(400) if n % 8
    ]
    phones = {phone["type"]: phone["value"] for phone in person["phoneNumbers"]}
    assert phones == {f"line{n}": str(n) for n in range(0, 400, 8)}
    assert person["meta"]["version"] == 'W/"401"'


def test_of_posts_of_one_user_name_at_the_same_time_exactly_one_is_created(scim, sender):
    together = Barrier(4)

    def post(number):
        together.wait(30)
        return "POST", "/Users", {"userName": f"twin-{number // 4}", "externalId": str(number)}

    answers = sender.all_at_once(40, 4, post)

    for start in range(0, 40, 4):
        statuses = sorted(status for status, _, _ in answers[start : start + 4])
        assert statuses == [201, 409, 409, 409]
    tables = stored(scim.app)
    twins = {row["id"] for row in tables["usersync_identity"] if row["user_name"][:5] == "twin-"}
    assert len(twins) == 10
    assert sum(row["user_name"].startswith("twin-") for row in tables["usersync_account"]) == 10
    assert sum(row["identity_id"] in twins for row in tables["usersync_link"]) == 10


def test_people_and_members_that_come_at_the_same_time_are_all_there(scim, sender):
    group = scim.post("/Groups", {"displayName": "staff"}).json["id"]
    created = sender.all_at_once(60, 8, lambda n: ("POST", "/Users", {"userName": f"u{n}"}))
    ids = [person["id"] for _, _, person in created]

    def add(number):
        operation = {"op": "add", "path": "members", "value": [{"value": ids[number]}]}
        return "PATCH", f"/Groups/{group}", {"schemas": [PATCH_URN], "Operations": [operation]}

    answers = sender.all_at_once(60, 8, add)

    assert {status for status, _, _ in answers} == {204}
    members = scim.get(f"/Groups/{group}").json["members"]
    assert {member["value"] for member in members} == set(ids)


@pytest.fixture
def impatient(monkeypatch):
    """Databases that wait a second for locks, not five."""
    monkeypatch.setattr(store_engine, "BUSY_TIMEOUT_SECONDS", 1)


def hold_lock(url):
    """Lock the database as another process would; return what ends the lock."""
    if url.startswith("sqlite"):
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        return other.close
    engine = create_engine(url)
    other = engine.connect()
    other.execute(text("LOCK TABLE usersync_identity IN EXCLUSIVE MODE"))

    def end():
        other.close()
        engine.dispose()

    return end


def test_a_database_that_another_process_locks_answers_503_with_retry_after(
    impatient, alone, serve, caplog
):
    """T-26"""
    scim = alone
    with serve(scim.app) as address:
        sender = Sender(scim, [address])
        before = stored(scim.app)
        release_lock = hold_lock(scim.database)

        answers = sender.all_at_once(4, 4, lambda n: ("POST", "/Users", {"userName": f"u{n}"}))
        reading = sender.send(0, "GET", "/Users")
        meanwhile = stored(scim.app)
        release_lock()
        later = sender.send(0, "POST", "/Users", {"userName": "u0"})
        for connection in sender.opened:
            connection.close()

    for status, headers, error in answers:
        assert status == 503
        assert headers["Retry-After"].isdigit()
        assert error["status"] == "503"
    assert meanwhile == before
    assert reading[0] == 200
    assert later[0] == 201
    assert "the database is not available" in caplog.text


def test_a_full_disk_stores_nothing_of_a_request_and_says_to_try_again(
    sqlite_url, tmp_path, caplog
):
    """T-26"""
    scim = scim_client(host_app(sqlite_url, tmp_path))
    engine = state_of(scim.app).engine.store.engine
    pages = {"limit": 1}

    def limit(connection, _record, _proxy):
        connection.execute(f"PRAGMA max_page_count={pages['limit']}")

    event.listen(engine, "checkout", limit)
    before = stored(scim.app)
    person = {"userName": "ann", "title": "x" * 50_000}

    full = scim.post("/Users", person)
    meanwhile = stored(scim.app)
    reading = scim.get("/Users")
    pages["limit"] = 1_000_000
    later = scim.post("/Users", person)

    assert full.status_code == 503
    assert full.headers["Retry-After"].isdigit()
    assert meanwhile == before
    assert reading.status_code == 200
    assert later.status_code == 201
    assert "full" in caplog.text
    release(scim.app)
