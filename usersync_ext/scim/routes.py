"""SCIM over HTTP: one endpoint below ``<prefix>/scim/<source>/v2``, bearer tokens only.

Every path and method below ``<prefix>/scim`` ends here, so that nothing is ever answered by the
host's pages. Authentication comes first whatever is asked for. The request is served before the
host's own ``before_request`` functions: a login wall or CSRF protection made for browsers would
otherwise lock every provider out (``USERSYNC_SCIM_HOST_GUARDS`` = on lets them run).
"""

import itertools
import logging
import os
import secrets
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request
from scim2_models import NotFoundException, SCIMException, UnauthorizedException
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from werkzeug.routing import BaseConverter

from ..core import arrivals
from ..core.arrivals import Problem, Stray
from ..core.records import Actor, RequestRecord, SourceState
from ..state import State, current_state, state_of
from ..store.access import Access, Denied, check_token
from ..store.tokens import is_well_formed, token_hash
from ..sync.startup import ensure_serving
from ..sync.work import Work
from ..vault import purpose_key
from .answers import body_bytes
from .body import MAX_BODY_BYTES
from .handler import Handler
from .lookups import wanted_resource
from .service import Caller, Service, UnavailableException, scim_exception
from .storage import Mirror

logger = logging.getLogger("usersync")
START_ID = secrets.token_hex(4)
REQUEST_NUMBERS = itertools.count(1)
ENDPOINT = "usersync.scim.serve"
MAX_LOGGED_PATH = 300
MAX_LOGGED_METHOD = 20
LOST = frozenset({HTTPStatus.NOT_FOUND.value, HTTPStatus.METHOD_NOT_ALLOWED.value})
WITHOUT_TOKEN = frozenset({Problem.NO_TOKEN, Problem.BASIC, Problem.NOT_BEARER, Problem.BARE_TOKEN})
NUL = "\x00"
"""What a path can hold and PostgreSQL cannot."""


class Rest(BaseConverter):
    """The rest of a path, whatever it is: empty, or with slashes or line breaks in it."""

    regex = "(?s:.*?)"
    part_isolating = False


def scim_blueprint() -> Blueprint:
    """Return the blueprint that owns the endpoint; its URL rules are added by ``add_rules``."""
    return Blueprint("scim", __name__)


def add_rules(app: Flask, prefix: str) -> None:
    """Route every path and method below ``<prefix>/scim`` to ``serve``."""
    app.view_functions[ENDPOINT] = serve
    app.url_map.converters["usersync_rest"] = Rest
    for rule in ("/scim", "/scim/<usersync_rest:path>"):
        app.url_map.add(
            app.url_rule_class(
                f"{prefix}{rule}",
                endpoint=ENDPOINT,
                methods=None,
                strict_slashes=False,
                merge_slashes=False,
            )
        )
    guarded = state_of(app).settings.scim_host_guards
    first = exempt_from_csrf if guarded else serve_first
    app.before_request_funcs.setdefault(None, []).insert(0, first)


def serve_first() -> Response | None:
    """Serve SCIM before the host's guards for browsers see the request."""
    return serve(**(request.view_args or {})) if request.endpoint == ENDPOINT else None


def exempt_from_csrf() -> None:
    """Exempt the SCIM endpoint, and nothing else, from a host's CSRFProtect."""
    csrf = current_app.extensions.get("csrf")
    if csrf is not None:
        csrf.exempt(f"{serve.__module__}.{serve.__name__}")


def new_request_id() -> str:
    """Return an id for logs, journal and the answer's header: unique, not secret."""
    return f"{START_ID}-{os.getpid():x}-{next(REQUEST_NUMBERS):x}"


@dataclass(slots=True)
class Exchange:
    """One request while it is served, for the source's page."""

    request_id: str
    started: float
    access: Access | None = None
    caller: Caller | None = None
    problem: Problem | None = None  # why it was not let in
    token_prefix: str = ""  # of a token that is known


def serve(path: str = "") -> Response:
    """Serve any request below ``<prefix>/scim``."""
    state = current_state()
    exchange = Exchange(request_id=new_request_id(), started=time.perf_counter())
    try:
        response = answer(state, exchange, path)
    except Exception as error:  # noqa: BLE001 - the SCIM error handler
        response = service_of(state).error_response(error)
        if scim_exception(error) is not None:
            logger.info("scim request %s: %s", exchange.request_id, response.status.value)
    note_stray(state, exchange, path, response.status.value)
    record(state, exchange, path, response)
    return to_flask(response, exchange.request_id)


def service_of(state: State) -> Service:
    """Return the SCIM service of an app, made once."""
    if state.scim is None:
        state.scim = Service(purpose_key(state.settings, "scim cursor"))
    service: Service = state.scim
    return service


def answer(state: State, exchange: Exchange, path: str) -> ScimResponse:
    """Authenticate, then let the handler answer."""
    ensure_serving(state, testing=current_app.testing)
    source_key, _, rest = path.partition("/")
    version, _, inner = rest.partition("/")
    access = authenticate(state, exchange, source_key, inner)
    exchange.access = access
    if access.source.state is SourceState.OFF:
        exchange.problem = Problem.SOURCE_OFF
        raise UnavailableException(
            f"source {source_key!r} is switched off: ask its administrator, or try again later",
            retry_after_seconds=3600,
        )
    if version != arrivals.VERSION or NUL in inner:
        raise unknown_path(path)
    mirror = Mirror(state.engine, access.source.id, lambda: work_of(state, exchange, access))
    caller = Caller(access, mirror, exchange.request_id)
    exchange.caller = caller
    handler = Handler(service_of(state), mirror)
    return handler.handle(scim_request(state, source_key, inner, caller))


def work_of(state: State, exchange: Exchange, access: Access) -> Work:
    """Return what a write of this request works with. Raises DirectoryUnavailable."""
    actor = Actor(kind="token", name=f"{access.token_prefix}…")
    return state.engine.work_for(access.source, actor, exchange.request_id)


def unknown_path(path: str) -> SCIMException:
    """Return the 404 of a path that is not below a base URL."""
    return NotFoundException(detail=f"No SCIM endpoint at {path[:MAX_LOGGED_PATH]!r}")


def authenticate(state: State, exchange: Exchange, source_key: str, inner: str) -> Access:
    """Return what the bearer token opens. Raises UnauthorizedException, telling nothing more."""
    secret, exchange.problem = arrivals.authorization(
        request.headers.get("Authorization", ""), is_well_formed
    )
    if exchange.problem in WITHOUT_TOKEN:
        raise UnauthorizedException(
            detail="Send the source's bearer token: Authorization: Bearer <token>"
        )
    if exchange.problem is not None:
        raise UnauthorizedException(
            detail="The bearer token is not valid: it is incomplete or mistyped"
        )
    found = lookup(state, source_key, inner, secret)
    if isinstance(found, Denied):
        exchange.problem, exchange.token_prefix = found.problem, found.token_prefix
        logger.info("scim request refused: %s", found.reason)
        raise UnauthorizedException(
            detail="The bearer token is not valid here: unknown, revoked, expired, or of "
            "another source"
        )
    exchange.token_prefix = found.token_prefix
    return found


def lookup(state: State, source_key: str, inner: str, secret: str) -> Access | Denied:
    """Return the token's access, with the person or group of the request, in one statement."""
    with state.engine.store.glancing() as session:
        return check_token(
            session,
            token_hash=token_hash(secret),
            source_key=source_key,
            now=datetime.now(UTC),
            wanted=wanted_resource(request.method, inner, request.args),
        )


def scim_request(state: State, source_key: str, inner: str, caller: Caller) -> ScimRequest:
    """Return the library's form of the current request."""
    method = "GET" if request.method == "HEAD" else request.method
    return ScimRequest(
        method=method,
        base_url=base_url(state, source_key),
        path=f"/{inner}",
        query=request.args,
        headers=list(request.headers.items()),
        body=read_body() if method not in {"GET", "DELETE"} else b"",
        subject=caller,
    )


def read_body() -> bytes:
    """Return the body, one byte more than allowed at most: the reader answers 413 then.

    The host's own limit is for its forms; a group of thousands of members may be larger.
    """
    request.max_content_length = sys.maxsize
    return request.stream.read(MAX_BODY_BYTES + 1)


def base_url(state: State, source_key: str) -> str:
    """Return the SCIM base URL as the client sees it."""
    root = state.settings.public_url or f"{request.host_url.rstrip('/')}{request.script_root}"
    return f"{root}{state.settings.url_prefix}/scim/{source_key}/v2"


def to_flask(response: ScimResponse, request_id: str) -> Response:
    """Return the answer for Flask; a 204 has no body."""
    body = body_bytes(response)
    headers = dict(response.headers)
    headers.setdefault("Cache-Control", "no-store")
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Request-Id"] = request_id
    if response.status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
        headers.pop("Content-Type", None)
    result = Response(body, status=response.status.value, headers=headers)
    if response.body is None and "Content-Type" not in headers:
        result.headers.pop("Content-Type", None)
    return result


def note_stray(state: State, exchange: Exchange, path: str, status: int) -> None:
    """Count a request that was not let in, or found no endpoint: an administrator can help it.

    It costs no statement: the recorder writes what it counted with the rest, every few seconds.
    """
    access, problem = exchange.access, exchange.problem
    if access is None and problem is None:  # we could not even look
        return
    if access is not None and (access.trial or (problem is None and status not in LOST)):
        return
    source, slash, rest = path.partition("/")
    key = arrivals.readable(source, arrivals.MAX_KEY)
    below = f"{slash}{rest}"
    if access is None:
        below = arrivals.path_of_stranger(below, key)
    else:
        below = arrivals.path_of_member(below)
    if problem is None and arrivals.path_fault(below, key):
        problem = Problem.WRONG_PATH
    if problem is not None:
        state.engine.recorder.note_stray(new_stray(exchange, problem, key, below))


def new_stray(exchange: Exchange, problem: Problem, key: str, below: str) -> Stray:
    """Return the current request as one that came to no source."""
    now = datetime.now(UTC)
    return Stray(
        source=key,
        problem=problem,
        method=request.method if request.method in arrivals.METHODS else arrivals.ELSE,
        path=below,
        client=(request.remote_addr or "")[: arrivals.MAX_KEY],
        token_prefix=exchange.token_prefix,
        first_at=now,
        last_at=now,
    )


def record(state: State, exchange: Exchange, path: str, response: ScimResponse) -> None:
    """Remember the request for the source's page; requests without a valid token are not listed.

    A wrong token must not let strangers write: it is only counted, see ``note_stray``. The
    requests of a test person are ours, not the provider's.
    """
    access = exchange.access
    if access is None or access.trial:
        return
    body: dict[str, Any] = response.body or {}
    failed = response.status.value >= 400
    state.engine.recorder.note_request(
        RequestRecord(
            at=datetime.now(UTC),
            source_id=access.source.id,
            method=arrivals.readable(request.method, MAX_LOGGED_METHOD),
            path=logged_path(path),
            status=response.status.value,
            duration_ms=round((time.perf_counter() - exchange.started) * 1000),
            detail=arrivals.without_tokens(str(body.get("detail", ""))) if failed else "",
            notes=tuple(exchange.caller.notes) if exchange.caller else (),
            client=request.remote_addr or "",
            token_prefix=access.token_prefix,
            request_id=exchange.request_id,
        ),
        access.token_id,
    )


def logged_path(path: str) -> str:
    """Return the path and query of a request for the requests page.

    Of a path that is not below the base URL it is what follows the host's own part of it.
    """
    _, _, rest = path.partition("/")
    version, _, inner = rest.partition("/")
    text = f"/{inner}" if version == arrivals.VERSION else f"{arrivals.ABOVE}{path}"
    query = request.query_string.decode(errors="replace")
    return arrivals.readable(f"{text}?{query}" if query else text, MAX_LOGGED_PATH)
