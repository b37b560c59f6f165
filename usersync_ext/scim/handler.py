"""Serving SCIM requests: the library's routing, conditions and bulk plan, our JSON.

Reads assemble JSON from the mirror without building models; a PATCH of a group's members touches
only the members that it names.
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from scim2_models import (
    BulkOperation,
    Context,
    InvalidCursorException,
    ResourceType,
    SearchRequest,
)
from scim2_server.bulk import BulkPlan, BulkStep
from scim2_server.conditions import Conditions
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.routing import Operation

from ..store.resources import StoredResource
from ..sync.pushing import MemberChange
from .answers import (
    EVERYTHING,
    Projection,
    TextResponse,
    list_text,
    location_of,
    projection,
    resource_text,
)
from .bulk import read_bulk
from .models import DEFAULT_RESULTS, MAX_RESULTS, GroupModel, Model, UserModel
from .patching import apply_patch, split_members
from .service import Caller, Service
from .storage import Mirror, SqlStorage, without_members

KEPT_BY_PUT = ("active", "externalId")
"""Attributes of a person that a PUT without them keeps (T32): templates leave them out."""


def model_at(type_name: str) -> Model:
    """Return the model of a resource type."""
    return UserModel if type_name == "User" else GroupModel


class Handler(ScimHandler):
    """Serves the requests of one caller."""

    service: Service

    def __init__(self, service: Service, mirror: Mirror) -> None:
        # Not super's: it checks at every construction what never changes.
        self.service = service
        self.storage = SqlStorage(mirror)
        self.mirror = mirror

    def target(self, request: ScimRequest, operation: Operation) -> tuple[ResourceType, str, str]:
        """Return the resource type, its name and the id that an authorised request acts on."""
        target = self.service.route(request, operation)
        resource_type = self.service.resource_type_at(cast(str, target.endpoint))
        self.service.authorize(request, target, resource_type)
        return resource_type, cast(str, resource_type.name), target.resource_id or ""

    def existing(self, request: ScimRequest, type_name: str, scim_id: str) -> StoredResource:
        """Return the resource of a request: read with the token, or now. Raises NotThere."""
        for found in cast(Caller, request.subject).access.found:
            if (found.resource_type, found.scim_id) == (type_name, scim_id):
                return found
        return self.mirror.find(type_name, scim_id)

    def answer(
        self,
        request: ScimRequest,
        stored: StoredResource,
        status: HTTPStatus = HTTPStatus.OK,
        wanted: Projection = EVERYTHING,
    ) -> ScimResponse:
        """Return a resource as an answer."""
        members = None
        if stored.resource_type == "Group" and wanted.wants("members"):
            members = self.mirror.members(stored)
        location = location_of(stored, request.base_url)
        headers = {"ETag": stored.etag, "Content-Location": location}
        if status is HTTPStatus.CREATED:
            headers["Location"] = location
        text = resource_text(stored, request.base_url, members, wanted)
        return TextResponse(status, None, headers, text)

    # -- Resources -----------------------------------------------------------------------------

    def create(self, request: ScimRequest) -> ScimResponse:
        """Create a resource (RFC 7644 §3.3)."""
        with self.service.provider:
            _, name, _ = self.target(request, Operation.create)
            record, _ = self.service.read_resource(
                model_at(name), request, Context.RESOURCE_CREATION_REQUEST
            )
            stored = self.mirror.create(name, record)
            return self.answer(request, stored, HTTPStatus.CREATED, wanted_by(request))

    def query(self, request: ScimRequest) -> ScimResponse:
        """Read a resource (RFC 7644 §3.4.1)."""
        with self.service.provider:
            _, name, scim_id = self.target(request, Operation.query)
            stored = self.existing(request, name, scim_id)
            if not self.service.read_conditions(request).check(stored.etag, "GET"):
                return ScimResponse(HTTPStatus.NOT_MODIFIED, None, {"ETag": stored.etag})
            return self.answer(request, stored, wanted=wanted_by(request))

    def replace(self, request: ScimRequest) -> ScimResponse:
        """Replace a resource (RFC 7644 §3.5.1)."""
        with self.service.provider:
            _, name, scim_id = self.target(request, Operation.replace)
            self.existing(request, name, scim_id)
            record, sent_id = self.service.read_resource(
                model_at(name), request, Context.RESOURCE_REPLACEMENT_REQUEST
            )
            self.service.require_same_id(sent_id, scim_id)
            conditions = self.service.read_conditions(request)
            stored = self.replaced(name, scim_id, record, conditions)
            return self.answer(request, stored, wanted=wanted_by(request))

    def replaced(
        self, name: str, scim_id: str, record: Mapping[str, Any], conditions: Conditions
    ) -> StoredResource:
        """Store a whole new state of a resource."""
        plain, members = without_members(name, record)

        def transform(stored: StoredResource) -> Mapping[str, Any]:
            conditions.check(stored.etag, "PUT")
            if name != "User":
                return plain
            before = stored.parsed()
            kept = {k: before[k] for k in KEPT_BY_PUT if k in before and k not in plain}
            return plain | kept

        changes = [MemberChange("replace", tuple(members))] if name == "Group" else []
        return self.mirror.change(name, scim_id, transform, changes)

    def patch(self, request: ScimRequest) -> ScimResponse:
        """Modify a resource (RFC 7644 §3.5.2): a person is answered, a group is not."""
        with self.service.provider:
            _, name, scim_id = self.target(request, Operation.patch)
            self.existing(request, name, scim_id)
            stored = self.patched(request, name, scim_id)
            wanted = wanted_by(request)
            if name == "Group" and wanted is EVERYTHING:
                return ScimResponse(HTTPStatus.NO_CONTENT, None, {"ETag": stored.etag})
            return self.answer(request, stored, wanted=wanted)

    def patched(self, request: ScimRequest, name: str, scim_id: str) -> StoredResource:
        """Apply a PATCH: all of it or nothing."""
        model = model_at(name)
        patch = self.service.read_operations(model, request)
        self.service.require_same_id(patch.body_id, scim_id)
        changes, rest = split_members(patch) if name == "Group" else ((), patch)
        conditions = self.service.read_conditions(request)

        def transform(stored: StoredResource) -> Mapping[str, Any]:
            conditions.check(stored.etag, "PATCH")
            before = stored.parsed()
            if not rest.operations and not rest.unknown:
                return before
            return apply_patch(before, rest, model)

        members = [MemberChange(verb, ids) for verb, ids in changes]
        return self.mirror.change(name, scim_id, transform, members)

    def delete(self, request: ScimRequest) -> ScimResponse:
        """Delete a resource (RFC 7644 §3.6)."""
        with self.service.provider:
            _, name, scim_id = self.target(request, Operation.delete)
            conditions = self.service.read_conditions(request)

            def check(stored: StoredResource) -> None:
                conditions.check(stored.etag, "DELETE")

            self.mirror.delete(name, scim_id, check)
            return ScimResponse(HTTPStatus.NO_CONTENT)

    # -- Search --------------------------------------------------------------------------------

    def search(self, request: ScimRequest) -> ScimResponse:
        """Search with GET, on a resource type or at the root (RFC 7644 §3.4.2)."""
        with self.service.provider:
            types, authorized = self.searched(request, Operation.search)
            if cast(Caller, request.subject).access.wanted is not None:
                return self.looked_up(request, wanted_by(request))
            search, position = self.service.read_search_query(types, request.query)
            return self.found(request, authorized, search, position, wanted_by(request))

    def search_with_body(self, request: ScimRequest) -> ScimResponse:
        """Search with POST on ".search" (RFC 7644 §3.4.3)."""
        with self.service.provider:
            types, authorized = self.searched(request, Operation.search_with_body)
            payload = self.service.read_search_payload(request)
            search, position = self.service.read_search(types, payload)
            return self.found(request, authorized, search, position, wanted_of(payload))

    def looked_up(self, request: ScimRequest, wanted: Projection) -> ScimResponse:
        """Return what an exact filter found together with the token (``lookups``)."""
        found = cast(Caller, request.subject).access.found
        start = max(int(request.query.get("startIndex", 1)), 1)
        count = min(int(request.query.get("count", DEFAULT_RESULTS)), MAX_RESULTS)
        shown = found[start - 1 : start - 1 + count]
        members = self.mirror.members_of(shown) if wanted.wants("members") else {}
        return listed(page_texts(shown, members, request, wanted), len(found), startIndex=start)

    def searched(
        self, request: ScimRequest, operation: Operation
    ) -> tuple[list[ResourceType], list[ResourceType]]:
        """Return the resource types of a search, and those that the token may read."""
        target = self.service.route(request, operation)
        types = self.service.searched_types(target.endpoint)
        return types, self.service.authorized_types(request, target, types)

    def found(
        self,
        request: ScimRequest,
        types: list[ResourceType],
        search: SearchRequest[Any],
        position: Any,
        wanted: Projection,
    ) -> ScimResponse:
        """Return a page of a search."""
        names = [cast(str, resource_type.name) for resource_type in types]
        start = self.own_position(position)
        page = self.mirror.search(names, search, start, with_members=wanted.wants("members"))
        more: dict[str, Any] = {"startIndex": search.start_index}
        if search.cursor is not None:
            more = self.service.cursors_of(
                types,
                search,
                {
                    "nextCursor": self.marked_position(page.found.next),
                    "previousCursor": self.marked_position(page.found.previous),
                },
            )
        texts = page_texts(page.resources, page.members, request, wanted)
        return listed(texts, page.found.total, **more)

    def marked_position(self, position: Any) -> Any:
        """Return the position of a page, if there is one, for a cursor of this source alone."""
        return None if position is None else [self.mirror.source_id, position]

    def own_position(self, position: Any) -> Any:
        """Return the position of a cursor. Raises InvalidCursorException for another source's."""
        if position is None:
            return None
        source_id, own = position
        if source_id != self.mirror.source_id:
            raise InvalidCursorException
        return own

    # -- Bulk ----------------------------------------------------------------------------------

    def bulk(self, request: ScimRequest) -> ScimResponse:
        """Run a bulk request (RFC 7644 §3.7); each operation is a request of its own."""
        with self.service.provider:
            self.service.route(request, Operation.bulk)
            plan = read_bulk(request.body, request.header("Content-Type"))
            for step in plan:
                plan.record(step, *self.bulk_step(request, plan, step))
            return bulk_answer(plan)

    def bulk_step(
        self, request: ScimRequest, plan: BulkPlan, step: BulkStep
    ) -> tuple[dict[str, Any], Any]:
        """Run one operation as the request that it stands for; return its outcome."""
        operation = plan.operation(step)
        outcome = self.service.bulk_outcome(request.base_url, operation)
        try:
            self.service.route_bulk_operation(operation)
            operation = plan.resolve(step)
            response = self.handle(single_request(request, operation))
        except Exception as error:  # noqa: BLE001 - the SCIM error handler of one operation
            failed = self.service.error_response(error)
            return {**outcome, "status": failed.status.value, "response": failed.body}, None
        outcome["status"] = response.status.value
        if "ETag" in response.headers:
            outcome["version"] = response.headers["ETag"]
        location = response.headers.get("Content-Location")
        if location is None:
            return outcome, None
        outcome["location"] = location
        return outcome, Created(location.rpartition("/")[2])


class Created:
    """What a bulk plan needs of a created resource."""

    def __init__(self, scim_id: str) -> None:
        self.id = scim_id


def single_request(request: ScimRequest, operation: "BulkOperation[Any]") -> ScimRequest:
    """Return the request that a bulk operation stands for."""
    headers = {"If-Match": operation.version} if operation.version else {}
    return ScimRequest(
        method=cast(str, operation.method),
        base_url=request.base_url,
        path=cast(str, operation.path),
        headers=headers,
        body=json.dumps(operation.data).encode() if operation.data is not None else b"",
        subject=request.subject,
    )


def bulk_answer(plan: BulkPlan) -> ScimResponse:
    """Return the outcomes of a bulk request in the order of its operations."""
    outcomes = [
        {
            "method": str(outcome["method"]),
            "bulkId": outcome.get("bulk_id"),
            "version": outcome.get("version"),
            "location": outcome.get("location"),
            "status": str(outcome["status"]),
            "response": outcome.get("response"),
        }
        for outcome in plan.outcomes()
    ]
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
        "Operations": [{k: v for k, v in o.items() if v is not None} for o in outcomes],
    }
    return ScimResponse(HTTPStatus.OK, body)


def page_texts(
    resources: Sequence[StoredResource],
    members: Mapping[int, Sequence[tuple[str, str]]],
    request: ScimRequest,
    wanted: Projection,
) -> list[str]:
    """Return the resources of a page as JSON; members are by the row id of their group."""
    base_url = request.base_url
    return [resource_text(stored, base_url, members.get(stored.id), wanted) for stored in resources]


def listed(resources: Sequence[str], total: int | None, **more: Any) -> TextResponse:
    """Return a page as an answer."""
    return TextResponse(HTTPStatus.OK, text=list_text(resources, total, **more))


def wanted_by(request: ScimRequest) -> Projection:
    """Return the projection that a query asks for."""
    return projection(request.query.get("attributes"), request.query.get("excludedAttributes"))


def wanted_of(payload: Any) -> Projection:
    """Return the projection that the body of a search asks for."""
    folded = {key.lower(): value for key, value in payload.items()}
    texts = [
        ",".join(value) if isinstance(value, list) else value
        for value in (folded.get("attributes"), folded.get("excludedattributes"))
    ]
    return projection(*(text if isinstance(text, str) else None for text in texts))
