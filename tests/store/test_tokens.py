"""Tokens are shown once, stored as hashes, and end when they are told to."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from usersync_ext.core.records import Actor
from usersync_ext.errors import InvalidSetting, NotFound
from usersync_ext.store import tokens
from usersync_ext.sync import admin

ACTOR = Actor(kind="cli", name="ada")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def source(engine):
    return admin.add_source(engine, ACTOR, name="Acme", kind="okta")


def added(engine, source, **values):
    arguments = {"label": "", "read_only": False, "expires_in_days": None, **values}
    with engine.store.writing() as session:
        return tokens.add_token(session, source, actor=ACTOR, now=NOW, **arguments)


def listed(engine, source):
    with engine.store.reading() as session:
        return tokens.list_tokens(session, source)


def test_a_token_has_prefix_random_part_and_checksum():
    secret = tokens.new_secret()

    assert secret.startswith("usx_")
    assert len(secret) == 4 + 43 + 6
    assert tokens.is_well_formed(secret)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s[:-1],
        lambda s: s + "0",
        lambda s: s[:10] + ("0" if s[10] != "0" else "1") + s[11:],
        lambda s: s.upper(),
        lambda s: f" {s}",
        lambda s: s.replace("usx_", "usy_"),
        lambda s: s[:10] + "é" + s[11:],
        lambda _: "",
    ],
)
def test_a_mistyped_token_is_refused_without_a_look_up(spoil):
    assert not tokens.is_well_formed(spoil(tokens.new_secret()))


def test_no_column_holds_the_token_itself(engine, source):
    secret, _ = added(engine, source)

    with engine.store.reading() as session:
        row = session.execute(select(tokens.TABLE)).one()

    assert secret not in map(str, row)
    assert row.hash == tokens.token_hash(secret)
    assert secret.startswith(row.prefix)
    assert secret.endswith(row.last_four)


def test_a_token_ends_after_the_days_that_were_asked_for(engine, source):
    _, token = added(engine, source, expires_in_days=30)

    assert token.expires_at == NOW + timedelta(days=30)


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_an_expiry_that_makes_no_sense_is_refused(engine, source, days):
    with pytest.raises(InvalidSetting, match="expires_in_days"):
        added(engine, source, expires_in_days=days)


def test_several_tokens_live_side_by_side_newest_first(engine, source):
    added(engine, source, label="old")
    added(engine, source, label="new", read_only=True)

    assert [(t.label, t.read_only) for t in listed(engine, source)] == [
        ("new", True),
        ("old", False),
    ]


def test_a_token_is_found_by_id_prefix_or_label_while_it_lives(engine, source):
    _, token = added(engine, source, label="Okta")

    with engine.store.reading() as session:
        found = [
            tokens.find_token(session, source, name).id
            for name in (str(token.id), token.prefix, "Okta")
        ]

    assert found == [token.id] * 3


def test_a_name_of_two_tokens_names_none(engine, source):
    added(engine, source, label="same")
    added(engine, source, label="same")

    with engine.store.reading() as session, pytest.raises(NotFound, match="more than one"):
        tokens.find_token(session, source, "same")


def test_a_revoked_token_is_listed_but_not_found(engine, source):
    _, token = added(engine, source)
    admin.revoke_token(engine, ACTOR, source, token)

    with engine.store.reading() as session, pytest.raises(NotFound, match="no live token"):
        tokens.find_token(session, source, token.prefix)
    assert listed(engine, source)[0].revoked_at is not None


def test_a_token_of_another_source_is_not_found(engine, source):
    other = admin.add_source(engine, ACTOR, name="Other", kind="okta")
    _, token = added(engine, source)

    with engine.store.reading() as session, pytest.raises(NotFound):
        tokens.get_token(session, other, token.id)


def test_tokens_end_with_their_source(engine, source):
    added(engine, source)

    admin.leave_source(engine, ACTOR, source, accounts="keep", remove=True)

    with engine.store.reading() as session:
        assert session.execute(select(tokens.TABLE)).all() == []


def test_a_repr_shows_no_secret(engine, source):
    secret, token = added(engine, source)

    assert secret[8:-4] not in repr(token)
