"""``usersync serve``, ``upgrade`` and ``doctor``."""

from contextlib import suppress

import click
from flask import current_app

from ..errors import UserSyncError
from ..sync.doctor import check_up
from ..sync.startup import ensure_schema, upgrade_schema
from .plumbing import as_json_option, connected, opened, print_json, usersync
from .serving import serve_app

host_option = click.option("--host", default="127.0.0.1", show_default=True)
port_option = click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)


@usersync.command("serve")
@host_option
@port_option
def serve(host: str, port: int) -> None:
    """Serve this app until you press Ctrl-C."""
    state = opened()
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def started(address: str) -> None:
        click.echo(f"Serving on {address}, user sync below {address}{state.settings.url_prefix}/")
        click.echo("Press Ctrl-C to stop.")

    serve_app(app, state, host=host, port=port, started=started)


@usersync.command("upgrade")
@as_json_option
def upgrade(as_json: bool) -> None:
    """Bring the database to the schema of this program."""
    version = upgrade_schema(connected())
    if as_json:
        print_json({"version": version})
        return
    click.echo(f"The database has schema version {version}.")


@usersync.command("doctor")
@click.pass_context
@as_json_option
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check the installation; the exit status is 1 if something is wrong."""
    state = connected()
    if state.settings.automatic_upgrade:
        with suppress(UserSyncError):
            ensure_schema(state)
    checks = check_up(state)
    ok = all(check.ok for check in checks)
    if as_json:
        rows = [{"name": c.name, "ok": c.ok, "text": c.text} for c in checks]
        print_json({"ok": ok, "checks": rows})
    else:
        for check in checks:
            click.echo(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.text}")
    if not ok:
        ctx.exit(1)
