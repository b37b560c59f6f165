"""The settings of a source: one definition, checked together."""

import pytest

from usersync_ext.core.options import DEFAULT_RULES, RULES, changed_rules, complete_rules
from usersync_ext.errors import InvalidSetting


def test_the_defaults_are_those_of_the_first_release():
    assert dict(DEFAULT_RULES) == {
        "import_users": True,
        "scope_filter": "",
        "scope_groups": "",
        "exclude_people": "",
        "out_of_scope_action": "keep",
        "user_name_attribute": "userName",
        "username_regex": "",
        "username_replacement": "",
        "rename_accounts": True,
        "update_users": True,
        "clear_attributes": True,
        "attribute_mapping": "",
        "match_policy": "link_only",
        "protected_names": "",
        "minimum_admins": 1,
        "enable_users": True,
        "inactive_action": "disable",
        "delete_after_days": 0,
        "active_for": "",
        "default_groups": "",
        "assign_default_groups_to": "none",
        "create_groups": True,
        "group_mode": "off",
        "group_include": "",
        "group_exclude": "",
        "group_regex": "",
        "group_replacement": "",
        "keep_existing_users": True,
        "keep_existing_groups": True,
        "nested_groups": "direct",
        "group_rename": "rename",
        "group_delete": "keep",
        "protected_groups": "admin, admins, administrators, *-admin, *-admins, *-administrators",
        "removal_limit_count": 10,
        "removal_limit_percent": 10,
        "removal_window_minutes": 60,
    }


def test_every_setting_explains_itself():
    for option in RULES:
        assert option.label
        assert len(option.help) > 20


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("import_users", "off", False),
        ("import_users", "True", True),
        ("inactive_action", "delete", "delete"),
        ("removal_limit_count", "0", 0),
        ("removal_limit_percent", "0%", 0),
        ("removal_limit_percent", "100%", 100),
        ("username_regex", " (a) ", " (a) "),
    ],
)
def test_words_of_forms_and_commands_are_read(key, text, value):
    """T-09 and checklist 46: leading blanks of an expression stay."""
    assert changed_rules({}, {key: text})[key] == value


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("import_users", "maybe"),
        ("inactive_action", "explode"),
        ("removal_limit_count", "-1"),
        ("removal_limit_count", "abc"),
        ("removal_limit_percent", "101"),
        ("removal_limit_percent", ""),
        ("username_regex", "("),
        ("username_replacement", 7),
        ("colour", "red"),
    ],
)
def test_a_value_that_cannot_be_used_names_its_setting(key, text):
    with pytest.raises(InvalidSetting) as caught:
        changed_rules({}, {key: text})
    assert caught.value.key == key


def test_expression_and_replacement_are_checked_together():
    with pytest.raises(InvalidSetting) as caught:
        changed_rules({}, {"username_regex": "(a)", "username_replacement": "$2"})
    assert caught.value.key == "username_replacement"


def test_stored_rules_of_another_version_are_completed_and_strangers_are_ignored():
    rules = complete_rules({"import_users": False, "gone": 1})

    assert rules["import_users"] is False
    assert rules["match_policy"] == "link_only"
    assert "gone" not in rules
