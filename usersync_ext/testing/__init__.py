"""What host apps test with: a source, its token, and a provider's client on Flask's test client.

::

    from usersync_ext.testing import release, scim_client

    def test_a_leaver_is_signed_out(app):
        scim = scim_client(app)
        ann = scim.post("/Users", {"userName": "ann"}).get_json()

        scim.patch(f"/Users/{ann['id']}", {"op": "replace", "path": "active", "value": False})

        assert not app.my_sessions.of("ann")
        release(app)
"""

from typing import Any

from flask import Flask
from werkzeug.test import Client, TestResponse

from ..core.records import Actor, Source
from ..state import state_of
from ..store import migrate
from ..sync import admin
from ..sync.startup import upgrade_schema

__all__ = ["ScimClient", "release", "scim_client"]

ACTOR = Actor(kind="system", name="tests of the host")
PATCH_URN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class ScimClient:
    """An identity provider that pushes to one source of an app.

    Every method returns Flask's test response and takes the other arguments of its test client.
    Replace ``client``, and ``base_url`` (the path below which requests go), where a WSGI
    middleware mounts the app elsewhere.
    """

    def __init__(self, app: Flask, source: Source, token: str) -> None:
        self.app = app
        self.source = source
        self.token = token
        self.client: Client = app.test_client()
        self.base_url = f"{state_of(app).settings.url_prefix}/scim/{source.key}/v2"

    def request(
        self, method: str, path: str = "", json: object = None, **options: Any
    ) -> TestResponse:
        """Send a request with the source's token to a path below the SCIM base URL."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.client.open(
            f"{self.base_url}{path}", method=method, json=json, headers=headers, **options
        )

    def get(self, path: str = "", **options: Any) -> TestResponse:
        """Read a resource, or search: ``get("/Users", query_string={"filter": …})``."""
        return self.request("GET", path, **options)

    def post(self, path: str, json: object, **options: Any) -> TestResponse:
        """Create a resource, or send any other POST."""
        return self.request("POST", path, json, **options)

    def put(self, path: str, json: object, **options: Any) -> TestResponse:
        """Replace a resource."""
        return self.request("PUT", path, json, **options)

    def patch(self, path: str, *operations: object, **options: Any) -> TestResponse:
        """Modify a resource by PATCH operations."""
        body = {"schemas": [PATCH_URN], "Operations": list(operations)}
        return self.request("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        """Delete a resource."""
        return self.request("DELETE", path, **options)


def scim_client(
    app: Flask,
    name: str = "Test",
    *,
    kind: str = "custom-scim",
    state: str = "active",
    read_only: bool = False,
    **rules: Any,
) -> ScimClient:
    """Add a source with a token to an app and return its provider's client.

    The database is brought to the schema of this code first, so use one that belongs to the test.
    ``rules`` are settings of the source, such as ``inactive_action="delete"``. Raises
    InvalidSetting.
    """
    engine = state_of(app).engine
    if migrate.current_version(engine.store) != migrate.newest_version():
        upgrade_schema(state_of(app))
    source = admin.add_source(engine, ACTOR, name=name, kind=kind, state=state, rules=rules)
    token, _ = admin.add_token(engine, ACTOR, source, label="test", read_only=read_only)
    return ScimClient(app, source, token)


def release(app: Flask) -> None:
    """Write what usersync remembers in memory and close its connections: the end of a test."""
    engine = state_of(app).engine
    engine.recorder.flush()
    engine.store.dispose()
