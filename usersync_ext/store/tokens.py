"""Bearer tokens: minted here, shown once, stored as SHA-256 only.

A token is ``usx_``, 32 random bytes in base 62 (43 characters), and a checksum of 6 characters, so
that a leaked one can be found and a mistyped one is refused without a look-up.
"""

import hashlib
import secrets
import string
import zlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, false, insert, select, update

from ..core.records import Actor, Source, Token
from ..errors import InvalidSetting, NotFound
from .columns import table_of
from .engine import Session
from .schema import SourceRow, TokenRow

TABLE = table_of(TokenRow)
PREFIX = "usx_"
ALPHABET = string.digits + string.ascii_letters
BODY_LENGTH = 43
CHECK_LENGTH = 6
EXPIRY_WARNING = timedelta(days=30)
TRIAL_TIME = timedelta(minutes=5)
"""How long the token of a test person is valid, if nobody removes it before."""


def base62(number: int, length: int) -> str:
    """Return a number as exactly ``length`` characters of base 62."""
    digits: list[str] = []
    for _ in range(length):
        number, rest = divmod(number, 62)
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits))


def new_secret() -> str:
    """Return a new token text."""
    body = base62(int.from_bytes(secrets.token_bytes(32)), BODY_LENGTH)
    return f"{PREFIX}{body}{checksum(body)}"


def checksum(body: str) -> str:
    """Return the checksum at the end of a token."""
    return base62(zlib.crc32(body.encode()), CHECK_LENGTH)


def is_well_formed(secret: str) -> bool:
    """Tell whether a text can be one of our tokens: prefix, length and checksum fit."""
    body = secret[len(PREFIX) : -CHECK_LENGTH]
    return (
        secret.startswith(PREFIX)
        and secret.isascii()
        and len(body) == BODY_LENGTH
        and secret[-CHECK_LENGTH:] == checksum(body)
    )


def token_hash(secret: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def token_from_row(row: Row[Any], source_key: str) -> Token:
    """Return the record of a row."""
    return Token(
        id=row.id,
        source=source_key,
        label=row.label,
        prefix=row.prefix,
        last_four=row.last_four,
        read_only=row.read_only,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        last_used_from=row.last_used_from,
    )


def add_token(
    session: Session,
    source: Source,
    *,
    label: str,
    read_only: bool,
    expires_in_days: int | None,
    actor: Actor,
    now: datetime,
) -> tuple[str, Token]:
    """Store a new token; return its text, which is never to be had again, and its record."""
    if expires_in_days is not None and not 1 <= expires_in_days <= 3650:
        raise InvalidSetting("expires_in_days", "must be from 1 to 3650")
    life = timedelta(days=expires_in_days) if expires_in_days else None
    secret, row = insert_token(
        session, source, actor, now, life, label=label.strip(), read_only=read_only
    )
    return secret, token_from_row(row, source.key)


def add_trial_token(
    session: Session, source: Source, label: str, actor: Actor, now: datetime
) -> str:
    """Store the token of a test person (``store.trials``), which no list has; return its text."""
    return insert_token(
        session, source, actor, now, TRIAL_TIME, label=label, read_only=False, trial=True
    )[0]


def insert_token(
    session: Session,
    source: Source,
    actor: Actor,
    now: datetime,
    life: timedelta | None,
    **values: Any,
) -> tuple[str, Row[Any]]:
    """Store a new secret's hash with some columns; return the secret and the row."""
    secret = new_secret()
    row = session.execute(
        insert(TABLE)
        .values(
            source_id=source.id,
            hash=token_hash(secret),
            prefix=secret[: len(PREFIX) + 4],
            last_four=secret[-4:],
            created_at=now,
            created_by=str(actor),
            expires_at=now + life if life else None,
            **values,
        )
        .returning(*TABLE.c)
    ).one()
    return secret, row


def list_tokens(session: Session, source: Source) -> list[Token]:
    """Return the tokens of a source, newest first, revoked and expired ones too."""
    rows = session.execute(
        select(TABLE)
        .where(TABLE.c.source_id == source.id, TABLE.c.trial == false())
        .order_by(TABLE.c.id.desc())
    )
    return [token_from_row(row, source.key) for row in rows]


def get_token(session: Session, source: Source, token_id: int) -> Token:
    """Return a token of a source. Raises NotFound."""
    row = session.execute(
        select(TABLE).where(TABLE.c.id == token_id, TABLE.c.source_id == source.id)
    ).first()
    if row is None:
        raise NotFound(f"source {source.key!r} has no token {token_id}")
    return token_from_row(row, source.key)


def find_token(session: Session, source: Source, name: str) -> Token:
    """Return the live token that a prefix, label or number names. Raises NotFound."""
    live = [t for t in list_tokens(session, source) if t.revoked_at is None]
    found = [t for t in live if name in {str(t.id), t.label, t.prefix}]
    if len(found) != 1:
        how_many = "no" if not found else "more than one"
        raise NotFound(f"source {source.key!r} has {how_many} live token called {name!r}")
    return found[0]


def revoke_token(session: Session, token: Token, now: datetime) -> None:
    """End a token at once."""
    session.execute(
        update(TABLE)
        .where(TABLE.c.id == token.id, TABLE.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def note_use(session: Session, token_id: int, at: datetime, address: str) -> None:
    """Record when and from where a token was last used."""
    session.execute(
        update(TABLE).where(TABLE.c.id == token_id).values(last_used_at=at, last_used_from=address)
    )


def note_request(session: Session, source_id: int, at: datetime) -> None:
    """Record when the provider of a source was last heard of."""
    table = table_of(SourceRow)
    session.execute(update(table).where(table.c.id == source_id).values(last_request_at=at))
