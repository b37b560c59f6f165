"""Schema versions, by Alembic with a configuration in memory and a version table of our own."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from ..assets import asset_dir
from ..errors import SchemaOutdated
from .engine import Store, lock_for_upgrade

VERSION_TABLE = "usersync_alembic_version"


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for our migrations."""
    config = Config()
    config.set_main_option("script_location", str(asset_dir("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    return config


def scripts() -> ScriptDirectory:
    """Return our migrations."""
    return ScriptDirectory.from_config(alembic_config())


def newest_version() -> str:
    """Return the version that this code expects."""
    head = scripts().get_current_head()
    assert head is not None
    return head


def current_version(store: Store) -> str | None:
    """Return the version of the database, None while it is empty."""
    with store.reading() as session:
        context = MigrationContext.configure(session, opts={"version_table": VERSION_TABLE})
        return context.get_current_revision()


def upgrade(store: Store, version: str = "head") -> None:
    """Bring the database to a version; other processes wait, and then find nothing to do.

    Raises SchemaOutdated for a database that a newer program made.
    """
    require_known(current_version(store))
    with store.writing() as session:
        connection = session
        lock_for_upgrade(connection)
        command.upgrade(alembic_config(connection), version)


def downgrade(store: Store, version: str) -> None:
    """Bring the database back to an older version."""
    with store.writing() as session:
        connection = session
        lock_for_upgrade(connection)
        command.downgrade(alembic_config(connection), version)


def require_known(version: str | None) -> None:
    """Return if this program knows a schema version. Raises SchemaOutdated."""
    known = {script.revision for script in scripts().walk_revisions()}
    if version is not None and version not in known:
        raise SchemaOutdated(
            f"the database has schema version {version}, which this program does not know: "
            "a newer usersync-ext made it; install that version"
        )


def require_newest(store: Store) -> None:
    """Return if the database has the version of this code. Raises SchemaOutdated."""
    found, wanted = current_version(store), newest_version()
    require_known(found)
    if found != wanted:
        raise SchemaOutdated(
            f"the database has schema version {found or 'none'}, this program needs {wanted}: "
            "run 'flask usersync upgrade' (standalone: 'usersync upgrade')"
        )
