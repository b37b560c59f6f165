"""Alembic's environment: runs on the connection that ``store.migrate`` hands over."""

from alembic import context

import usersync_ext.directories.tables
import usersync_ext.store.group_tables
import usersync_ext.store.record_tables  # noqa: F401 - their tables are ours, too
from usersync_ext.store.schema import Base

config = context.config
context.configure(
    connection=config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=config.attributes["version_table"],
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
