"""A site with any number of people, stored all at once by SQLite itself, and what pages cost."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import event, text

from usersync_ext.core.records import Actor
from usersync_ext.store.journal import RARE
from usersync_ext.sync import admin

ADMIN = Actor(kind="admin", name="test")
SOURCES = ("Acme", "Watched", "Third")
PERSON = {
    "user_name": "'user' || n",
    "user_name_key": "'user' || n",
    "full_name": "'Person Number ' || n",
    "full_name_key": "'person number ' || n",
    "email": "'mail' || n || '@corp.example'",
    "active": "1",
    "version": "1",
    "created_at": ":now",
    "modified_at": ":now",
}
RECORD = "json_object('userName', 'user' || n, 'displayName', 'Person Number ' || n)"
TABLES = {
    "identity": {
        **PERSON,
        "source_id": "1 + n % 3",
        "scim_id": "'id-' || n",
        "external_id": "'external-' || n",
        "record": RECORD,
        "comparable": RECORD,
        "state": "CASE n % 100 WHEN 0 THEN 'failed' WHEN 1 THEN 'observed' ELSE 'in_sync' END",
        "why": "'the account is as the rules want it'",
    },
    "identity_email": {
        "identity_id": "n + 1",
        "source_id": "1 + n % 3",
        "email_key": "'mail' || n || '@corp.example'",
    },
    "account": {
        **PERSON,
        "email_key": "'mail' || n || '@corp.example'",
        "email_verified": "0",
        **dict.fromkeys(RARE, "''"),
        "attributes": "'{}'",
        "protected": "0",
    },
    "link": {
        "source_id": "1 + n % 3",
        "identity_id": "n + 1",
        "directory": "'local'",
        "account_key": "n + 1",
        "created_at": ":now",
    },
    "journal": {
        "at": "strftime('%Y-%m-%d %H:%M:%f000', :now, '-' || ((:count - n) % 40000) || ' minutes')",
        "source": "CASE n % 3 WHEN 0 THEN 'acme' WHEN 1 THEN 'watched' ELSE 'third' END",
        "actor": "'token:usx_1234…'",
        "category": "'change'",
        "kind": "CASE n % 4 WHEN 0 THEN 'create' WHEN 1 THEN 'update' WHEN 2 THEN 'deactivate' "
        "ELSE 'add_member' END",
        "subject": "'user' || n",
        "reason": "'created: acme pushed a person whom the directory does not know'",
        "outcome": "CASE WHEN n % 997 THEN 'applied' ELSE 'refused' END",
        "destructive": "0",
        "after": "json_object('user_name', 'user' || n)",
        "request_id": "'r-1'",
        "identity_id": "n + 1",
        "directory": "'local'",
        "account_key": "n + 1",
    },
    "request": {
        "source_id": "1 + n % 3",
        "at": "strftime('%Y-%m-%d %H:%M:%f000', :now, '-' || (:count - n) || ' minutes')",
        "method": "'GET'",
        "path": "'/Users'",
        "status": "CASE WHEN n % 50 THEN 200 ELSE 400 END",
        "duration_ms": "3",
        "detail": "''",
        "notes": "'[]'",
        "client": "'127.0.0.1'",
        "token_prefix": "'usx_1234'",
        "request_id": "'r-' || n",
    },
}
REQUESTS = 1_500


def fill(site, people: int) -> None:
    """Store people of three sources with accounts, and a line of the journal for each."""
    sources = [site.add_source(name, "okta", state="active") for name in SOURCES]
    admin.add_token(site.state.engine, ADMIN, sources[0], label="production", expires_in_days=9)
    now = datetime.now(UTC).replace(tzinfo=None)
    with site.state.engine.store.writing() as session:
        for table, columns in TABLES.items():
            count = REQUESTS if table == "request" else people
            session.execute(
                text(
                    f"INSERT INTO usersync_{table} ({', '.join(columns)}) "  # noqa: S608
                    "WITH RECURSIVE numbers(n) AS "
                    "(SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :count) "
                    f"SELECT {', '.join(columns.values())} FROM numbers"
                ),
                {"count": count, "now": str(now)},
            )


@contextmanager
def statements(site) -> Iterator[list[str]]:
    """Note the statements that run, each with its words."""
    seen: list[str] = []
    engine = site.state.engine.store.engine

    def note(_connection, _cursor, statement, *_rest) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


@contextmanager
def effort(site) -> Iterator[list[int]]:
    """Count the thousands of instructions that SQLite runs."""
    engine = site.state.engine.store.engine
    engine.dispose()
    counted = [0]

    def tick() -> None:
        counted[0] += 1

    def watch(connection, _record) -> None:
        connection.set_progress_handler(tick, 1_000)

    event.listen(engine, "connect", watch)
    yield counted
    event.remove(engine, "connect", watch)
    engine.dispose()
