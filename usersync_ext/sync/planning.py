"""From people to decisions: what is known about their accounts, and what the rules make of it.

Reads only. ``sync.reconcile`` applies what is decided here; preview and explain show it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..core.facts import Facts
from ..core.plan import decide
from ..core.records import Account, Actor, Change, Decision, Identity, Source
from ..core.rivals import names_given_up, refused_name, without_twins
from ..core.username import account_name, name_key
from ..directories.base import Directory
from ..signals import Skip
from ..store import journal, mirror, people
from ..store.engine import Session

MOST_TOGETHER = 1000
"""How many people whose names depend on each other are planned together."""
Verdicts = Mapping[Change, Change | Skip]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a reconcile works with: whose rules, who caused it, when, and what hooks said."""

    source: Source
    directory: Directory
    actor: Actor
    now: datetime
    request_id: str | None = None
    login_by_email: bool = False
    hooked: bool = False  # the host has before_apply hooks
    verdicts: Verdicts = field(default_factory=dict)
    approved: bool = False  # an administrator asked for exactly this: the guard lets it pass


def gather_facts(
    session: Session,
    work: Work,
    identities: Sequence[Identity],
    former: Mapping[int, int] = {},
) -> list[Facts]:
    """Return what is known about the accounts of these people, in a handful of statements.

    ``former`` maps an identity to the tombstone whose account it may get back.
    """
    bound = work.directory.bound(session)
    known = [identity.id for identity in identities if identity.state]
    links = people.links_of_identities(session, [*known, *former.values()])
    names = [account_name(i.user_name, work.source.rules).name for i in identities]
    texts = [text for text in (*names, *(i.email for i in identities)) if text]
    before = accounts_before(session, work, identities, former, links)
    keys = [*(link.account_key for link in links.values()), *before.values()]
    accounts = bound.find(keys=keys, names=texts, emails=texts)
    owners = {link.account_key: link for link in links.values()}
    others = [account.key for account in accounts if account.key not in owners]
    owners |= people.links_of_accounts(session, work.directory.name, others)
    owned = [replace(a, owner=owners[a.key].source if a.key in owners else None) for a in accounts]
    index = AccountIndex(owned)
    owner_names = {key: link.user_name for key, link in owners.items()}
    left_behind = frozenset(key for key, link in owners.items() if link.deleted)
    return [
        Facts(
            source=work.source.key,
            directory=work.directory.name,
            linked=index.linked(links.get(identity.id)),
            former=index.linked(links.get(former.get(identity.id, 0))),
            managed_before=index.by_key.get(before.get(identity.id, "")),
            by_name=index.others_by_name(name, links.get(identity.id)),
            by_email=index.others_by_email(identity.email, links.get(identity.id)),
            alike=index.others_alike(name, identity.email, links.get(identity.id)),
            owner_names=owner_names,
            left_behind=left_behind,
            login_by_email=work.login_by_email,
        )
        for identity, name in zip(identities, names, strict=True)
    ]


def accounts_before(
    session: Session,
    work: Work,
    identities: Sequence[Identity],
    former: Mapping[int, int],
    links: Mapping[int, people.Link],
) -> dict[int, str]:
    """Return the accounts that this source gave these people once and let go of since.

    Only the matching policy ``external_id`` looks: for the person's own row, or the row of the
    deleted person with the same externalId.
    """
    if work.source.rules["match_policy"] != "external_id":
        return {}
    rows = {
        identity.id: former.get(identity.id, identity.id)
        for identity in identities
        if identity.external_id is not None and identity.id not in links
    }
    accounts = journal.last_accounts(session, work.source.key, list(rows.values()))
    return {i: accounts[row] for i, row in rows.items() if row in accounts}


class AccountIndex:
    """Accounts by key, name and e-mail, for a slice of people."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self.by_key = {account.key: account for account in accounts}
        self.by_name = {name_key(account.user_name): account for account in accounts}
        self.by_email: dict[str, list[Account]] = {}
        for account in accounts:
            if account.email:
                self.by_email.setdefault(name_key(account.email), []).append(account)

    def linked(self, link: people.Link | None) -> Account | None:
        """Return the account of a link, None if it vanished."""
        return self.by_key.get(link.account_key) if link is not None else None

    def others_by_name(self, name: str, link: people.Link | None) -> Account | None:
        """Return the account with a name, unless it is the linked one."""
        account = self.by_name.get(name_key(name)) if name else None
        return None if account is None or is_linked(account, link) else account

    def others_by_email(self, email: str, link: people.Link | None) -> tuple[Account, ...]:
        """Return the accounts with an e-mail but the linked one."""
        found = self.by_email.get(name_key(email), []) if email else []
        return tuple(account for account in found if not is_linked(account, link))

    def others_alike(self, name: str, email: str, link: people.Link | None) -> tuple[Account, ...]:
        """Return the accounts that share a name or e-mail crosswise, but for the name itself."""
        text = name_key(email)
        mixed = [self.by_name.get(text)] if text and text != name_key(name) else []
        found = [*mixed, *self.by_email.get(text, ()), *self.by_email.get(name_key(name), ())]
        unique = {account.key: account for account in found if account is not None}
        return tuple(a for a in unique.values() if not is_linked(a, link))


def is_linked(account: Account, link: people.Link | None) -> bool:
    """Tell whether an account is the one of a link."""
    return link is not None and link.account_key == account.key


def plan_people(
    session: Session,
    work: Work,
    identities: Sequence[Identity],
    former: Mapping[int, int] = {},
) -> list[Decision]:
    """Return what the rules make of these people; nothing is written.

    People of the same source whose accounts are in the way come too, behind those asked for:
    names may have to change hands (a↔b).
    """
    facts = gather_facts(session, work, identities, former)
    people_too = list(identities)
    while blocking := in_the_way(session, work, people_too, facts):
        people_too += blocking
        facts += gather_facts(session, work, blocking)
    rules = work.source.rules
    given_up = names_given_up(people_too, facts, rules) if len(people_too) > 1 else frozenset()
    decisions = [
        decide(identity, rules, replace(fact, name_given_up=given_up_by(fact, given_up)))
        for identity, fact in zip(people_too, facts, strict=True)
    ]
    occupied = {name_key(f.by_name.user_name): f.by_name.key for f in facts if f.by_name}
    return [
        decision if twin is None else refused_name(decision, twin)
        for decision, twin in without_twins(decisions, occupied)
    ]


def given_up_by(fact: Facts, given_up: frozenset[str]) -> bool:
    """Tell whether the account in a person's way gets another name."""
    return fact.by_name is not None and fact.by_name.key in given_up


def in_the_way(
    session: Session, work: Work, identities: Sequence[Identity], facts: Sequence[Facts]
) -> list[Identity]:
    """Return the living people of this source whose accounts have names that these people want."""
    if not work.source.rules["rename_accounts"] or len(identities) > MOST_TOGETHER:
        return []
    keys = [
        fact.by_name.key
        for fact in facts
        if fact.by_name is not None
        and fact.by_name.owner == work.source.key
        and fact.by_name.key not in fact.left_behind
    ]
    if not keys:
        return []
    known = {identity.id for identity in identities}
    links = people.links_of_accounts(session, work.directory.name, keys)
    ids = {link.identity_id for link in links.values()} - known
    return mirror.get_identities(session, work.source.id, sorted(ids)) if ids else []
