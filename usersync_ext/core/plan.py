"""Deciding: what the rules make of one person. Pure; ``sync.reconcile`` does what is decided here.

``decide`` walks the rules in order and notes every step, so that the same walk previews, applies
and explains. This file says whose account it is and whether there is to be one; ``upkeep`` says
what becomes of an account.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .facts import Case, Facts, Trace
from .fields import with_fields
from .matching import adopted, proposal
from .records import Account, ChangeKind, Decision, Identity, PersonState
from .rivals import email_in_the_way, name_in_the_way, note_alike
from .scope import activity_of, scope_of
from .upkeep import leaving, not_wanted, out_of_scope, staying
from .username import mixed_scripts


def decide(identity: Identity, rules: Mapping[str, Any], facts: Facts) -> Decision:
    """Return what should become of a person's account, and why."""
    case = Case(identity=identity, rules=rules, facts=facts)
    scope = scope_of(identity, facts.groups, rules)
    if scope.rule:
        case.trace.note(scope.rule, rules[scope.rule], scope.inside, scope.text)
    note_name(case)
    account = matched(case)
    note_alike(identity, facts, account, case.trace)
    if not scope.inside:
        decision = out_of_scope(case, account, scope)
    elif account is None:
        decision = without_account(case)
    else:
        decision = with_account(case, account)
    activity = activity_of(identity, facts.groups, rules)
    if activity.rule:
        case.trace.note(activity.rule, rules[activity.rule], activity.inside, activity.text)
    return replace(
        decision,
        steps=tuple(case.trace.steps),
        observed=not activity.inside,
        is_back=facts.restored and scope.inside and not case.is_leaving,
    )


def note_name(case: Case) -> None:
    """Note what the username rules did."""
    received, name = case.facts.received_name, case.name
    attribute = case.rules["user_name_attribute"]
    if attribute != "userName":
        text = f"the name is taken from {attribute}"
        case.trace.note("user_name_attribute", case.identity.user_name, received, text)
    if case.name_error:
        text = case.name_error
    elif not case.rules["username_regex"]:
        text = "no username rule: the name is taken as received"
        if name != received:
            text = f"the directory takes {received!r} as {name!r}"
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


def without_account(case: Case) -> Decision:
    """Decide about a person who has no account: create one, or say why not."""
    identity, rules = case.identity, case.rules
    if identity.deleted:
        return case.decision(PersonState.GONE, "deleted in the provider")
    if case.name_error:
        return case.decision(PersonState.FAILED, case.name_error)
    waiting = proposal(case)
    if waiting is not None:
        return waiting
    if not rules["import_users"]:
        text = "not imported: import is off"
        case.trace.note("import_users", False, None, text)
        return case.decision(PersonState.NOT_IMPORTED, text)
    if not identity.active and rules["inactive_action"] == "delete":
        return not_wanted(case, None)
    blocked = name_in_the_way(case)
    return blocked if blocked is not None else created(case)


def created(case: Case) -> Decision:
    """Decide about a person for whom an account can be made."""
    bare = Account(key="", user_name=case.name, active=bool(case.identity.active))
    account = with_fields(bare, case.facts.wanted, clear=True)
    text = f"created: {case.facts.source} pushed a person whom the directory does not know"
    creation = case.change(ChangeKind.CREATE, None, account, text)
    clash = email_in_the_way(case.identity, case.facts, None, [creation])
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
    name = replace(case.facts.name, error="")
    unnoted = replace(case, trace=Trace(), facts=replace(case.facts, name=name))
    wanted = wanted_by_rules(unnoted, account)
    kinds = ", ".join(change.kind for change in wanted.changes)
    text = f"the account {account.user_name!r} is protected"
    if not kinds:
        case.trace.note("protected", account.user_name, None, text)
        return case.decision(wanted.state, wanted.why, account=account)
    text += f": {kinds} is refused"
    case.trace.note("protected", account.user_name, None, text)
    return case.decision(PersonState.PROTECTED, text, refused=True, account=account)
