"""Serving an app on waitress until somebody stops it."""

import errno
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flask import Flask
from waitress.server import create_server

from ..errors import ConfigError, UserSyncError
from ..state import State

THREADS = 4
LARGEST_BODY = 64 * 1024 * 1024
"""Above this waitress itself answers 413; our own limits are lower and speak SCIM."""
PROXY_HEADERS = "x-forwarded-for x-forwarded-host x-forwarded-proto"
EVERYWHERE = frozenset({"", "0.0.0.0", "::", "*"})  # noqa: S104 - compared, not bound


def serve_app(
    app: Flask, state: State, *, host: str, port: int, started: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or Ctrl-C; ``started`` is told the address once connections work.

    The address becomes the public URL where none is configured. Raises UserSyncError when the
    port is taken.
    """
    server = bound_server(app, host, port)
    taken_port = server.effective_listen[0][1] if many(server) else server.effective_port
    remember_address(state, address(host, int(taken_port), script_name(app.config)))
    stop_on_sigterm()
    started(str(state.settings.public_url))
    state.ticker.ensure_started()
    try:
        server.run()
    finally:
        server.close()
        state.ticker.stop()
        state.engine.recorder.flush()


def many(server: Any) -> bool:
    """Tell whether waitress listens on several sockets, as ``localhost`` may need."""
    return hasattr(server, "effective_listen")


def bound_server(app: Flask, host: str, port: int) -> Any:
    """Return a server that listens. Raises UserSyncError in one line for a port that it cannot."""
    try:
        return create_server(
            app,
            host=host,
            port=port,
            threads=THREADS,
            url_prefix=script_name(app.config),
            max_request_body_size=LARGEST_BODY,
            ident=None,
            **proxy_arguments(app.config),
        )
    except OSError as error:
        raise UserSyncError(f"cannot listen on {host}:{port}: {why_not(error)}") from error
    except ValueError as error:
        raise UserSyncError(f"cannot listen on {host}:{port}: {error}") from error


def why_not(error: OSError) -> str:
    """Return why a port cannot be used, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return "the port is in use; choose another one with --port"
    if error.errno == errno.EACCES:
        return "this user may not use the port; choose one above 1023 with --port"
    return str(error.strerror or error)


def script_name(config: Mapping[str, Any]) -> str:
    """Return the path below which a proxy shows the app. Raises ConfigError."""
    name = str(config.get("USERSYNC_SCRIPT_NAME") or "").rstrip("/")
    if name and not name.startswith("/"):
        raise ConfigError("USERSYNC_SCRIPT_NAME must begin with a slash")
    return name


def proxy_arguments(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return whose forwarding headers waitress believes: nobody's unless configured."""
    proxy = config.get("USERSYNC_TRUSTED_PROXY")
    if not proxy:
        return {}
    headers = str(config.get("USERSYNC_TRUSTED_PROXY_HEADERS") or PROXY_HEADERS)
    return {
        "trusted_proxy": str(proxy),
        "trusted_proxy_count": 1,
        "trusted_proxy_headers": set(headers.replace(",", " ").lower().split()),
        "clear_untrusted_proxy_headers": True,
    }


def address(host: str, port: int, script: str) -> str:
    """Return the address under which a browser on this machine reaches the server."""
    shown = "localhost" if host in EVERYWHERE else host
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{port}{script}"


def remember_address(state: State, own: str) -> None:
    """Make our own address the public URL of this process where none is configured."""
    if state.settings.public_url is None:
        state.settings = replace(state.settings, public_url=own)
        state.engine.settings = state.settings


def stop_on_sigterm() -> None:
    """Let SIGTERM end the server as Ctrl-C does; only the main thread can arrange that."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)


def stop(_signal: int, _frame: object) -> None:
    """End the server's loop."""
    raise SystemExit(0)
