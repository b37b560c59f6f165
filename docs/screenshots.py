"""Make the pictures of the documentation: a small installation, photographed in headless Chromium.

``make screenshots`` runs it; it needs Chromium (the package ``chromium``) and the test packages.
"""

import logging
import shutil
import sys
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask
from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from usersync_ext import UserSync
from usersync_ext.core.records import Actor, Source
from usersync_ext.state import state_of
from usersync_ext.store import journal
from usersync_ext.sync import admin, by_hand, group_admin
from usersync_ext.sync.engine import Engine
from usersync_ext.sync.startup import ensure_schema

EVE = Actor(kind="admin", name="eve")
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
NAMES = ("ada.lind", "ben.oz", "cleo", "dora.kim", "emil.ruiz")
PICTURES = {
    "overview": "/",
    "source": "/sources/contoso/",
    "rules": "/sources/acme-okta/rules",
    "person": "/people/2",
    "groups": "/sources/acme-okta/groups/map",
}
DAYS = (3, 1, 0, 5, 8, 2, 0, 0, 4, 6, 1, 3, 12, 0, 0, 2, 5, 7, 3, 1, 0, 0, 9, 4, 2, 6, 3)
"""Changes of the days before today; every third of them takes something away."""


def installation(folder: str) -> Flask:
    """Return an app with two sources, five people, one of whom left, and mapped groups."""
    app = Flask("pictures", instance_path=folder)
    app.config.update(SECRET_KEY="pictures", USERSYNC_PUBLIC_URL="https://id.example.com")
    UserSync(app, is_admin=lambda: True)
    state = state_of(app)
    ensure_schema(state)
    by_hand.add_account(state.engine, EVE, user_name="cleo", full_name="Cleo Park")
    rules = {
        "username_regex": "(.*)@.*",
        "username_replacement": "$1",
        "group_mode": "manual",
    }
    acme = admin.add_source(
        state.engine, EVE, name="Acme Okta", kind="okta", state="active", rules=rules
    )
    contoso = admin.add_source(state.engine, EVE, name="Contoso", kind="entra")
    admin.add_token(state.engine, EVE, contoso, label="Entra", expires_in_days=365)
    token, _ = admin.add_token(state.engine, EVE, acme, label="production", expires_in_days=20)
    ids = push_people(app, {"Authorization": f"Bearer {token}"})
    push_groups(app, {"Authorization": f"Bearer {token}"}, ids)
    map_groups(state.engine, acme)
    add_history(state.engine, acme)
    mistyped = {"Authorization": f"Bearer {token[:-3]}"}
    app.test_client().get("/usersync/scim/contoso/v2/Users", headers=mistyped)
    state.engine.recorder.flush()
    return app


def push_people(app: Flask, headers: dict[str, str]) -> list[str]:
    """Push the people as Okta would; return their ids."""
    client, base = app.test_client(), "/usersync/scim/acme-okta/v2/Users"
    ids = []
    for name in NAMES:
        email = f"{name}@example.com"
        record = {
            "schemas": [USER],
            "userName": email,
            "externalId": f"00u{name[:4]}",
            "displayName": name.replace(".", " ").title(),
            "emails": [{"value": email, "type": "work", "primary": True}],
            "title": "Engineer",
        }
        ids.append(client.post(base, json=record, headers=headers).get_json()["id"])
    leave = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": False}}]}
    client.patch(f"{base}/{ids[1]}", json=leave, headers=headers)
    return ids


def push_groups(app: Flask, headers: dict[str, str], ids: list[str]) -> None:
    """Push the groups of Okta's Push Groups."""
    for name, count in (("IdP_engineering", 5), ("IdP_wiki", 3), ("IdP_admins", 1), ("berlin", 2)):
        members = [{"value": id_} for id_ in ids[:count]]
        record = {"schemas": [GROUP], "displayName": name, "members": members}
        base = "/usersync/scim/acme-okta/v2/Groups"
        app.test_client().post(base, json=record, headers=headers)


def map_groups(engine: Engine, source: Source) -> None:
    """Map some of the groups, one of them to a protected one."""
    to = {"IdP_engineering": "engineering", "IdP_wiki": "wiki-editors", "IdP_admins": "admins"}
    changes = [group_admin.addition(engine, source, name, to[name]) for name in to]
    group_admin.change_mappings(engine, EVE, source, changes)


def add_history(engine: Engine, source: Source) -> None:
    """Add what happened on the days before, which the chart shows."""
    now = datetime.now(UTC)
    with engine.store.writing() as session:
        for ago, count in enumerate(DAYS, start=1):
            for number in range(count):
                kind = ("create", "update", "deactivate")[number % 3]
                at = now - timedelta(days=ago)
                journal.add_entries(session, [a_line(source, kind, f"person {ago}-{number}", at)])


def a_line(source: Source, kind: str, subject: str, at: datetime) -> dict[str, object]:
    """Return a line of the journal about somebody."""
    return {
        "at": at,
        "source": source.key,
        "actor": "token:usx_0000…",
        "category": "change",
        "kind": kind,
        "subject": subject,
        "reason": "the provider sent it",
        "outcome": "applied",
        "destructive": False,
        "before": None,
        "after": None,
        "request_id": None,
        "identity_id": None,
        "directory": None,
        "account_key": None,
        "group_key": None,
    }


def preview(page: Page) -> None:
    """Let the rules make other names, and show what that would do."""
    page.locator("[name=username_replacement]").fill("acme-$1")
    page.get_by_role("button", name="Preview", exact=True).last.click()
    page.locator("#preview").scroll_into_view_if_needed()


def main() -> None:
    """Take every picture."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("Chromium is missing: install the package chromium")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        server = make_server("127.0.0.1", 0, installation(folder), threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium)
            page = browser.new_page(viewport={"width": 1120, "height": 960})
            for name, path in PICTURES.items():
                page.goto(f"http://127.0.0.1:{server.port}/usersync{path}")
                if name == "rules":
                    preview(page)
                page.screenshot(path=ROOT / "docs" / f"{name}.png")
            browser.close()
        server.shutdown()


if __name__ == "__main__":
    main()
