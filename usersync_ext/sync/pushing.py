"""What the writes of people and of groups have in common: their records and refusals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import NameTaken, NotFound, UserSyncError
from ..store.resources import StoredResource

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A strict SCIM record to store, and its form for comparisons (``scim.comparable``)."""

    record: Record
    comparable: Record


Transform = Callable[[StoredResource], NewRecord | None]
"""Makes the new record of a stored resource; None when nothing changes. May raise."""


@dataclass(frozen=True, slots=True)
class MemberChange:
    """One change of a group's members: add, remove or replace, by SCIM id."""

    verb: str
    ids: tuple[str, ...]


class UnknownMember(UserSyncError):
    """Members that this source does not have; ``ids`` names them all."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(f"this source has no user or group with the id {', '.join(ids)}")
        self.ids = tuple(ids)


class Duplicate(NameTaken):
    """An attribute's value belongs to another resource of the same source."""

    def __init__(self, attribute: str, value: str, owner: str) -> None:
        super().__init__(
            f'{attribute} "{value}" is already used by {owner} in this source; '
            "use another value, or find and update that one"
        )
        self.attribute = attribute
        self.value = value


class NotThere(NotFound):
    """No resource of this source has the id."""

    def __init__(self, resource_type: str, scim_id: str) -> None:
        super().__init__(f"{resource_type} {scim_id!r} not found in this source")
