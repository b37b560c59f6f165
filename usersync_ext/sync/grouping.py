"""The part of a plan that is about memberships: what is known, and what the rules make of it.

Reads only. ``planning.plan_people`` adds it to the decisions about people; a change of a group's
members plans just the groups that it leads to (``plan_moved``).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..core.groups import (
    ON_THE_FLY,
    Target,
    default_groups,
    gives_memberships,
    is_protected_name,
    maps_groups,
)
from ..core.memberships import FROM_BEFORE, MembershipFacts, with_memberships
from ..core.names import name_list
from ..core.records import (
    Account,
    ChangeKind,
    Decision,
    DirectoryGroup,
    GrantKind,
    MembershipChange,
    PersonState,
    RefusedMembership,
    Source,
    Step,
)
from ..core.username import name_key
from ..directories.base import BoundDirectory, Membership
from ..store import grants, mappings, people
from ..store.engine import Session
from ..store.grants import Grant
from .mapped import all_targets, keyed_targets, mapping_rows, source_groups
from .shapes import created_for, renames
from .work import Work


def plan_memberships(session: Session, work: Work, decisions: Sequence[Decision]) -> list[Decision]:
    """Return decisions about people with what becomes of their memberships."""
    rules = work.source.rules
    if not gives_memberships(rules):
        return list(decisions)
    return decided(session, work, decisions, [account_after(d) for d in decisions], None)


def plan_moved(
    session: Session, work: Work, ids: Sequence[int], only: Collection[str]
) -> list[Decision]:
    """Return decisions about some groups (by key of their name) of people who have accounts.

    Nothing else is looked at: not for people whose own rules depend on their groups.
    """
    found = people.linked_identities(session, work.source.id, work.directory.name, ids)
    keys = [key for _, key in found]
    accounts = {a.key: a for a in work.directory.bound(session).find(keys=keys)}
    protected = name_list(work.source.rules["protected_names"])
    decisions, after = [], []
    for identity, key in found:
        account = accounts.get(key)
        if account is None:
            continue
        by_name = bool(protected.has_user((account.user_name,)))
        account = replace(account, protected=account.protected or by_name)
        state = PersonState(identity.state or PersonState.IN_SYNC)
        decisions.append(
            Decision(identity=identity, state=state, why=identity.why, account=account)
        )
        after.append(account)
    return decided(session, work, decisions, after, frozenset(only))


def account_after(decision: Decision) -> Account | None:
    """Return the account that a person has after a decision, None where there is none."""
    account = decision.account
    for change in decision.changes:
        account = change.after
    return account


def decided(
    session: Session,
    work: Work,
    decisions: Sequence[Decision],
    accounts: Sequence[Account | None],
    only: frozenset[str] | None,
) -> list[Decision]:
    """Return decisions with memberships; ``only`` restricts them to some groups."""
    known = Known.gather(session, work, decisions, accounts, only)
    rules = work.source.rules
    planned = [
        with_memberships(decision, account, rules, known.facts(decision, account))
        for decision, account in zip(decisions, accounts, strict=True)
    ]
    return keep_minimums(work.directory.bound(session), planned)


@dataclass(slots=True, kw_only=True)
class Known:
    """What is known about the memberships of a slice of people."""

    source: Source
    targets: Mapping[int, Mapping[str, Sequence[Target]]]  # by identity, then key of the name
    memberships: Mapping[str, Sequence[Membership]]  # by account
    grants: Mapping[str, Sequence[Grant]]  # by account
    groups: Mapping[str, DirectoryGroup]  # by key of the name
    names: Mapping[str, str]  # key of a group → key of the name that it has or gets
    taken_back: frozenset[str] = frozenset()
    authoritative: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    no_targets: Mapping[str, Sequence[Target]] = field(default_factory=dict)

    @classmethod
    def gather(
        cls,
        session: Session,
        work: Work,
        decisions: Sequence[Decision],
        accounts: Sequence[Account | None],
        only: frozenset[str] | None,
    ) -> "Known":
        """Read everything about the memberships of people, in a handful of statements."""
        bound, source = work.directory.bound(session), work.source
        ids = [
            d.identity.id for d, a in zip(decisions, accounts, strict=True) if a and d.identity.id
        ]
        found = source_groups(session, source.rules, ids)
        mapped = mapping_rows(session, source, {g.id for some in found.values() for g in some})
        targets = {i: keyed_targets(some, source.rules, mapped, only) for i, some in found.items()}
        wanted = {key: some[0].name for each in targets.values() for key, some in each.items()}
        if only is None:
            wanted |= {name_key(name): name for name in default_groups(source.rules)}
        named = bound.find_groups(names=wanted.values() if only is None else only)
        keys = [account.key for account in accounts if account and account.key]
        here = None if only is None else [group.key for group in named]
        rows = bound.memberships(keys, here)
        given = grants.grants_of(session, work.directory.name, keys, here)
        others = {row.group_key for row in rows} | {grant.group_key for grant in given}
        others -= {group.key for group in named}
        groups_by_key = {g.key: g for g in [*named, *bound.find_groups(keys=others)]}
        names = with_new_names(session, work, groups_by_key, targets.values())
        there = {names[group.key]: group for group in groups_by_key.values()}
        missing = {
            key: DirectoryGroup(key="", name=name, protected=bound.protects(name))
            for key, name in wanted.items()
            if key not in there
        }
        granted = {grant.group_key for grant in given}
        return cls(
            source=source,
            targets=targets,
            memberships=by_account(rows),
            grants=by_account(given),
            groups={**there, **missing},
            names=names,
            taken_back=allowed_keys(session, source, there, granted),
            authoritative=authoritative_keys(session, work, rows, only),
            only=only,
        )

    def facts(self, decision: Decision, account: Account | None) -> MembershipFacts:
        """Return what is known about one person."""
        if account is None:
            return MembershipFacts()
        targets = self.targets.get(decision.identity.id, self.no_targets)
        own: dict[str, set[GrantKind]] = {}
        foreign: set[str] = set()
        allowed = {key for key, some in targets.items() if any(t.allow_protected for t in some)}
        taken_back = set(self.taken_back)
        for grant in self.grants.get(account.key, ()):
            key = self.names.get(grant.group_key)
            if key is None:  # the group is gone
                continue
            if grant.source_id != self.source.id:
                foreign.add(key)
                continue
            own.setdefault(key, set()).add(grant.kind)
            if grant.allowed:
                taken_back.add(key)
        members = {
            self.names[row.group_key]: row.reason or self.origin(row, own, foreign)
            for row in self.memberships.get(account.key, ())
        }
        return MembershipFacts(
            targets=targets,
            members=members,
            grants={key: frozenset(kinds) for key, kinds in own.items()},
            foreign=frozenset(foreign),
            known=self.groups,
            allowed=frozenset(allowed),
            taken_back=frozenset(taken_back),
            authoritative=self.authoritative,
            only=self.only,
        )

    def origin(self, row: Membership, own: Mapping[str, Any], foreign: Collection[str]) -> str:
        """Return why somebody is in a group for which nobody gave a reason."""
        key = self.names[row.group_key]
        return "" if key in own or key in foreign else FROM_BEFORE


def by_account(rows: Iterable[Any]) -> dict[str, list[Any]]:
    """Return rows by their account."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.account_key, []).append(row)
    return found


def with_new_names(
    session: Session,
    work: Work,
    groups_by_key: dict[str, DirectoryGroup],
    targets: Iterable[Mapping[str, Sequence[Target]]],
) -> dict[str, str]:
    """Return the key of the name by key of the group; adds groups that get a name of a target.

    On the fly a group that was created for one of the source's follows its name: who is in it
    stays, unless the new name is taken.
    """
    names = {group.key: name_key(group.name) for group in groups_by_key.values()}
    rules = work.source.rules
    if rules["group_mode"] != ON_THE_FLY or rules["group_rename"] != "rename":
        return names
    missing = {
        target.group_id
        for each in targets
        for key, some in each.items()
        for target in some
        if key not in names.values() and target.group_id is not None
    }
    if not missing:
        return names
    created = created_for(session, work, missing)
    new = renames(session, work) if created else {}
    for group in created.values():
        groups_by_key.setdefault(group.key, group)
        names[group.key] = name_key(new.get(group.key, group.name))
    return names


def allowed_keys(
    session: Session, source: Source, known: Mapping[str, DirectoryGroup], granted: set[str]
) -> frozenset[str]:
    """Return the protected groups, of those that were given, that a mapping may give and take."""
    protected = [
        key
        for key, group in known.items()
        if group.key in granted and (group.protected or is_protected_name(group.name, source.rules))
    ]
    rows = mappings.mappings_to(session, source.id, protected)
    return frozenset(name_key(row.to) for row in rows if row.allow_protected)


def authoritative_keys(
    session: Session, work: Work, rows: Iterable[Membership], only: frozenset[str] | None
) -> frozenset[str]:
    """Return those groups that are only for people whom a rule names, by key of their names."""
    rules = work.source.rules
    if rules["keep_existing_users"] or not maps_groups(rules):
        return frozenset()
    if only is not None:
        return only
    if not any(row.reason for row in rows):
        return frozenset()
    return frozenset(name_key(target.name) for target in all_targets(session, work.source))


def keep_minimums(bound: BoundDirectory, decisions: Sequence[Decision]) -> list[Decision]:
    """Return decisions without removals by which a group would have too few members."""
    left: dict[str, int] = {}
    removals = [c for d in decisions for c in d.memberships if c.kind is ChangeKind.REMOVE_MEMBER]
    for change in removals:
        group = change.group
        if group.minimum_members and group.key not in left:
            at_most = group.minimum_members + len(removals)
            left[group.key] = bound.count_members(group.key, at_most) - group.minimum_members
    return [with_minimums(decision, left) for decision in decisions] if left else list(decisions)


def with_minimums(decision: Decision, left: dict[str, int]) -> Decision:
    """Return one decision without removals for which too few members would be left."""
    kept: list[MembershipChange] = []
    refusals: list[RefusedMembership] = []
    for change in decision.memberships:
        key = change.group.key
        if change.kind is not ChangeKind.REMOVE_MEMBER or key not in left or left[key] > 0:
            if change.kind is ChangeKind.REMOVE_MEMBER and key in left:
                left[key] -= 1
            kept.append(change)
            continue
        text = (
            f"the group {change.group.name!r} must keep {change.group.minimum_members} members: "
            f"the membership of {change.subject!r} is not taken away"
        )
        refusals.append(
            RefusedMembership(
                kind=change.kind,
                subject=change.subject,
                group=change.group.name,
                group_key=key,
                reason=text,
            )
        )
    steps = tuple(
        Step(rule="minimum_members", input=each.group, output="", text=each.reason)
        for each in refusals
    )
    return replace(
        decision,
        memberships=tuple(kept),
        refusals=(*decision.refusals, *refusals),
        steps=(*decision.steps, *steps),
    )
