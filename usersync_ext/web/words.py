"""Words for what the journal and the mirror name by keys."""

from collections.abc import Mapping
from types import MappingProxyType

from ..core.records import ChangeKind
from .language import N_, gettext

CHANGES: Mapping[str, str] = MappingProxyType(
    {
        ChangeKind.CREATE: N_("Create"),
        ChangeKind.ADOPT: N_("Adopt"),
        ChangeKind.RENAME: N_("Rename"),
        ChangeKind.UPDATE: N_("Update"),
        ChangeKind.ACTIVATE: N_("Activate"),
        ChangeKind.DEACTIVATE: N_("Deactivate"),
        ChangeKind.DELETE: N_("Delete"),
        ChangeKind.ADD_MEMBER: N_("Add member"),
        ChangeKind.REMOVE_MEMBER: N_("Remove member"),
        ChangeKind.KEEP_MEMBER: N_("Keep member"),
    }
)
ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "account_added": N_("Account added"),
        "account_edited": N_("Account edited"),
        "account_groups": N_("Groups of an account"),
        "account_handed_over": N_("Account handed over"),
        "account_protected": N_("Protection of an account"),
        "account_removed": N_("Account removed"),
        "adoption_accepted": N_("Adoption accepted"),
        "adoption_refused": N_("Adoption refused"),
        "group_added": N_("Group added"),
        "group_created": N_("Group created"),
        "group_minimum": N_("Fewest members of a group"),
        "group_protected": N_("Protection of a group"),
        "group_removed": N_("Group removed"),
        "group_deleted": N_("Group deleted"),
        "group_renamed": N_("Group renamed"),
        "held_released": N_("Held changes released"),
        "held_rejected": N_("Held changes rejected"),
        "run_cancelled": N_("Run cancelled"),
        "source_added": N_("Source added"),
        "source_changed": N_("Source changed"),
        "source_detached": N_("Source detached"),
        "source_deleted": N_("Source deleted"),
        "test_person_sent": N_("Test person sent"),
        "token_added": N_("Token added"),
        "token_revoked": N_("Token revoked"),
    }
)
FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "user_name": N_("user name"),
        "full_name": N_("full name"),
        "given_name": N_("given name"),
        "family_name": N_("family name"),
        "email": N_("email"),
        "phone": N_("phone"),
        "title": N_("title"),
        "department": N_("department"),
        "manager": N_("manager"),
        "locale": N_("locale"),
        "attributes": N_("attributes"),
        "active": N_("active"),
        "group": N_("group"),
    }
)
"""What lists of differences call the fields."""


def kind_in_words(kind: str) -> str:
    """Return what a line of the journal is about."""
    known = CHANGES.get(kind) or ACTIONS.get(kind)
    return gettext(known) if known else kind.replace("_", " ").capitalize()


def field_in_words(field: str) -> str:
    """Return what a list of differences calls a field; free attributes keep their names."""
    known = FIELDS.get(field)
    return gettext(known) if known else field.replace("_", " ")
