"""kill -9 at any moment: a request is there as a whole or not at all, and repeating it is safe."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from itertools import count
from threading import Lock
from urllib.parse import urlsplit

import pytest
from processes import crasher, servers
from pushing import copied, host_app, stored
from sqlalchemy import select

from usersync_ext.signals import account_created
from usersync_ext.state import state_of
from usersync_ext.store.record_tables import OutboxRow
from usersync_ext.sync import telemetry
from usersync_ext.testing import ScimClient, release, scim_client

ANN = {
    "userName": "ann",
    "externalId": "1",
    "displayName": "Ann Smith",
    "emails": [{"value": "ann@corp.example"}],
}


@pytest.fixture(scope="module")
def crash():
    """Send one POST from a process that dies at one of its steps."""
    with crasher() as crash:
        yield crash


def waiting(app):
    """Return the signals that wait in the outbox."""
    with state_of(app).engine.store.reading() as session:
        return session.execute(select(OutboxRow.signal)).all()


def next_process(url, folder, scim):
    """Return the same provider's client of an app that starts after the crash."""
    return ScimClient(host_app(url, folder), scim.source, scim.token)


def crashed_post(crash, url, folder, step):
    """Prepare a source, crash a POST of ann at the step; return the next process and the end."""
    scim = scim_client(host_app(url, folder))
    release(scim.app)
    killed = crash(
        url=url,
        folder=str(folder),
        path=f"{scim.base_url}/Users",
        token=scim.token,
        body=ANN,
        step=step,
    )
    return next_process(url, folder, scim), killed


def assert_all_or_nothing(tables):
    people = tables["usersync_identity"]
    created = [row for row in tables["usersync_journal"] if row["kind"] == "create"]
    assert len(people) in {0, 1}
    for name in ("usersync_identity_email", "usersync_account", "usersync_link"):
        assert len(tables[name]) == len(people), name
    assert len(created) == len(people)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_post_killed_at_any_statement_and_repeated_leaves_exactly_one_of_everything(
    kind, crash, request, tmp_path, monkeypatch
):
    """T-23, and at least once for signals: the next process sends what the dead one could not."""
    monkeypatch.setattr(telemetry, "UNCONFIRMED_AFTER", timedelta(0))
    outcomes = []

    for step in count(1):
        with copied(kind, request, tmp_path) as url:
            scim, killed = crashed_post(crash, url, tmp_path, step)
            outcomes.append(repeated(scim) if killed else None)
            release(scim.app)
        if not killed:
            break

    statuses = [status for status, _ in outcomes[:-1]]
    assert len(statuses) > 10
    assert statuses == sorted(statuses)
    assert set(statuses) == {201, 409}
    assert [signals for _, signals in outcomes[:-1]] == [["ann"]] * len(statuses)


def repeated(scim):
    """Repeat the POST after the crash; return its status and the signals of all processes."""
    seen = []

    def receive(_sender, account, **_):
        seen.append(account["user_name"])

    assert_all_or_nothing(stored(scim.app))
    recorder = state_of(scim.app).engine.recorder
    with account_created.connected_to(receive, sender=scim.app):
        answer = scim.post("/Users", ANN)
        recorder.flush()
        recorder.send_left_over()
    [person] = scim.get("/Users", query_string={"filter": 'userName eq "ann"'}).json["Resources"]
    assert person["externalId"] == "1"
    tables = stored(scim.app)
    assert_all_or_nothing(tables)
    assert len(tables["usersync_identity"]) == 1
    assert waiting(scim.app) == []
    return answer.status_code, seen


class Pusher:
    """Pushes 1,000 people from four threads until the server dies."""

    def __init__(self, scim, address, process):
        self.scim = scim
        self.address = urlsplit(address).netloc
        self.process = process
        self.created = set()
        self.lock = Lock()

    def push(self, numbers):
        connection = HTTPConnection(self.address, timeout=60)
        try:
            for number in numbers:
                self.push_one(connection, number)
        except (OSError, HTTPException):  # the server was killed
            return
        finally:
            connection.close()

    def push_one(self, connection, number):
        connection.request(
            "POST",
            f"{self.scim.base_url}/Users",
            json.dumps(a_person(number)),
            {"Authorization": f"Bearer {self.scim.token}"},
        )
        response = connection.getresponse()
        response.read()
        assert response.status == 201
        with self.lock:
            self.created.add(f"person-{number}")
            if len(self.created) == 250:
                self.process.kill()

    def run(self):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self.push, [range(start, 1000, 4) for start in range(4)]))


def a_person(number):
    name = f"person-{number}"
    return {"userName": name, "externalId": str(number), "emails": [{"value": f"{name}@x.test"}]}


def names_by_table(tables):
    """Return whom each table knows: people, links and accounts, and journal lines."""
    people = {row["id"]: row["user_name"] for row in tables["usersync_identity"]}
    accounts = {str(row["id"]): row["user_name"] for row in tables["usersync_account"]}
    links = tables["usersync_link"]
    emails = tables["usersync_identity_email"]
    journal = tables["usersync_journal"]
    return {
        "people": sorted(people.values()),
        "accounts": sorted(accounts.values()),
        "linked people": sorted(people[row["identity_id"]] for row in links),
        "linked accounts": sorted(accounts[row["account_key"]] for row in links),
        "e-mails": sorted(row["email_key"].partition("@")[0] for row in emails),
        "journal": sorted(row["subject"] for row in journal if row["kind"] == "create"),
    }


def test_a_server_killed_in_the_middle_of_1000_pushes_leaves_nothing_half_applied(
    sqlite_url, tmp_path
):
    scim = scim_client(host_app(sqlite_url, tmp_path))
    with servers(1, sqlite_url, tmp_path) as [(process, address)]:
        pusher = Pusher(scim, address, process)
        pusher.run()

    after_crash = names_by_table(stored(scim.app))
    statuses = [scim.post("/Users", a_person(number)).status_code for number in range(1000)]
    at_the_end = names_by_table(stored(scim.app))

    for names in after_crash.values():
        assert names == after_crash["people"]
    assert pusher.created <= set(after_crash["people"])
    assert len(after_crash["people"]) < 1000
    assert statuses.count(409) == len(after_crash["people"])
    assert statuses.count(201) == 1000 - len(after_crash["people"])
    for names in at_the_end.values():
        assert names == sorted(f"person-{number}" for number in range(1000))
    release(scim.app)
