"""The engine of one app: its store, directories, hooks, and the way a unit of work runs.

A unit of work is a function of (session, work). It runs in one write transaction. Where the host
has ``before_apply`` hooks it may run twice: the first time to learn what it would change, the
second time, after the hooks were asked without any lock held, to do it.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy.exc import IntegrityError

from .. import signals
from ..core.records import Account, Actor, ChangeKind, Identity, Outcome, Source
from ..directories.base import Directory
from ..errors import DirectoryUnavailable, Refused
from ..settings import Settings
from ..signals import AnyChange, Hooks, Skip
from ..store import journal, people, sources
from ..store.engine import Session, Store, StoreBusy
from ..store.journal import Event
from .managed import managed_by
from .reconcile import HooksNeeded
from .telemetry import Recorder
from .work import Work

logger = logging.getLogger("usersync")
T = TypeVar("T")
Unit = Callable[[Session, Work], tuple[T, list[Event]]]
MAX_TRIES = 5


class Engine:
    """What pushes, pages and commands work through."""

    def __init__(
        self, settings: Settings, store: Store, directories: Mapping[str, Directory]
    ) -> None:
        self.settings = settings
        self.store = store
        self.directories = directories
        self.hooks = Hooks()
        self.sender: object = self
        self.host_context: Callable[[], AbstractContextManager[object]] = nullcontext
        self.recorder = Recorder(store, self.send)

    def directory_of(self, source: Source) -> Directory:
        """Return the selected directory of a source. Raises DirectoryUnavailable."""
        directory = self.directories.get(source.directory)
        if directory is None:
            raise DirectoryUnavailable(
                f"source {source.key!r} has no directory: select one under User Provisioning "
                "Options"
            )
        directory.check()
        return directory

    def work_for(
        self, source: Source, actor: Actor, request_id: str | None = None, *, approved: bool = False
    ) -> Work:
        """Return what a unit of work for this source works with. Raises DirectoryUnavailable."""
        return Work(
            source=source,
            directory=self.directory_of(source),
            actor=actor,
            now=datetime.now(UTC),
            request_id=request_id,
            login_by_email=self.settings.login_by_email,
            hooked=bool(self.hooks.before_apply),
            approved=approved,
        )

    def perform(self, work: Work, unit: Unit[T]) -> T:
        """Run a unit of work in one transaction, then send its signals.

        Raises what the unit raises (nothing was written then), and StoreBusy when others kept
        changing the same people.
        """
        for _ in range(MAX_TRIES):
            try:
                with self.store.writing() as session:
                    result, events = unit(session, fresh(session, work))
            except HooksNeeded as needed:
                work = replace(work, verdicts={**work.verdicts, **self.ask(needed.changes)})
            except IntegrityError:
                logger.info("another process wrote first; trying again")
            else:
                self.deliver(events)
                return result
        raise StoreBusy("other requests kept changing the same people")

    def ask(self, changes: tuple[AnyChange, ...]) -> dict[AnyChange, AnyChange | Skip]:
        """Return what the host's ``before_apply`` hooks say of changes; no lock is held."""
        return {change: self.verdict(change) for change in changes}

    def verdict(self, change: AnyChange) -> AnyChange | Skip:
        """Return a change as the hooks leave it, or the first refusal."""
        current = change
        for hook in self.hooks.before_apply:
            answer = hook(current)
            if isinstance(answer, Skip):
                return answer
            if type(answer) is not type(change):
                raise Refused("a before_apply hook returned neither a change nor Skip")
            current = answer
        return current

    def deliver(self, events: list[Event]) -> None:
        """Send signals of a finished transaction; confirmation is written later, in bulk."""
        for event in events:
            self.send(event)
        self.recorder.confirm([event.id for event in events])

    def send(self, event: Event) -> None:
        """Send one signal and call the hooks that it concerns."""
        with self.host_context():
            signals.send(event, self.sender, self.hooks)

    def note_refusal(self, work: Work, kind: ChangeKind, identity: Identity, reason: str) -> None:
        """Record that a provider's write about a person was refused by a rule.

        A person who is not stored, because just that was refused, has the row id 0.
        """
        row = {
            "at": work.now,
            "source": work.source.key,
            "actor": str(work.actor),
            "category": "change",
            "kind": kind,
            "subject": identity.user_name,
            "reason": reason,
            "outcome": Outcome.REFUSED,
            "destructive": False,
            "before": None,
            "after": None,
            "request_id": work.request_id,
            "identity_id": identity.id or None,
            "directory": None,
            "account_key": None,
            "group_key": None,
        }
        with self.store.writing() as session:
            journal.add_entries(session, [row])

    def is_managed(self, account: Account, field: str) -> bool:
        """Tell whether a source would overwrite a field of an account (see UserSync.is_managed)."""
        with self.store.reading() as session:
            links = people.links_of_accounts(session, "local", [account.key])
            if account.key not in links:
                return False
            rules = sources.get_source(session, links[account.key].source).rules
        return field in managed_by(rules)


def fresh(session: Session, work: Work) -> Work:
    """Return the work with the source's rules as they are now, inside the transaction."""
    if sources.version_of(session, work.source.id) == work.source.version:
        return work
    return replace(work, source=sources.get_source(session, work.source.key))
