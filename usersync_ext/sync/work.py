"""What a reconcile works with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..core.records import Actor, Source
from ..directories.base import Directory
from ..signals import AnyChange, Skip

Verdicts = Mapping[AnyChange, AnyChange | Skip]
Planned = Mapping[int, Sequence[Mapping[str, Any]]]
"""The changes of a stored plan by identity, as JSON objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a reconcile works with: whose rules, who caused it, when, and what hooks said."""

    source: Source
    directory: Directory
    actor: Actor
    now: datetime
    request_id: str | None = None
    login_by_email: bool = False
    hooked: bool = False  # the host has before_apply hooks
    verdicts: Verdicts = field(default_factory=dict)
    approved: bool = False  # an administrator asked for exactly this: the guard lets it pass
    hold_removals: bool = False  # the plan that this belongs to takes more away than it may
    admins_gone: int = 0  # administrators whom the same plan takes away before
    planned: Planned | None = None  # what was previewed: other removals are held
