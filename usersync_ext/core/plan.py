"""Deciding: what the rules make of one person. Pure; ``sync.reconcile`` does what is decided here.

``decide`` walks the rules in order and notes every step, so that the same walk previews, applies
and explains.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .facts import Facts, Trace, change, rebased
from .records import Account, Change, ChangeKind, Decision, Identity, PersonState
from .rivals import email_in_the_way, name_in_the_way, note_alike, taken_text
from .username import account_name, mixed_scripts


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One person to decide about: what is known, the name that the rules want, and the trace."""

    identity: Identity
    rules: Mapping[str, Any]
    facts: Facts
    trace: Trace
    name: str
    name_error: str

    @property
    def is_leaving(self) -> bool:
        """Whether the person is inactive or deleted in the provider."""
        return self.identity.deleted or self.identity.active is False

    def decision(self, state: PersonState, why: str, **more: Any) -> Decision:
        """Return a decision about the person."""
        return Decision(identity=self.identity, state=state, why=why, **more)

    def change(
        self, kind: ChangeKind, before: Account | None, after: Account | None, reason: str
    ) -> Change:
        """Return a change of the person's account."""
        return change(self.identity, kind, before, after, reason)


def decide(identity: Identity, rules: Mapping[str, Any], facts: Facts) -> Decision:
    """Return what should become of a person's account, and why."""
    name = account_name(identity.user_name, rules)
    case = Case(
        identity=identity,
        rules=rules,
        facts=facts,
        trace=Trace(),
        name=name.name,
        name_error=name.error,
    )
    note_name(case)
    account = matched(case)
    note_alike(identity, facts, account, case.trace)
    decision = without_account(case) if account is None else with_account(case, account)
    return replace(decision, steps=tuple(case.trace.steps))


def note_name(case: Case) -> None:
    """Note what the username rule did."""
    received, name = case.identity.user_name, case.name
    if not case.rules["username_regex"]:
        text = "no username rule: the name is taken as received"
    elif case.name_error:
        text = case.name_error
    elif name == received:
        text = "the username rule does not match: the name stays as received"
    else:
        text = f"the username rule makes {name!r} of {received!r}"
    scripts = mixed_scripts(name)
    if scripts:
        text += f"; the name mixes {' and '.join(scripts)} letters and may be mistaken for another"
    case.trace.note("username_regex", received, name, text)


def matched(case: Case) -> Account | None:
    """Return the account that is this person's: by link, by history, or by the matching policy."""
    identity, facts, note = case.identity, case.facts, case.trace.note
    if facts.linked is not None:
        text = "linked: this source manages the account"
        note("link", identity.scim_id, facts.linked.user_name, text)
        return facts.linked
    if identity.deleted:
        note("link", identity.scim_id, None, "no account belongs to this person")
        return None
    if facts.former is not None and facts.former.owner in {None, facts.source}:
        text = "this source managed the account for the same externalId before"
        note("link", identity.external_id, facts.former.user_name, text)
        return facts.former
    note("link", identity.scim_id, None, "no account belongs to this person yet")
    return adopted(case)


def adopted(case: Case) -> Account | None:
    """Return the account that the matching policy allows to adopt."""
    policy, note = case.rules["match_policy"], case.trace.note
    usable = [a for a in candidates(case) if a.owner is None and not a.protected]
    if len(usable) == 1:
        note("match_policy", policy, usable[0].user_name, "adopted by the matching policy")
        return usable[0]
    if usable:
        names = ", ".join(account.user_name for account in usable)
        note("match_policy", policy, None, f"more than one account matches: {names}")
        return None
    note("match_policy", policy, None, "no account may be adopted")
    return None


def candidates(case: Case) -> list[Account]:
    """Return the accounts that the matching policy looks at."""
    facts = case.facts
    match case.rules["match_policy"]:
        case "external_id":
            return [facts.managed_before] if facts.managed_before else []
        case "user_name":
            return [facts.by_name] if facts.by_name else []
        case "email_verified":
            return [account for account in facts.by_email if account.email_verified]
    return []


def without_account(case: Case) -> Decision:
    """Decide about a person who has no account: create one, or say why not."""
    identity, rules = case.identity, case.rules
    if identity.deleted:
        return case.decision(PersonState.GONE, "deleted in the provider")
    if case.name_error:
        return case.decision(PersonState.FAILED, case.name_error)
    if not rules["import_users"]:
        text = "not imported: import is off"
        case.trace.note("import_users", False, None, text)
        return case.decision(PersonState.NOT_IMPORTED, text)
    if not identity.active and rules["inactive_action"] == "delete":
        text = "not imported: inactive in the provider, and inactive people are deleted"
        case.trace.note("inactive_action", "delete", None, text)
        return case.decision(PersonState.NOT_IMPORTED, text)
    blocked = name_in_the_way(identity, case.facts, case.name, case.trace)
    return blocked if blocked is not None else created(case)


def created(case: Case) -> Decision:
    """Decide about a person for whom an account can be made."""
    identity = case.identity
    account = Account(
        key="",
        user_name=case.name,
        full_name=identity.full_name or identity.user_name,
        email=identity.email,
        active=bool(identity.active),
    )
    text = f"created: {case.facts.source} pushed a person whom the directory does not know"
    creation = case.change(ChangeKind.CREATE, None, account, text)
    clash = email_in_the_way(identity, case.facts, None, [creation])
    if clash:
        return case.decision(PersonState.FAILED, clash, conflict=True)
    case.trace.note("import_users", True, case.name, text)
    return case.decision(PersonState.IN_SYNC, text, changes=(creation,))


def with_account(case: Case, account: Account) -> Decision:
    """Decide about a person who has an account."""
    if account.protected:
        return protected_account(case, account)
    return wanted_by_rules(case, account)


def wanted_by_rules(case: Case, account: Account) -> Decision:
    """Decide what the rules want of an account, protected or not."""
    return leaving(case, account) if case.is_leaving else staying(case, account)


def protected_account(case: Case, account: Account) -> Decision:
    """Decide about a protected account: nothing is changed, and a wanted change is refused."""
    wanted = wanted_by_rules(replace(case, trace=Trace(), name_error=""), account)
    kinds = ", ".join(change.kind for change in wanted.changes)
    text = f"the account {account.user_name!r} is protected"
    if not kinds:
        case.trace.note("protected", account.user_name, None, text)
        return case.decision(wanted.state, wanted.why, account=account)
    text += f": {kinds} is refused"
    case.trace.note("protected", account.user_name, None, text)
    return case.decision(PersonState.PROTECTED, text, refused=True, account=account)


def leaving(case: Case, account: Account) -> Decision:
    """Decide about the account of a person who is inactive or deleted in the provider."""
    deleted = case.identity.deleted
    cause = "deleted in the provider" if deleted else "inactive in the provider"
    state = PersonState.GONE if deleted else PersonState.IN_SYNC
    if not case.rules["enable_users"]:
        text = f"{cause}, but Enable Users is off: the account keeps its status"
        case.trace.note("enable_users", False, None, text)
        return case.decision(state, text, account=account) if deleted else kept(case, account)
    if case.rules["inactive_action"] == "delete":
        text = f"account deleted: {cause}"
        case.trace.note("inactive_action", "delete", None, text)
        deletion = case.change(ChangeKind.DELETE, account, None, text)
        return case.decision(state, text, changes=(deletion,), account=account)
    if not deleted:
        return kept(case, account)
    text = f"account disabled: {cause}"
    case.trace.note("inactive_action", "disable", None, text)
    disabling = case.change(ChangeKind.DEACTIVATE, account, replace(account, active=False), text)
    changes = (disabling,) if account.active else ()
    return case.decision(state, text, changes=changes, account=account)


def kept(case: Case, account: Account) -> Decision:
    """Decide about a person who is inactive and keeps a disabled account.

    A name that somebody else has must not keep a leaver's access: it is no conflict.
    """
    return replace(staying(case, account), conflict=False)


def staying(case: Case, account: Account) -> Decision:
    """Decide about the account of a person who stays: name, attributes, status, in this order."""
    changes: list[Change] = []
    if case.facts.linked is None:
        changes.append(adoption(case, account))
    conflict = rename(case, current_of(account, changes), changes)
    update(case, current_of(account, changes), changes)
    status(case, current_of(account, changes), changes)
    clash = email_in_the_way(case.identity, case.facts, account, changes)
    problem = case.name_error or conflict or clash
    if problem:
        refused = {ChangeKind.RENAME, ChangeKind.UPDATE} if clash else {ChangeKind.RENAME}
        return case.decision(
            PersonState.FAILED,
            problem,
            changes=rebased(account, [c for c in changes if c.kind not in refused]),
            account=account,
            conflict=bool(conflict or clash),
        )
    why = "; ".join(c.reason for c in changes) or "the account is as the rules want it"
    return case.decision(PersonState.IN_SYNC, why, changes=tuple(changes), account=account)


def current_of(account: Account, changes: list[Change]) -> Account:
    """Return the account as it is after the changes so far."""
    return changes[-1].after or account if changes else account


def adoption(case: Case, account: Account) -> Change:
    """Return the change by which the source becomes the account's owner."""
    source = case.facts.source
    text = (
        "came back: the account that this source managed for the same externalId before"
        if account.owner == source
        else f"adopted: {source} manages the account from now on"
    )
    return case.change(ChangeKind.ADOPT, account, replace(account, owner=source), text)


def rename(case: Case, account: Account, changes: list[Change]) -> str:
    """Add a rename where the wanted name is another one; return why it cannot be, or ``""``."""
    name, other = case.name, case.facts.by_name
    if case.name_error or name == account.user_name:
        return ""
    if not case.rules["rename_accounts"]:
        text = f"the account keeps its name: Rename accounts is off ({name!r} is wanted)"
        case.trace.note("rename_accounts", False, account.user_name, text)
        return ""
    if other is not None and not case.facts.name_given_up and other.key != account.key:
        text = taken_text(case.facts, name, other)
        case.trace.note("uniqueness", name, account.user_name, text)
        return text
    text = f"renamed from {account.user_name!r} to {name!r} as the provider's user name changed"
    case.trace.note("rename_accounts", account.user_name, name, text)
    after = replace(account, user_name=name)
    changes.append(case.change(ChangeKind.RENAME, account, after, text))
    return ""


def update(case: Case, account: Account, changes: list[Change]) -> None:
    """Add an update of full name and e-mail where they differ."""
    identity = case.identity
    wanted = replace(
        account,
        full_name=identity.full_name or identity.user_name,
        email=identity.email,
        email_verified=account.email_verified and account.email == identity.email,
    )
    pairs = {
        "full name": (account.full_name, wanted.full_name),
        "e-mail": (account.email, wanted.email),
    }
    differing = " and ".join(label for label, (old, new) in pairs.items() if old != new)
    if not differing:
        case.trace.note("update_users", None, None, "full name and e-mail are as in the provider")
    elif not case.rules["update_users"]:
        text = f"{differing} stay as they are: Update Users is off"
        case.trace.note("update_users", False, None, text)
    else:
        text = f"{differing} changed in the provider"
        case.trace.note("update_users", True, differing, text)
        changes.append(case.change(ChangeKind.UPDATE, account, wanted, text))


def status(case: Case, account: Account, changes: list[Change]) -> None:
    """Add an activation or deactivation where the status differs."""
    active = case.identity.active
    word = "enabled" if account.active else "disabled"
    if active is None:
        case.trace.note("enable_users", None, None, "the provider states no status")
    elif account.active == active:
        text = f"the account is {word}, as the person is in the provider"
        case.trace.note("enable_users", None, None, text)
    elif not case.rules["enable_users"]:
        text = f"the account stays {word}: Enable Users is off"
        case.trace.note("enable_users", False, None, text)
    else:
        kind = ChangeKind.ACTIVATE if active else ChangeKind.DEACTIVATE
        cause = "active" if active else "inactive"
        text = f"account {'enabled' if active else 'disabled'}: {cause} in the provider"
        case.trace.note("enable_users", cause, kind, text)
        changes.append(case.change(kind, account, replace(account, active=active), text))
