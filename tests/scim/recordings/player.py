"""Plays recorded requests of identity providers against a real server, and judges every answer.

A recording is a JSON file; ``test_recordings.py`` says what it holds. ``{{u1}}`` stands for the
id that the server gave to the resource which an earlier request saved ``as`` u1.
"""

import json
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import waitress
from flask import Flask

from usersync_ext import UserSync
from usersync_ext.core.records import Actor
from usersync_ext.state import state_of
from usersync_ext.sync import admin
from usersync_ext.sync.explain import list_accounts

FOLDER = Path(__file__).parent
ADMIN = Actor(kind="system", name="test")
ERROR_URN = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST_URN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
REFERENCE = re.compile(r"\{\{(\w+)\}\}")
ACCOUNT_FIELDS = ("user_name", "full_name", "email", "active")


@contextmanager
def served_app(template: Path, folder: Path) -> Iterator[tuple[Flask, str]]:
    """Serve a host app with usersync on a fresh database; yield the app and its address."""
    database = folder / "usersync.sqlite3"
    shutil.copy(template, database)
    app = Flask("host", instance_path=str(folder))
    app.config.update(
        SECRET_KEY="test", USERSYNC_DATABASE_URI=f"sqlite:///{database}", TESTING=True
    )
    UserSync(app, is_admin=lambda: True)
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield app, f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        thread.join(5)
        engine = state_of(app).engine
        engine.recorder.flush()
        engine.store.dispose()


@contextmanager
def client_of(
    app: Flask, address: str, *, kind: str = "custom-scim", **rules: Any
) -> Iterator["Client"]:
    """Yield the client of a new source; the source and its accounts are removed afterwards."""
    engine = state_of(app).engine
    source = admin.add_source(engine, ADMIN, name="Acme", kind=kind, state="active", rules=rules)
    token, _ = admin.add_token(engine, ADMIN, source, label="test")
    base = f"{address}{state_of(app).settings.url_prefix}/scim/{source.key}/v2"
    try:
        with requests.Session() as session:
            yield Client(app, source.key, base, token, session)
    finally:
        admin.leave_source(engine, ADMIN, source, accounts="delete", remove=True)


class Client:
    """An identity provider that talks HTTP to one source and remembers ids."""

    def __init__(
        self, app: Flask, source: str, base: str, token: str, session: requests.Session
    ) -> None:
        self.engine = state_of(app).engine
        self.source = source
        self.base = base
        self.token = token
        self.session = session
        self.ids: dict[str, str] = {}

    def filled(self, value: Any) -> Any:
        """Return a recorded value with the ids that the server gave."""
        if isinstance(value, str):
            return REFERENCE.sub(lambda match: self.ids[match[1]], value)
        if isinstance(value, Mapping):
            return {self.filled(key): self.filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        return value

    def send(self, request: Mapping[str, Any]) -> requests.Response:
        """Send a recorded request as it is; a header that is null is not sent."""
        body = request.get("raw")
        if body is not None:
            body = self.filled(body)
        elif "body" in request:
            body = json.dumps(self.filled(request["body"]), ensure_ascii=False)
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/scim+json",
            "Content-Type": "application/scim+json" if body is not None else None,
            **request.get("headers", {}),
        }
        response = self.session.request(
            request["method"],
            self.base + self.filled(request["path"]),
            data=body.encode() if body is not None else None,
            headers=headers,
            allow_redirects=False,
            timeout=30,
        )
        judge(response, request["method"], self.base)
        if "as" in request and response.ok:
            self.ids[request["as"]] = response.json()["id"]
        return response

    def get(self, path: str) -> requests.Response:
        """Send a GET."""
        return self.send({"method": "GET", "path": path})

    def accounts(self) -> list[dict[str, Any]]:
        """Return the accounts that the source manages, by name."""
        found = [a.account for a in list_accounts(self.engine, limit=1000)]
        mine = [a for a in found if a.owner == self.source]
        return sorted(
            ({field: getattr(a, field) for field in ACCOUNT_FIELDS} for a in mine),
            key=lambda account: account["user_name"],
        )


def judge(response: requests.Response, method: str, base: str) -> None:
    """Assert what holds for every answer (scim-clients.md §14)."""
    assert not 300 <= response.status_code < 400 or response.status_code == 304
    assert response.status_code != 500, response.text
    assert response.headers["Cache-Control"] == "no-store"
    if response.status_code in {204, 304}:
        assert response.content == b""
        return
    assert response.headers["Content-Type"].partition(";")[0] == "application/scim+json"
    body = response.json()
    assert not list(nulls(body)), "null in an answer"
    if response.status_code >= 400:
        judge_error(response, body)
    elif LIST_URN in body["schemas"]:
        judge_list(body, base)
    elif method in {"POST", "PUT", "PATCH", "GET"} and "id" in body and "meta" in body:
        judge_resource(body, base)
        if response.status_code == 201:
            assert response.headers["Location"] == body["meta"]["location"]


def judge_error(response: requests.Response, body: Mapping[str, Any]) -> None:
    """Assert the form of an error: everything a provider's console shows is there."""
    assert body["schemas"] == [ERROR_URN]
    assert body["status"] == str(response.status_code)
    assert body["detail"]
    if response.status_code == 401:
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    if response.status_code in {429, 503}:
        assert response.headers["Retry-After"].isdigit()
    if response.status_code == 409:
        assert body["scimType"] == "uniqueness"


def judge_list(body: Mapping[str, Any], base: str) -> None:
    """Assert the form of a list: numbers, and every resource in its own right."""
    assert isinstance(body["totalResults"], int)
    assert isinstance(body["itemsPerPage"], int)
    assert body["itemsPerPage"] == len(body["Resources"])
    for resource in body["Resources"]:
        if "meta" in resource and resource["meta"].get("location"):
            judge_resource(resource, base)


def judge_resource(body: Mapping[str, Any], base: str) -> None:
    """Assert the form of a resource."""
    kind = body["meta"]["resourceType"]
    if kind not in {"User", "Group"}:
        return
    assert body["meta"]["location"] == f"{base}/{kind}s/{body['id']}"
    assert "password" not in json.dumps(body).lower()
    if kind == "User" and "userName" in body:
        assert isinstance(body["active"], bool)
        manager = body.get("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", {}).get(
            "manager", {}
        )
        assert isinstance(manager, dict)


def nulls(value: Any) -> Iterator[None]:
    """Yield every null within a value."""
    if value is None:
        yield None
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from nulls(item)
    elif isinstance(value, list):
        for item in value:
            yield from nulls(item)


def missing(expected: Any, found: Any, where: str = "") -> list[str]:
    """Return where a value differs from what is expected of it.

    Objects may have more keys than expected; lists must have as many elements, in order.
    """
    if isinstance(expected, Mapping):
        if not isinstance(found, Mapping):
            return [f"{where}: expected {expected!r}, found {found!r}"]
        return [
            text
            for key, value in expected.items()
            for text in (
                missing(value, found[key], f"{where}/{key}")
                if key in found
                else [f"{where}/{key}: expected {value!r}, found nothing"]
            )
        ]
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return [f"{where}: expected {expected!r}, found {found!r}"]
        pairs = enumerate(zip(expected, found, strict=True))
        return [t for i, (one, other) in pairs for t in missing(one, other, f"{where}[{i}]")]
    return [] if expected == found else [f"{where}: expected {expected!r}, found {found!r}"]


def check_answer(client: Client, response: requests.Response, expect: Mapping[str, Any]) -> None:
    """Assert status, scimType, words of the detail, and the body of an answer."""
    assert response.status_code == expect["status"], response.text
    if "scimType" in expect:
        assert response.json().get("scimType") == expect["scimType"]
    for words in expect.get("detail", ()):
        assert client.filled(words) in response.json()["detail"]
    if "body" in expect:
        assert missing(client.filled(expect["body"]), response.json()) == []


def check_resource(client: Client, path: str, expect: Mapping[str, Any]) -> dict[str, Any] | None:
    """Assert what a GET answers: its status, what it has, and what it has not."""
    answer = client.get(expect.get("path", path))
    assert answer.status_code == expect.get("status", 200), answer.text
    body: dict[str, Any] = answer.json()
    assert missing(client.filled(expect.get("has", {})), body) == []
    for name in expect.get("absent", ()):
        assert lookup(body, name) is None, f"{name} is there: {lookup(body, name)!r}"
    return body


def lookup(body: Any, name: str) -> Any:
    """Return what is at ``a/b`` in nested objects, None where nothing is."""
    for key in name.split("/"):
        body = body.get(key) if isinstance(body, Mapping) else None
    return body


def check_accounts(client: Client, expect: Mapping[str, Any]) -> None:
    """Assert the accounts that the source manages: all of them, field by field."""
    if "accounts" not in expect and "account" not in expect:
        return
    wanted = expect.get("accounts", [expect["account"]] if expect.get("account") else [])
    assert missing(wanted, client.accounts()) == []
