"""Our pages inside a host: its base template, single pages of its own, its language."""

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask_babel import Babel
from jinja2 import DictLoader

from usersync_ext import UserSync
from usersync_ext.errors import ConfigError
from usersync_ext.state import state_of
from usersync_ext.store import migrate

BASE = """<!doctype html><html lang="fr"><head><title>{% block title %}{% endblock %}</title>
{% block head %}{% endblock %}</head><body><nav>the host's menu</nav>
<main>{% block content %}{% endblock %}</main></body></html>"""
PEOPLE = """{% extends "usersync/layout.html" %}
{% block main %}<h1>{{ us.t("People") }} of the host</h1>
{% for item in page.items %}<p>{{ item.user_name }}</p>{% endfor %}{% endblock %}"""


@pytest.fixture
def host(tmp_path):
    """Return what makes an app; each is closed in the end."""
    made = []

    def make(templates=None, babel=None, **config):
        app = Flask("host", instance_path=str(tmp_path))
        app.config.update(TESTING=True, SECRET_KEY="x" * 32, **config)
        app.jinja_loader = DictLoader(templates or {})
        if babel is not None:
            Babel(app, locale_selector=babel)
        UserSync(app, is_admin=lambda: True)
        migrate.upgrade(state_of(app).engine.store)
        made.append(app)
        return app.test_client()

    yield make
    for app in made:
        state_of(app).engine.store.dispose()


def page(client, path="/usersync/", **headers):
    response = client.get(path, headers=headers)
    assert response.status_code == 200, response.text
    return BeautifulSoup(response.text, "html5lib")


def heading(client, path="/usersync/people", **headers):
    return page(client, path, **headers).h1.text


def test_pages_stand_inside_the_hosts_base_template(host):
    client = host({"mine.html": BASE}, USERSYNC_BASE_TEMPLATE="mine.html")

    for path in ("/", "/people", "/activity", "/sources/nowhere/"):
        found = BeautifulSoup(client.get(f"/usersync{path}").text, "html5lib")
        assert found.nav.text == "the host's menu"
        assert found.title.text.endswith("– User Sync")
        assert found.select_one("link[rel=stylesheet]")["href"] == "/usersync/assets/usersync.css"
        assert len(found.select("main")) == 1
        assert len(found.select("h1")) == 1


def test_in_a_base_of_another_language_our_part_says_which_it_speaks(host):
    client = host({"mine.html": BASE}, USERSYNC_BASE_TEMPLATE="mine.html")

    found = page(client)
    assert found.html["lang"] == "fr"
    assert found.select_one(".usersync")["lang"] == "en"


def test_a_host_overrides_a_single_page(host):
    client = host({"usersync/people.html": PEOPLE})

    assert heading(client) == "People of the host"
    assert heading(client, "/usersync/activity") == "Activity"


def test_without_flask_babel_pages_are_english_whatever_the_browser_wants(host):
    client = host()

    assert heading(client, **{"Accept-Language": "de"}) == "People"
    assert page(client, **{"Accept-Language": "de"}).html["lang"] == "en"


def test_pages_follow_the_hosts_flask_babel(host):
    spoken = ["de"]
    client = host(babel=lambda: spoken[0])

    assert heading(client) == "Personen"
    assert page(client).html["lang"] == "de"
    spoken[0] = "de_AT"
    assert heading(client) == "Personen"
    spoken[0] = "fr"
    assert heading(client) == "People"
    assert page(client).html["lang"] == "en"


def test_our_texts_leave_the_hosts_translations_alone(host):
    base = BASE.replace("the host's menu", "{{ gettext('People') }}")
    client = host({"mine.html": base}, babel=lambda: "de", USERSYNC_BASE_TEMPLATE="mine.html")

    found = page(client, "/usersync/people")
    assert found.nav.text == "People"  # the host has no translation of it
    assert found.h1.text == "Personen"


@pytest.mark.parametrize(
    ("language", "asked", "heard"),
    [
        ("de", "en", "Personen"),
        ("en", "de", "People"),
        ("browser", "de-CH,en;q=0.5", "Personen"),
        ("browser", "fr,en;q=0.5", "People"),
        ("browser", "", "People"),
    ],
)
def test_a_setting_says_which_language_is_spoken(host, language, asked, heard):
    client = host(USERSYNC_LANGUAGE=language)

    assert heading(client, **{"Accept-Language": asked}) == heard


def test_the_setting_is_stronger_than_flask_babel(host):
    client = host(babel=lambda: "de", USERSYNC_LANGUAGE="en")

    assert heading(client) == "People"


def test_a_language_that_does_not_exist_is_named_at_the_start(host):
    with pytest.raises(ConfigError, match=r"USERSYNC_LANGUAGE.*en, de, browser"):
        host(USERSYNC_LANGUAGE="tlh")
