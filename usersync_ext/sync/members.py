"""Doing what was decided about memberships: directory, grants, journal and signals, set by set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..core.records import (
    Account,
    ChangeKind,
    DirectoryGroup,
    GrantKind,
    Identity,
    MembershipChange,
    Outcome,
    RefusedMembership,
    Source,
)
from ..core.username import name_key
from ..directories.base import BoundDirectory, Directory
from ..store import grants, journal
from ..store.engine import Session
from ..store.journal import Event, membership_as_json
from .work import Work

SIGNALS: Mapping[ChangeKind, str] = {
    ChangeKind.ADD_MEMBER: "member_added",
    ChangeKind.REMOVE_MEMBER: "member_removed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A membership that began or ended."""

    identity: Identity
    account: Account
    change: MembershipChange  # its group has a key


Wanted = tuple[Identity, Account | None, Sequence[MembershipChange]]
"""A person, the account that they have now, and what is to happen to its memberships."""


def move_members(session: Session, work: Work, wanted: Sequence[Wanted]) -> list[Moved]:
    """Begin and end memberships of people and record who gave them; return what changed."""
    pairs = [
        Moved(identity=identity, account=account, change=change)
        for identity, account, changes in wanted
        if account is not None
        for change in changes
    ]
    if not pairs:
        return []
    bound = work.directory.bound(session)
    keys = create_missing(session, work, bound, [pair.change for pair in pairs])
    moved = [with_key(pair, keys) for pair in pairs]
    by_kind: dict[ChangeKind, list[tuple[str, str]]] = {}
    for each in moved:
        pair = (each.change.group.key, each.account.key)
        by_kind.setdefault(each.change.kind, []).append(pair)
    bound.add_members(by_kind.get(ChangeKind.ADD_MEMBER, []))
    bound.remove_members(by_kind.get(ChangeKind.REMOVE_MEMBER, []))
    record_grants(session, work, moved)
    return [each for each in moved if each.change.kind is not ChangeKind.KEEP_MEMBER]


def create_missing(
    session: Session, work: Work, bound: BoundDirectory, changes: Iterable[MembershipChange]
) -> dict[str, DirectoryGroup]:
    """Create the groups that changes need and the directory does not have; by key of the name."""
    missing = {name_key(c.group.name): c for c in changes if not c.group.key}
    made = {
        name_key(group.name): group
        for group in bound.create_groups(change.group.name for change in missing.values())
    }
    grants.add_created(
        session,
        [
            grants.created_row(
                work.directory.name,
                made[key].key,
                work.source.id,
                change.source_group,
                origin_of(change),
                work.now,
            )
            for key, change in missing.items()
        ],
    )
    journal.add_entries(
        session,
        [
            group_row(work, "group_created", made[key].name, made[key].key, change.reason)
            for key, change in missing.items()
        ],
    )
    return made


def origin_of(change: MembershipChange) -> str:
    """Return why a group is created."""
    if change.source_group is not None:
        return "on_the_fly"
    return "mapping" if GrantKind.MAPPED in change.grants else "default"


def with_key(pair: Moved, made: Mapping[str, DirectoryGroup]) -> Moved:
    """Return what moves with the group as it is in the directory now."""
    change = pair.change
    if change.group.key:
        return pair
    return replace(pair, change=replace(change, group=made[name_key(change.group.name)]))


def record_grants(session: Session, work: Work, moved: Iterable[Moved]) -> None:
    """Record the reasons that the source gives from now on, and forget those that ended."""
    added: list[dict[str, Any]] = []
    dropped: list[tuple[str, str, GrantKind]] = []
    for each in moved:
        change, account = each.change, each.account
        for kind in sorted(change.given - change.grants):
            dropped.append((account.key, change.group.key, kind))
        for kind in sorted(change.grants - change.given):
            added.append(
                {
                    "directory": work.directory.name,
                    "account_key": account.key,
                    "group_key": change.group.key,
                    "source_id": work.source.id,
                    "kind": kind,
                    "allowed": change.allowed,
                    "given_at": work.now,
                }
            )
    grants.drop_grants(session, work.directory.name, work.source.id, dropped)
    grants.add_grants(session, added)


def release_memberships(session: Session, directory: Directory | None, source: Source) -> None:
    """Let accounts keep what a source gave them, as local memberships from now on."""
    given = grants.granted_by(session, source.id)
    if directory is not None:
        keys = [key for name, key in given if name == directory.name]
        text = f"kept from before: given by {source.name} until it let go"
        directory.bound(session).keep_members(keys, text)
    grants.release_grants(session, source.id)


def membership_row(work: Work, moved: Moved, outcome: Outcome) -> dict[str, Any]:
    """Return the journal's line for a membership that began, ended or is held."""
    before, after = membership_as_json(moved.change)
    return {
        **bare_row(work, moved.identity),
        "kind": moved.change.kind,
        "subject": moved.change.subject,
        "reason": moved.change.reason,
        "outcome": outcome,
        "destructive": moved.change.kind is ChangeKind.REMOVE_MEMBER,
        "before": before,
        "after": after,
        "account_key": moved.account.key or None,
        "group_key": moved.change.group.key or None,
    }


def refusal_row(work: Work, identity: Identity, refusal: RefusedMembership) -> dict[str, Any]:
    """Return the journal's line for a membership that was refused."""
    return {
        **bare_row(work, identity),
        "kind": refusal.kind,
        "subject": refusal.subject,
        "reason": refusal.reason,
        "outcome": Outcome.REFUSED,
        "destructive": False,
        "before": None,
        "after": {"group": refusal.group},
        "account_key": None,
        "group_key": refusal.group_key or None,
    }


def group_row(
    work: Work, kind: str, name: str, key: str, reason: str, was: str = ""
) -> dict[str, Any]:
    """Return the journal's line for a group of the directory."""
    return {
        **bare_row(work),
        "kind": kind,
        "subject": name,
        "reason": reason,
        "outcome": Outcome.APPLIED,
        "destructive": False,
        "before": {"group": was} if was else None,
        "after": {"group": name},
        "account_key": None,
        "group_key": key,
    }


def bare_row(work: Work, identity: Identity | None = None) -> dict[str, Any]:
    """Return the columns that all lines about a person, or about none, have in common."""
    return {
        "at": work.now,
        "source": work.source.key,
        "actor": str(work.actor),
        "category": "change",
        "request_id": work.request_id,
        "identity_id": identity.id or None if identity else None,
        "directory": work.directory.name,
    }


def member_event(work: Work, moved: Moved) -> Event:
    """Return the signal that tells the host of a membership that began or ended."""
    return Event(
        signal=SIGNALS[moved.change.kind],
        payload={
            "source": work.source.key,
            "reason": moved.change.reason,
            "group": {"key": moved.change.group.key, "name": moved.change.group.name},
            "account": {
                "key": moved.account.key,
                "user_name": moved.account.user_name,
                "full_name": moved.account.full_name,
                "email": moved.account.email,
                "active": moved.account.active,
            },
        },
    )
