"""Outsiders: members of a mapped group whom no rule names, where existing users are not kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.groups import default_groups, is_protected_name, maps_groups
from ..core.memberships import FROM_BEFORE
from ..core.names import name_list
from ..core.records import (
    Account,
    ChangeKind,
    DirectoryGroup,
    Identity,
    MembershipChange,
    Outcome,
    SourceState,
)
from ..core.username import name_key
from ..directories.base import Membership
from ..store import grants, journal, people
from ..store.engine import Session
from ..store.journal import Event
from .guarding import current_budget
from .mapped import all_targets
from .members import Moved, member_event, membership_row
from .work import Work

MOST_AT_ONCE = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Who is to leave groups, and whether that is more than the guard lets pass."""

    outsiders: tuple[Membership, ...] = ()
    is_held: bool = False
    why: str = ""


def planned_sweep(
    session: Session, work: Work, names: Iterable[str] | None = None, removals: int = 0
) -> Sweep:
    """Return who is to leave the groups that are only for people whom a rule names.

    ``names`` restricts it to some groups; ``removals`` is what else the same plan takes away.
    People of this source are not among them: what becomes of theirs is in their own plans.
    """
    rules = work.source.rules
    if rules["keep_existing_users"] or not maps_groups(rules):
        return Sweep()
    if names is None:
        names = {target.name for target in all_targets(session, work.source)}
    rows = unexplained(session, work, names)
    keys = sorted({row.account_key for row in rows})
    links = people.links_of_accounts(session, work.directory.name, keys)
    own = {key for key, link in links.items() if link.source_id == work.source.id}
    given = grants.grants_of(session, work.directory.name, keys)
    granted = {(grant.account_key, grant.group_key) for grant in given}
    outsiders = tuple(
        row
        for row in rows
        if row.account_key not in own and (row.account_key, row.group_key) not in granted
    )
    limit = current_budget(session, work, len(outsiders) + removals)
    lost = len({row.account_key for row in outsiders})
    if lost + removals <= limit.left:
        return Sweep(outsiders=outsiders)
    why = (
        f"{lost} accounts whom the provider does not know would lose a group, more than the "
        f"{limit.limit} removals allowed in {limit.window_minutes} minutes: nobody was removed; "
        "raise the limit, or remove them by hand"
    )
    return Sweep(outsiders=outsiders, is_held=True, why=why)


def unexplained(session: Session, work: Work, names: Iterable[str]) -> list[Membership]:
    """Return members of groups whom no source put there; protected ones are left alone."""
    rules = work.source.rules
    kept = {name_key(name) for name in default_groups(rules)}
    bound = work.directory.bound(session)
    found = [
        group.key
        for group in bound.find_groups(names=names)
        if not (group.protected or is_protected_name(group.name, rules))
        and name_key(group.name) not in kept
    ]
    protected = name_list(rules["protected_names"])
    rows = bound.outsiders(found, MOST_AT_ONCE)
    return [row for row in rows if not protected.has_user((row.account,))]


def own_people(session: Session, work: Work, names: Iterable[str]) -> set[int]:
    """Return the people of the source whom only somebody else put into groups, by identity.

    Where existing users are not kept, these groups are only for people whom a rule names.
    """
    rules = work.source.rules
    if rules["keep_existing_users"] or not maps_groups(rules):
        return set()
    keys = sorted({row.account_key for row in unexplained(session, work, names)})
    links = people.links_of_accounts(session, work.directory.name, keys)
    return {link.identity_id for link in links.values() if link.source_id == work.source.id}


def sweep(session: Session, work: Work, names: Iterable[str]) -> list[Event]:
    """Take outsiders out of some groups, unless the guard says that they are too many."""
    if work.source.state is not SourceState.ACTIVE:
        return []
    plan = planned_sweep(session, work, list(names))
    return [] if plan.is_held else remove_outsiders(session, work, plan.outsiders)


def remove_outsiders(session: Session, work: Work, outsiders: Sequence[Membership]) -> list[Event]:
    """End memberships that no rule explains, with a line in the journal and a signal each."""
    if not outsiders:
        return []
    bound = work.directory.bound(session)
    groups = {g.key: g for g in bound.find_groups(keys={row.group_key for row in outsiders})}
    accounts = {a.key: a for a in bound.find(keys=sorted({r.account_key for r in outsiders}))}
    moved = [
        Moved(
            identity=nobody(accounts[row.account_key]),
            account=accounts[row.account_key],
            change=removal(row, groups[row.group_key]),
        )
        for row in kept_minimums(work, bound, outsiders, groups)
        if row.account_key in accounts and row.group_key in groups
    ]
    bound.remove_members([(m.change.group.key, m.account.key) for m in moved])
    journal.add_entries(session, [membership_row(work, m, Outcome.APPLIED) for m in moved])
    return journal.add_events(session, [member_event(work, m) for m in moved], work.now)


def kept_minimums(
    work: Work, bound: Any, outsiders: Sequence[Membership], groups: dict[str, DirectoryGroup]
) -> list[Membership]:
    """Return outsiders without those by whom a group would have too few members."""
    left: dict[str, int] = {}
    result = []
    for row in outsiders:
        group = groups.get(row.group_key)
        if group is not None and group.minimum_members:
            if group.key not in left:
                count = bound.count_members(group.key, group.minimum_members + len(outsiders))
                left[group.key] = count - group.minimum_members
            if left[group.key] <= 0:
                continue
            left[group.key] -= 1
        result.append(row)
    return result


def nobody(account: Account) -> Identity:
    """Return the person of the source that an outsider is not, for lines and signals."""
    return Identity(
        id=0,
        scim_id="",
        external_id=None,
        user_name=account.user_name,
        active=None,
        full_name=account.full_name,
    )


def removal(row: Membership, group: DirectoryGroup) -> MembershipChange:
    """Return the change that takes an outsider out of a group."""
    return MembershipChange(
        kind=ChangeKind.REMOVE_MEMBER,
        subject=row.account,
        group=group,
        reason=f"removed from {group.name!r}: the provider does not know {row.account!r}, and "
        f"existing users are not kept ({row.reason or FROM_BEFORE})",
    )
