"""What a decision starts from, how its steps are noted, and the change that it may make."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from .records import Account, Change, ChangeKind, Identity, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about a person's account and about the accounts in the way.

    ``linked`` is the account of the person's link. ``former`` is the account that this source
    managed for the same ``externalId`` before (a deleted person); ``managed_before`` one that it
    let go of since. ``by_name`` and ``by_email`` are other accounts that carry the wanted name or
    e-mail; ``alike`` are those whose name or e-mail is the wanted e-mail, or whose e-mail is the
    wanted name.
    """

    source: str
    directory: str
    linked: Account | None = None
    former: Account | None = None
    managed_before: Account | None = None
    by_name: Account | None = None
    by_email: tuple[Account, ...] = ()
    alike: tuple[Account, ...] = ()
    name_given_up: bool = False  # the account of ``by_name`` gets another name in the same plan
    owner_names: Mapping[str, str] = field(default_factory=dict)  # account key → its person's name
    left_behind: frozenset[str] = frozenset()  # keys of accounts whose person was deleted
    login_by_email: bool = False


@dataclass(slots=True)
class Trace:
    """The steps of one decision, in order."""

    steps: list[Step] = field(default_factory=list)

    def note(self, rule: str, given: object, result: object, text: str) -> None:
        """Add a step."""
        self.steps.append(Step(rule=rule, input=shown(given), output=shown(result), text=text))


def shown(value: object) -> str:
    """Return a value as a step shows it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value is None else str(value)


def change(
    identity: Identity,
    kind: ChangeKind,
    before: Account | None,
    after: Account | None,
    reason: str,
) -> Change:
    """Return one change of a person's account."""
    return Change(kind=kind, subject=identity.user_name, before=before, after=after, reason=reason)


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
