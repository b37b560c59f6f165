"""Signals that tell the host what happened, and the two hooks that it may give.

Signals are sent after the commit, from outbox rows written in the same commit: none is lost, none
tells of what was rolled back. A process that dies between commit and sending is made good for by
the next one, so a signal may come twice: ``event_id`` is the same both times.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from blinker import Namespace

from .core.records import Account, Change, MembershipChange
from .store.journal import Event

logger = logging.getLogger("usersync")
_signals = Namespace()

account_created = _signals.signal("account_created")
account_adopted = _signals.signal("account_adopted")
account_updated = _signals.signal("account_updated")
account_renamed = _signals.signal("account_renamed")
account_activated = _signals.signal("account_activated")
account_deactivated = _signals.signal("account_deactivated")
account_deleted = _signals.signal("account_deleted")
member_added = _signals.signal("member_added")
member_removed = _signals.signal("member_removed")
run_needs_approval = _signals.signal("run_needs_approval")

SIGNALS = {
    signal.name: signal
    for signal in (
        account_created,
        account_adopted,
        account_updated,
        account_renamed,
        account_activated,
        account_deactivated,
        account_deleted,
        member_added,
        member_removed,
        run_needs_approval,
    )
}
SIGNAL_OF_CHANGE = {
    "create": "account_created",
    "adopt": "account_adopted",
    "update": "account_updated",
    "rename": "account_renamed",
    "activate": "account_activated",
    "deactivate": "account_deactivated",
    "delete": "account_deleted",
}
LEAVING = frozenset({"account_deactivated", "account_deleted"})


@dataclass(frozen=True, slots=True)
class Skip:
    """A hook's answer: do not make this change; the text reaches the provider's console."""

    why: str


AnyChange = Change | MembershipChange
BeforeApply = Callable[[AnyChange], AnyChange | Skip]
OnLeaver = Callable[[Account, str | None], None]


@dataclass(slots=True)
class Hooks:
    """What the host registered on its ``UserSync``."""

    before_apply: list[BeforeApply] = field(default_factory=list)
    on_leaver: list[OnLeaver] = field(default_factory=list)


def send(event: Event, sender: object, hooks: Hooks) -> None:
    """Send one signal; a receiver that raises is logged and stops nobody."""
    signal = SIGNALS[event.signal]
    arguments = {"event_id": event.id, **event.payload}
    for receiver in signal.receivers_for(sender):
        try:
            receiver(sender, **arguments)
        except Exception:
            logger.exception("a receiver of %s failed", event.signal)
    if event.signal in LEAVING:
        call_leaver_hooks(event, hooks)


def call_leaver_hooks(event: Event, hooks: Hooks) -> None:
    """Tell the host that somebody left, so that it can end sessions and hand work over."""
    account = Account(**event.payload["account"])
    for hook in hooks.on_leaver:
        try:
            hook(account, None)
        except Exception:
            logger.exception("an on_leaver hook failed for account %s", account.key)
