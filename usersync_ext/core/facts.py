"""What a decision starts from, how its steps are noted, and the change that it may make."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from .fields import Wanted
from .records import Account, Change, ChangeKind, Decision, Identity, PersonState, Step
from .scope import SourceGroup
from .username import NameResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about a person's account and about the accounts in the way.

    ``linked`` is the account of the person's link. ``former`` is the account that this source
    managed for the same ``externalId`` before (a deleted person); ``managed_before`` one that it
    let go of since. ``accepted`` is the account that an administrator lets the person adopt.
    ``by_name`` and ``by_email`` are other accounts that carry the wanted name or e-mail;
    ``alike`` are those whose name or e-mail is the wanted e-mail, or whose e-mail is the wanted
    name. ``wanted`` is what the mapping makes of the person, ``name`` what the name rules make.
    """

    source: str
    directory: str
    now: datetime
    name: NameResult
    received_name: str
    wanted: Wanted
    groups: tuple[SourceGroup, ...] = ()  # of the source, only where a rule looks at them
    linked: Account | None = None
    former: Account | None = None
    managed_before: Account | None = None
    accepted: Account | None = None
    by_name: Account | None = None
    by_email: tuple[Account, ...] = ()
    alike: tuple[Account, ...] = ()
    refused: frozenset[str] = frozenset()  # keys of accounts that it must not adopt
    disabled_at: datetime | None = None  # when this source disabled the linked account
    restored: bool = False  # an administrator gave a leaver their account back
    name_given_up: bool = False  # the account of ``by_name`` gets another name in the same plan
    owner_names: Mapping[str, str] = field(default_factory=dict)  # account key → its person's name
    left_behind: frozenset[str] = frozenset()  # keys of accounts whose person was deleted
    login_by_email: bool = False

    @property
    def email(self) -> str:
        """The e-mail that the account gets, ``""`` if it has none or keeps its own."""
        return self.wanted.values.get("email", "")


@dataclass(slots=True)
class Trace:
    """The steps of one decision, in order."""

    steps: list[Step] = field(default_factory=list)

    def note(self, rule: str, given: object, result: object, text: str) -> None:
        """Add a step."""
        self.steps.append(Step(rule=rule, input=shown(given), output=shown(result), text=text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One person to decide about: what they are, the rules, what is known, and the trace."""

    identity: Identity
    rules: Mapping[str, Any]
    facts: Facts
    trace: Trace = field(default_factory=Trace)

    @property
    def name(self) -> str:
        """The account name that the rules want."""
        return self.facts.name.name

    @property
    def name_error(self) -> str:
        """Why the rules make no usable name, ``""`` if they do."""
        return self.facts.name.error

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
        return Change(
            kind=kind, subject=self.identity.user_name, before=before, after=after, reason=reason
        )


def shown(value: object) -> str:
    """Return a value as a step shows it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value is None else str(value)


def rebased(account: Account | None, changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return changes as they are when only these are made, in order, to an account.

    A change tells its difference by two whole accounts: what was left out before it, such as a
    rename that the guard holds, must not come with the next one. Changes of nothing are dropped.
    """
    current = account
    result: list[Change] = []
    for one in changes:
        if current is None or one.before is None or one.after is None:
            result.append(one)
            current = one.after
            continue
        after = replace(current, **difference(one.before, one.after))
        if after != current or one.kind is ChangeKind.ADOPT:
            result.append(replace(one, before=current, after=after))
        current = after
    return tuple(result)


def difference(before: Account, after: Account) -> dict[str, Any]:
    """Return the fields in which an account differs, with their new values."""
    pairs = ((field.name, getattr(before, field.name)) for field in fields(Account))
    return {name: getattr(after, name) for name, old in pairs if getattr(after, name) != old}
