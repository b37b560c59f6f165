"""usersync with nothing else: one administrator, one data folder, served by ``usersync serve``."""

import os
from collections.abc import Mapping

import click
from flask import Flask, current_app, redirect, url_for
from flask.cli import ScriptInfo
from flask.typing import ResponseReturnValue

from ..cli.installation import host_option, port_option
from ..cli.plumbing import UserSyncGroup, opened, usersync
from ..cli.serving import serve_app
from ..extension import UserSync
from ..settings import BROWSERS_LANGUAGE
from ..state import State, current_state
from . import folder, password, sign_in

SESSION_COOKIE = "usersync_session"
DEFAULT_ADDRESS = "http://127.0.0.1:8080"


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """Return the standalone app, configured by ``USERSYNC_*`` environment variables.

    Raises ConfigError naming the variable that is wrong.
    """
    variables = os.environ if environ is None else environ
    data = folder.data_folder(variables)
    app = Flask(__name__, instance_path=str(data), static_folder=None, template_folder=None)
    app.config["USERSYNC_LANGUAGE"] = BROWSERS_LANGUAGE
    app.config.update({k: v for k, v in variables.items() if k.startswith("USERSYNC_")})
    app.config.update(
        SECRET_KEY=variables.get("USERSYNC_SECRET_KEY") or folder.secret_key(data),
        SESSION_COOKIE_NAME=SESSION_COOKIE,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=variables.get("USERSYNC_PUBLIC_URL", "").startswith("https://"),
        PERMANENT_SESSION_LIFETIME=sign_in.SESSION_SECONDS,
    )
    UserSync(app, is_admin=sign_in.is_signed_in, recent_auth=sign_in.is_recent)
    sign_in.protect(app)
    if app.extensions["usersync"].settings.url_prefix:
        app.add_url_rule("/", "home", home)
    return app


def home() -> ResponseReturnValue:
    """Lead from the bare address to the pages."""
    return redirect(url_for("usersync.web.overview"))


@click.group(cls=UserSyncGroup, commands=dict(usersync.commands), help=usersync.help)
def program() -> None:
    """Stand for the group of the console script; click shows the other group's help."""


@program.command("serve")
@host_option
@port_option
def serve(host: str, port: int) -> None:
    """Serve user sync on this machine until you press Ctrl-C."""
    state = opened()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    folder.log_to(app.instance_path)

    def started(address: str) -> None:
        click.echo(f"User sync is at {address}{state.settings.url_prefix}/")
        click.echo(f"Its data is in {app.instance_path}")
        greet(app, state)
        click.echo("Press Ctrl-C to stop.")

    serve_app(app, state, host=host, port=port, started=started)


def greet(app: Flask, state: State) -> None:
    """Say how to sign in; while there is no password, make a link that sets it."""
    if password.is_set(state.engine.store):
        click.echo("Sign in with the administrator's password (a new one: set-password-link).")
        return
    click.echo("Set the administrator's password here; the link works once, within 24 hours:")
    click.echo(f"    {new_link(app, state)}")
    click.echo("Then add a source and copy its SCIM Base URL and token to your identity provider.")


def new_link(app: Flask, state: State) -> str:
    """Return the address where the password can be set once; an older link ends."""
    secret = password.new_link(state.engine.store)
    with app.test_request_context(base_url=state.settings.public_url or DEFAULT_ADDRESS):
        return url_for("sign_in.set_password", secret=secret, _external=True)


@program.command("set-password-link")
def set_password_link() -> None:
    """Print a link that sets a new administrator's password, once and within 24 hours."""
    state = opened()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    click.echo(new_link(app, state))
    if current_state().settings.public_url is None:
        click.echo("If you serve at another address, replace the beginning.", err=True)


def main() -> None:
    """Run the console script ``usersync``."""
    info = ScriptInfo(create_app=create_app, set_debug_flag=False)
    program.main(prog_name="usersync", obj=info)
