"""What we announce, and what the models accept."""

import json
from typing import Any

import pytest
from scim2_models import Context

from usersync_ext.scim.models import (
    ENTERPRISE_URN,
    GROUP_URN,
    POLICY,
    PROVIDER,
    RESOURCE_TYPES,
    SERVICE_PROVIDER_CONFIG,
    USER_URN,
    UserModel,
)
from usersync_ext.scim.spellings import Kind, table_of

SCHEMAS: dict[str, Any] = {schema.id: schema.model_dump() for schema in PROVIDER.schemas}
USER = {attribute["name"]: attribute for attribute in SCHEMAS[USER_URN]["attributes"]}


def test_user_group_and_enterprise_schemas_are_published_without_nulls() -> None:
    assert list(SCHEMAS) == [USER_URN, GROUP_URN, ENTERPRISE_URN]
    assert "null" not in json.dumps(list(SCHEMAS.values()))


def test_the_published_schemas_have_no_password_and_no_display_of_emails() -> None:
    """Entra ID's older validator refuses a schema with either."""
    assert "password" not in json.dumps(SCHEMAS)
    assert [part["name"] for part in USER["emails"]["subAttributes"]] == [
        "value",
        "type",
        "primary",
    ]
    assert "work" in USER["emails"]["subAttributes"][1]["canonicalValues"]


@pytest.mark.parametrize(
    ("name", "type_"),
    [("profileUrl", "reference"), ("userName", "string"), ("active", "boolean")],
)
def test_the_published_types_are_those_of_the_rfc(name: str, type_: str) -> None:
    assert USER[name]["type"] == type_


@pytest.mark.parametrize(
    ("name", "type_"), [("photos", "reference"), ("x509Certificates", "binary")]
)
def test_the_published_types_of_values_are_those_of_the_rfc(name: str, type_: str) -> None:
    assert USER[name]["subAttributes"][0]["type"] == type_


def test_the_service_says_what_it_can_do() -> None:
    config = SERVICE_PROVIDER_CONFIG.model_dump()

    assert config["bulk"] == {"supported": True, "maxOperations": 1000, "maxPayloadSize": 8388608}
    assert config["filter"] == {"supported": True, "maxResults": 1000}
    assert config["changePassword"] == {"supported": False}
    assert all(config[name] == {"supported": True} for name in ("patch", "sort", "etag"))
    assert config["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 1000,
        "cursorTimeout": 3600,
    }
    assert config["authenticationSchemes"][0]["type"] == "oauthbearertoken"
    assert config["authenticationSchemes"][0]["primary"] is True


def test_people_and_groups_are_served() -> None:
    assert [resource_type.endpoint for resource_type in RESOURCE_TYPES] == ["/Users", "/Groups"]


def test_every_kind_of_value_in_the_schemas_is_known_to_the_reader() -> None:
    """A new type in the library's schemas must be decided, not passed through."""
    table = table_of(UserModel)
    levels = [table.attributes, *table.extensions.values()]
    levels += [a.parts for level in levels for a in level.by_name.values()]

    unread = {a.name for level in levels for a in level.by_name.values() if a.kind is Kind.OTHER}

    assert unread == {"meta", "schemas"}


def test_values_that_are_no_uris_or_base64_are_kept() -> None:
    record = {
        "schemas": [USER_URN],
        "userName": "ada",
        "profileUrl": "x y",
        "photos": [{"value": "no uri", "type": "Photo"}],
        "x509Certificates": [{"value": "not base64!"}],
        "emails": [{"value": "Ada <ada@Corp.LOCAL>", "type": "WORK", "display": "Ada"}],
    }

    user = UserModel.model_validate(
        record, scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=POLICY
    )

    assert user.model_dump(scim_policy=POLICY) == record
