"""Signing in to the standalone app: its pages, and who may see those of usersync."""

import hmac
import time
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, PasswordField, ValidationError
from wtforms.validators import EqualTo, InputRequired

from ..errors import SchemaOutdated
from ..state import current_state
from ..store.engine import Store, StoreBusy
from ..sync.startup import ensure_schema
from ..web.guard import POLICY
from ..web.language import N_, gettext, ngettext
from ..web.shared import page_context
from . import password

SESSION_SECONDS = 12 * 3600
RECENT_SECONDS = 15 * 60
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1024
PAGES = "usersync.web"


class SignInForm(FlaskForm):  # type: ignore[misc]
    """The administrator's password, and where to go with it."""

    password = PasswordField(N_("Password"), validators=[InputRequired(N_("Enter the password."))])
    next = HiddenField()


class NewPasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password, twice."""

    password = PasswordField(
        N_("New password"), validators=[InputRequired(N_("Enter a password."))]
    )
    again = PasswordField(
        N_("The same again"), validators=[EqualTo("password", N_("The two are not the same."))]
    )

    def validate_password(self, field: Field) -> None:
        """Refuse a password that is too short, or absurdly long."""
        if not SHORTEST_PASSWORD <= len(field.data) <= LONGEST_PASSWORD:
            raise ValidationError(
                gettext("Use at least %(count)s characters.", count=SHORTEST_PASSWORD)
            )


class SignOutForm(FlaskForm):  # type: ignore[misc]
    """Nothing but the CSRF token."""


def protect(app: Flask) -> None:
    """Add the sign-in pages to an app, and lead to them whoever is not signed in."""
    pages = Blueprint("sign_in", __name__)
    pages.add_url_rule("/login", "login", login, methods=["GET", "POST"])
    pages.add_url_rule("/confirm", "confirm", confirm, methods=["GET", "POST"])
    pages.add_url_rule("/logout", "logout", logout, methods=["POST"])
    pages.add_url_rule(
        "/set-password/<secret>", "set_password", set_password, methods=["GET", "POST"]
    )
    pages.before_request(ready)
    pages.after_request(add_headers)
    app.register_blueprint(pages)
    app.before_request(require_sign_in)
    app.after_request(lead_to_confirmation)
    app.context_processor(account_links)
    app.register_error_handler(SchemaOutdated, not_now)
    app.register_error_handler(StoreBusy, not_now)


def store() -> Store:
    """Return the database of the app."""
    return current_state().engine.store


def ready() -> None:
    """Raise SchemaOutdated while the database is not the one that this code expects."""
    ensure_schema(current_state())


def is_signed_in() -> bool:
    """Tell whether the visitor signed in within the last hours, with the password of today."""
    if "signed_in_at" not in session or age("signed_in_at") > SESSION_SECONDS:
        return False
    if "usersync_fingerprint" not in g:
        ready()
        g.usersync_fingerprint = password.fingerprint(store())
    own = str(session.get("password", ""))
    return bool(own) and hmac.compare_digest(own, g.usersync_fingerprint)


def is_recent() -> bool:
    """Tell whether the visitor gave the password within the last minutes; note that it matters."""
    recent = is_signed_in() and age("confirmed_at") <= RECENT_SECONDS
    g.usersync_confirm = not recent
    return recent


def age(name: str) -> float:
    """Return how many seconds ago a time of the session was."""
    return time.time() - float(session.get(name, 0))


def require_sign_in() -> ResponseReturnValue | None:
    """Lead to the sign-in page, and afterwards back to the page that was asked for."""
    if not (request.blueprint or "").startswith(PAGES) or is_signed_in():
        return None
    wanted = local_target() if request.method == "GET" else None
    return redirect(url_for("sign_in.login", next=wanted), code=303)


def lead_to_confirmation(response: Response) -> Response:
    """Lead to the page that asks for the password where a page wanted a recent sign-in."""
    if response.status_code != 403 or not g.get("usersync_confirm"):
        return response
    target = url_for("sign_in.confirm", next=local_target())
    return make_response(redirect(target, code=303))


def local_target() -> str:
    """Return the path of this request as it stands in the browser's address."""
    query = request.query_string.decode("ascii", "replace")
    return f"{request.script_root}{request.path}" + (f"?{query}" if query else "")


def account_links() -> dict[str, Any]:
    """Return what the layout may use to offer signing out and confirming the password."""
    if "usersync_fingerprint" not in g or not is_signed_in():
        return {}
    links = {"sign_out": url_for("sign_in.logout"), "confirm": url_for("sign_in.confirm")}
    return {"usersync_account": links}


def login() -> ResponseReturnValue:
    """Sign in."""
    form = SignInForm(next=request.args.get("next", ""))
    if not password.is_set(store()):
        return page("no_password")
    if not form.validate_on_submit():
        return page("login", form=form)
    return checked(form, "login")


def confirm() -> ResponseReturnValue:
    """Ask a signed-in visitor for the password once more."""
    if not is_signed_in():
        return redirect(url_for("sign_in.login"), code=303)
    form = SignInForm(next=request.args.get("next", ""))
    if not form.validate_on_submit():
        return page("confirm", form=form)
    return checked(form, "confirm")


def checked(form: SignInForm, template: str) -> ResponseReturnValue:
    """Let the visitor in or say why not; nobody is kept waiting in a thread of the server."""
    right, wait = password.check(store(), form.password.data or "")
    if right:
        begin_session()
        return redirect(safe_target(form.next.data), code=303)
    if not wait:
        form.password.errors = [gettext("The password is wrong.")]
        return page(template, 403, form=form)
    form.password.errors = [
        ngettext(
            "Too many wrong passwords: wait %(count)s second, then try again.",
            "Too many wrong passwords: wait %(count)s seconds, then try again.",
            wait,
        )
    ]
    response = page(template, 429, form=form)
    response.headers["Retry-After"] = str(wait)
    return response


def begin_session() -> None:
    """Make the visitor the administrator for some hours; nothing of an older session stays."""
    session.clear()
    session.permanent = True
    now = int(time.time())
    session.update(signed_in_at=now, confirmed_at=now, password=password.fingerprint(store()))


def safe_target(target: str | None) -> str:
    """Return a path of this server, never another server's address."""
    home = url_for("usersync.web.overview")
    if not target or not target.startswith("/") or target.startswith("//"):
        return home
    return home if "\\" in target or not target.isprintable() else target


def logout() -> ResponseReturnValue:
    """Sign out."""
    if SignOutForm().validate_on_submit():
        session.clear()
    return redirect(url_for("sign_in.login"), code=303)


def set_password(secret: str) -> ResponseReturnValue:
    """Set the password through a one-time link."""
    if not password.link_is_valid(store(), secret):
        return page("link_over", 404)
    form = NewPasswordForm()
    if not form.validate_on_submit():
        return page("set_password", form=form, shortest=SHORTEST_PASSWORD)
    if not password.set_by_link(store(), secret, form.password.data or ""):
        return page("link_over", 404)
    begin_session()
    return redirect(url_for("usersync.web.overview"), code=303)


def page(name: str, status: int = 200, **values: Any) -> Response:
    """Return a page of ours."""
    return make_response(
        render_template(f"usersync/standalone/{name}.html", **page_context(), **values), status
    )


def add_headers(response: Response) -> Response:
    """Keep sign-in pages out of caches and frames."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def not_now(error: SchemaOutdated | StoreBusy) -> ResponseReturnValue:
    """Show why nothing can be shown; our own texts only."""
    response = add_headers(page("not_now", 503, text=str(error)))
    response.headers["Retry-After"] = str(StoreBusy.retry_after_seconds)
    return response
