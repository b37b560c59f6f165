"""From a SCIM record to the identity that rules work on."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from .records import Identity


def identity_from_record(
    record: Mapping[str, Any],
    *,
    row_id: int = 0,
    scim_id: str = "",
    deleted: bool = False,
    state: str = "",
    why: str = "",
) -> Identity:
    """Return the person that a strict SCIM User record describes (RFC 7643 §4.1).

    Full name: ``displayName``, else ``name.formatted``, else given and family name. E-mail: the
    primary one, else the first of type work, else the first. ``active`` is None where the source
    took its word back: the account keeps its status then.
    """
    name = record.get("name") or {}
    given = text_of(name.get("givenName"))
    family = text_of(name.get("familyName"))
    full_name = (
        text_of(record.get("displayName"))
        or text_of(name.get("formatted"))
        or " ".join(part for part in (given, family) if part)
    )
    return Identity(
        id=row_id,
        scim_id=scim_id,
        external_id=normal_form(record.get("externalId")),
        user_name=record["userName"],
        active=record.get("active"),
        full_name=full_name,
        given_name=given,
        family_name=family,
        email=primary_email(record.get("emails") or ()),
        record=record,
        deleted=deleted,
        state=state,
        why=why,
    )


def normal_form(value: Any) -> str | None:
    """Return an externalId in the form that is compared (NFC); None where there is none."""
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else None


def text_of(value: Any) -> str:
    """Return text without surrounding blanks, ``""`` for anything that is not text."""
    return value.strip() if isinstance(value, str) else ""


def primary_email(emails: Any) -> str:
    """Return the e-mail that an account gets, ``""`` if there is none."""
    usable = [e for e in emails if isinstance(e, Mapping) and text_of(e.get("value"))]
    primary = [e for e in usable if e.get("primary") is True]
    work = [e for e in usable if text_of(e.get("type")).lower() == "work"]
    best = [*primary, *work, *usable]
    return text_of(best[0]["value"]) if best else ""
