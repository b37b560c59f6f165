"""Names and e-mails that two people want: who has them, who gives them up, who must wait."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .facts import Case, Facts, Trace, rebased
from .records import Account, Change, ChangeKind, Decision, Identity, PersonState, Step
from .username import name_key


def name_in_the_way(case: Case) -> Decision | None:
    """Return the decision for a wanted name that another account has, None if it is free.

    What an administrator may adopt was looked at before (``matching.proposal``).
    """
    facts, name, note = case.facts, case.name, case.trace.note
    other = facts.by_name
    if other is None or facts.name_given_up:
        return None
    if other.key in facts.refused:
        text = (
            f"an administrator refused to let this person have the account {other.user_name!r}: "
            "rename one of them"
        )
        note("adoption", name, None, text)
        return case.decision(PersonState.NOT_IMPORTED, text, account=other)
    if other.owner is None and other.protected:
        text = f"the account {other.user_name!r} is protected and is never managed by a source"
        note("protected", name, None, text)
        return case.decision(PersonState.PROTECTED, text, refused=True, account=other)
    text = taken_text(facts, name, other)
    note("uniqueness", name, None, text)
    return case.decision(PersonState.FAILED, text, conflict=True, account=other)


def note_alike(identity: Identity, facts: Facts, account: Account | None, trace: Trace) -> None:
    """Note which other accounts may be mistaken for the person's own, by name or e-mail."""
    text = alike_text(identity, facts, account)
    if text:
        trace.note("email", facts.email, None, text)


def alike_text(identity: Identity, facts: Facts, account: Account | None) -> str:
    """Return which other accounts have the person's e-mail as e-mail or name, or the reverse."""
    others = [a.user_name for a in facts.alike if account is None or a.key != account.key]
    if not others:
        return ""
    return (
        f"user name {identity.user_name!r} or e-mail {facts.email!r} is also the user name or "
        f"e-mail of {', '.join(others)}"
    )


def email_in_the_way(
    identity: Identity, facts: Facts, account: Account | None, changes: Sequence[Change]
) -> str:
    """Return why changes cannot be where people log in by e-mail and somebody has the same."""
    renewed = any(
        change.before is None
        or change.kind in {ChangeKind.ADOPT, ChangeKind.RENAME}
        or (change.after is not None and change.after.email != change.before.email)
        for change in changes
    )
    return alike_text(identity, facts, account) if renewed and facts.login_by_email else ""


def taken_text(facts: Facts, name: str, other: Account) -> str:
    """Return who has a wanted name, for the provider's administrator and for ours."""
    if other.owner is None:
        return f"the account name {name!r} is used by a local account {other.user_name!r}"
    person = facts.owner_names.get(other.key, other.user_name)
    return f"the account name {name!r} is already used by {person!r} from source {other.owner!r}"


def names_given_up(
    identities: Sequence[Identity], facts: Sequence[Facts], rules: Mapping[str, Any]
) -> frozenset[str]:
    """Return the keys of the accounts that get another name, which thereby free their own.

    A person moves when the wanted name is free or freed by somebody who moves; of two who want
    one name the first does.
    """
    if not rules["rename_accounts"]:
        return frozenset()
    moving: dict[str, tuple[str, Account | None]] = {}
    for identity, fact in zip(identities, facts, strict=True):
        account = fact.linked
        if account is None or account.protected or identity.deleted:
            continue
        name = fact.name
        if not name.error and name_key(name.name) != name_key(account.user_name):
            moving[account.key] = (name_key(name.name), fact.by_name)
    return settled(moving)


def settled(moving: Mapping[str, tuple[str, Account | None]]) -> frozenset[str]:
    """Return which of the moving accounts can move after all."""
    while True:
        first = {name: key for key, (name, _) in reversed([*moving.items()])}
        stay = {
            key
            for key, (name, other) in moving.items()
            if first[name] != key or (other is not None and other.key not in moving)
        }
        if not stay:
            return frozenset(moving)
        moving = {key: value for key, value in moving.items() if key not in stay}


def without_twins(
    decisions: Sequence[Decision], occupied: Mapping[str, str]
) -> list[tuple[Decision, Change | None]]:
    """Return the decisions, with the change by which a person would get a name that is taken.

    ``occupied`` maps the keys of names to the accounts that have them now. Of two people who
    want one name the first gets it; an account that is renamed frees its name.
    """
    wanted = {
        index: change
        for index, decision in enumerate(decisions)
        for change in decision.changes
        if change.kind in {ChangeKind.CREATE, ChangeKind.RENAME} and change.after is not None
    }
    refused: dict[int, Change] = {}
    while lost := twins(wanted, occupied):
        refused |= {index: wanted.pop(index) for index in lost}
    return [(decision, refused.get(index)) for index, decision in enumerate(decisions)]


def twins(wanted: Mapping[int, Change], occupied: Mapping[str, str]) -> set[int]:
    """Return who cannot get the name that they want."""
    moving = {c.before.key for c in wanted.values() if c.before is not None}
    claimed: set[str] = set()
    lost: set[int] = set()
    for index, change in wanted.items():
        assert change.after is not None
        key = name_key(change.after.user_name)
        holder = occupied.get(key)
        if key in claimed or (holder is not None and holder not in moving):
            lost.add(index)
        claimed.add(key)
    return lost


def refused_name(decision: Decision, change: Change) -> Decision:
    """Return the decision for a person whose name another person of the same plan gets."""
    name = change.after.user_name if change.after is not None else ""
    text = f"the account name {name!r} is already used or wanted by another person"
    step = Step(rule="uniqueness", input=name, output="", text=text)
    return replace(
        decision,
        state=PersonState.FAILED,
        why=text,
        changes=rebased(decision.account, [c for c in decision.changes if c is not change]),
        steps=(*decision.steps, step),
        conflict=True,
    )


def parked(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return moves to temporary names for accounts whose name another one gets (a↔b)."""
    given = {
        name_key(change.after.user_name)
        for change in changes
        if change.kind in {ChangeKind.CREATE, ChangeKind.RENAME} and change.after is not None
    }
    return tuple(
        replace(change, after=replace(change.before, user_name=f"(renaming {change.before.key})"))
        for change in changes
        if change.kind is ChangeKind.RENAME
        and change.before is not None
        and change.after is not None
        and name_key(change.before.user_name) in given
        and name_key(change.before.user_name) != name_key(change.after.user_name)
    )
