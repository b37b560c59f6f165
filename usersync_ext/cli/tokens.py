"""``usersync tokens``."""

from typing import Any

import click

from ..core.records import Token
from ..store import tokens
from ..sync import admin
from .plumbing import (
    as_json_option,
    opened,
    print_json,
    print_table,
    source_argument,
    source_of,
    this_actor,
    usersync,
    when,
)


@usersync.group("tokens")
def tokens_group() -> None:
    """Bearer tokens of a source; one is shown when it is made, never again."""


@tokens_group.command("add")
@source_argument
@click.option("--label", default="", help="What it is for.")
@click.option("--expires-in-days", type=int, help="Without it the token does not expire.")
@click.option("--read-only", is_flag=True, help="The token may read, but change nobody.")
@as_json_option
def add(
    source_key: str, label: str, expires_in_days: int | None, read_only: bool, as_json: bool
) -> None:
    """Make a token and print it."""
    state = opened()
    secret, token = admin.add_token(
        state.engine,
        this_actor(),
        source_of(state, source_key),
        label=label,
        expires_in_days=expires_in_days,
        read_only=read_only,
    )
    if as_json:
        expires_at = when(token.expires_at)
        print_json({"token": secret, "prefix": token.prefix, "expires_at": expires_at})
        return
    click.echo(secret)
    click.echo("Copy it now: it is not shown again.", err=True)


def token_as_json(token: Token) -> dict[str, Any]:
    """Return what is printed of a token."""
    return {
        "id": token.id,
        "label": token.label,
        "prefix": token.prefix,
        "last_four": token.last_four,
        "read_only": token.read_only,
        "created_at": when(token.created_at),
        "created_by": token.created_by,
        "expires_at": when(token.expires_at),
        "revoked_at": when(token.revoked_at),
        "last_used_at": when(token.last_used_at),
        "last_used_from": token.last_used_from,
    }


@tokens_group.command("list")
@source_argument
@as_json_option
def list_(source_key: str, as_json: bool) -> None:
    """List the tokens of a source, revoked ones too."""
    state = opened()
    source = source_of(state, source_key)
    with state.engine.store.reading() as session:
        found = [token_as_json(token) for token in tokens.list_tokens(session, source)]
    if as_json:
        print_json({"tokens": found})
        return
    keys = ("id", "prefix", "label", "read_only", "expires_at", "revoked_at", "last_used_at")
    print_table(
        [key.replace("_", " ").upper() for key in keys],
        [[token[key] for key in keys] for token in found],
        f"There is no token yet: usersync tokens add {source.key}",
    )


@tokens_group.command("revoke")
@source_argument
@click.argument("token_name", metavar="TOKEN")
@as_json_option
def revoke(source_key: str, token_name: str, as_json: bool) -> None:
    """End a token, named by its id, prefix or label, at once."""
    state = opened()
    source = source_of(state, source_key)
    with state.engine.store.reading() as session:
        token = tokens.find_token(session, source, token_name)
    admin.revoke_token(state.engine, this_actor(), source, token)
    if as_json:
        print_json({"source": source.key, "prefix": token.prefix, "revoked": True})
        return
    click.echo(f"Token {token.prefix}… of source {source.key} is revoked.")
