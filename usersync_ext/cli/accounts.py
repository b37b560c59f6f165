"""``usersync accounts``: the embedded directory."""

from collections.abc import Sequence
from typing import Any

import click

from ..core.records import Account
from ..directories.local import LocalAccounts
from ..errors import NotFound
from ..store.journal import RARE
from ..store.people import links_of_accounts
from ..store.sources import get_source
from ..sync import by_hand, explain, leavers
from ..sync.explain import ListedAccount
from .plumbing import (
    as_json_option,
    opened,
    print_json,
    print_table,
    this_actor,
    usersync,
    walked,
)

SHOWN = ("user_name", "full_name", "email", "active", "managed_by", "protected")


@usersync.group("accounts")
def accounts() -> None:
    """Accounts of the embedded directory."""


def account_as_json(account: Account, groups: Sequence[str]) -> dict[str, Any]:
    """Return what is printed of an account."""
    return {
        "user_name": account.user_name,
        "full_name": account.full_name,
        "email": account.email,
        **{name: getattr(account, name) for name in RARE},
        "attributes": dict(account.attributes),
        "active": account.active,
        "managed_by": account.owner,
        "protected": account.protected,
        "privileged": account.privileged,
        "groups": list(groups),
    }


@accounts.command("list")
@as_json_option
def list_(as_json: bool) -> None:
    """List the accounts."""
    engine = opened().engine

    def page(last: ListedAccount | None) -> list[ListedAccount]:
        return explain.list_accounts(engine, after=last.account.key if last else "")

    found = [account_as_json(listed.account, listed.groups) for listed in walked(page)]
    if as_json:
        print_json({"accounts": found})
        return
    print_table(
        ("USER NAME", "FULL NAME", "EMAIL", "ACTIVE", "MANAGED BY", "PROTECTED", "GROUPS"),
        [[*(a[key] for key in SHOWN), ", ".join(a["groups"]) or None] for a in found],
        "There is no account yet.",
    )


@accounts.command("add")
@click.argument("user_name")
@click.option("--email", default="")
@click.option("--full-name", default="")
@as_json_option
def add(user_name: str, email: str, full_name: str, as_json: bool) -> None:
    """Create a local account, which no source manages."""
    account = by_hand.add_account(
        opened().engine, this_actor(), user_name=user_name, full_name=full_name, email=email
    )
    if as_json:
        print_json(account_as_json(account, ()))
        return
    click.echo(f"Account {account.user_name} is created.")


@accounts.command("protect")
@click.argument("user")
@as_json_option
def protect(user: str, as_json: bool) -> None:
    """Keep every source from changing an account."""
    mark(user, as_json, protected=True)


@accounts.command("unprotect")
@click.argument("user")
@as_json_option
def unprotect(user: str, as_json: bool) -> None:
    """Let the source of an account change it again."""
    mark(user, as_json, protected=False)


@accounts.command("restore")
@click.argument("user")
@as_json_option
def restore(user: str, as_json: bool) -> None:
    """Give a leaver their account back: USER is the account's name."""
    engine = opened().engine
    with engine.store.reading() as session:
        account = LocalAccounts(session).by_name(user)
        link = links_of_accounts(session, "local", [account.key]).get(account.key)
        if link is None:
            raise NotFound(f"no source manages the account {user!r}")
        source = get_source(session, link.source)
    restored = leavers.restore(engine, this_actor(), source, link.identity_id)
    if as_json:
        print_json(account_as_json(restored, ()))
        return
    click.echo(f"Account {restored.user_name} is enabled and stays.")


def mark(user: str, as_json: bool, *, protected: bool) -> None:
    """Mark an account as protected, or take the mark away."""
    engine = opened().engine
    with engine.store.reading() as session:
        account = LocalAccounts(session).by_name(user)
    by_hand.protect_account(engine, this_actor(), account.key, protected=protected)
    if as_json:
        print_json({"user_name": account.user_name, "protected": protected})
        return
    click.echo(f"Account {account.user_name} is {'' if protected else 'not '}protected.")
