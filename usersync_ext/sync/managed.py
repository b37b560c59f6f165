"""Which fields of an account its source manages; both the pages and the host ask."""

from collections.abc import Mapping
from typing import Any

from ..core.fields import STANDARD, field_rules

FREE = "attributes."
"""Stands before the name of a free attribute."""


def managed_by(rules: Mapping[str, Any]) -> frozenset[str]:
    """Return the fields that a source with these rules overwrites, free ones as ``attributes.x``.

    A field that the mapping takes from nowhere is left alone.
    """
    names = {"user_name"} if rules["rename_accounts"] else set()
    if rules["enable_users"]:
        names.add("active")
    if rules["update_users"]:
        mapping = field_rules(rules["attribute_mapping"])
        filled = (rule.name for rule in mapping if rule.choices)
        names |= {name if name in STANDARD else FREE + name for name in filled}
    return frozenset(names)
