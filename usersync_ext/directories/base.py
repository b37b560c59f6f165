"""What every directory (target) can do, and the registry of directories."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..core.records import Account, Change, DirectoryGroup
from ..core.username import ANY_NAME, NameRules
from ..store.engine import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """An account in a group; ``reason`` is empty where only sources gave it."""

    group: str
    group_key: str
    account_key: str
    reason: str
    account: str = ""  # its user name, where that was asked for


class BoundDirectory(Protocol):
    """A directory within one transaction (the embedded one) or one run (all others).

    ``find`` returns the accounts with one of the keys, names or e-mails; names and e-mails are
    compared by ``core.username.name_key``. ``apply`` is complete when it returns, idempotent, and
    raises only DirectoryError; it returns each change's account afterwards, None once deleted.
    """

    def find(
        self, *, keys: Sequence[str] = (), names: Sequence[str] = (), emails: Sequence[str] = ()
    ) -> list[Account]:
        """Return accounts by key, name or e-mail, in the order of their keys."""

    def apply(self, changes: Sequence[Change]) -> list[Account | None]:
        """Carry out changes in order; return the account after each."""

    def memberships(
        self, keys: Sequence[str], group_keys: Sequence[str] | None = None
    ) -> list[Membership]:
        """Return the memberships of accounts, in some groups or all."""

    def find_groups(
        self, *, names: Iterable[str] = (), keys: Iterable[str] = ()
    ) -> list[DirectoryGroup]:
        """Return groups by name or key; members are not counted."""

    def protects(self, name: str) -> bool:
        """Tell whether a new group of this name would be protected: its members administrators."""

    def create_groups(self, names: Iterable[str]) -> list[DirectoryGroup]:
        """Create groups that are not there yet; return them all, the older ones too."""

    def rename_group(self, key: str, name: str) -> None:
        """Give a group another name, which is free."""

    def delete_empty_groups(self, keys: Iterable[str]) -> list[str]:
        """Delete those of some groups that have no members and are not protected; return them."""

    def add_members(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Make accounts members, given as keys of group and account; idempotent."""

    def remove_members(self, pairs: Sequence[tuple[str, str]]) -> None:
        """End memberships, given as keys of group and account; idempotent."""

    def outsiders(self, group_keys: Sequence[str], limit: int) -> list[Membership]:
        """Return members of groups that no source put there, at most a number."""

    def count_members(self, key: str, at_most: int) -> int:
        """Return how many members a group has, counting no further than a number."""

    def keep_members(self, account_keys: Sequence[str], reason: str) -> None:
        """Give a reason of their own to memberships that only a source gave and that stay."""

    def nest(self, added: Sequence[tuple[str, str]], removed: Sequence[tuple[str, str]]) -> None:
        """Put groups into groups, or take them out, given as keys of parent and child."""

    def administrators(self) -> int:
        """Return how many active accounts are ``privileged``."""


class WithoutGroups:
    """The part of a bound directory about groups, for one that holds none and creates none."""

    def memberships(
        self, keys: Sequence[str], group_keys: Sequence[str] | None = None
    ) -> list[Membership]:
        """Return nothing: nobody is in a group."""
        return []

    def find_groups(
        self, *, names: Iterable[str] = (), keys: Iterable[str] = ()
    ) -> list[DirectoryGroup]:
        """Return nothing: there is no group."""
        return []

    def protects(self, name: str) -> bool:
        """Return True: no group of any name may be created."""
        return True

    def create_groups(self, names: Iterable[str]) -> list[DirectoryGroup]:
        """Return nothing; nobody asks for groups that may not be created."""
        return []

    def rename_group(self, key: str, name: str) -> None:
        """Do nothing: there is no group."""

    def delete_empty_groups(self, keys: Iterable[str]) -> list[str]:
        """Return nothing: there is no group."""
        return []

    def add_members(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Do nothing: there is no group."""

    def remove_members(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Do nothing: there is no group."""

    def outsiders(self, group_keys: Sequence[str], limit: int) -> list[Membership]:
        """Return nothing: nobody is in a group."""
        return []

    def count_members(self, key: str, at_most: int) -> int:
        """Return 0: nobody is in a group."""
        return 0

    def keep_members(self, account_keys: Sequence[str], reason: str) -> None:
        """Do nothing: nobody is in a group."""

    def nest(self, added: Sequence[tuple[str, str]], removed: Sequence[tuple[str, str]]) -> None:
        """Do nothing: there is no group."""


class Directory(ABC):
    """A target that holds accounts.

    ``joins_store`` says that its changes belong to our own transaction; only the embedded
    directory can promise that. ``name_rules`` are what it demands of the names of accounts.
    """

    name: str
    title: str
    joins_store: bool = False
    name_rules: NameRules = ANY_NAME

    @abstractmethod
    def bound(self, session: Session) -> BoundDirectory:
        """Return the directory for work within this transaction."""

    @abstractmethod
    def check(self) -> None:
        """Return if the directory can be used now. Raises DirectoryUnavailable."""
