"""Reading PATCH requests as identity providers send them, without looking at the resource."""

from dataclasses import dataclass
from typing import Any

from scim2_models import InvalidSyntaxException, InvalidVersionException

from .body import shown
from .models import MAX_OPERATIONS, Model
from .patch_operations import Operation, OperationReader, UnknownOp
from .reading import refuse_size


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalisedPatch:
    """The operations of a PATCH, strict and in order.

    Every operation has a path, and a value unless it removes. ``body_id`` is the ``id`` that
    the body names, which the caller compares with the resource's (another one is 400).
    """

    operations: tuple[Operation, ...]
    unknown: tuple[UnknownOp, ...]
    notes: tuple[str, ...]
    body_id: str | None = None


def normalise_patch(body: Any, model: Model) -> NormalisedPatch:
    """Read the body of a PATCH into strict operations. Raises a SCIMException."""
    operations = _operations_of(body)
    reader = OperationReader(model)
    if isinstance(body, dict):
        reader.read_id({key.lower(): value for key, value in body.items()}.get("id"))
    for index, operation in enumerate(operations):
        reader.read(operation, index)
    return NormalisedPatch(
        operations=tuple(reader.operations),
        unknown=tuple(reader.unknown),
        notes=reader.notes.texts(),
        body_id=reader.body_id,
    )


def _operations_of(body: Any) -> list[Any]:
    """The list of operations in the envelope, whatever the case of its name (T16)."""
    if not isinstance(body, dict):
        raise InvalidSyntaxException(
            detail=f"A PATCH must be a JSON object with Operations, it is {shown(body)}"
        )
    folded = {key.lower(): value for key, value in body.items()}
    operations = folded.get("operations")
    if isinstance(operations, dict):
        operations = [operations]
    if isinstance(operations, list) and operations:
        if len(operations) > MAX_OPERATIONS:
            refuse_size(f"{len(operations)} operations", MAX_OPERATIONS)
        return operations
    if operations is None and _is_first_version(folded):
        raise InvalidVersionException(
            detail="The body is a SCIM 1.1 change; this service speaks SCIM 2.0 only:"
            " choose the provider's SCIM 2.0 app"
        )
    raise InvalidSyntaxException(
        detail=f"Operations is {shown(operations)}: send a list of one or more operations"
    )


def _is_first_version(folded: dict[str, Any]) -> bool:
    members = folded.get("members")
    schemas = folded.get("schemas")
    return (isinstance(members, list) and bool(members)) or (
        isinstance(schemas, list)
        and any(isinstance(urn, str) and ":core:1." in urn.lower() for urn in schemas)
    )
