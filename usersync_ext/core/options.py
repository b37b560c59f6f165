"""One definition of every setting of a source, from which form, command line and docs are made.

A key here is at once the form field's name, ``--set key=value``, the export key and the row of
the documentation's table.
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ..errors import InvalidSetting
from .attributes import InvalidExpression, compile_filter
from .expressions import compile_expression
from .fields import canonical_mapping
from .group_options import GROUP_OPTIONS
from .groups import default_groups, group_filter, is_protected_name
from .names import name_list
from .option import Option
from .pattern import InvalidPattern, compile_pattern, compile_replacement

WHO, NAMES, ATTRIBUTES, MATCHING, LEAVING, GUARD, ROLL_OUT = (
    "Who is in",
    "Under which name",
    "With which attributes",
    "Existing accounts",
    "Who leaves",
    "Guard",
    "Roll-out in steps",
)
RULES: tuple[Option, ...] = (
    Option(
        key="import_users",
        label="Import Users",
        type="bool",
        default=True,
        help="Create an account for a person whom the directory does not know.",
        effect="Off: people without an account stay without; existing accounts are still kept up.",
        section=WHO,
    ),
    Option(
        key="scope_filter",
        label="Only people who match",
        type="filter",
        default="",
        help='A SCIM filter on what the provider says, e.g. department eq "Sales" and not userName '
        'ew "@partner.example". Leave empty for everybody.',
        effect="Who does not match gets no account.",
        section=WHO,
    ),
    Option(
        key="scope_groups",
        label="Only people in one of these groups",
        type="names",
        default="",
        help="Names or ids of the provider's groups, parted by commas; * stands for anything. "
        "Leave empty for everybody.",
        effect="The provider has to push these groups, too.",
        section=WHO,
    ),
    Option(
        key="exclude_people",
        label="Exclude people",
        type="names",
        default="",
        help="User names, e-mails or external ids, parted by commas; * stands for anything.",
        effect="Excluded people are out of scope whatever else holds.",
        section=WHO,
    ),
    Option(
        key="out_of_scope_action",
        label="People out of scope",
        type="choice",
        default="keep",
        choices=(
            ("keep", "Leave their account as it is"),
            ("disable", "Disable their account"),
        ),
        help="What happens to the account of a person who is out of scope.",
        effect="Kept accounts are not touched at all, not even when the person leaves.",
        section=WHO,
    ),
    Option(
        key="user_name_attribute",
        label="User name attribute",
        type="expression",
        default="userName",
        help="Where the account's name comes from: userName, emails, externalId or any other "
        'attribute, e.g. emails[type eq "work"].value | userName.',
        effect="Who has no such attribute gets no account, and their page says so.",
        section=NAMES,
    ),
    Option(
        key="username_regex",
        label="Apply Regular expression on username field",
        type="text",
        default="",
        help="Every match in the received user name is replaced, e.g. (.*)@.* with $1 makes "
        "ann@example.com to ann. Leave empty to take names as they are.",
        effect="Names that do not match stay as received.",
        section=NAMES,
    ),
    Option(
        key="username_replacement",
        label="Replacement",
        type="text",
        default="",
        help="$1, $2 … are the groups of the expression; $$ or \\$ is a dollar sign.",
        section=NAMES,
    ),
    Option(
        key="rename_accounts",
        label="Rename accounts",
        type="bool",
        default=True,
        help="Rename the account when the user name changes in the provider or by a new rule.",
        effect="Off: the account keeps the name that it was created with.",
        section=NAMES,
    ),
    Option(
        key="update_users",
        label="Update Users",
        type="bool",
        default=True,
        help="Full Name, Email and the other attributes of an account follow the provider.",
        effect="Off: attributes stay as they are; status still follows its own switch.",
        section=ATTRIBUTES,
    ),
    Option(
        key="clear_attributes",
        label="Clear attributes",
        type="bool",
        default=True,
        help="An attribute that the provider clears is cleared in the account, too.",
        effect="Off: the account keeps its last value. User names are never cleared.",
        section=ATTRIBUTES,
    ),
    Option(
        key="attribute_mapping",
        label="Attribute mapping",
        type="mapping",
        default="",
        help="Where each field of an account comes from: an attribute (title), the first that is "
        "not empty (nickName | displayName), a template ({name.givenName} {name.familyName}) or "
        'a constant ("Staff").',
        effect="A field that comes from nowhere is left alone.",
        section=ATTRIBUTES,
    ),
    Option(
        key="match_policy",
        label="Adopt existing accounts",
        type="choice",
        default="link_only",
        choices=(
            ("link_only", "Never by itself: a match waits for your decision"),
            ("external_id", "By externalId: accounts that this source managed before"),
            ("user_name", "By user name"),
            ("email_verified", "By e-mail that an administrator has verified"),
        ),
        help="How an account that this source did not create may become managed by it.",
        effect="Protected accounts and accounts of another source are never adopted, accounts of "
        "administrators never without your click.",
        section=MATCHING,
    ),
    Option(
        key="protected_names",
        label="Protected accounts",
        type="names",
        default="",
        help="Names of accounts that this source never adopts, changes or removes, parted by "
        "commas; * stands for anything, e.g. admin, svc-*.",
        effect="Accounts that are marked as protected are safe from every source anyway.",
        section=MATCHING,
    ),
    Option(
        key="minimum_admins",
        label="Administrators that must stay",
        type="count",
        default=1,
        help="No change may leave fewer active administrators in the directory than this.",
        effect="Administrators are the members of protected groups. 0 switches it off.",
        section=MATCHING,
    ),
    Option(
        key="enable_users",
        label="Enable Users",
        type="bool",
        default=True,
        help="An account is enabled or disabled as the person is in the provider.",
        effect="Off: nobody is enabled, disabled or deleted because of their status.",
        section=LEAVING,
    ),
    Option(
        key="inactive_action",
        label="Users inactive in the provider",
        type="choice",
        default="disable",
        choices=(("disable", "Disable the account"), ("delete", "Delete the account")),
        help="What happens to the account of a person who is inactive or deleted in the provider.",
        effect="A disabled account comes back when the person does; a deleted one is gone.",
        section=LEAVING,
    ),
    Option(
        key="delete_after_days",
        label="Delete disabled accounts after days",
        type="count",
        default=0,
        help="Delete the account of a person who left this many days after it was disabled. 0: "
        "never.",
        effect="Until then it waits under Leavers, where you can restore it.",
        section=LEAVING,
    ),
    *GROUP_OPTIONS,
    Option(
        key="removal_limit_count",
        label="Removals allowed per window",
        type="count",
        default=10,
        help="More disabled, deleted or renamed accounts than this in one window wait for you.",
        effect="The larger of count and percent is the limit.",
        section=GUARD,
    ),
    Option(
        key="removal_limit_percent",
        label="Removals allowed per window, in percent",
        type="percent",
        default=10,
        help="The same limit as a share of the accounts that this source manages.",
        section=GUARD,
    ),
    Option(
        key="removal_window_minutes",
        label="Window in minutes",
        type="count",
        default=60,
        help="The time over which removals are counted.",
        section=GUARD,
    ),
    Option(
        key="active_for",
        label="Active only for",
        type="names",
        default="",
        help="People (user name, e-mail, external id) or groups (name or id) for whom an active "
        "source acts; write group:Pilot or user:ann where a name could mean both. Leave empty for "
        "everybody.",
        effect="All others are only observed.",
        section=ROLL_OUT,
    ),
)

OPTIONS: Mapping[str, Option] = MappingProxyType({option.key: option for option in RULES})
DEFAULT_RULES: Mapping[str, Any] = MappingProxyType({o.key: o.default for o in RULES})
TRUE_WORDS = frozenset({"true", "on", "yes", "1"})
MAX_TEXT = 20_000
READERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "filter": compile_filter,
        "expression": compile_expression,
        "names": name_list,
        "groups": group_filter,
    }
)
FALSE_WORDS = frozenset({"false", "off", "no", "0"})


def complete_rules(stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the stored rules with the default of every key that is not stored."""
    return MappingProxyType({**DEFAULT_RULES, **{k: v for k, v in stored.items() if k in OPTIONS}})


def changed_rules(current: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the current rules with the changes, each parsed and all checked together.

    Values may be text, as forms and the command line give them. Raises InvalidSetting.
    """
    rules = dict(complete_rules(current))
    for key, value in changes.items():
        option = OPTIONS.get(key)
        if option is None:
            raise InvalidSetting(key, f"there is no such setting; known are {', '.join(OPTIONS)}")
        rules[key] = parsed(option, value)
    check_together(rules)
    return rules


def parsed(option: Option, value: Any) -> Any:
    """Return the value in the option's type. Raises InvalidSetting."""
    match option.type:
        case "bool":
            return parsed_bool(option, value)
        case "choice":
            known = [choice for choice, _ in option.choices]
            if value not in known:
                raise InvalidSetting(option.key, f"must be one of {', '.join(known)}")
            return value
        case "count":
            return parsed_number(option, value, maximum=1_000_000)
        case "percent":
            return parsed_number(option, str(value).removesuffix("%"), maximum=100)
        case "mapping":
            return parsed_mapping(option, value)
        case _:
            return parsed_text(option, value)


def parsed_text(option: Option, value: Any) -> str:
    """Return text that its type can read: a filter, an expression, a list of names or any text."""
    if not isinstance(value, str):
        raise InvalidSetting(option.key, "must be text")
    if option.type == "text":
        return value
    text = value.strip()
    if len(text) > MAX_TEXT:
        raise InvalidSetting(option.key, f"must not have more than {MAX_TEXT} characters")
    read = READERS[option.type]
    try:
        if text:
            read(text)
    except (InvalidExpression, InvalidPattern) as error:
        raise InvalidSetting(option.key, str(error)) from error
    if not text and option.type == "expression":
        return str(option.default)
    return text


def parsed_mapping(option: Option, value: Any) -> str:
    """Return a mapping in the form in which it is stored; rows may be given as JSON values."""
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        return canonical_mapping(text)
    except InvalidExpression as error:
        raise InvalidSetting(option.key, str(error)) from error


def parsed_bool(option: Option, value: Any) -> bool:
    """Return a truth value from a bool or the words of TRUE_WORDS and FALSE_WORDS."""
    word = str(value).strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise InvalidSetting(option.key, "must be on or off")


def parsed_number(option: Option, value: Any, *, maximum: int) -> int:
    """Return a whole number from 0 to the maximum."""
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()) or int(text) > maximum:
        raise InvalidSetting(option.key, f"must be a whole number from 0 to {maximum}")
    return int(text)


def check_together(rules: Mapping[str, Any]) -> None:
    """Refuse expressions that RE2 cannot run, and default groups that are protected."""
    if rules["removal_window_minutes"] < 1:
        raise InvalidSetting("removal_window_minutes", "must be at least 1")
    check_replacement(rules, "username_regex", "username_replacement")
    check_replacement(rules, "group_regex", "group_replacement")
    for name in default_groups(rules):
        if is_protected_name(name, rules):
            text = f"{name!r} is a protected group, which sync never gives; choose another one"
            raise InvalidSetting("default_groups", text)


def check_replacement(rules: Mapping[str, Any], regex: str, replacement: str) -> None:
    """Refuse a regular expression that RE2 cannot run, or a replacement that does not fit it."""
    if not rules[regex]:
        return
    try:
        pattern = compile_pattern(rules[regex])
    except InvalidPattern as error:
        raise InvalidSetting(regex, str(error)) from error
    try:
        compile_replacement(rules[replacement], pattern.groups)
    except InvalidPattern as error:
        raise InvalidSetting(replacement, str(error)) from error
