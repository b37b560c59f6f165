"""What one app keeps in ``app.extensions["usersync"]``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app

from .errors import ConfigError
from .providers.base import Provider
from .settings import Settings
from .sync.engine import Engine
from .sync.ticker import Ticker

EXTENSION = "usersync"


@dataclass(slots=True, kw_only=True)
class State:
    """The parts of one app's usersync."""

    settings: Settings
    engine: Engine
    ticker: Ticker
    providers: Mapping[str, Provider]
    is_admin: Callable[[], bool]
    recent_auth: Callable[[], bool] | None
    actor_name: Callable[[], str] | None = None
    scim: Any = None  # scim.service of this app
    store_ready: bool = False


def current_state() -> State:
    """Return the state of the current app. Raises ConfigError where usersync is not set up."""
    return state_of(current_app._get_current_object())  # type: ignore[attr-defined]


def state_of(app: Flask) -> State:
    """Return the state of an app."""
    try:
        state: State = app.extensions[EXTENSION]
    except KeyError:
        raise ConfigError("usersync is not set up: call UserSync(app)") from None
    return state
