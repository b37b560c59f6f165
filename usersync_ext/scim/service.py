"""The protocol of our service: scim2-server's steps with our reader in front.

Bodies pass the liberal reader (``tolerances``, ``patching``) before the library validates them;
read-only tokens are refused writes; errors that rules of ours raise become SCIM errors.
"""

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from scim2_models import (
    Context,
    ForbiddenException,
    InvalidSyntaxException,
    InvalidValueException,
    MutabilityException,
    NotFoundException,
    Resource,
    ResourceType,
    SCIMException,
    SearchRequest,
    UniquenessException,
)
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.routing import Operation, Target
from scim2_server.service import ScimService, scim_exception_of
from werkzeug.exceptions import HTTPException

from ..errors import (
    DirectoryUnavailable,
    NameTaken,
    Protected,
    SchemaOutdated,
    UserSyncError,
)
from ..store.access import Access
from ..store.engine import StoreBusy
from ..sync.pushing import NotThere, UnknownMember
from .body import read_json_object
from .filters import parse_filter
from .models import PROVIDER, Model
from .patching import NormalisedPatch, normalise_patch
from .storage import Mirror
from .tolerances import normalise_resource

logger = logging.getLogger("usersync")
READS = frozenset({Operation.query, Operation.search, Operation.search_with_body})
RETRY_AFTER_SECONDS = 30


@dataclass(slots=True)
class Caller:
    """Who speaks: the subject of a ``ScimRequest``. ``notes`` collect what was tolerated."""

    access: Access
    mirror: Mirror
    request_id: str
    notes: list[str] = field(default_factory=list)


class UnavailableException(SCIMException):
    """The request cannot be served now; ask again after ``retry_after_seconds``."""

    status = 503
    _default_detail = "The service is not available now; try again later"

    def __init__(self, detail: str, retry_after_seconds: int = RETRY_AFTER_SECONDS) -> None:
        super().__init__(detail=detail)
        self.retry_after_seconds = retry_after_seconds


class Service(ScimService):
    """The SCIM protocol as usersync speaks it."""

    def __init__(self, secret: bytes) -> None:
        super().__init__(PROVIDER, secret=secret)

    def authorize(self, request: ScimRequest, target: Target, resource_type: ResourceType) -> None:
        """Refuse writes with a read-only token."""
        caller: Caller = request.subject
        if caller.access.read_only and target.operation not in READS:
            raise ForbiddenException(
                detail="This token is read-only: create one that may write on the source's page"
            )

    def read_resource(
        self, model: Model, request: ScimRequest, scim_ctx: Context
    ) -> tuple[dict[str, Any], Any]:
        """Return the strict record of a POST or PUT, and the ``id`` that the body names."""
        body = read_json_object(request.body, request.header("Content-Type"))
        normalised = normalise_resource(body, model)
        self.note(request, normalised.notes)
        try:
            model.model_validate(normalised.record, scim_ctx=scim_ctx)
        except ValidationError as error:
            raise scim_exception_of(error) from error
        return normalised.record, body.get("id")

    def read_operations(self, model: Model, request: ScimRequest) -> NormalisedPatch:
        """Return the strict operations of a PATCH."""
        body = read_json_object(request.body, request.header("Content-Type"))
        patch = normalise_patch(body, model)
        self.note(request, patch.notes)
        return patch

    @staticmethod
    def require_same_id(sent: Any, scim_id: str | None) -> None:
        """Refuse a body that names another resource than the URL."""
        if sent not in (None, "", scim_id):
            raise MutabilityException(
                attribute="id",
                detail=f"id is {str(sent)[:80]!r} in the body and {scim_id!r} in the URL: "
                "leave it out, or send the request to the other URL",
            )

    @staticmethod
    def note(request: ScimRequest, notes: tuple[str, ...]) -> None:
        """Keep what was tolerated for the source's page."""
        caller: Caller = request.subject
        caller.notes.extend(notes)

    @staticmethod
    def read_search_payload(request: ScimRequest) -> dict[str, Any]:
        """Return the body of a search with POST."""
        return read_json_object(request.body, request.header("Content-Type"))

    def read_search(
        self, resource_types: list[ResourceType], payload: Any
    ) -> tuple[SearchRequest[Any], Any]:
        """Validate a search; its filter is read liberally, its projection is ours to apply."""
        if isinstance(payload, Mapping):
            models = tuple(self.search_models(resource_types))
            payload = {k: v for k, v in payload.items() if k.lower() not in PROJECTING}
            for key in [k for k in payload if k.lower() == "filter"]:
                payload[key] = liberal_filter(payload[key], models)
        return super().read_search(resource_types, payload)

    def cursors_of(
        self,
        resource_types: list[ResourceType],
        request: SearchRequest[Any],
        positions: Mapping[str, Any],
    ) -> dict[str, str | None]:
        """Return the sealed cursors of a page's neighbours."""
        return {
            name: self._seal(resource_types, request, position)
            for name, position in positions.items()
        }

    def error_response(self, exception: Exception) -> ScimResponse:
        """Return the SCIM error of whatever was raised; what is not ours gets a reference."""
        known = scim_exception(exception)
        if known is None:
            reference = uuid.uuid4().hex[:12]
            logger.error("internal error %s", reference, exc_info=exception)
            error = self.error_of(exception)
            error.detail = f"internal error; the log has it under reference {reference}"
            return ScimResponse(HTTPStatus.INTERNAL_SERVER_ERROR, error.model_dump())
        response = super().error_response(known)
        if isinstance(known, UnavailableException):
            response.headers["Retry-After"] = str(known.retry_after_seconds)
        return response


PROJECTING = frozenset({"attributes", "excludedattributes"})


def liberal_filter(text: Any, models: tuple[type[Resource[Any]], ...]) -> Any:
    """Return a filter as strict SCIM; an empty one is no filter."""
    if not isinstance(text, str):
        return text
    return str(parse_filter(text, models)) if text.strip() else None


def scim_exception(exception: Exception) -> SCIMException | None:
    """Return the SCIM error that says what one of our errors says, None for a stranger."""
    detail = str(exception)
    match exception:
        case SCIMException():
            return exception
        case NotThere():
            return NotFoundException(detail=detail)
        case UnknownMember():
            return InvalidValueException(
                attribute="members", detail=f"{detail}: create them first, or leave them out"
            )
        case NameTaken():
            return UniquenessException(detail=detail)
        case Protected():
            return ForbiddenException(detail=detail)
        case StoreBusy() | DirectoryUnavailable():
            return UnavailableException(detail, exception.retry_after_seconds)
        case SchemaOutdated():
            return UnavailableException("the service is being upgraded; try again later")
        case UserSyncError():  # a Refused, with the reason
            return InvalidValueException(detail=detail)
        case HTTPException():  # Werkzeug could not read the request: cut off, or no host name
            return InvalidSyntaxException(detail=f"The request cannot be read: {detail}")
    return None
