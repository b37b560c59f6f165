"""The embedded directory by hand: what administrators do, each with a line in the journal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from ..core.groups import gives_memberships
from ..core.records import Account, Actor, DirectoryGroup
from ..directories.local import LocalAccounts
from ..errors import InvalidSetting, Protected
from ..store import grants, people, sources
from ..store.engine import Session
from ..store.journal import account_as_json, add_admin_entry
from .admin import is_protected, reconcile_people
from .engine import Engine
from .managed import FREE, managed_by

PROTECTED = "protected: its members are administrators"


def note(
    session: Session,
    actor: Actor,
    kind: str,
    reason: str,
    before: Account | None,
    after: Account | None,
) -> None:
    """Write what was done to an account to the journal."""
    account = after or before
    assert account is not None
    add_admin_entry(
        session,
        actor,
        "",
        kind,
        account.user_name,
        reason,
        datetime.now(UTC),
        account_key=account.key,
        before=account_as_json(before),
        after=account_as_json(after),
    )


def add_account(
    engine: Engine, actor: Actor, *, user_name: str, full_name: str = "", email: str = ""
) -> Account:
    """Create a local account. Raises InvalidSetting, NameTaken."""
    with engine.store.writing() as session:
        added = LocalAccounts(session).add(user_name.strip(), full_name.strip(), email.strip())
        note(session, actor, "account_added", "created by hand", None, added)
    return added


def edit_account(engine: Engine, actor: Actor, key: str, values: Mapping[str, Any]) -> Account:
    """Change fields of an account by hand; fields that a source manages are refused.

    Raises InvalidSetting naming the field and its owner, NameTaken, NotFound.
    """
    with engine.store.writing() as session:
        accounts = LocalAccounts(session)
        before = accounts.get(key)
        wanted = replace(before, **values)
        changed = list(changed_fields(before, wanted))
        managed = managed_fields(session, before)
        for field in changed:
            if field in managed:
                text = f"is managed by source {managed[field]!r}; change it there"
                raise InvalidSetting(field, text)
        if not changed:
            return before
        after = accounts.edit(wanted)
        reason = f"edited by hand: {', '.join(changed)}"
        note(session, actor, "account_edited", reason, before, after)
    return after


def changed_fields(before: Account, after: Account) -> Iterator[str]:
    """Yield the fields in which two accounts differ, free attributes as ``attributes.x``."""
    for field in fields(Account):
        if field.name != "attributes" and getattr(before, field.name) != getattr(after, field.name):
            yield field.name
    old, new = dict(before.attributes), dict(after.attributes)
    yield from sorted(FREE + name for name in old.keys() | new if old.get(name) != new.get(name))


def managed_fields(session: Session, account: Account) -> dict[str, str]:
    """Return which fields of an account a source manages: field → source key.

    A protected account is left alone, so none of its fields is managed.
    """
    link = people.links_of_accounts(session, "local", [account.key]).get(account.key)
    if link is None:
        return {}
    source = sources.get_source(session, link.source)
    managed = frozenset() if is_protected(account, source) else managed_by(source.rules)
    return dict.fromkeys(sorted(managed), source.key)


def protect_account(engine: Engine, actor: Actor, key: str, *, protected: bool) -> None:
    """Mark an account as protected, or take the mark away. Raises NotFound."""
    with engine.store.writing() as session:
        accounts = LocalAccounts(session)
        account = accounts.get(key)
        accounts.protect(key, protected)
        reason = "protected" if protected else "not protected any more"
        note(session, actor, "account_protected", reason, account, account)


def remove_account(engine: Engine, actor: Actor, key: str) -> None:
    """Delete a local account by hand. Raises Protected, InvalidSetting, NotFound."""
    with engine.store.writing() as session:
        accounts = LocalAccounts(session)
        account = accounts.get(key)
        if account.protected:
            raise Protected(f"the account {account.user_name!r} is protected")
        link = people.links_of_accounts(session, "local", [key]).get(key)
        if link is not None:
            raise InvalidSetting("account", f"is managed by source {link.source!r}")
        accounts.remove(key)
        grants.end_grants(session, "local", [key])
        note(session, actor, "account_removed", "deleted by hand", account, None)


def set_groups(engine: Engine, actor: Actor, key: str, group_keys: Sequence[str]) -> None:
    """Make these the groups of an account that were given by hand; what sources gave stays.

    Raises NotFound.
    """
    with engine.store.writing() as session:
        accounts = LocalAccounts(session)
        account = accounts.get(key)
        names = [group.name for group in accounts.find_groups(keys=group_keys)]
        granted = {grant.group_key for grant in grants.grants_of(session, "local", [key])}
        accounts.set_groups(key, group_keys, f"given by hand by {actor}", granted)
        reason = f"groups by hand: {', '.join(sorted(names)) or 'none'}"
        note(session, actor, "account_groups", reason, account, account)
        link = people.links_of_accounts(session, "local", [key]).get(key)
        source = sources.get_source(session, link.source) if link else None
    if link is not None and source is not None and gives_memberships(source.rules):
        reconcile_people(engine, actor, source, [link.identity_id])


def add_group(engine: Engine, actor: Actor, name: str) -> DirectoryGroup:
    """Create a group; one that is called like administrators is protected from the start.

    Raises InvalidSetting, NameTaken.
    """
    with engine.store.writing() as session:
        group = LocalAccounts(session).add_group(name.strip())
        text = f"created by hand{f', {PROTECTED}' if group.protected else ''}"
        note_group(session, actor, "group_added", group, text)
    return group


def protect_group(engine: Engine, actor: Actor, key: str, *, protected: bool) -> DirectoryGroup:
    """Make the members of a group administrators, or no longer; return it. Raises NotFound."""
    with engine.store.writing() as session:
        accounts = LocalAccounts(session)
        group = accounts.get_group(key)
        accounts.protect_group(key, protected)
        text = PROTECTED if protected else "not protected any more"
        note_group(session, actor, "group_protected", group, text)
    return replace(group, protected=protected)


def remove_group(engine: Engine, actor: Actor, key: str) -> None:
    """Delete a group with its memberships. Raises NotFound."""
    with engine.store.writing() as session:
        accounts = LocalAccounts(session)
        group = accounts.get_group(key)
        accounts.remove_group(key)
        grants.end_group(session, "local", key)
        reason = f"deleted by hand, {group.member_count} members"
        note_group(session, actor, "group_removed", group, reason)


def set_minimum(engine: Engine, actor: Actor, key: str, minimum: int) -> None:
    """Let no source leave fewer members in a group than this. Raises NotFound."""
    with engine.store.writing() as session:
        accounts = LocalAccounts(session)
        group = accounts.get_group(key)
        accounts.set_minimum(key, minimum)
        text = f"never below {minimum} members" if minimum else "may become empty"
        note_group(session, actor, "group_minimum", group, text)


def note_group(
    session: Session, actor: Actor, kind: str, group: DirectoryGroup, reason: str
) -> None:
    """Write what was done to a group to the journal."""
    now = datetime.now(UTC)
    add_admin_entry(session, actor, "", kind, group.name, reason, now, group_key=group.key)
