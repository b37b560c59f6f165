"""PATCH: what providers send, turned into strict operations and applied to a record.

``normalise_patch`` reads a body without looking at the resource, ``split_members`` takes the
member changes of a group out, ``apply_patch`` applies the rest. Attributes with one value are
edited in place (a model costs 0.7 ms a request and would change nothing); lists, with their
filters, primary entries and entries made on demand, are scim2-models' work. Attributes that no
schema defines are written to the JSON as they came (``apply_unknown``).
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from typing import Any

from pydantic import ValidationError
from scim2_models import Context, NoTargetException, PatchOp
from scim2_server.service import scim_exception_of
from scim2_server.utils import parametrize

from .body import shown
from .models import PATCH_URN, POLICY, Model
from .patch_operations import Operation, UnknownOp, Verb
from .patch_paths import Target, resolve
from .patch_reading import NormalisedPatch, normalise_patch
from .reading import refuse_size, without_nulls
from .spellings import Table, table_of
from .tolerances import read_schemas

__all__ = [
    "MemberChange",
    "MemberChanges",
    "NormalisedPatch",
    "UnknownOp",
    "apply_patch",
    "apply_unknown",
    "normalise_patch",
    "split_members",
]

_MAX_EFFORT = 50_000  # looks at entries; the library needs about 80 µs for each

MemberChange = tuple[Verb, tuple[str, ...]]
MemberChanges = tuple[MemberChange, ...]


def split_members(patch: NormalisedPatch) -> tuple[MemberChanges, NormalisedPatch]:
    """The changes of members in their order, and the patch without them.

    Removing everybody is a ``replace`` by nobody.
    """
    changes: list[MemberChange] = []
    kept: list[int] = []
    for index, operation in enumerate(patch.operations):
        if operation["path"] != "members":
            kept.append(index)
            continue
        ids = tuple(member["value"] for member in operation.get("value", ()))
        empties = operation["op"] == "remove" and "value" not in operation
        changes.append(("replace" if empties else operation["op"], ids))
    if not changes:
        return (), patch
    rest = tuple(patch.operations[index] for index in kept)
    moved = tuple(replace(o, position=bisect_left(kept, o.position)) for o in patch.unknown)
    return tuple(changes), replace(patch, operations=rest, unknown=moved)


def apply_patch(record: Mapping[str, Any], patch: NormalisedPatch, model: Model) -> dict[str, Any]:
    """The record after a patch, without ``id``, ``meta`` and other read-only attributes.

    Equal to the record when nothing changed; keys keep their order. Raises a SCIMException
    and changes nothing when an operation cannot be applied.
    """
    by_name = table_of(model).attributes.by_name
    result = {
        key: value
        for key, value in record.items()
        if key == "schemas" or key not in by_name or not by_name[key].read_only
    }
    done = 0
    for position, ops in _steps(patch):
        result = _apply_known(result, patch.operations[done:position], model)
        result = apply_unknown(result, ops)
        done = position
    return _apply_known(result, patch.operations[done:], model)


def apply_unknown(record: Mapping[str, Any], unknown: Iterable[UnknownOp]) -> dict[str, Any]:
    """The record after operations on attributes that no schema defines.

    Names compare in any case; ``schemas`` follows the extension objects. The record itself is
    not changed.
    """
    result = dict(record)
    for operation in unknown:
        keys = _keys(result, operation)
        _write(result, keys, operation)
        if keys[0][:4].lower() == "urn:":
            _list_schema(result, keys[0])
    return result


def _steps(patch: NormalisedPatch) -> Iterator[tuple[int, Sequence[UnknownOp]]]:
    """The unknown operations with the number of known ones before them.

    Unknown attributes of the resource itself cannot be touched by known operations, so the
    common case is one step at the end.
    """
    if not any(operation.target.in_known for operation in patch.unknown):
        if patch.unknown:
            yield len(patch.operations), patch.unknown
        return
    for position, ops in groupby(patch.unknown, key=lambda operation: operation.position):
        yield position, tuple(ops)


@lru_cache(maxsize=16)
def _message(model: Model) -> Any:
    return parametrize(PatchOp, model)


def _apply_known(
    record: dict[str, Any], operations: Sequence[Operation], model: Model
) -> dict[str, Any]:
    """Apply known operations; those on single values and those on lists never meet."""
    table = table_of(model)
    result, lists = dict(record), []
    for operation in operations:
        target = resolve(operation["path"], model)
        if isinstance(target, Target) and not (target.attribute and target.attribute.multi_valued):
            _edit(result, target, operation, table)
        else:
            lists.append(operation)
    return _apply_lists(result, lists, model) if lists else result


def _edit(record: dict[str, Any], target: Target, operation: Operation, table: Table) -> None:
    """Write or remove one value, in the record or in an extension."""
    if target.urn == table.urn:
        _edit_level(record, target, operation)
        return
    level = dict(record.get(target.urn) or {}) if target.attribute else {}
    if target.attribute:
        _edit_level(level, target, operation)
    existed = target.urn in record
    if level:
        record[target.urn] = level
    else:
        record.pop(target.urn, None)
    if existed != bool(level):
        record["schemas"] = read_schemas(record.get("schemas"), record, table)


def _edit_level(level: dict[str, Any], target: Target, operation: Operation) -> None:
    name = target.attribute.name if target.attribute else ""
    value = operation.get("value")
    if target.part is not None:
        inner = dict(level.get(name) or {}) | {target.part.name: value}
        value = {key: item for key, item in inner.items() if item is not None}
    elif isinstance(value, dict):
        value = dict(level.get(name) or {}) | value
    if value is None or value == {}:
        level.pop(name, None)
    else:
        level[name] = value


def _apply_lists(
    record: dict[str, Any], operations: Sequence[Operation], model: Model
) -> dict[str, Any]:
    _check_effort(record, operations)
    changed = False
    try:
        with POLICY:
            resource = model.model_validate(record)
            for chunk in _chunks(operations, model):
                body = {"schemas": [PATCH_URN], "Operations": _filled(chunk, resource, model)}
                message = _message(model).model_validate(
                    body, scim_ctx=Context.RESOURCE_PATCH_REQUEST
                )
                changed |= message.patch(resource)
            return _in_order(record, resource.model_dump()) if changed else record
    except ValidationError as error:
        raise scim_exception_of(error) from error
    except NoTargetException as error:
        raise NoTargetException(detail=_no_target(operations)) from error


def _no_target(operations: Sequence[Operation]) -> str:
    paths = [o["path"] for o in operations if "[" in o["path"] and o["op"] != "remove"]
    return (
        f"No entry matches the filter of {shown(', '.join(paths), 200)}, and the filter does not"
        ' say what to create: use one such as emails[type eq "work"]'
    )


def _check_effort(record: Mapping[str, Any], operations: Sequence[Operation]) -> None:
    """Refuse what would keep a process busy for seconds: every change looks at every entry."""
    values = [operation.get("value") for operation in operations]
    entries = sum(len(value) for value in (*record.values(), *values) if isinstance(value, list))
    looks = sum(
        len(value) if isinstance(value, list) else 1
        for operation, value in zip(operations, values, strict=True)
        if operation["op"] == "remove" or "[" in operation["path"]
    )
    if (looks + len(operations) / 10) * (entries + len(operations)) > _MAX_EFFORT:
        refuse_size(f"{len(operations)} changes of lists with {entries} entries")


def _chunks(operations: Sequence[Operation], model: Model) -> Iterator[list[Operation]]:
    """The operations in runs; one that writes a part of every entry is a run of its own."""
    for fans_out, run in groupby(operations, key=lambda operation: _fans_out(operation, model)):
        if fans_out:
            yield from ([operation] for operation in run)
        else:
            yield list(run)


def _fans_out(operation: Operation, model: Model) -> bool:
    path = operation["path"]
    if "." not in path or "[" in path or "value" not in operation:
        return False
    target = resolve(path, model)
    return (
        isinstance(target, Target)
        and target.part is not None
        and target.attribute is not None
        and target.attribute.multi_valued
    )


def _filled(chunk: list[Operation], resource: Any, model: Model) -> list[Operation]:
    """The operations; a part written to no entry at all makes one, instead of nothing."""
    if len(chunk) != 1 or not _fans_out(chunk[0], model):
        return chunk
    path, _, part = chunk[0]["path"].rpartition(".")
    if resource[path]:
        return chunk
    return [{"op": "add", "path": path, "value": [{part: chunk[0]["value"]}]}]


def _in_order(before: Any, after: Any) -> Any:
    """The new value with the keys in the order of the old one."""
    if before == after:
        return before
    if isinstance(before, dict) and isinstance(after, dict):
        kept = {key: _in_order(before[key], after[key]) for key in before if key in after}
        return kept | {key: value for key, value in after.items() if key not in kept}
    if isinstance(before, list) and isinstance(after, list):
        pairs = zip(before, after, strict=False)
        return [_in_order(old, new) for old, new in pairs] + after[len(before) :]
    return after


def _keys(record: Mapping[str, Any], operation: UnknownOp) -> tuple[str, ...]:
    """Where an operation writes: a foreign URN may end in an attribute, or be all URN."""
    keys, whole = operation.target.keys, operation.target.whole
    literal = _spelling(record, ".".join(keys))
    if literal in record:  # a name with a dot, as a POST left it
        return (literal,)
    if whole is None or _spelling(record, keys[0]) in record:
        return keys
    listed = {str(urn).lower() for urn in record.get("schemas", ())}
    if whole.lower() in listed or _spelling(record, whole) in record:
        return (whole,)
    if keys[0].lower() in listed or not isinstance(operation.value, dict):
        return keys
    return (whole,)


def _spelling(record: Mapping[str, Any], key: str) -> str:
    """The key as the record spells it."""
    if key in record:
        return key
    folded = key.lower()
    return next((name for name in record if name.lower() == folded), key)


def _write(record: dict[str, Any], keys: tuple[str, ...], operation: UnknownOp) -> None:
    """Write to a copied level of the record; what becomes empty goes."""
    key = _spelling(record, keys[0])
    old = record.get(key)
    if len(keys) > 1:
        inner = dict(old) if isinstance(old, dict) else {}
        _write(inner, keys[1:], operation)
        new: Any = inner or None
    elif operation.op == "remove":
        new = _left(old, operation.value)
    else:
        new = _joined(old, operation.value, operation.op)
    if new is None:
        record.pop(key, None)
    else:
        record[key] = new


def _left(old: Any, listed: Any) -> Any:
    """What stays of an unknown value; a list names the elements that go."""
    if not isinstance(listed, list) or not isinstance(old, list):
        return None
    return [item for item in old if not any(_matches(item, one) for one in listed)] or None


def _matches(item: Any, wanted: Any) -> bool:
    if isinstance(item, dict) and isinstance(wanted, dict) and wanted:
        return all(item.get(key) == value for key, value in wanted.items())
    return bool(item == wanted)


def _joined(old: Any, new: Any, op: Verb) -> Any:
    """Objects are merged (RFC 7644 §3.5.2.3), lists grow by ``add``, anything else is replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        left = {key: value for key, value in old.items() if new.get(key, value) is not None}
        return (left | without_nulls(new)) or None
    added = without_nulls(new)
    if op == "add" and isinstance(old, list) and isinstance(added, list):
        return old + [item for item in added if item not in old]
    return added


def _list_schema(record: dict[str, Any], urn: str) -> None:
    """Keep ``schemas`` in step with an extension object."""
    key = _spelling(record, urn)
    others = [name for name in record.get("schemas", ()) if str(name).lower() != key.lower()]
    if key not in record:
        record["schemas"] = others
    elif len(others) == len(record.get("schemas", ())):
        record["schemas"] = [*others, key]
