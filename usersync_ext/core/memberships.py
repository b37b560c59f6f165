"""Deciding about memberships: which groups an account gets, keeps and loses, and why. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .groups import Target, default_groups, gives_defaults, is_protected_name, maps_groups
from .records import (
    Account,
    ChangeKind,
    Decision,
    DirectoryGroup,
    GrantKind,
    MembershipChange,
    PersonState,
    RefusedMembership,
    Step,
)
from .username import name_error, name_key

MAPPED, DEFAULT = GrantKind.MAPPED, GrantKind.DEFAULT
KEEP = ChangeKind.KEEP_MEMBER
NO_GRANTS: frozenset[GrantKind] = frozenset()
UNTOUCHED = frozenset({PersonState.OUT_OF_SCOPE, PersonState.PROPOSED})
"""States of people whose memberships are left alone."""
FROM_BEFORE = "kept from before"


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipFacts:
    """What is known about the memberships of one account; all by the key of a group's name.

    ``targets`` are the groups that the person's groups in the source stand for. ``members`` says
    why the account is in a group: ``""`` where a source gave it, else in words (by hand, from
    before). ``grants`` are ours, ``foreign`` the groups that other sources gave.
    """

    targets: Mapping[str, Sequence[Target]] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    grants: Mapping[str, frozenset[GrantKind]] = field(default_factory=dict)
    foreign: frozenset[str] = frozenset()
    known: Mapping[str, DirectoryGroup] = field(default_factory=dict)  # missing ones have no key
    allowed: frozenset[str] = frozenset()  # protected groups that the person's targets may give
    taken_back: frozenset[str] = frozenset()  # protected groups that we gave and may take again
    authoritative: frozenset[str] = frozenset()  # groups that are only for whom a rule names
    only: frozenset[str] | None = None  # look at these groups alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is decided about one group of an account: a change, a refusal, or why there is none."""

    rule: str
    group: str
    text: str
    change: MembershipChange | None = None
    refusal: RefusedMembership | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The memberships of one account to decide about."""

    decision: Decision
    account: Account
    rules: Mapping[str, Any]
    facts: MembershipFacts
    defaults: Mapping[str, str]  # key → name of the default groups

    @property
    def is_new(self) -> bool:
        """Whether the account is created by the same decision."""
        return any(change.kind is ChangeKind.CREATE for change in self.decision.changes)

    @property
    def gets_defaults(self) -> bool:
        """Whether the default groups are given to this person now."""
        to = self.rules["assign_default_groups_to"]
        return not self.decision.identity.deleted and (to == "all" or (to == "new" and self.is_new))


def with_memberships(
    decision: Decision, account: Account | None, rules: Mapping[str, Any], facts: MembershipFacts
) -> Decision:
    """Return a decision with what becomes of the memberships of the person's account.

    ``account`` is the one that the person has after the decision, None if there is none.
    """
    if account is None or decision.state in UNTOUCHED:
        return decision
    defaults = {name_key(name): name for name in default_groups(rules)}
    case = Case(decision=decision, account=account, rules=rules, facts=facts, defaults=defaults)
    verdicts = [v for key in sorted(keys_of(case)) if (v := decided(case, key)) is not None]
    steps = [
        Step(
            rule=verdict.rule,
            input=verdict.group,
            output=str(verdict.change.kind) if verdict.change else "",
            text=verdict.text,
        )
        for verdict in verdicts
    ]
    return replace(
        decision,
        memberships=tuple(v.change for v in verdicts if v.change is not None),
        refusals=tuple(v.refusal for v in verdicts if v.refusal is not None),
        steps=(*decision.steps, *steps),
    )


def keys_of(case: Case) -> set[str]:
    """Return the keys of the groups that may have to change for an account."""
    facts = case.facts
    keys = set(facts.targets) | set(facts.grants) | set(facts.members)
    if gives_defaults(case.rules):
        keys |= set(case.defaults)
    return keys if facts.only is None else keys & facts.only


def decided(case: Case, key: str) -> Verdict | None:
    """Return what is decided about one group of an account, None where there is nothing to say."""
    facts = case.facts
    group = facts.known.get(key)
    if group is None:
        return None
    is_member, by_hand = key in facts.members, facts.members.get(key, "")
    before = facts.grants.get(key, NO_GRANTS)
    wanted = dict(reasons(case, key))
    # what somebody else gave is not ours to give, so that it is not ours to take either
    grants = frozenset(k for k in wanted if not by_hand or k in before)
    stays = bool(wanted) or (is_member and is_explained(case, key))
    kind = kind_of(is_member, stays)
    why = "; ".join(wanted.values()) or by_hand
    rule = "default_groups" if DEFAULT in wanted else "group_mode"
    if kind is KEEP and grants == before:
        if not is_member:
            return None
        why = why or "another source gave it"
        return Verdict(rule=rule, group=group.name, text=f"in {group.name!r}: {why}")
    refusal = refused(case, kind, key, group)
    if refusal is not None:
        text = refusal.reason
        return Verdict(rule="protected_groups", group=group.name, text=text, refusal=refusal)
    if not group.key and not case.rules["create_groups"]:
        text = f"not in {group.name!r}: the directory has no such group, and none is created"
        return Verdict(rule="create_groups", group=group.name, text=text)
    change = MembershipChange(
        kind=kind,
        subject=case.decision.identity.user_name,
        group=group,
        given=before,
        grants=grants,
        reason=change_text(kind, group, why, before),
        allowed=key in facts.allowed,
        source_group=next((t.group_id for t in facts.targets.get(key, ())), None),
    )
    return Verdict(rule=rule, group=group.name, text=change.reason, change=change)


def reasons(case: Case, key: str) -> Iterator[tuple[GrantKind, str]]:
    """Yield the reasons why an account should be in a group."""
    before = case.facts.grants.get(key, NO_GRANTS)
    targets = case.facts.targets.get(key, ())
    if targets:
        names = ", ".join(repr(name) for name in sorted({target.via for target in targets}))
        yield MAPPED, f"because the provider's group {names} is mapped to it"
    elif MAPPED in before and not maps_groups(case.rules):
        yield MAPPED, "given while group sync was on"
    if DEFAULT in before or (key in case.defaults and case.gets_defaults):
        yield DEFAULT, "default group"


def is_explained(case: Case, key: str) -> bool:
    """Tell whether an account may stay in a group that our own rules do not want it to be in."""
    if key in case.facts.foreign:
        return True
    if not case.facts.members[key]:  # only we gave it
        return False
    keeps_groups = case.rules["keep_existing_groups"] or not maps_groups(case.rules)
    keeps = keeps_groups and key not in case.facts.authoritative
    return keeps or key in case.defaults


def kind_of(is_member: bool, stays: bool) -> ChangeKind:
    """Return what changes in the directory."""
    if stays and not is_member:
        return ChangeKind.ADD_MEMBER
    return ChangeKind.REMOVE_MEMBER if is_member and not stays else KEEP


def refused(
    case: Case, kind: ChangeKind, key: str, group: DirectoryGroup
) -> RefusedMembership | None:
    """Return why a membership must not be given or taken, None if it may."""
    text, facts = "", case.facts
    is_protected = group.protected or is_protected_name(group.name, case.rules)
    if kind is KEEP:
        return None
    permitted = facts.allowed if kind is ChangeKind.ADD_MEMBER else facts.taken_back
    if is_protected and key not in permitted:
        text = f"the group {group.name!r} is protected"
    elif case.account.protected:
        text = f"the account {case.account.user_name!r} is protected"
    elif not group.key:
        text = name_error(group.name, group.name)
    if not text:
        return None
    word = "not given" if kind is ChangeKind.ADD_MEMBER else "not taken away"
    subject = case.decision.identity.user_name
    return RefusedMembership(
        kind=kind,
        subject=subject,
        group=group.name,
        group_key=group.key,
        reason=f"{text}: the membership of {subject!r} is {word}",
    )


def change_text(
    kind: ChangeKind, group: DirectoryGroup, why: str, before: frozenset[GrantKind]
) -> str:
    """Return a change of a membership in words."""
    if kind is ChangeKind.ADD_MEMBER:
        made = "" if group.key else ", which is created"
        return f"added to {group.name!r}{made}: {why}"
    if kind is KEEP:
        return f"stays in {group.name!r}: {why or 'another source gave it'}"
    if before:
        return f"removed from {group.name!r}: no group of the provider stands for it any more"
    return f"removed from {group.name!r}: no rule explains the membership ({why})"
