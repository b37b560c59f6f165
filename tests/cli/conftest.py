import pytest
from cli_helpers import ADA, Terminal

from usersync_ext.standalone import create_app
from usersync_ext.state import state_of


@pytest.fixture
def cli(app):
    """A terminal on the app."""
    return Terminal(app)


@pytest.fixture
def acme(cli):
    return cli.json("sources", "add", "Acme Okta", "--kind", "okta", "--state", "active")


@pytest.fixture
def pushed(app, provider_of):
    """Ada, pushed by an active source."""
    return provider_of(app).post("/Users", ADA).get_json()


@pytest.fixture
def make_standalone(tmp_path):
    apps = []

    def make(**variables):
        app = create_app({"USERSYNC_DATA": str(tmp_path / "data"), **variables})
        app.testing = True
        apps.append(app)
        return app

    yield make
    for app in apps:
        engine = state_of(app).engine
        engine.recorder.flush()
        engine.store.dispose()
