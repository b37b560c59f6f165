"""From people to decisions: what is known about their accounts, and what the rules make of it.

Reads only. ``sync.reconcile`` applies what is decided here; preview and explain show it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..core.expressions import compile_expression, evaluate
from ..core.facts import Facts
from ..core.fields import Wanted, mapped
from ..core.guard import ends_administrator, keep_administrators
from ..core.names import name_list
from ..core.plan import decide
from ..core.records import Account, Decision, Identity
from ..core.rivals import names_given_up, refused_name, without_twins
from ..core.scope import SourceGroup, looks_at_groups
from ..core.username import NameResult, account_name, name_key
from ..store import adoptions, groups, journal, mirror, people
from ..store.engine import Session
from .grouping import plan_memberships
from .work import Work

OWN_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOST_TOGETHER = 1000
"""How many people whose names depend on each other are planned together."""


def gather_facts(
    session: Session,
    work: Work,
    identities: Sequence[Identity],
    former: Mapping[int, int] = {},
) -> list[Facts]:
    """Return what is known about the accounts of these people, in a handful of statements.

    ``former`` maps an identity to the tombstone whose account it may get back.
    """
    rules = work.source.rules
    bound = work.directory.bound(session)
    known = [identity.id for identity in identities if identity.state]
    links = {
        identity_id: link
        for identity_id, link in people.links_of_identities(
            session, [*known, *former.values()]
        ).items()
        if link.directory == work.directory.name  # unsaved settings may name another one
    }
    received = [received_name(identity, rules) for identity in identities]
    names = [name_from(name, work) for name in received]
    wanted = wanted_fields(session, work, identities)
    emails = [each.values.get("email", "") for each in wanted]
    before = accounts_before(session, work, identities, former, links)
    keys = [*(link.account_key for link in links.values()), *before.values()]
    texts = [text for text in (*(name.name for name in names), *emails) if text]
    accounts = bound.find(keys=keys, names=texts, emails=texts)
    owners = {link.account_key: link for link in links.values()}
    others = [account.key for account in accounts if account.key not in owners]
    owners |= people.links_of_accounts(session, work.directory.name, others)
    protected = name_list(rules["protected_names"])
    owned = [
        replace(
            account,
            owner=owners[account.key].source if account.key in owners else None,
            protected=account.protected or bool(protected.has_user((account.user_name,))),
        )
        for account in accounts
    ]
    index = AccountIndex(owned)
    left_behind = frozenset(key for key, link in owners.items() if link.deleted)
    unlinked = any(not i.deleted and i.id not in links for i in identities)
    unowned = [a.key for a in owned if unlinked and (a.owner is None or a.key in left_behind)]
    decided = Adoptions(session, work, unowned) if unowned else None
    found_groups = groups_of(session, rules, identities)
    owner_names = {key: link.user_name for key, link in owners.items()}
    facts = []
    for identity, name, given, fields in zip(identities, names, received, wanted, strict=True):
        link = links.get(identity.id)
        email = fields.values.get("email", "")
        by_name = index.others_by_name(name.name, link)
        facts.append(
            Facts(
                source=work.source.key,
                directory=work.directory.name,
                now=work.now,
                name=name,
                received_name=given,
                wanted=fields,
                groups=found_groups.get(identity.id, ()),
                linked=index.linked(link),
                former=index.linked(links.get(former.get(identity.id, 0))),
                managed_before=index.by_key.get(before.get(identity.id, "")),
                accepted=decided.accepted(identity.id, by_name, index) if decided else None,
                by_name=by_name,
                by_email=index.others_by_email(email, link),
                alike=index.others_alike(name.name, email, link),
                refused=decided.refused(identity.id) if decided else frozenset(),
                disabled_at=link.disabled_at if link else None,
                restored=link is not None and link.restored_at is not None,
                owner_names=owner_names,
                left_behind=left_behind,
                login_by_email=work.login_by_email,
            )
        )
    return facts


def received_name(identity: Identity, rules: Mapping[str, Any]) -> str:
    """Return the name that the provider gives a person, by the attribute that is chosen."""
    attribute: str = rules["user_name_attribute"]
    if attribute == "userName":
        return identity.user_name
    return evaluate(identity.record, compile_expression(attribute))


def name_from(received: str, work: Work) -> NameResult:
    """Return the account name that the rules make of a received name."""
    if not received:
        attribute = work.source.rules["user_name_attribute"]
        return NameResult("", f"the provider sends no {attribute}, from which the name is taken")
    return account_name(received, work.source.rules, work.directory.name_rules)


def wanted_fields(session: Session, work: Work, identities: Sequence[Identity]) -> list[Wanted]:
    """Return what the mapping makes of people; managers are looked up by their SCIM id."""
    mapping: str = work.source.rules["attribute_mapping"]
    wanted = [mapped(identity, mapping) for identity in identities]
    ids = {name for each in wanted if OWN_ID.fullmatch(name := each.values.get("manager", ""))}
    if not ids:
        return wanted
    names = mirror.user_names(session, work.source.id, sorted(ids))
    return [mapped(identity, mapping, names) for identity in identities]


def groups_of(
    session: Session, rules: Mapping[str, Any], identities: Sequence[Identity]
) -> Mapping[int, tuple[SourceGroup, ...]]:
    """Return the groups of people in their source, where a rule looks at them."""
    if not looks_at_groups(rules):
        return {}
    return groups.groups_of_people(session, [identity.id for identity in identities])


class Adoptions:
    """What administrators decided about some accounts that nobody manages."""

    def __init__(self, session: Session, work: Work, keys: Sequence[str]) -> None:
        self._found = adoptions.adoptions_of(session, work.source.id, work.directory.name, keys)

    def accepted(
        self, identity_id: int, by_name: Account | None, index: "AccountIndex"
    ) -> Account | None:
        """Return the account that a person was accepted for, or that waits for their name."""
        for each in self._found:
            if each.decision != adoptions.ACCEPTED:
                continue
            own = identity_id and each.identity_id == identity_id
            waits = each.identity_id is None and by_name is not None
            if own or (waits and by_name is not None and each.account_key == by_name.key):
                return index.by_key.get(each.account_key)
        return None

    def refused(self, identity_id: int) -> frozenset[str]:
        """Return the accounts that a person must not adopt."""
        return frozenset(
            each.account_key
            for each in self._found
            if each.decision == adoptions.REFUSED and each.identity_id == identity_id
        )


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
    accounts = journal.last_accounts(session, work.directory.name, list(rows.values()))
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
        decide(
            identity,
            rules,
            replace(fact, name_given_up=True) if given_up_by(fact, given_up) else fact,
        )
        for identity, fact in zip(people_too, facts, strict=True)
    ]
    occupied = {name_key(f.by_name.user_name): f.by_name.key for f in facts if f.by_name}
    settled = [
        decision if twin is None else refused_name(decision, twin)
        for decision, twin in without_twins(decisions, occupied)
    ]
    return with_administrators(session, work, plan_memberships(session, work, settled))


def with_administrators(
    session: Session, work: Work, decisions: Sequence[Decision]
) -> list[Decision]:
    """Return the decisions without those that would leave too few administrators."""
    minimum = work.source.rules["minimum_admins"]
    if not minimum or not any(ends_administrator(decision) for decision in decisions):
        return list(decisions)
    left = work.directory.bound(session).administrators() - work.admins_gone
    return keep_administrators(decisions, left, minimum)


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


def living_or_linked(session: Session, identities: Sequence[Identity]) -> list[Identity]:
    """Return the people who can still have an account: living, or deleted with a link."""
    links = people.links_of_identities(session, [i.id for i in identities if i.deleted])
    return [i for i in identities if not i.deleted or i.id in links]
