"""What becomes of a person's account: its name, attributes and status, or its end."""

from dataclasses import replace
from datetime import timedelta

from .facts import Case, rebased
from .fields import differing, with_fields
from .records import Account, Change, ChangeKind, Decision, PersonState
from .rivals import email_in_the_way, taken_text
from .scope import Verdict

RESTORED = "an administrator restored the account: it stays"


def out_of_scope(case: Case, account: Account | None, scope: Verdict) -> Decision:
    """Decide about a person whom the source is not to look after."""
    state = PersonState.GONE if case.identity.deleted else PersonState.OUT_OF_SCOPE
    rules, note = case.rules, case.trace.note
    if account is None or case.facts.linked is None:
        return case.decision(state, scope.text, account=account)
    if case.facts.restored:
        text = f"{scope.text}, but {RESTORED}"
        note("restored", scope.text, None, text)
        return case.decision(state, text, account=account)
    if rules["out_of_scope_action"] == "keep" or not rules["enable_users"] or not account.active:
        text = f"{scope.text}: the account stays as it is"
        note("out_of_scope_action", rules["out_of_scope_action"], None, text)
        return case.decision(state, text, account=account)
    text = f"account disabled: {scope.text}"
    note("out_of_scope_action", "disable", ChangeKind.DEACTIVATE, text)
    if account.protected:
        text = f"the account {account.user_name!r} is protected: deactivate is refused"
        note("protected", account.user_name, None, text)
        return case.decision(PersonState.PROTECTED, text, refused=True, account=account)
    disabling = case.change(ChangeKind.DEACTIVATE, account, replace(account, active=False), text)
    return case.decision(state, text, changes=(disabling,), account=account)


def leaving(case: Case, account: Account) -> Decision:
    """Decide about the account of a person who is inactive or deleted in the provider."""
    deleted = case.identity.deleted
    cause = "deleted in the provider" if deleted else "inactive in the provider"
    state = PersonState.GONE if deleted else PersonState.IN_SYNC
    if not case.rules["enable_users"]:
        text = f"{cause}, but Enable Users is off: the account keeps its status"
        case.trace.note("enable_users", False, None, text)
        return case.decision(state, text, account=account) if deleted else kept(case, account)
    if case.facts.restored:
        text = f"{cause}, but {RESTORED}"
        case.trace.note("restored", cause, None, text)
        return case.decision(state, text, account=account)
    if case.rules["inactive_action"] == "delete":
        if account not in (case.facts.linked, case.facts.former):
            return not_wanted(case, account)
        text = f"account deleted: {cause}"
        case.trace.note("inactive_action", "delete", None, text)
        return ended(case, account, state, text)
    if is_overdue(case, account):
        text = f"account deleted: {cause} and disabled for {case.rules['delete_after_days']} days"
        case.trace.note("delete_after_days", case.rules["delete_after_days"], None, text)
        return ended(case, account, state, text)
    if not deleted:
        return kept(case, account)
    text = f"account disabled: {cause}"
    case.trace.note("inactive_action", "disable", None, text)
    disabling = case.change(ChangeKind.DEACTIVATE, account, replace(account, active=False), text)
    changes = (disabling,) if account.active else ()
    return case.decision(state, text, changes=changes, account=account)


def not_wanted(case: Case, account: Account | None) -> Decision:
    """Decide about an inactive person where inactive people are to have no account.

    One that they might adopt is not theirs to be deleted.
    """
    text = "not imported: inactive in the provider, and inactive people are deleted"
    case.trace.note("inactive_action", "delete", None, text)
    return case.decision(PersonState.NOT_IMPORTED, text, account=account)


def is_overdue(case: Case, account: Account) -> bool:
    """Tell whether a leaver's account was disabled long enough to be deleted."""
    days, since = case.rules["delete_after_days"], case.facts.disabled_at
    if not days or since is None or account.active:
        return False
    return case.facts.now - since >= timedelta(days=days)


def ended(case: Case, account: Account, state: PersonState, text: str) -> Decision:
    """Return the decision to delete an account."""
    deletion = case.change(ChangeKind.DELETE, account, None, text)
    return case.decision(state, text, changes=(deletion,), account=account)


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
    source, accepted = case.facts.source, case.facts.accepted
    if account.owner == source:
        text = "came back: the account that this source managed for the same externalId before"
    elif accepted is not None and accepted.key == account.key:
        text = f"adopted: an administrator let {source} manage the account"
    else:
        text = f"adopted: {source} manages the account from now on"
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
    received = case.facts.received_name
    because = "" if received == name else f", which the rules make of {received!r}"
    text = f"renamed from {account.user_name!r} to {name!r}{because}"
    case.trace.note("rename_accounts", account.user_name, name, text)
    after = replace(account, user_name=name)
    changes.append(case.change(ChangeKind.RENAME, account, after, text))
    return ""


def update(case: Case, account: Account, changes: list[Change]) -> None:
    """Add an update of the mapped attributes where they differ."""
    wanted = with_fields(account, case.facts.wanted, clear=case.rules["clear_attributes"])
    if wanted.email != account.email:
        wanted = replace(wanted, email_verified=False)
    labels = list(differing(account, wanted))
    differ = " and ".join([", ".join(labels[:-1]), labels[-1]] if labels[1:] else labels)
    if not labels:
        case.trace.note("update_users", None, None, "the attributes are as the mapping wants them")
    elif not case.rules["update_users"]:
        stay = "stay as they are" if labels[1:] else "stays as it is"
        case.trace.note("update_users", False, None, f"{differ} {stay}: Update Users is off")
    else:
        text = f"{differ} brought in line with the provider"
        case.trace.note("update_users", True, differ, text)
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
