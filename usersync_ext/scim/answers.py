"""From stored resources to the JSON that clients get, without building models.

A whole resource is its stored text with what the server adds at the end: nothing is parsed.

``attributes`` and ``excludedAttributes`` (RFC 7644 §3.9) project the JSON object; names that no
attribute has are ignored, as a provider with a misspelt name still wants its people.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from scim2_server.responses import ScimResponse

from ..store.resources import StoredResource
from .models import ENTERPRISE_URN, GROUP_URN, USER_URN

ENDPOINTS = {"User": "Users", "Group": "Groups"}
ALWAYS = frozenset({"schemas", "id"})
NEEDS_REFERENCE = '"manager"'
"""In a record's text: a reference is added to what it names."""
LIST_URN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
OWN_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The ids that we give: a manager's other values get no URL of ours."""

Path = tuple[str, ...]
"""A projected attribute in lower case: the attribute, or URN and attribute, and a part of it."""


@dataclass(frozen=True, slots=True)
class Projection:
    """Which attributes a client wants: only these, or all but those."""

    only: frozenset[Path] | None = None
    without: frozenset[Path] = frozenset()

    @property
    def is_whole(self) -> bool:
        """Whether everything is wanted, apart perhaps from members, which are rows."""
        return self.only is None and self.without <= MEMBERS

    def wants(self, name: str) -> bool:
        """Tell whether an attribute, or a part of it, is in the answer."""
        if self.only is not None:
            return any(path[0] == name for path in self.only)
        return (name,) not in self.without

    def apply(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return the record with what the client wants."""
        if self.only is not None:
            return {
                key: picked(value, self.only, key)
                for key, value in record.items()
                if key in ALWAYS or self.wants(key.lower())
            }
        if not self.without:
            return record
        return {
            key: left(value, self.without, key)
            for key, value in record.items()
            if key in ALWAYS or (key.lower(),) not in self.without
        }


MEMBERS = frozenset({("members",)})
EVERYTHING = Projection()


@lru_cache(maxsize=512)
def projection(attributes: str | None, excluded: str | None) -> Projection:
    """Return the projection that two query parameters ask for; ``attributes`` wins."""
    only = paths_of(attributes)
    if only:
        return Projection(only=only)
    return Projection(without=paths_of(excluded)) if excluded else EVERYTHING


def paths_of(names: str | None) -> frozenset[Path]:
    """Return the paths of a list of attribute names."""
    parts = (name.strip().partition("[")[0].lower() for name in (names or "").split(","))
    return frozenset(path_of(part) for part in parts if part)


def path_of(name: str) -> Path:
    """Return the path of an attribute name in lower case, with or without its schema's URN."""
    for urn in (USER_URN.lower(), GROUP_URN.lower()):
        if name.startswith(f"{urn}:"):
            return tuple(name.removeprefix(f"{urn}:").split("."))
    enterprise = ENTERPRISE_URN.lower()
    if name.startswith(f"{enterprise}:"):
        return (enterprise, *name.removeprefix(f"{enterprise}:").split("."))
    if name.startswith("urn:"):
        return (name,)
    return tuple(name.split("."))


def picked(value: Any, only: Iterable[Path], key: str) -> Any:
    """Return the parts of an attribute that are wanted."""
    tails = {path[1:] for path in only if path[0] == key.lower()}
    if key in ALWAYS or () in tails:
        return value
    if isinstance(value, list):
        return [picked_parts(item, tails) for item in value]
    return picked_parts(value, tails)


def picked_parts(value: Any, tails: set[Path]) -> Any:
    """Return the wanted parts of one object."""
    if not isinstance(value, dict):
        return value
    heads = {tail[0] for tail in tails}
    return {key: picked(item, tails, key) for key, item in value.items() if key.lower() in heads}


def left(value: Any, without: Iterable[Path], key: str) -> Any:
    """Return an attribute without its unwanted parts."""
    tails = {path[1:] for path in without if path[0] == key.lower() and len(path) > 1}
    if not tails:
        return value
    if isinstance(value, list):
        return [left_parts(item, tails) for item in value]
    return left_parts(value, tails)


def left_parts(value: Any, tails: set[Path]) -> Any:
    """Return one object without its unwanted parts."""
    if not isinstance(value, dict):
        return value
    return {
        key: left(item, tails, key) for key, item in value.items() if (key.lower(),) not in tails
    }


@dataclass
class TextResponse(ScimResponse):
    """An answer whose body is JSON text already."""

    text: str = ""


def resource_text(
    stored: StoredResource,
    base_url: str,
    members: Sequence[tuple[str, str]] | None = None,
    wanted: Projection = EVERYTHING,
) -> str:
    """Return a resource as the text that a GET answers; ``members`` None leaves them out."""
    if not wanted.is_whole or NEEDS_REFERENCE in stored.record:
        return dumped(resource_json(stored, base_url, members, wanted))
    parts = [f'{{"id":"{stored.scim_id}",{stored.record[1:-1]}']
    if stored.groups:
        parts.append(f'"groups":{dumped(groups_json(stored, base_url))}')
    if members:
        parts.append(f'"members":[{",".join(member_texts(members, base_url))}]')
    parts.append(meta_text(stored, base_url))
    return ",".join(parts)


def meta_text(stored: StoredResource, base_url: str) -> str:
    """Return ``meta`` and the end of a resource; only the base URL may need escaping."""
    version = stored.etag.replace('"', '\\"')
    return (
        f'"meta":{{"resourceType":"{stored.resource_type}",'
        f'"created":"{time_text(stored.created_at)}",'
        f'"lastModified":"{time_text(stored.modified_at)}",'
        f'"location":{resource_base(base_url, stored.resource_type)}{stored.scim_id}",'
        f'"version":"{version}"}}}}'
    )


@lru_cache(maxsize=64)
def resource_base(base_url: str, kind: str) -> str:
    """Return the JSON text of a resource's URL up to its id."""
    return dumped(f"{base_url}/{ENDPOINTS[kind]}/")[:-1]


def member_texts(members: Iterable[tuple[str, str]], base_url: str) -> Iterator[str]:
    """Yield members as JSON text; ids are ours and need no escaping, the base URL may."""
    bases = {kind: resource_base(base_url, kind) for kind in ENDPOINTS}
    for kind, id_ in members:
        yield f'{{"value":"{id_}","$ref":{bases[kind]}{id_}","type":"{kind}"}}'


def resource_json(
    stored: StoredResource,
    base_url: str,
    members: Sequence[tuple[str, str]] | None = None,
    wanted: Projection = EVERYTHING,
) -> dict[str, Any]:
    """Return a resource as a GET answers it; ``members`` None leaves them out."""
    record = stored.parsed()
    schemas = record.pop("schemas", [])
    answer: dict[str, Any] = {"schemas": schemas, "id": stored.scim_id, **record}
    manager = record[ENTERPRISE_URN].get("manager") if ENTERPRISE_URN in record else None
    if manager and OWN_ID.fullmatch(manager.get("value", "")):
        manager["$ref"] = f"{base_url}/Users/{manager['value']}"
    if stored.groups:
        answer["groups"] = groups_json(stored, base_url)
    if members:
        answer["members"] = [
            {"value": id_, "$ref": f"{base_url}/{ENDPOINTS[kind]}/{id_}", "type": kind}
            for kind, id_ in members
        ]
    answer["meta"] = meta_json(stored, base_url)
    return wanted.apply(answer)


def groups_json(stored: StoredResource, base_url: str) -> list[dict[str, str]]:
    """Return the ``groups`` of a person."""
    return [
        {"value": id_, "$ref": f"{base_url}/Groups/{id_}", "display": name, "type": "direct"}
        for id_, name in stored.groups
    ]


def meta_json(stored: StoredResource, base_url: str) -> dict[str, str]:
    """Return the ``meta`` of a resource (RFC 7643 §3.1)."""
    return {
        "resourceType": stored.resource_type,
        "created": time_text(stored.created_at),
        "lastModified": time_text(stored.modified_at),
        "location": location_of(stored, base_url),
        "version": stored.etag,
    }


def location_of(stored: StoredResource, base_url: str) -> str:
    """Return the URL of a resource."""
    return f"{base_url}/{ENDPOINTS[stored.resource_type]}/{stored.scim_id}"


def time_text(value: datetime) -> str:
    """Return a time as SCIM writes it (RFC 7643 §2.3.5)."""
    return value.isoformat().replace("+00:00", "Z")


def list_text(resources: Sequence[str], total: int | None, **more: Any) -> str:
    """Return a list answer (RFC 7644 §3.4.2); values that are None are left out."""
    head = {
        "schemas": [LIST_URN],
        "totalResults": total,
        "itemsPerPage": len(resources),
        **more,
    }
    known = {key: value for key, value in head.items() if value is not None}
    return f'{dumped(known)[:-1]},"Resources":[{",".join(resources)}]}}'


def dumped(value: Any) -> str:
    """Return a value as JSON text, as short as it can be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def body_bytes(response: ScimResponse) -> bytes:
    """Return the bytes of an answer's body, none for an answer without one."""
    if isinstance(response, TextResponse):
        return response.text.encode()
    return b"" if response.body is None else dumped(response.body).encode()
