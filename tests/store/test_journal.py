"""The journal only grows."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from usersync_ext.store import journal
from usersync_ext.store.journal import TABLE

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def a_line(**values):
    return {
        "at": NOW,
        "source": "acme",
        "actor": "cli:ada",
        "category": "change",
        "kind": "deactivate",
        "subject": "bob",
        "reason": "inactive in the source",
        "outcome": "applied",
        "destructive": True,
        "before": {"active": True},
        "after": {"active": False},
        "request_id": None,
        "identity_id": 1,
        "account_key": "1",
        **values,
    }


@pytest.fixture
def store(database_url, store_on):
    return store_on(database_url)


def written(store, *lines):
    with store.writing() as session:
        journal.add_entries(session, list(lines))


def test_a_line_is_read_as_it_was_written(store):
    written(store, a_line())

    with store.reading() as session:
        [entry] = journal.list_entries(session)

    assert (entry.at, entry.actor, entry.kind) == (NOW, "cli:ada", "deactivate")
    assert (entry.before, entry.after) == ({"active": True}, {"active": False})


@pytest.mark.parametrize(
    "statement",
    [
        update(TABLE).values(reason="nothing happened"),
        update(TABLE).where(TABLE.c.subject == "bob").values(actor="nobody"),
        delete(TABLE),
        delete(TABLE).where(TABLE.c.subject == "bob"),
    ],
    ids=["update", "update one", "delete", "delete one"],
)
def test_a_line_can_be_neither_changed_nor_removed(store, statement):
    written(store, a_line())

    with pytest.raises(DBAPIError, match="append-only"), store.writing() as session:
        session.execute(statement)

    with store.reading() as session:
        [entry] = journal.list_entries(session)
    assert (entry.reason, entry.actor) == ("inactive in the source", "cli:ada")


def test_postgresql_refuses_to_truncate_the_journal(postgresql_url, store_on):
    store = store_on(postgresql_url)

    with pytest.raises(DBAPIError, match="append-only"), store.writing() as session:
        session.execute(text("TRUNCATE usersync_journal"))


def test_pages_continue_before_a_line_and_miss_none(store):
    written(store, *(a_line(subject=f"p{n}") for n in range(25)))
    seen: list[str] = []

    with store.reading() as session:
        page = journal.list_entries(session, limit=10)
        while page:
            seen += [entry.subject for entry in page]
            page = journal.list_entries(session, limit=10, before_id=page[-1].id)

    assert seen == [f"p{n}" for n in reversed(range(25))]


def test_only_applied_removals_of_the_source_within_the_window_are_counted(store):
    written(
        store,
        a_line(),
        a_line(at=NOW - timedelta(hours=2)),
        a_line(outcome="held"),
        a_line(destructive=False),
        a_line(source="other"),
    )

    with store.reading() as session:
        assert journal.count_removals(session, "acme", NOW - timedelta(hours=1)) == 1
