"""Which existing account a person may adopt by itself, and which wait for an administrator."""

from dataclasses import dataclass

from .facts import Case
from .records import Account, Decision, Identity, PersonState
from .username import name_key


def adopted(case: Case) -> Account | None:
    """Return the account that an administrator or the matching policy lets the person adopt."""
    policy, note, facts = case.rules["match_policy"], case.trace.note, case.facts
    accepted = facts.accepted
    if accepted is not None and not accepted.protected and is_left_alone(case, accepted):
        text = "an administrator let this source manage the account"
        note("adoption", case.identity.user_name, accepted.user_name, text)
        return accepted
    usable = free(case, candidates(case))
    if len(usable) == 1 and not usable[0].privileged:
        note("match_policy", policy, usable[0].user_name, "adopted by the matching policy")
        return usable[0]
    if len(usable) > 1:
        names = ", ".join(account.user_name for account in usable)
        note("match_policy", policy, None, f"more than one account matches: {names}")
    elif usable:
        text = f"{usable[0].user_name!r} is an administrator's account and is never adopted by rule"
        note("match_policy", policy, None, text)
    else:
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


def free(case: Case, accounts: list[Account]) -> list[Account]:
    """Return those of some accounts that nobody manages and nothing keeps from being adopted."""
    return [
        account
        for account in accounts
        if account.owner is None and not account.protected and account.key not in case.facts.refused
    ]


def is_left_alone(case: Case, account: Account) -> bool:
    """Tell whether nobody manages an account, or a person of this source whom it deleted."""
    facts = case.facts
    is_left = account.owner == facts.source and account.key in facts.left_behind
    return account.owner is None or is_left


def proposal(case: Case) -> Decision | None:
    """Return the decision that waits for an administrator, None where nothing is to be adopted.

    An account waits that the policy found but may not take by itself, or that has the wanted name.
    """
    facts = case.facts
    found = free(case, candidates(case))
    other = facts.by_name
    if other is not None and not facts.name_given_up:
        allowed = not other.protected and other.key not in facts.refused
        if allowed and is_left_alone(case, other):
            found = [other, *(account for account in found if account.key != other.key)]
    if not found:
        return None
    text = waiting_text(case, found)
    case.trace.note("match_policy", case.name, None, text)
    return case.decision(PersonState.PROPOSED, text, account=found[0], candidates=tuple(found))


def waiting_text(case: Case, found: list[Account]) -> str:
    """Return why a proposal waits, naming the accounts."""
    first, source = found[0], case.facts.source
    if len(found) > 1:
        names = ", ".join(repr(account.user_name) for account in found)
        return f"more than one account may be this person's: {names}; an administrator has to say"
    if first.owner == source:
        whose = "belonged to a person whom the provider deleted"
    elif first.privileged:
        whose = "is an administrator's"
    else:
        whose = f"is not managed by {source}"
    return (
        f"an account named {first.user_name!r} exists and {whose}: "
        "it waits for an administrator to adopt it"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What speaks for and against a person's being the owner of an account."""

    account: Account
    matches: tuple[str, ...]  # what is equal, in words
    risks: tuple[str, ...]  # what an administrator should look at first

    @property
    def is_safe(self) -> bool:
        """Whether the account may be adopted together with all others that are safe."""
        return not self.risks


def evidence_of(
    identity: Identity, name: str, email: str, account: Account, *, rivals: int
) -> Evidence:
    """Return the evidence for one candidate; ``rivals`` is how many there are altogether."""
    same_name = name_key(account.user_name) == name_key(name)
    same_email = bool(email) and name_key(account.email) == name_key(email)
    same_full_name = bool(account.full_name) and account.full_name == identity.full_name
    found = [
        text
        for holds, text in (
            (same_name, f"same user name {account.user_name!r}"),
            (same_email, f"same e-mail {account.email!r}"),
            (same_full_name, f"same full name {account.full_name!r}"),
        )
        if holds
    ]
    risks = [
        text
        for holds, text in (
            (account.privileged, "administrator: the person would get these rights"),
            (account.owner is not None, "belonged to a person whom the provider deleted"),
            (rivals > 1, f"{rivals} accounts may be this person's"),
            (not same_name, f"the account is called {account.user_name!r}"),
            (not same_email, f"other e-mail: {account.email or 'none'}"),
            (same_email and not account.email_verified, "the account's e-mail is not verified"),
        )
        if holds
    ]
    return Evidence(account=account, matches=tuple(found), risks=tuple(risks))
