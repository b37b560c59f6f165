"""Where usersync_ext keeps its data: SQLite by default, PostgreSQL for more."""
