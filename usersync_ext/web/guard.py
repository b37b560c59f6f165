"""What stands before and after every page: who may look, CSRF, the schema, headers and errors."""

import logging
import secrets

from flask import Blueprint, Response, current_app, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import validate_csrf
from werkzeug.exceptions import HTTPException
from wtforms.validators import ValidationError

from ..errors import (
    DirectoryUnavailable,
    InvalidSetting,
    NotFound,
    Refused,
    RunStopped,
    SchemaOutdated,
    UserSyncError,
)
from ..state import current_state
from ..store.engine import StoreBusy
from ..sync.startup import ensure_serving
from .language import N_, gettext

logger = logging.getLogger("usersync")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
STATUS_OF_ERROR: tuple[tuple[type[UserSyncError], int], ...] = (
    (NotFound, 404),
    (InvalidSetting, 400),
    (Refused, 409),
    (RunStopped, 409),
    (SchemaOutdated, 503),
    (DirectoryUnavailable, 503),
    (StoreBusy, 503),
)
HTTP_ERRORS = (
    N_("The browser (or proxy) sent a request that this server could not understand."),
    N_("The data value transmitted exceeds the capacity limit."),
)
"""What Werkzeug says of requests to our pages that it does not take, to be translated."""


def protect(blueprint: Blueprint) -> None:
    """Put the guard before every view of a blueprint, and the headers after it."""
    blueprint.before_request(require_admin)
    blueprint.before_request(require_csrf)
    blueprint.before_request(require_schema)
    blueprint.after_request(add_headers)
    blueprint.register_error_handler(HTTPException, http_error)
    for kind, _ in STATUS_OF_ERROR:
        blueprint.register_error_handler(kind, known_error)
    blueprint.register_error_handler(Exception, unexpected_error)


def require_admin() -> ResponseReturnValue | None:
    """Refuse whoever the host does not call an administrator."""
    if current_state().is_admin():
        return None
    return render_template("usersync/forbidden.html"), 403


def require_csrf() -> ResponseReturnValue | None:
    """Check the CSRF token of whatever may change something, also where the host does not."""
    if request.method in SAFE_METHODS or g.get("csrf_valid", False):
        return None
    name = current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token")
    try:
        validate_csrf(request.form.get(name))
    except ValidationError:
        return error_page(400, "csrf")
    g.csrf_valid = True
    return None


def require_schema() -> None:
    """Raise SchemaOutdated while the database is not the one that this code expects."""
    ensure_serving(current_state(), testing=current_app.testing)


def recent_auth_missing() -> bool:
    """Tell whether the host wants the visitor to sign in again first."""
    asked = current_state().recent_auth
    return asked is not None and not asked()


def sign_in_again() -> ResponseReturnValue:
    return error_page(403, "recent_auth")


def add_headers(response: Response) -> Response:
    """Keep pages out of caches and frames; our own base template allows no inline script."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if current_state().settings.base_template == "usersync/base.html":
        response.headers["Content-Security-Policy"] = POLICY
    return response


def error_page(status: int, case: str, detail: str = "") -> Response:
    """Return the page of an error; ``case`` chooses its words."""
    page = render_template("usersync/error.html", status=status, case=case, detail=detail)
    return make_response(page, status)


def http_error(error: HTTPException) -> ResponseReturnValue:
    """Return our page of an HTTP error; an answer that the host raised itself goes out as it is."""
    if error.response is not None or error.code is None or error.code < 400:
        return error
    return error_page(error.code, "http", gettext(error.description or error.name))


def known_error(error: UserSyncError) -> ResponseReturnValue:
    """Return the page of an error that we raised ourselves; its text may be shown."""
    status = next(code for kind, code in STATUS_OF_ERROR if isinstance(error, kind))
    detail = error.message if isinstance(error, InvalidSetting) else str(error)
    page = error_page(status, type(error).__name__, detail)
    if isinstance(error, StoreBusy | DirectoryUnavailable):
        page.headers["Retry-After"] = str(error.retry_after_seconds)
    return page


def unexpected_error(error: Exception) -> ResponseReturnValue:
    """Log an error that nobody foresaw, and show a reference to it."""
    reference = secrets.token_hex(4)
    logger.error(
        "page failed, reference %s", reference, exc_info=error, extra={"action": "page_failed"}
    )
    return error_page(500, "unexpected", reference)
