"""The library's own storage contract, on both databases, with cursors on and nothing skipped."""

import pytest
from scim2_server.testing import ScimStorageContract

from usersync_ext.core.records import Actor
from usersync_ext.scim.models import PROVIDER
from usersync_ext.scim.storage import Mirror, SqlStorage
from usersync_ext.sync import admin


class TestSqlStorage(ScimStorageContract):
    """Our storage with the models that we serve."""

    @pytest.fixture
    def provider(self):
        return PROVIDER

    @pytest.fixture
    def storage(self, engine):
        actor = Actor(kind="system", name="test")
        source = admin.add_source(engine, actor, name="Acme", kind="custom-scim", state="active")
        return SqlStorage(Mirror(engine, source.id, lambda: engine.work_for(source, actor)))


class TestSqlStorageWithTheLibrarysModels(TestSqlStorage):
    """The same with the models that the library builds, as its own server uses them."""

    @pytest.fixture
    def provider(self):
        from scim2_server.utils import load_default_provider

        return load_default_provider()
