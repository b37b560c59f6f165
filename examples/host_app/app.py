"""A small app of its own, with usersync mounted in a few lines (they are in ``create_app``).

Run it with ``flask --app examples/host_app/app run`` and see README.md beside this file.
"""

import os
import secrets
import time
from collections.abc import Mapping
from typing import Any

import click
from flask import Flask, Response, g, redirect, render_template, request, session, url_for
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.security import check_password_hash, generate_password_hash

from usersync_ext import UserSync
from usersync_ext.core.records import Account

RECENT_SECONDS = 10 * 60
db = SQLAlchemy()


class User(db.Model):  # type: ignore[name-defined, misc]
    """Somebody who can sign in. ``session_key`` changes to end every session of theirs."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    is_admin: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    session_key: Mapped[str] = mapped_column(default=lambda: secrets.token_hex(8))


def current_user() -> User | None:
    """Return who is signed in."""
    if "user" not in g:
        user = db.session.get(User, session.get("user_id", 0))
        valid = user is not None and user.is_active and user.session_key == session.get("key")
        g.user = user if valid else None
    found: User | None = g.user
    return found


def is_admin() -> bool:
    """Tell whether the visitor may use the pages of usersync."""
    user = current_user()
    return user is not None and user.is_admin


def signed_in_recently() -> bool:
    """Tell whether the visitor gave their password within the last minutes."""
    return time.time() - session.get("at", 0) < RECENT_SECONDS


def end_sessions(account: Account, replacement: str | None) -> None:
    """Sign somebody out everywhere: their account was disabled or deleted."""
    user = db.session.scalar(db.select(User).filter_by(name=account.user_name))
    if user is not None:
        user.is_active = False
        user.session_key = secrets.token_hex(8)
        db.session.commit()


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the app."""
    app = Flask(__name__, instance_relative_config=True)
    app.config.update(
        SECRET_KEY=os.environ.get("SECRET_KEY") or "only for trying it out",
        SQLALCHEMY_DATABASE_URI="sqlite:///host.sqlite3",
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.config.update(config or {})
    db.init_app(app)
    app.before_request(require_sign_in)
    app.add_url_rule("/", "home", home)
    app.add_url_rule("/team", "team", team)
    app.add_url_rule("/sign-in", "sign_in", sign_in, methods=["GET", "POST"])
    app.add_url_rule("/sign-out", "sign_out", sign_out, methods=["POST"])
    app.cli.add_command(add_user)

    usersync = UserSync(is_admin=is_admin, recent_auth=signed_in_recently, actor_name=user_name)
    usersync.init_app(app)
    usersync.on_leaver(end_sessions)

    with app.app_context():
        db.create_all()
    return app


def require_sign_in() -> Any:
    """Let strangers see nothing but the sign-in page; SCIM requests do not come here."""
    if current_user() is None and request.endpoint not in {"sign_in", "static", "usersync.static"}:
        return redirect(url_for("sign_in", next=request.path))
    return None


def user_name() -> str:
    """Return the visitor's name for the journal."""
    user = current_user()
    return user.name if user is not None else ""


def home() -> str:
    """Show the start page."""
    return render_template("home.html", user=current_user())


def team() -> str:
    """Show everybody who can sign in."""
    users = db.session.scalars(db.select(User).order_by(User.name)).all()
    return render_template("team.html", user=current_user(), users=users)


def sign_in() -> Any:
    """Sign somebody in by name and password."""
    if request.method == "GET":
        return render_template("sign_in.html")
    user = db.session.scalar(db.select(User).filter_by(name=request.form.get("name", "")))
    password = request.form.get("password", "")
    if user is None or not user.is_active or not check_password_hash(user.password_hash, password):
        return render_template("sign_in.html", wrong=True), 403
    session.clear()
    session.update(user_id=user.id, key=user.session_key, at=time.time())
    target = request.args.get("next", "/")
    return redirect(target if target.startswith("/") and target[1:2] not in {"/", "\\"} else "/")


def sign_out() -> Response:
    """End the session."""
    session.clear()
    return redirect(url_for("sign_in"))  # type: ignore[return-value]


@click.command("add-user")
@click.argument("name")
@click.option("--admin", is_flag=True, help="May use the pages of usersync.")
@click.password_option()
def add_user(name: str, admin: bool, password: str) -> None:
    """Add somebody who can sign in."""
    new_user(name, password, admin=admin)
    click.echo(f"{name} can sign in now.")


def new_user(name: str, password: str, *, admin: bool = False) -> User:
    """Store somebody who can sign in."""
    user = User(name=name, password_hash=generate_password_hash(password), is_admin=admin)
    db.session.add(user)
    db.session.commit()
    return user
