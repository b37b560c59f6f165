"""What every directory (target) can do, and the registry of directories."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..core.records import Account, Change
from ..core.username import ANY_NAME, NameRules
from ..store.engine import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryGroup:
    """A group as the directory holds it."""

    key: str
    name: str
    protected: bool = False
    member_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """An account in a group, and why."""

    group: str
    account_key: str
    reason: str


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

    def memberships(self, keys: Sequence[str]) -> list[Membership]:
        """Return the memberships of accounts."""

    def administrators(self) -> int:
        """Return how many active accounts are ``privileged``."""


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
