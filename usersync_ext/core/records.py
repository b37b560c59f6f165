"""The values that every part of usersync_ext passes around."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class SourceState(StrEnum):
    """What a source may do."""

    OBSERVE = "observe"  # answers the provider faithfully, changes nothing in the directory
    ACTIVE = "active"
    OFF = "off"


class ChangeKind(StrEnum):
    """The verbs of a change."""

    CREATE = "create"
    ADOPT = "adopt"
    RENAME = "rename"
    UPDATE = "update"
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    DELETE = "delete"
    ADD_MEMBER = "add_member"
    REMOVE_MEMBER = "remove_member"
    KEEP_MEMBER = "keep_member"  # only the reasons that we give change


DESTRUCTIVE = frozenset(
    {ChangeKind.RENAME, ChangeKind.DEACTIVATE, ChangeKind.DELETE, ChangeKind.REMOVE_MEMBER}
)
"""The kinds that the guard counts and holds."""


class PersonState(StrEnum):
    """How a person of a source stands after the rules were applied."""

    IN_SYNC = "in_sync"  # the account is as the rules want it
    OBSERVED = "observed"  # the source is in observe: ``why`` says what would happen
    NOT_IMPORTED = "not_imported"  # no account, because of a rule
    OUT_OF_SCOPE = "out_of_scope"  # the source does not look after this person
    PROPOSED = "proposed"  # an existing account waits for an administrator's decision
    HELD = "held"  # the guard keeps a destructive change back
    PROTECTED = "protected"  # the account is protected: nothing is changed
    FAILED = "failed"  # no account, or not the wanted one, because of an error
    GONE = "gone"  # the source deleted the person


class RunState(StrEnum):
    """How far a run has come."""

    PLANNING = "planning"
    PLANNED = "planned"  # waits for somebody to apply it
    APPLYING = "applying"
    FINISHED = "finished"
    NEEDS_APPROVAL = "needs_approval"  # finished, but the guard holds changes
    CANCELLED = "cancelled"
    FAILED = "failed"


class Outcome(StrEnum):
    """What became of a change."""

    APPLIED = "applied"
    HELD = "held"
    REFUSED = "refused"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A configured connection to one tenant of an identity provider."""

    id: int
    key: str  # [a-z0-9-]+, part of the SCIM base URL
    name: str
    kind: str  # of the provider: entra, okta, …
    state: SourceState
    directory: str  # registry name of the selected directory; "" when none is selected
    rules: Mapping[str, Any]  # complete: every key of core.options.RULES
    version: int
    created_at: datetime
    mapping_changes: tuple[Mapping[str, Any], ...] = ()  # of the mapping table, not stored yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person as their source states them."""

    id: int  # of the mirror's row; 0 before it is stored
    scim_id: str  # our random UUID, the SCIM ``id``
    external_id: str | None
    user_name: str
    active: bool | None  # None: the source does not say
    full_name: str
    given_name: str = ""
    family_name: str = ""
    email: str = ""
    record: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the SCIM resource
    deleted: bool = False
    state: str = ""  # PersonState after the last reconcile, "" before the first
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person as the directory holds them.

    ``key`` identifies the account in its directory for ever; ``""`` before it exists.
    ``owner`` is the key of the source that manages it, ``None`` for a local account.
    ``attributes`` are free ones, pairs of name and text in the order of their names.
    ``privileged`` accounts are administrators, by their groups.
    """

    key: str
    user_name: str
    full_name: str = ""
    given_name: str = ""
    family_name: str = ""
    email: str = ""
    phone: str = ""
    title: str = ""
    department: str = ""
    manager: str = ""
    locale: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    active: bool = True
    protected: bool = False
    privileged: bool = False
    email_verified: bool = False
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One intended difference between an identity and its account.

    ``reason`` is shown to administrators and providers as it is.
    """

    kind: ChangeKind
    subject: str  # the identity's user name as the source states it
    before: Account | None
    after: Account | None
    reason: str


class GrantKind(StrEnum):
    """Why we gave a membership."""

    MAPPED = "mapped"  # a group of the source stands for it
    DEFAULT = "default"  # a default group: group sync never takes it away


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryGroup:
    """A group as the directory holds it; ``key`` is ``""`` before it exists."""

    key: str
    name: str
    protected: bool = False
    member_count: int = 0
    minimum_members: int = 0  # no change may leave fewer


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipChange:
    """One intended difference between the groups of an account and those that it should have.

    ``grants`` are the reasons that we give from now on, ``given`` those that we gave so far.
    ``before`` and ``after`` are None: the account itself stays as it is (see Change).
    """

    kind: ChangeKind
    subject: str  # the identity's user name as the source states it
    group: DirectoryGroup
    given: frozenset[GrantKind] = frozenset()
    grants: frozenset[GrantKind] = frozenset()
    reason: str = ""
    allowed: bool = False  # by a mapping that may give a protected group
    source_group: int | None = None  # for which group of the source one is created on the fly
    before: None = None
    after: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedMembership:
    """A membership that a provider wants to give or take and must not."""

    kind: ChangeKind
    subject: str
    group: str
    reason: str
    group_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rule's part in a decision: what went in, what came out, in words."""

    rule: str
    input: str
    output: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the rules say about one person: the changes, the state and the way there."""

    identity: Identity
    state: PersonState
    why: str
    changes: tuple[Change, ...] = ()
    steps: tuple[Step, ...] = ()
    account: Account | None = None  # the linked or matched account as it is now
    candidates: tuple[Account, ...] = ()  # accounts that an administrator may let it adopt
    observed: bool = False  # only shown, although the source is active (``active_for``)
    is_back: bool = False  # came back after an administrator had restored the account
    conflict: bool = False  # refused because a name or account is somebody else's
    refused: bool = False  # refused because the account is protected
    memberships: tuple[MembershipChange, ...] = ()
    refusals: tuple[RefusedMembership, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who caused a change.

    ``kind`` is token, admin, cli, scheduler or system; ``name`` identifies it without a secret.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One line of the journal: a change and what became of it."""

    id: int
    at: datetime
    source: str
    actor: str
    kind: str
    subject: str
    reason: str
    outcome: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    request_id: str | None = None
    identity_id: int | None = None
    account_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A plan for all people of a source and its execution.

    ``counts`` are people by what happens to them, ``removals`` changes that take something away,
    ``held`` those that the guard keeps (or would keep) back: all of them where the plan ``holds``.
    ``admins_gone`` is how many administrators the plan takes away so far.
    """

    id: int
    source_id: int
    source: str
    state: RunState
    actor: str
    settings: Mapping[str, Any]
    source_version: int
    applies: bool
    total: int
    done: int
    cursor: int
    counts: Mapping[str, int]
    removals: int
    admins_gone: int
    holds: bool
    held: int
    why: str
    created_at: datetime
    beat_at: datetime
    began_at: datetime | None
    finished_at: datetime | None

    @property
    def is_at_work(self) -> bool:
        """Whether somebody has to work on it."""
        will_be_applied = self.state is RunState.PLANNED and self.applies
        return will_be_applied or self.state in {RunState.PLANNING, RunState.APPLYING}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPerson:
    """What a run means to do with one person; ``changes`` as the journal has them."""

    identity_id: int
    subject: str
    state: str
    why: str
    kinds: tuple[str, ...]
    changes: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person of the mirror with what became of them, as pages and the command line list them."""

    id: int
    source: str
    scim_id: str
    external_id: str | None
    user_name: str
    full_name: str
    email: str
    active: bool
    deleted: bool
    state: PersonState
    why: str
    directory: str | None  # which holds the account
    account_key: str | None
    account_name: str | None
    disabled_at: datetime | None  # since when the source has the account disabled
    created_at: datetime
    modified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token of a source, without its secret."""

    id: int
    source: str
    label: str
    prefix: str  # first characters, shown in lists
    last_four: str
    read_only: bool
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One SCIM request as the requests page shows it; never a body or a header."""

    at: datetime
    source_id: int
    method: str
    path: str
    status: int
    duration_ms: int
    detail: str = ""  # the error's text, or what was ignored
    client: str = ""  # address
    token_prefix: str = ""
    request_id: str = ""
    notes: tuple[str, ...] = field(default=())
    id: int = 0  # 0 before it is stored


NOTHING: Mapping[str, Any] = MappingProxyType({})
