"""One definition of every setting of a source, from which form, command line and docs are made.

A key here is at once the form field's name, ``--set key=value``, the export key and the row of
the documentation's table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..errors import InvalidSetting
from .pattern import InvalidPattern, compile_pattern, compile_replacement


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One setting: its type, default, help and what it does.

    ``type`` is bool, choice, text, count (whole number ≥ 0) or percent (0 to 100).
    ``choices`` are pairs of value and label.
    """

    key: str
    label: str
    type: str
    default: Any
    help: str
    effect: str = ""
    choices: tuple[tuple[str, str], ...] = ()


RULES: tuple[Option, ...] = (
    Option(
        key="import_users",
        label="Import Users",
        type="bool",
        default=True,
        help="Create an account for a person whom the directory does not know.",
        effect="Off: people without an account stay without; existing accounts are still kept up.",
    ),
    Option(
        key="update_users",
        label="Update Users",
        type="bool",
        default=True,
        help="Full Name and Email of an account follow the provider.",
        effect="Off: attributes stay as they are; status still follows its own switch.",
    ),
    Option(
        key="enable_users",
        label="Enable Users",
        type="bool",
        default=True,
        help="An account is enabled or disabled as the person is in the provider.",
        effect="Off: nobody is enabled, disabled or deleted because of their status.",
    ),
    Option(
        key="inactive_action",
        label="Users inactive in the provider",
        type="choice",
        default="disable",
        choices=(("disable", "Disable the account"), ("delete", "Delete the account")),
        help="What happens to the account of a person who is inactive or deleted in the provider.",
        effect="A disabled account comes back when the person does; a deleted one is gone.",
    ),
    Option(
        key="username_regex",
        label="Apply Regular expression on username field",
        type="text",
        default="",
        help="Every match in the received user name is replaced, e.g. (.*)@.* with $1 makes "
        "ann@example.com to ann. Leave empty to take names as they are.",
        effect="Names that do not match stay as received.",
    ),
    Option(
        key="username_replacement",
        label="Replacement",
        type="text",
        default="",
        help="$1, $2 … are the groups of the expression; $$ or \\$ is a dollar sign.",
    ),
    Option(
        key="rename_accounts",
        label="Rename accounts",
        type="bool",
        default=True,
        help="Rename the account when the user name changes in the provider or by a new rule.",
        effect="Off: the account keeps the name that it was created with.",
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
        effect="Protected accounts and accounts of another source are never adopted.",
    ),
    Option(
        key="removal_limit_count",
        label="Removals allowed per window",
        type="count",
        default=10,
        help="More disabled, deleted or renamed accounts than this in one window wait for you.",
        effect="The larger of count and percent is the limit.",
    ),
    Option(
        key="removal_limit_percent",
        label="Removals allowed per window, in percent",
        type="percent",
        default=10,
        help="The same limit as a share of the accounts that this source manages.",
    ),
    Option(
        key="removal_window_minutes",
        label="Window in minutes",
        type="count",
        default=60,
        help="The time over which removals are counted.",
    ),
)

OPTIONS: Mapping[str, Option] = MappingProxyType({option.key: option for option in RULES})
DEFAULT_RULES: Mapping[str, Any] = MappingProxyType({o.key: o.default for o in RULES})
TRUE_WORDS = frozenset({"true", "on", "yes", "1"})
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
        case _:
            if not isinstance(value, str):
                raise InvalidSetting(option.key, "must be text")
            return value


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
    """Refuse a regular expression that RE2 cannot run, or a replacement that does not fit it."""
    if rules["removal_window_minutes"] < 1:
        raise InvalidSetting("removal_window_minutes", "must be at least 1")
    if not rules["username_regex"]:
        return
    try:
        pattern = compile_pattern(rules["username_regex"])
    except InvalidPattern as error:
        raise InvalidSetting("username_regex", str(error)) from error
    try:
        compile_replacement(rules["username_replacement"], pattern.groups)
    except InvalidPattern as error:
        raise InvalidSetting("username_replacement", str(error)) from error
