"""Reading bulk requests (RFC 7644 §3.7): the envelope only; each operation is read when it runs."""

from typing import Any

from scim2_models import BulkOperation, InvalidSyntaxException, PayloadTooLargeException
from scim2_server.bulk import BulkPlan
from scim2_server.utils import parametrize

from .body import read_json_object, shown
from .models import MAX_BULK_OPERATIONS, UserModel

Operation = parametrize(BulkOperation, UserModel)
METHODS = {method.value: method for method in BulkOperation.Method}


def read_bulk(body: bytes, content_type: str | None) -> BulkPlan:
    """Return the plan of a bulk request. Raises a SCIMException for a malformed envelope."""
    envelope = {k.lower(): v for k, v in read_json_object(body, content_type).items()}
    operations = envelope.get("operations")
    if not isinstance(operations, list):
        raise InvalidSyntaxException(detail="A bulk request must have a list of Operations")
    if len(operations) > MAX_BULK_OPERATIONS:
        raise PayloadTooLargeException(
            detail=f"The request has {len(operations)} operations, at most "
            f"{MAX_BULK_OPERATIONS} are allowed: send several requests"
        )
    fail_on_errors = envelope.get("failonerrors")
    if fail_on_errors is not None and (
        not isinstance(fail_on_errors, int) or isinstance(fail_on_errors, bool)
    ):
        raise InvalidSyntaxException(detail="failOnErrors must be a whole number")
    return BulkPlan([read_operation(operation) for operation in operations], fail_on_errors)


def read_operation(operation: Any) -> "BulkOperation[Any]":
    """Return one operation; its data stays as it was sent."""
    if not isinstance(operation, dict):
        raise InvalidSyntaxException(detail=f"{shown(operation)} is not a bulk operation")
    folded = {key.lower(): value for key, value in operation.items()}
    method = METHODS.get(str(folded.get("method")).upper())
    path, bulk_id = folded.get("path"), folded.get("bulkid")
    if method is None:
        raise InvalidSyntaxException(
            detail=f"method {shown(folded.get('method'))} of a bulk operation must be one of "
            f"{', '.join(METHODS)}"
        )
    if not isinstance(path, str):
        raise InvalidSyntaxException(detail="A bulk operation must have a path such as /Users")
    if method is BulkOperation.Method.post and not isinstance(bulk_id, str):
        raise InvalidSyntaxException(detail="A bulk POST must have a bulkId")
    version = folded.get("version")
    return Operation.model_construct(
        method=method,
        path=path,
        bulk_id=bulk_id if isinstance(bulk_id, str) else None,
        version=version if isinstance(version, str) else None,
        data=folded.get("data"),
    )
