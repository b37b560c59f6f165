"""Deciding: what the rules make of one person. Pure; ``sync.reconcile`` does what is decided here.

``decide`` walks the rules in order and notes every step, so that the same walk previews, applies
and explains.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .facts import Facts, Trace, change, rebased
from .records import Account, Change, ChangeKind, Decision, Identity, PersonState
from .rivals import email_in_the_way, name_in_the_way, note_alike, taken_text
from .username import account_name, mixed_scripts, name_key


def decide(identity: Identity, rules: Mapping[str, Any], facts: Facts) -> Decision:
    """Return what should become of a person's account, and why."""
    trace = Trace()
    name = account_name(identity.user_name, rules)
    note_name(trace, identity, rules, name.name, name.error)
    account = matched(identity, rules, facts, trace)
    note_alike(identity, facts, account, trace)
    if account is None:
        decision = without_account(identity, rules, facts, name.name, name.error, trace)
    elif account.protected:
        decision = protected_account(identity, rules, facts, account, name.name, trace)
    elif identity.deleted or identity.active is False:
        decision = leaving(identity, rules, facts, account, name.name, name.error, trace)
    else:
        decision = staying(identity, rules, facts, account, name.name, name.error, trace)
    return replace(decision, steps=tuple(trace.steps))


def note_name(
    trace: Trace, identity: Identity, rules: Mapping[str, Any], name: str, error: str
) -> None:
    """Note what the username rule did."""
    if not rules["username_regex"]:
        text = "no username rule: the name is taken as received"
    elif error:
        text = error
    elif name == identity.user_name:
        text = "the username rule does not match: the name stays as received"
    else:
        text = f"the username rule makes {name!r} of {identity.user_name!r}"
    scripts = mixed_scripts(name)
    if scripts:
        text += f"; the name mixes {' and '.join(scripts)} letters and may be mistaken for another"
    trace.note("username_regex", identity.user_name, name, text)


def matched(
    identity: Identity, rules: Mapping[str, Any], facts: Facts, trace: Trace
) -> Account | None:
    """Return the account that is this person's: by link, by history, or by the matching policy."""
    if facts.linked is not None:
        text = "linked: this source manages the account"
        trace.note("link", identity.scim_id, facts.linked.user_name, text)
        return facts.linked
    if identity.deleted:
        trace.note("link", identity.scim_id, None, "no account belongs to this person")
        return None
    if facts.former is not None and facts.former.owner in {None, facts.source}:
        text = "this source managed the account for the same externalId before"
        trace.note("link", identity.external_id, facts.former.user_name, text)
        return facts.former
    trace.note("link", identity.scim_id, None, "no account belongs to this person yet")
    return adopted(identity, rules, facts, trace)


def adopted(
    identity: Identity, rules: Mapping[str, Any], facts: Facts, trace: Trace
) -> Account | None:
    """Return the account that the matching policy allows to adopt."""
    policy = rules["match_policy"]
    if policy == "user_name":
        candidates = [facts.by_name] if facts.by_name else []
    elif policy == "email_verified":
        candidates = [account for account in facts.by_email if account.email_verified]
    else:
        candidates = []
    usable = [a for a in candidates if a.owner is None and not a.protected]
    if len(usable) == 1:
        trace.note("match_policy", policy, usable[0].user_name, "adopted by the matching policy")
        return usable[0]
    if len(usable) > 1:
        names = ", ".join(account.user_name for account in usable)
        trace.note("match_policy", policy, None, f"more than one account matches: {names}")
        return None
    trace.note("match_policy", policy, None, "no account may be adopted")
    return None


def without_account(
    identity: Identity,
    rules: Mapping[str, Any],
    facts: Facts,
    name: str,
    error: str,
    trace: Trace,
) -> Decision:
    """Decide about a person who has no account: create one, or say why not."""
    if identity.deleted:
        return Decision(identity=identity, state=PersonState.GONE, why="deleted in the provider")
    if error:
        return failed(identity, error)
    if not rules["import_users"]:
        trace.note("import_users", False, None, "not imported: import is off")
        return not_imported(identity, "not imported: import is off")
    if not identity.active and rules["inactive_action"] == "delete":
        text = "not imported: inactive in the provider, and inactive people are deleted"
        trace.note("inactive_action", "delete", None, text)
        return not_imported(identity, text)
    blocked = name_in_the_way(identity, facts, name, trace)
    if blocked is not None:
        return blocked
    account = Account(
        key="",
        user_name=name,
        full_name=identity.full_name or identity.user_name,
        email=identity.email,
        active=bool(identity.active),
    )
    text = f"created: {facts.source} pushed a person whom the directory does not know"
    creation = change(identity, ChangeKind.CREATE, None, account, text)
    clash = email_in_the_way(identity, facts, None, [creation])
    if clash:
        return replace(failed(identity, clash), conflict=True)
    trace.note("import_users", True, name, text)
    return Decision(identity=identity, state=PersonState.IN_SYNC, why=text, changes=(creation,))


def protected_account(
    identity: Identity,
    rules: Mapping[str, Any],
    facts: Facts,
    account: Account,
    name: str,
    trace: Trace,
) -> Decision:
    """Decide about a protected account: nothing is changed, and a wanted change is refused."""
    quiet = Trace()
    if identity.deleted or identity.active is False:
        wanted = leaving(identity, rules, facts, account, name, "", quiet)
    else:
        wanted = staying(identity, rules, facts, account, name, "", quiet)
    kinds = ", ".join(change.kind for change in wanted.changes)
    text = f"the account {account.user_name!r} is protected" + (
        f": {kinds} is refused" if kinds else ""
    )
    trace.note("protected", account.user_name, None, text)
    return Decision(
        identity=identity,
        state=PersonState.PROTECTED if kinds else wanted.state,
        why=text if kinds else wanted.why,
        refused=bool(kinds),
        account=account,
    )


def leaving(
    identity: Identity,
    rules: Mapping[str, Any],
    facts: Facts,
    account: Account,
    name: str,
    error: str,
    trace: Trace,
) -> Decision:
    """Decide about the account of a person who is inactive or deleted in the provider."""
    cause = "deleted in the provider" if identity.deleted else "inactive in the provider"
    state = PersonState.GONE if identity.deleted else PersonState.IN_SYNC
    if not rules["enable_users"]:
        text = f"{cause}, but Enable Users is off: the account keeps its status"
        trace.note("enable_users", False, None, text)
        if identity.deleted:
            return Decision(identity=identity, state=state, why=text, account=account)
        return disabled(identity, rules, facts, account, name, error, trace)
    if rules["inactive_action"] == "delete":
        text = f"account deleted: {cause}"
        trace.note("inactive_action", "delete", None, text)
        deletion = change(identity, ChangeKind.DELETE, account, None, text)
        return Decision(
            identity=identity, state=state, why=text, changes=(deletion,), account=account
        )
    if identity.deleted:
        text = f"account disabled: {cause}"
        trace.note("inactive_action", "disable", None, text)
        after = replace(account, active=False)
        disabling = change(identity, ChangeKind.DEACTIVATE, account, after, text)
        changes = (disabling,) if account.active else ()
        return Decision(identity=identity, state=state, why=text, changes=changes, account=account)
    return disabled(identity, rules, facts, account, name, error, trace)


def disabled(
    identity: Identity,
    rules: Mapping[str, Any],
    facts: Facts,
    account: Account,
    name: str,
    error: str,
    trace: Trace,
) -> Decision:
    """Decide about a person who is inactive and keeps a disabled account.

    A name that somebody else has must not keep a leaver's access: it is no conflict.
    """
    decision = staying(identity, rules, facts, account, name, error, trace)
    return replace(decision, conflict=False)


def staying(
    identity: Identity,
    rules: Mapping[str, Any],
    facts: Facts,
    account: Account,
    name: str,
    error: str,
    trace: Trace,
) -> Decision:
    """Decide about the account of a person who stays: name, attributes, status, in this order."""
    changes: list[Change] = []
    current = account
    if facts.linked is None:
        after = replace(account, owner=facts.source)
        text = (
            "came back: the account that this source managed for the same externalId before"
            if account.owner == facts.source
            else f"adopted: {facts.source} manages the account from now on"
        )
        changes.append(change(identity, ChangeKind.ADOPT, current, after, text))
        current = after
    conflict = rename(identity, rules, facts, current, name, error, trace, changes)
    current = changes[-1].after or current if changes else current
    current = update(identity, rules, current, trace, changes)
    status(identity, rules, current, trace, changes)
    clash = email_in_the_way(identity, facts, account, changes)
    if error or conflict or clash:
        refused = {ChangeKind.RENAME, ChangeKind.UPDATE} if clash else {ChangeKind.RENAME}
        return Decision(
            identity=identity,
            state=PersonState.FAILED,
            why=error or conflict or clash,
            changes=rebased(account, [c for c in changes if c.kind not in refused]),
            account=account,
            conflict=bool(conflict or clash),
        )
    why = "; ".join(c.reason for c in changes) if changes else "the account is as the rules want it"
    return Decision(
        identity=identity,
        state=PersonState.IN_SYNC,
        why=why,
        changes=tuple(changes),
        account=account,
    )


def rename(
    identity: Identity,
    rules: Mapping[str, Any],
    facts: Facts,
    account: Account,
    name: str,
    error: str,
    trace: Trace,
    changes: list[Change],
) -> str:
    """Add a rename where the wanted name is another one; return why it cannot be, or ``""``."""
    if error or name == account.user_name:
        return ""
    if not rules["rename_accounts"]:
        text = f"the account keeps its name: Rename accounts is off ({name!r} is wanted)"
        trace.note("rename_accounts", False, account.user_name, text)
        return ""
    in_the_way = facts.by_name is not None and not facts.name_given_up
    if facts.by_name is not None and in_the_way and facts.by_name.key != account.key:
        text = taken_text(facts, name, facts.by_name)
        trace.note("uniqueness", name, account.user_name, text)
        return text
    text = f"renamed from {account.user_name!r} to {name!r} as the provider's user name changed"
    trace.note("rename_accounts", account.user_name, name, text)
    changes.append(
        change(identity, ChangeKind.RENAME, account, replace(account, user_name=name), text)
    )
    return ""


def update(
    identity: Identity,
    rules: Mapping[str, Any],
    account: Account,
    trace: Trace,
    changes: list[Change],
) -> Account:
    """Add an update of full name and e-mail where they differ; return the account after it."""
    wanted = replace(
        account,
        full_name=identity.full_name or identity.user_name,
        email=identity.email,
        email_verified=account.email_verified and account.email == identity.email,
    )
    differing = [
        label
        for label, old, new in (
            ("full name", account.full_name, wanted.full_name),
            ("e-mail", account.email, wanted.email),
        )
        if old != new
    ]
    if not differing:
        trace.note("update_users", None, None, "full name and e-mail are as in the provider")
        return account
    names = " and ".join(differing)
    if not rules["update_users"]:
        text = f"{names} stay as they are: Update Users is off"
        trace.note("update_users", False, None, text)
        return account
    text = f"{names} changed in the provider"
    trace.note("update_users", True, names, text)
    changes.append(change(identity, ChangeKind.UPDATE, account, wanted, text))
    return wanted


def status(
    identity: Identity,
    rules: Mapping[str, Any],
    account: Account,
    trace: Trace,
    changes: list[Change],
) -> None:
    """Add an activation or deactivation where the status differs."""
    if identity.active is None or account.active == identity.active:
        return
    if not rules["enable_users"]:
        trace.note("enable_users", False, None, "the status stays as it is: Enable Users is off")
        return
    kind = ChangeKind.ACTIVATE if identity.active else ChangeKind.DEACTIVATE
    word = "active" if identity.active else "inactive"
    text = f"account {'enabled' if identity.active else 'disabled'}: {word} in the provider"
    trace.note("enable_users", word, kind, text)
    after = replace(account, active=identity.active)
    changes.append(change(identity, kind, account, after, text))


def failed(identity: Identity, why: str) -> Decision:
    """Return the decision for a person who cannot get an account because of an error."""
    return Decision(identity=identity, state=PersonState.FAILED, why=why)


def not_imported(identity: Identity, why: str) -> Decision:
    """Return the decision for a person whom a rule keeps without an account."""
    return Decision(identity=identity, state=PersonState.NOT_IMPORTED, why=why)


def wanted_key(identity: Identity, rules: Mapping[str, Any]) -> str:
    """Return the key of the name that the rules want, ``""`` where they give none."""
    return name_key(account_name(identity.user_name, rules).name)
