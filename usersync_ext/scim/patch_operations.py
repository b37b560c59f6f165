"""Reading the operations of a PATCH: every spelling that clients use, as strict operations."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from scim2_models import (
    InvalidPathException,
    InvalidSyntaxException,
    InvalidValueException,
    MutabilityException,
    NoTargetException,
)

from .body import shown
from .models import MAX_MEMBERS, MAX_OPERATIONS, Model
from .patch_paths import Target, UnknownTarget, effort, refused, resolve
from .reading import (
    NO_PASSWORDS,
    Notes,
    is_password,
    number_text,
    object_of,
    read_entries,
    read_members,
    read_object,
    read_parts,
    read_value,
    refuse,
    refuse_missing,
    refuse_size,
    without_passwords,
)
from .spellings import Attribute, Kind, known_urn, table_of

Verb = Literal["add", "replace", "remove"]
Operation = dict[str, Any]

_VERBS: dict[str, Verb] = {"add": "add", "replace": "replace", "remove": "remove"}
_MAX_EFFORT = 100_000
_MAX_UNKNOWN = 1000
_SELECTORS = ("value", "type")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownOp:
    """An operation on an attribute that no schema defines.

    ``position`` is the number of known operations that come before it.
    """

    op: Verb
    target: UnknownTarget
    value: Any
    position: int


class OperationReader:
    """Reads operations one by one and collects what they mean."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.table = table_of(model)
        self.operations: list[Operation] = []
        self.unknown: list[UnknownOp] = []
        self.notes = Notes()
        self.body_id: str | None = None
        self.member_count = 0
        self.paths: set[str] = set()
        self.effort = 0

    def read(self, operation: Any, index: int) -> None:
        """Read one operation."""
        if not isinstance(operation, dict):
            raise InvalidSyntaxException(
                detail=f"Operations[{index}] is {shown(operation)}: send an object with op"
            )
        fields = {key.lower(): value for key, value in operation.items()}
        word = fields.get("op")
        verb = _VERBS.get(word.lower()) if isinstance(word, str) else None
        if verb is None:
            raise InvalidSyntaxException(
                detail=f"Operations[{index}]: op {shown(word)} is not add, replace or remove"
            )
        path = fields.get("path")
        if path is not None and not isinstance(path, str):
            raise refused(shown(path), "it is not a string")
        if verb != "remove" and "value" not in fields:
            raise InvalidValueException(detail=f"Operations[{index}]: {verb} needs a value")
        if path:
            self._read_target(verb, path, fields.get("value"))
        else:
            self._read_object(verb, fields.get("value"), index)

    def read_id(self, value: Any) -> None:
        """Remember the id that a body names, to be compared by the caller (T11)."""
        if value is None or value == "":
            return
        text = number_text(value) if type(value) is int else value
        if not isinstance(text, str) or self.body_id not in (None, text):
            raise MutabilityException(attribute="id", detail=f"id {shown(value)} cannot be set")
        self.body_id = text

    def _read_object(self, verb: Verb, value: Any, index: int) -> None:
        """Read an operation without a path: its keys are paths (T3, T4, T20)."""
        if verb == "remove":
            raise NoTargetException(detail=f"Operations[{index}]: remove needs a path")
        fields = object_of(value, f"Operations[{index}].value")
        if fields is None:
            raise InvalidValueException(
                detail=f"Operations[{index}]: without a path the value must be an object,"
                f" it is {shown(value)}"
            )
        for key, item in fields.items():
            self._read_key(verb, key, item)

    def _read_key(self, verb: Verb, key: str, value: Any) -> None:
        """Read a key of a value: a path, or the name of something unknown as in a POST."""
        try:
            target = self._resolved(key)
        except InvalidPathException:
            if "[" in key:
                raise
            known = known_urn(key, self.table)
            in_known = known is not None and bool(known.rest)
            keys = (known.urn, known.rest) if known is not None and known.rest else (key,)
            target = UnknownTarget(keys=keys, in_known=in_known)
        if isinstance(target, UnknownTarget) and not target.in_known and target.whole is None:
            target = replace(target, keys=(key,))
        self._change(verb, target, key, value, in_value=True)

    def _read_target(self, verb: Verb, path: str, value: Any) -> None:
        self._change(verb, self._resolved(path), path, value, in_value=False)

    def _resolved(self, text: str) -> Target | UnknownTarget:
        """What a path means; the text that is read for it is limited per request."""
        if text not in self.paths:
            self.paths.add(text)
            self.effort += effort(text)
            if self.effort > _MAX_EFFORT:
                refuse_size(f"paths with {self.effort} characters")
        return resolve(text, self.model)

    def _change(
        self, verb: Verb, target: Target | UnknownTarget, text: str, value: Any, *, in_value: bool
    ) -> None:
        if isinstance(target, UnknownTarget):
            self._change_unknown(verb, target, text, value, in_value=in_value)
        elif target.attribute is None:
            self._change_level(verb, target, value)
        elif target.attribute.read_only or (target.part is not None and target.part.read_only):
            self._ignore_read_only(verb, target, value, in_value=in_value)
        elif target.attribute.is_link:
            self._change_link(verb, target, target.attribute, value)
        elif target.part is not None:
            self._change_part(verb, target, target.part, value)
        elif target.selection is not None:
            self._change_selected(verb, target, target.attribute, value)
        elif target.attribute.multi_valued:
            self._change_entries(verb, target.path, target.attribute, value)
        else:
            self._change_single(verb, target.path, target.attribute, value)

    def _change_unknown(
        self, verb: Verb, target: UnknownTarget, text: str, value: Any, *, in_value: bool
    ) -> None:
        if is_password(text):
            self.notes.add(NO_PASSWORDS)
        elif target.alias_of is not None:
            if not in_value:
                raise refused(text, f"the SCIM name is {shown(target.alias_of)}")
            self.notes.alias(text, target.alias_of)
        elif verb != "add" or value is not None:
            self.notes.unknown(text)
            self._write_unknown("remove" if value is None else verb, target, value)

    def _change_level(self, verb: Verb, target: Target, value: Any) -> None:
        """Change what the object under a schema URN names (T4)."""
        own = target.urn == self.table.urn
        fields = None if verb == "remove" else object_of(value, target.urn)
        if fields is not None:
            for key, item in fields.items():
                self._read_key(verb, key if own else f"{target.urn}:{key}", item)
        elif own:
            raise NoTargetException(detail=f"{verb} {target.urn} would remove everything")
        elif verb != "add" or value is not None:
            self._remove(target.path)

    def _ignore_read_only(self, verb: Verb, target: Target, value: Any, *, in_value: bool) -> None:
        if target.path == "id" and verb != "remove":
            self.read_id(value)
        elif not in_value and target.path != "schemas":
            raise MutabilityException(
                attribute=target.path, detail=f"{target.path} is set by this service: leave it out"
            )

    def _change_link(self, verb: Verb, target: Target, link: Attribute, value: Any) -> None:
        """Change members or the manager: only ids count (T7, T8, T10, T12)."""
        if target.part is not None and target.part.name != "value":
            self.notes.add(f"{target.part.label} is ignored: only the id counts")
        elif not link.multi_valued:
            path = target.path.removesuffix(".value") if target.part else target.path
            self._change_single(verb, path, link, value)
        elif target.selection is not None:
            if verb != "remove":
                raise refused(target.path, f"add {link.label} with the path {link.label}")
            self._change_members("remove", link, list(target.ids))
        elif target.part is not None:
            raise refused(target.path, f"use the path {link.label}")
        elif value is None:
            if verb != "add":
                self._remove(link.name)
        else:
            self._change_members(verb, link, value if isinstance(value, list) else [value])

    def _change_members(self, verb: Verb, link: Attribute, items: list[Any]) -> None:
        members = read_members(link, items)
        self.member_count += len(members)
        if self.member_count > MAX_MEMBERS:
            refuse_size(f"{self.member_count} {link.label}", MAX_MEMBERS)
        if members:
            self._write(verb, link.name, members)
        elif verb == "replace":
            self._remove(link.name)

    def _change_part(self, verb: Verb, target: Target, part: Attribute, value: Any) -> None:
        """Change one part of an object or of entries (T2, T6, T18)."""
        read = None if verb == "remove" else read_value(part, value, self.notes)
        if read is not None:
            self._write(verb, target.path, read)
        elif verb != "add" or value is not None:
            whole = target.path.removesuffix(".value") if part.name == "value" else target.path
            self._remove(whole)

    def _change_selected(
        self, verb: Verb, target: Target, attribute: Attribute, value: Any
    ) -> None:
        """Change the entries that a filter selects."""
        if verb == "remove" or value is None or value == "" or value == []:
            if verb != "add" or value is not None:
                self._remove(target.path)
            return
        plain = isinstance(value, str) and not value.lstrip().startswith("{")
        fields = {"value": value} if plain else object_of(value, attribute.label) or {}
        for key in [key for key in fields if attribute.parts.find(key) is None]:
            self.notes.add(f"{shown(f'{attribute.label}.{key}')} is ignored: it is unknown")
            fields = {name: item for name, item in fields.items() if name != key}
        self._change_fields(
            verb, target.path, attribute, *read_parts(attribute, fields, self.notes)
        )

    def _change_fields(
        self,
        verb: Verb,
        path: str,
        attribute: Attribute,
        fields: dict[str, Any],
        empty: Iterable[str],
    ) -> None:
        """Write the parts of an object and remove those that were sent empty (T5, T18)."""
        if "value" in empty:  # an entry without its value says nothing: it goes as a whole
            self._remove(path)
            return
        for name in empty:
            self._remove(f"{path}.{name}")
        known = {key: item for key, item in fields.items() if key in attribute.parts.by_name}
        if known:
            self._write(verb, path, known)
        for key, item in fields.items():
            if key not in known and not is_password(key):
                target = UnknownTarget(keys=(*self._keys(path), key), in_known=True)
                self._write_unknown(verb, target, item)

    def _keys(self, path: str) -> tuple[str, ...]:
        """Where the object at a strict path without filter is kept."""
        known = known_urn(path, self.table)
        return (known.urn, known.rest) if known is not None and known.rest else (path,)

    def _change_entries(self, verb: Verb, path: str, attribute: Attribute, value: Any) -> None:
        """Change a list of entries (T7, T8, T22, T24)."""
        if verb == "remove" and value is not None:
            self._remove_entries(path, attribute, value)
            return
        entries = None if value is None else read_entries(attribute, value, self.notes)
        if entries:
            self._write(verb, path, entries)
        elif verb != "add":
            self._remove(path)

    def _remove_entries(self, path: str, attribute: Attribute, value: Any) -> None:
        """Remove the entries that a list describes; an empty list describes none (T7)."""
        if value == []:
            return
        entries = read_entries(attribute, value, self.notes) or ()
        listed = [_described(attribute, entry) for entry in entries]
        if not all(listed) or not listed:
            refuse(attribute, value, "a list of what to remove")
        self._write("remove", path, listed)

    def _change_single(self, verb: Verb, path: str, attribute: Attribute, value: Any) -> None:
        """Change an attribute that has one value."""
        if verb == "remove" or value is None:
            if verb == "remove" and attribute.required:
                raise MutabilityException(
                    attribute=path, detail=f"{path} is required: replace it, do not remove it"
                )
            if verb != "add":
                self._remove(path) if not attribute.required else refuse_missing(attribute)
        elif attribute.kind is Kind.COMPLEX:
            fields, empty = read_object(attribute, value, self.notes)
            if fields or empty:
                self._change_fields(verb, path, attribute, fields, empty)
            elif attribute.is_link or not isinstance(value, dict):
                self._remove(path)
        elif (read := read_value(attribute, value, self.notes)) is not None:
            self._write(verb, path, read)
        else:
            self._remove(path)

    def _write(self, verb: Verb, path: str, value: Any) -> None:
        self.operations.append({"op": verb, "path": path, "value": value})
        self._check_size()

    def _write_unknown(self, verb: Verb, target: UnknownTarget, value: Any) -> None:
        position = len(self.operations)
        kept = without_passwords(value)
        self.unknown.append(UnknownOp(op=verb, target=target, value=kept, position=position))
        if len(self.unknown) > _MAX_UNKNOWN:
            refuse_size(f"more than {_MAX_UNKNOWN} unknown attributes", _MAX_UNKNOWN)

    def _remove(self, path: str) -> None:
        self.operations.append({"op": "remove", "path": path})
        self._check_size()

    def _check_size(self) -> None:
        if len(self.operations) > MAX_OPERATIONS:
            refuse_size(f"more than {MAX_OPERATIONS} changes", MAX_OPERATIONS)


def _described(attribute: Attribute, entry: dict[str, Any]) -> dict[str, Any]:
    """What selects an entry to remove: its value and type, else all that we know of it."""
    selectors = _SELECTORS if "value" in entry else attribute.parts.by_name
    return {key: item for key, item in entry.items() if key in selectors}
