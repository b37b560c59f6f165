"""Existing accounts that wait for an administrator: proposals, decisions, and hand-over."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..core.matching import Evidence, evidence_of
from ..core.plan import decide as decide_case
from ..core.records import Account, Actor, Decision, Identity, Person, PersonState, Source
from ..errors import InvalidSetting, NotFound, Protected
from ..store import adoptions, grants, mirror, people, sources
from ..store.engine import Session
from ..store.journal import account_as_json, add_admin_entry
from .admin import is_protected, reconcile_people
from .engine import Engine
from .planning import gather_facts, plan_people
from .work import Work

NOBODY = Actor(kind="system", name="proposals")
SAFE_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A person and the accounts that they may adopt, the likeliest first."""

    person: Person
    evidence: tuple[Evidence, ...]

    @property
    def is_safe(self) -> bool:
        """Whether there is one account and nothing speaks against it."""
        return len(self.evidence) == 1 and self.evidence[0].is_safe


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """What handing an account over to another source would do; ``to`` may not be there yet."""

    account: Account
    source: Source  # that manages it now
    person: Person
    target: Source
    to: Person | None  # the person of the target source who gets it, None: the next to want it
    changes: tuple[str, ...]  # what the target's rules would change then, in words


def proposals_for(session: Session, work: Work, found: Sequence[Person]) -> list[Proposal]:
    """Return the proposals of some people; who has none any more is left out."""
    if not found:
        return []
    identities = mirror.get_identities(session, work.source.id, [person.id for person in found])
    by_id = {person.id: person for person in found}
    facts = gather_facts(session, work, identities)
    decisions = plan_people(session, work, identities)
    proposals = [
        Proposal(
            person=by_id[identity.id],
            evidence=tuple(
                evidence_of(
                    identity,
                    fact.name.name,
                    fact.email,
                    account,
                    rivals=len(decision.candidates),
                )
                for account in decision.candidates
            ),
        )
        for identity, fact, decision in zip(identities, facts, decisions, strict=False)
        if decision.candidates
    ]
    return with_competitors(proposals)


def with_competitors(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Return proposals with a risk where several of these people wait for the same account."""
    wanted = Counter(each.account.key for proposal in proposals for each in proposal.evidence)
    text = "more than one person waits for this account"
    return [
        replace(
            proposal,
            evidence=tuple(
                replace(each, risks=(*each.risks, text)) if wanted[each.account.key] > 1 else each
                for each in proposal.evidence
            ),
        )
        for proposal in proposals
    ]


def decide(
    engine: Engine,
    actor: Actor,
    source: Source,
    person: Person,
    *,
    accept: bool,
    account_name: str = "",
) -> None:
    """Let a person adopt an account that waits for them, or refuse it for good.

    ``account_name`` says which, where there are several; refusing without it refuses them all.
    Raises NotFound, and InvalidSetting where it has to be said which account is meant.
    """
    decisions = choose(engine, source, person, account_name, accept=accept)
    now = datetime.now(UTC)
    with engine.store.writing() as session:
        for account in decisions:
            adoptions.decide(
                session,
                source_id=source.id,
                identity_id=person.id,
                directory=source.directory,
                account_key=account.key,
                decision=adoptions.ACCEPTED if accept else adoptions.REFUSED,
                actor=str(actor),
                now=now,
            )
            word = "accepted" if accept else "refused"
            text = f"{word}: {person.user_name} of {source.key} and account {account.user_name}"
            add_admin_entry(
                session,
                actor,
                source.key,
                f"adoption_{word}",
                person.user_name,
                text,
                now,
                account_key=account.key,
                directory=source.directory,
            )
    reconcile_people(engine, actor, source, [person.id])


def choose(
    engine: Engine, source: Source, person: Person, account_name: str, *, accept: bool
) -> list[Account]:
    """Return the accounts of a proposal that are meant. Raises NotFound, InvalidSetting."""
    with engine.store.reading() as session:
        found = proposals_for(session, engine.work_for(source, NOBODY), [person])
    candidates = [each.account for proposal in found for each in proposal.evidence]
    if account_name:
        candidates = [account for account in candidates if account.user_name == account_name]
    if not candidates:
        raise NotFound(f"no account waits for {person.user_name!r} of source {source.key!r}")
    if accept and len(candidates) > 1:
        names = ", ".join(account.user_name for account in candidates)
        raise InvalidSetting("account", f"say which account is meant: {names}")
    return candidates


def accept_safe(engine: Engine, actor: Actor, source: Source) -> int:
    """Accept every proposal that nothing speaks against; return how many.

    An account for which more than one person of the source waits is nobody's.
    """
    wanted = Counter(
        each.account.key for p in every_proposal(engine, source) for each in p.evidence
    )
    count = 0
    for proposal in every_proposal(engine, source):
        if proposal.is_safe and wanted[proposal.evidence[0].account.key] == 1:
            decide(engine, actor, source, proposal.person, accept=True)
            count += 1
    return count


def every_proposal(engine: Engine, source: Source) -> Iterator[Proposal]:
    """Yield all proposals of a source in the order of their people."""
    after = 0
    while True:
        with engine.store.reading() as session:
            found = people.list_people(
                session,
                source=source,
                state=PersonState.PROPOSED,
                after_id=after,
                limit=SAFE_AT_ONCE,
            )
            if not found:
                return
            proposals = proposals_for(session, engine.work_for(source, NOBODY), found)
        yield from proposals
        after = found[-1].id


# -- hand-over ------------------------------------------------------------------------------------


def plan_hand_over(
    engine: Engine, account_key: str, target_key: str, directory: str = "local"
) -> HandOver:
    """Return what it would mean that another source manages an account from now on.

    Raises NotFound, Protected, and InvalidSetting where the account has no owner or that one.
    """
    with engine.store.reading() as session:
        target = sources.get_source(session, target_key)
        work = engine.work_for(target, NOBODY)
        found = work.directory.bound(session).find(keys=[account_key])
        link = people.links_of_accounts(session, directory, [account_key]).get(account_key)
        if not found:
            raise NotFound("there is no such account")
        if link is None:
            raise InvalidSetting("account", "no source manages it: the target may adopt it")
        if link.source == target.key:
            raise InvalidSetting("target", f"source {target.key!r} manages it already")
        source = sources.get_source(session, link.source)
        if directory != target.directory:
            raise InvalidSetting("target", f"source {target.key!r} has another directory")
        account = replace(found[0], owner=source.key)
        if is_protected(account, source) or is_protected(account, target):
            raise Protected(f"the account {account.user_name!r} is protected")
        person, _ = people.get_person(session, link.identity_id)
        identity = person_of(session, work, account, person)
        to = people.get_person(session, identity.id)[0] if identity else None
        decision = given(session, work, identity, account) if identity else None
    changes = tuple(change.reason for change in decision.changes) if decision else ()
    return HandOver(
        account=account, source=source, person=person, target=target, to=to, changes=changes
    )


def person_of(session: Session, work: Work, account: Account, owner: Person) -> Identity | None:
    """Return the person of a source to whom an account belongs by external id, name or e-mail."""
    names = [name for name in (owner.external_id, owner.user_name, account.user_name) if name]
    for name in names:
        for person in people.find_people(session, name, work.source):
            if not person.deleted and person.account_key is None:
                return mirror.get_identities(session, work.source.id, [person.id])[0]
    return None


def given(session: Session, work: Work, identity: Identity, account: Account) -> Decision:
    """Return what the rules would do once a person has an account."""
    local = replace(account, owner=None)
    [facts] = gather_facts(session, work, [identity])
    facts = replace(facts, accepted=local, by_name=None, linked=None, refused=frozenset())
    return decide_case(identity, work.source.rules, facts)


def hand_over(engine: Engine, actor: Actor, plan: HandOver) -> None:
    """End the ownership of one source and give the account to the other's person."""
    now = datetime.now(UTC)
    with engine.store.writing() as session:
        people.remove_links(session, [plan.person.id])
        grants.move_grants(
            session, plan.source.directory, plan.account.key, plan.source.id, plan.target.id
        )
        adoptions.forget(session, plan.target.directory, [plan.account.key])
        adoptions.decide(
            session,
            source_id=plan.target.id,
            identity_id=plan.to.id if plan.to else None,
            directory=plan.target.directory,
            account_key=plan.account.key,
            decision=adoptions.ACCEPTED,
            actor=str(actor),
            now=now,
        )
        adoptions.decide(
            session,
            source_id=plan.source.id,
            identity_id=plan.person.id,
            directory=plan.source.directory,
            account_key=plan.account.key,
            decision=adoptions.REFUSED,  # or its provider's next word would take it back
            actor=str(actor),
            now=now,
        )
        text = f"handed over from {plan.source.key} to {plan.target.key}"
        add_admin_entry(
            session,
            actor,
            plan.target.key,
            "account_handed_over",
            plan.account.user_name,
            text,
            now,
            account_key=plan.account.key,
            before=account_as_json(plan.account),
            after=account_as_json(plan.account),
        )
        mirror.set_outcomes(
            session, [(plan.person.id, PersonState.NOT_IMPORTED, f"the account was {text}")]
        )
    if plan.to is not None:
        reconcile_people(engine, actor, plan.target, [plan.to.id])
