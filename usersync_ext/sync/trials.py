"""Test persons: what a provider would send of one, what is answered, and nothing left behind.

The requests go through the whole application, with a token of their own under which an active
source only observes (``store.access``), and no run looks at the person (``store.mirror``).
Whatever happens, the person is removed at the end; what a process leaves behind when it dies is
removed by the next test, or by ``remove_leftovers``.
"""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote, unquote

from ..core.records import Account, Actor, ChangeKind, Decision, MembershipChange, Source
from ..core.username import fold
from ..store import groups, sources, tokens, trials
from ..store.groups import MemberIds
from ..store.journal import add_admin_entry
from ..store.trials import Namesake
from . import explain
from .engine import Engine
from .grouping import account_after

MARK = "usersync-test-"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Step(StrEnum):
    """The requests, in their order."""

    DISCOVER = "discover"
    FIND = "find"
    CREATE = "create"
    READ = "read"
    DISABLE = "disable"
    ENABLE = "enable"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPerson:
    """Somebody who does not exist; ``groups`` are rows of groups of the source."""

    __test__ = False  # pytest collects classes by such names

    user_name: str
    full_name: str = ""
    email: str = ""
    groups: tuple[int, ...] = ()
    external_id: str = field(default_factory=lambda: f"{MARK}{secrets.token_hex(8)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back; ``is_scim`` is false where the application answered before us."""

    status: int
    is_scim: bool
    duration_ms: int
    body: Mapping[str, Any] = field(default_factory=dict)


Send = Callable[[str, str, Mapping[str, Any] | None], Reply]
"""Sends a request: method, path below the SCIM base URL, and body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A request with its answer; ``is_expected`` says that a provider would be content."""

    step: Step
    method: str
    path: str
    status: int
    duration_ms: int
    detail: str
    is_scim: bool
    is_expected: bool

    @property
    def shown_path(self) -> str:
        """The path and query as people read them."""
        return unquote(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a test person met; ``decision`` is None where nobody was created or no rule applies."""

    person: TestPerson
    answers: tuple[Answer, ...]
    decision: Decision | None = None

    @property
    def was_created(self) -> bool:
        """Whether the source took the person."""
        return any(a.step is Step.CREATE and a.is_expected for a in self.answers)

    @property
    def account(self) -> Account | None:
        """The account that the person would have."""
        return account_after(self.decision) if self.decision else None

    @property
    def memberships(self) -> tuple[MembershipChange, ...]:
        """The memberships that the person would have from us."""
        found = self.decision.memberships if self.decision else ()
        return tuple(change for change in found if change.kind is not ChangeKind.REMOVE_MEMBER)


def find_namesake(engine: Engine, source: Source, text: str) -> Namesake | None:
    """Return the person of a source whose user name or e-mail a text is."""
    with engine.store.reading() as session:
        return trials.find_namesake(session, source.id, [fold(text)]) if text else None


def send_person(
    engine: Engine,
    actor: Actor,
    source: Source,
    person: TestPerson,
    connect: Callable[[str], Send],
) -> Trial:
    """Send a test person to a source that is not off, and remove them again.

    ``connect`` makes the sender for a token. Only the journal's line stays.
    """
    now = datetime.now(UTC)
    with engine.store.writing() as session:
        secret = tokens.add_trial_token(session, source, person.external_id, actor, now)
        add_admin_entry(session, actor, source.key, "test_person_sent", person.user_name, "", now)
    try:
        answers: list[Answer] = []
        decision = None
        for answer in exchange(person, source.kind, connect(secret)):
            answers.append(answer)
            if answer.step is Step.CREATE and answer.is_expected:
                decision = explained(engine, source, person)
        return Trial(person=person, answers=tuple(answers), decision=decision)
    finally:
        remove(engine, source, person.external_id)


def exchange(person: TestPerson, kind: str, send: Send) -> Iterator[Answer]:
    """Yield the answers to what a provider of a kind sends, until one makes the next pointless."""
    scim_id = ""
    for step in Step:
        method, path, body = request_of(step, person, kind, scim_id)
        reply = send(method, path, body)
        answer = answer_of(step, method, path, reply)
        yield answer
        if not reply.is_scim or not (scim_id or answer.is_expected):
            return
        if step is Step.CREATE:
            scim_id = str(reply.body["id"])


def request_of(
    step: Step, person: TestPerson, kind: str, scim_id: str
) -> tuple[str, str, Mapping[str, Any] | None]:
    """Return method, path and body of a request."""
    here = f"/Users/{scim_id}"
    name = json.dumps(person.user_name, ensure_ascii=False)
    requests: dict[Step, tuple[str, str, Mapping[str, Any] | None]] = {
        Step.DISCOVER: ("GET", "/ServiceProviderConfig", None),
        Step.FIND: ("GET", f"/Users?filter={quote(f'userName eq {name}')}", None),
        Step.CREATE: ("POST", "/Users", record_of(person)),
        Step.READ: ("GET", here, None),
        Step.DISABLE: ("PATCH", here, activity(kind, active=False)),
        Step.ENABLE: ("PATCH", here, activity(kind, active=True)),
        Step.DELETE: ("DELETE", here, None),
    }
    return requests[step]


def record_of(person: TestPerson) -> dict[str, Any]:
    """Return a test person as providers send somebody new."""
    given, _, family = person.full_name.rpartition(" ")
    names = {"formatted": person.full_name, "givenName": given, "familyName": family}
    record: dict[str, Any] = {
        "schemas": [USER],
        "externalId": person.external_id,
        "userName": person.user_name,
        "active": True,
    }
    if person.full_name:
        record["displayName"] = person.full_name
        record["name"] = {key: value for key, value in names.items() if value}
    if person.email:
        record["emails"] = [{"value": person.email, "type": "work", "primary": True}]
    return record


def activity(kind: str, *, active: bool) -> dict[str, Any]:
    """Return the PATCH by which a kind of provider disables or enables somebody."""
    operation: dict[str, Any] = {"op": "replace", "path": "active", "value": active}
    if kind == "entra":
        operation = {"op": "Replace", "path": "active", "value": str(active)}
    elif kind == "okta":
        operation = {"op": "replace", "value": {"active": active}}
    return {"schemas": [PATCH], "Operations": [operation]}


def answer_of(step: Step, method: str, path: str, reply: Reply) -> Answer:
    """Return what was asked and answered."""
    return Answer(
        step=step,
        method=method,
        path=path,
        status=reply.status,
        duration_ms=reply.duration_ms,
        detail=str(reply.body.get("detail", "")) if reply.status >= 400 else "",
        is_scim=reply.is_scim,
        is_expected=reply.is_scim and is_expected(step, reply),
    )


def is_expected(step: Step, reply: Reply) -> bool:
    """Tell whether an answer of ours is the one that lets a provider go on."""
    statuses = {Step.CREATE: 201, Step.DELETE: 204}
    if reply.status != statuses.get(step, 200):
        return False
    told = {
        Step.FIND: ("totalResults", 0),
        Step.DISABLE: ("active", False),
        Step.ENABLE: ("active", True),
    }
    key, value = told.get(step, ("", None))
    return not key or reply.body.get(key) == value


class NothingKept(Exception):
    """Ends a transaction without writing anything."""


def explained(engine: Engine, source: Source, person: TestPerson) -> Decision | None:
    """Return what the rules make of a test person who was just created.

    Their groups are told to nobody else: the memberships are never committed.
    """
    decision: Decision | None = None
    with suppress(NothingKept), engine.store.writing() as session:
        [identity_id] = trials.person_ids(session, source.id, person.external_id)
        for group_id in person.groups:
            groups.add_members(session, group_id, MemberIds(frozenset({identity_id}), frozenset()))
        current = sources.get_source(session, source.key)
        decision = explain.decided(session, engine, current, identity_id)
        raise NothingKept
    return decision


def remove(engine: Engine, source: Source, external_id: str) -> None:
    """Remove a test person and their token."""
    with engine.store.writing() as session:
        trials.remove(session, source.id, external_id)


def remove_leftovers(engine: Engine, source: Source | None = None) -> int:
    """Remove the test persons of dead processes, of one source or of all; return how many."""
    with engine.store.reading() as session:
        found = trials.find_leftovers(session, datetime.now(UTC), source.id if source else None)
        left = [(sources.get_source(session, each.source), each.external_id) for each in found]
    for whose, external_id in left:
        remove(engine, whose, external_id)
    return len(left)
