"""Sites: an app with the pages, and what tests do with it."""

import re
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from usersync_ext import UserSync
from usersync_ext.core.records import Actor, Source
from usersync_ext.state import State, state_of
from usersync_ext.store import people, sources
from usersync_ext.sync import admin, runs
from usersync_ext.sync.push import Push
from usersync_ext.sync.pushing import NewRecord

ADMIN = Actor(kind="admin", name="test")


class Site:
    """An app with the pages, and what tests do with it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.state: State = state_of(app)
        self.client: FlaskClient = app.test_client()
        self.prefix = self.state.settings.url_prefix

    def get(self, path: str, status: int = 200) -> BeautifulSoup:
        response = self.client.get(self.prefix + path)
        assert response.status_code == status, response.text
        return soup(response.text)

    def status(self, address: str) -> int:
        """Return the status of an address, of a static file too."""
        with self.client.get(address) as response:
            return response.status_code

    def csrf(self) -> str:
        page = soup(self.client.get(f"{self.prefix}/sources/add").text)
        return page.select_one("input[name=csrf_token]")["value"]

    def post(self, path: str, status: int = 303, **values: Any) -> BeautifulSoup:
        """Send a form; return the page it leads to."""
        response = self.client.post(self.prefix + path, data={"csrf_token": self.csrf(), **values})
        assert response.status_code == status, response.text
        if status == 303:
            response = self.client.get(response.location)
            assert response.status_code == 200, response.text
        return soup(response.text)

    def add_source(self, name: str = "Acme", kind: str = "okta", **values: Any) -> Source:
        return admin.add_source(self.state.engine, ADMIN, name=name, kind=kind, **values)

    def source(self, key: str = "acme") -> Source:
        with self.state.engine.store.reading() as session:
            return sources.get_source(session, key)

    def push(self, source: Source, *names: str, **more: Any) -> None:
        for name in names:
            record = {"userName": name, "active": True, **more}
            work = self.state.engine.work_for(source, Actor(kind="token", name="test"))
            Push(self.state.engine, work).create_user(NewRecord(record=record, comparable={}))

    def deactivate(self, source: Source, *names: str) -> None:
        engine = self.state.engine
        for name in names:
            with engine.store.reading() as session:
                [found] = people.find_people(session, name, source)
            work = engine.work_for(source, Actor(kind="token", name="test"))
            Push(engine, work).change_user(
                found.scim_id,
                lambda stored: NewRecord(
                    record={**stored.parsed(), "active": False}, comparable={}
                ),
            )

    def delete(self, source: Source, *names: str) -> None:
        engine = self.state.engine
        for name in names:
            with engine.store.reading() as session:
                [found] = people.find_people(session, name, source)
            work = engine.work_for(source, Actor(kind="token", name="test"))
            Push(engine, work).delete_user(found.scim_id, lambda _stored: None)

    @staticmethod
    def words(found: Any) -> str:
        """Return the visible text with single blanks."""
        return re.sub(r"\s+", " ", found.get_text(" ")).strip()

    @staticmethod
    def label(page: BeautifulSoup, text: str) -> Any:
        """Return the input of a label, the fieldset of a legend."""
        for label in page.select("label"):
            if Site.words(label) == text:
                return page.find(id=label["for"])
        return next(x.parent for x in page.select("legend") if Site.words(x) == text)


def soup(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html5lib")


def build(folder: Path, name: str, config: Any = None, **extension: Any) -> Site:
    """Return a site on a database of its own; the database may exist."""
    app = Flask("x", instance_path=str(folder))
    app.config.update(
        TESTING=True,
        SECRET_KEY="x" * 32,
        USERSYNC_DATABASE_URI=f"sqlite:///{folder}/{name}.sqlite3",
        **(config or {}),
    )
    UserSync(app, **{"is_admin": lambda: True, **extension})
    return Site(app)


def close(site: Site) -> None:
    if site.state.store_ready:
        site.state.engine.recorder.flush()
    site.state.engine.store.dispose()


def fill(site: Site) -> None:
    """Store an active source, people, held changes, an account by hand and a group."""
    rules = {"removal_limit_count": "1", "removal_limit_percent": "0"}
    source = site.add_source("Acme", "okta", state="active", rules=rules)
    site.add_source("Watched", "entra")
    site.push(source, "ann@x.test", "ben@x.test", "cat@x.test", displayName="Some One")
    site.deactivate(source, "ann@x.test", "ben@x.test", "cat@x.test")
    site.post("/directory/add", user_name="root", full_name="Root")
    site.post("/directory/groups", name="wiki")
    admin.add_token(site.state.engine, ADMIN, source, label="production", expires_in_days=9)
    renaming = {"username_regex": "(.*)@.*", "username_replacement": "$1"}
    run = runs.start(site.state.engine, ADMIN, source, renaming, applies=False)
    runs.work_on(site.state.engine, run)
