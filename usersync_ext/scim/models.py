"""The resources we serve: models, resource types, schemas and what we announce.

Built from the RFC 7643 schemas that scim2_server ships, with three changes. ``password`` does
not exist. Attributes whose values the library would check or rewrite (URIs, base64) are plain
strings in the models, so that what a provider sent is what it gets back. The published
schemas keep the RFC's types, but leave out ``emails.display``, which Entra ID's validator
refuses in a schema although it sends it, and ``members.display``, which we do not keep (and
which is not in the RFC's schema).
"""

from functools import cached_property
from typing import Any, cast

from scim2_models import (
    Resource,
    ResourceType,
    Schema,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
)
from scim2_server.utils import load_default_resource_types, load_json_resource

from .body import MAX_BODY_BYTES

Model = type[Resource[Any]]

USER_URN = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_URN = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_URN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH_URN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

MAX_OPERATIONS = 5000
MAX_MEMBERS = 5000
MAX_BULK_OPERATIONS = 1000
MAX_RESULTS = 1000
DEFAULT_RESULTS = 100
CURSOR_TIMEOUT_SECONDS = 3600

POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.keep,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)

SERVICE_PROVIDER_CONFIG = ServiceProviderConfig.model_validate(
    {
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": MAX_BULK_OPERATIONS,
            "maxPayloadSize": MAX_BODY_BYTES,
        },
        "filter": {"supported": True, "maxResults": MAX_RESULTS},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": DEFAULT_RESULTS,
            "maxPageSize": MAX_RESULTS,
            "cursorTimeout": CURSOR_TIMEOUT_SECONDS,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token of the source, sent as Authorization: Bearer",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            }
        ],
    }
)


def _without(attributes: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [attribute for attribute in attributes if attribute["name"] != name]


def _published(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as ``/Schemas`` shows it."""
    return schema | {"attributes": [_shown(a) for a in _without(schema["attributes"], "password")]}


def _shown(attribute: dict[str, Any]) -> dict[str, Any]:
    if attribute["name"] not in {"emails", "members"}:
        return attribute
    return attribute | {"subAttributes": _without(attribute["subAttributes"], "display")}


def _modelled(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as the models are built from it."""
    attributes = _without(schema["attributes"], "password")
    return schema | {"attributes": [_loose(attribute) for attribute in attributes]}


def _loose(attribute: dict[str, Any]) -> dict[str, Any]:
    """The attribute with values that are kept as they were sent: strings instead of URIs, base64.

    References to users and groups stay references: the library checks only external ones.
    """
    if "subAttributes" in attribute:
        return attribute | {"subAttributes": [_loose(a) for a in attribute["subAttributes"]]}
    external = attribute.get("referenceTypes") == ["external"]
    if attribute["type"] != "binary" and not external:
        return attribute
    kept = {key: value for key, value in attribute.items() if key != "referenceTypes"}
    return kept | {"type": "string", "caseExact": True}


class _Provider(ScimProvider):
    """A provider that publishes the RFC's schemas instead of those of its looser models."""

    @cached_property
    def schemas(self) -> tuple[Schema, ...]:
        """What ``/Schemas`` shows."""
        return tuple(Schema.model_validate(_published(schema)) for schema in _rfc_schemas())


def _rfc_schemas() -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], load_json_resource("default-schemas.json"))


def _provider() -> ScimProvider:
    return _Provider.from_discovery(
        [Schema.model_validate(_modelled(schema)) for schema in _rfc_schemas()],
        RESOURCE_TYPES,
        config=SERVICE_PROVIDER_CONFIG,
        policy=POLICY,
    )


RESOURCE_TYPES: tuple[ResourceType, ...] = tuple(load_default_resource_types().values())
PROVIDER = _provider()
UserModel: Model = cast(Model, PROVIDER.model_for("User"))
GroupModel: Model = cast(Model, PROVIDER.model_for("Group"))
