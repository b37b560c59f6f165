"""The form of a source's settings, derived from ``core.options.RULES``."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any

from wtforms import (
    BooleanField,
    Field,
    Form,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import Length

from ..core.fields import STANDARD, read_rows, row_of
from ..core.option import Option
from ..core.options import OPTIONS, RULES, changed_rules, parsed
from ..core.records import Source
from ..errors import InvalidSetting
from .forms import PageForm, attempt, options, plain, stripped
from .language import N_, gettext, ngettext
from .mapping_field import MappingField
from .shared import has_control_characters

SAMPLE_LENGTH = 256
PAIRS_TOLD = 20
"""How many rows of the mapping table a run names."""
OTHER_SETTINGS: Mapping[str, str] = MappingProxyType(
    {"directory": N_("Directory"), "state": N_("State"), "mappings": N_("Group mapping")}
)
"""What settings of a run are called that are no options."""
STATES: Mapping[str, str] = MappingProxyType(
    {"active": N_("active"), "observe": N_("observe"), "off": N_("off")}
)
DIRECTORIES = (N_("Embedded directory"),)
"""Titles of our own directories, to be translated."""
ROWS: Mapping[tuple[bool, str], str] = MappingProxyType(
    {
        (False, ""): N_("%(field)s from %(source)s"),
        (False, "lower"): N_("%(field)s from %(source)s in lower case"),
        (False, "upper"): N_("%(field)s from %(source)s in upper case"),
        (True, ""): N_("%(field)s from %(source)s replacing %(regex)s with %(replacement)s"),
        (True, "lower"): N_(
            "%(field)s from %(source)s replacing %(regex)s with %(replacement)s in lower case"
        ),
        (True, "upper"): N_(
            "%(field)s from %(source)s replacing %(regex)s with %(replacement)s in upper case"
        ),
    }
)
"""A row of the attribute mapping, by whether it has a regular expression and by its case."""


class RulesForm(PageForm):
    """The settings of a source; ``rules_form`` adds one field for each of RULES."""

    attribute_mapping: MappingField
    directory = SelectField(N_("Directory"))
    sample = StringField(N_("Try a user name"), validators=[Length(max=SAMPLE_LENGTH), plain])
    group_sample = StringField(
        N_("Try a group name"), validators=[Length(max=SAMPLE_LENGTH), plain]
    )
    person = StringField(
        N_("Try a person"), filters=[stripped], validators=[Length(max=SAMPLE_LENGTH), plain]
    )

    def settings(self) -> dict[str, Any]:
        """Return what was entered, by key."""
        return {key: self._fields[key].data for key in (*OPTIONS, "directory")}

    def validate(self, extra_validators: Any = None) -> bool:
        """Check each field, and the username rule as a whole whatever else is wrong."""
        alone = super().validate(extra_validators)
        rule = {key: self._fields[key].data for key in ("username_regex", "username_replacement")}
        return attempt(self, lambda: changed_rules({}, rule)) is not None and alone


def one_line_ends(text: str | None) -> str:
    """Return text of a large field with the ends of lines that we store."""
    return "\n".join((text or "").splitlines())


def plain_lines(form: Form, field: Field) -> None:
    """Refuse control characters but ends of lines."""
    if has_control_characters((field.data or "").replace("\n", "").replace("\t", "")):
        raise ValidationError(gettext("must not have control characters"))


def check_option(option: Option) -> Callable[[Form, Field], None]:
    """Return the validator of an option: what it accepts is said in one place only."""

    def check(form: Form, field: Field) -> None:
        try:
            parsed(option, field.data)
        except InvalidSetting as error:
            raise ValidationError(error.message) from error

    return check


def option_field(option: Option) -> Any:
    """Return the form field of an option."""
    check = check_option(option)
    match option.type:
        case "bool":
            return BooleanField(option.label, validators=[check])
        case "choice":
            choices = options(option.choices)
            return RadioField(option.label, choices=choices, validators=[check])
        case "names" | "groups":
            filters = [one_line_ends]
            return TextAreaField(option.label, filters=filters, validators=[plain_lines, check])
        case "mapping":
            return MappingField(option.label, validators=[check])
        case "filter" | "expression":
            return StringField(option.label, filters=[stripped], validators=[plain, check])
        case "text":
            return StringField(option.label, validators=[plain])
        case _:
            return StringField(option.label, validators=[check])


def rules_form(
    source: Source, directories: Sequence[tuple[str, str]], settings: Mapping[str, Any] = {}
) -> RulesForm:
    """Return the form of a source's settings, filled with what was typed or is stored.

    ``settings`` stand in for stored ones: those of a run, to go on from there.
    """
    fields = {option.key: option_field(option) for option in RULES}
    form_class = type("SourceRulesForm", (RulesForm,), fields)
    stored = {**source.rules, "directory": source.directory, **settings}
    form: RulesForm = form_class(data=stored)
    titles = [(name, gettext(title)) for name, title in directories]
    form.directory.choices = options([("", gettext("None selected")), *titles])
    return form


def sections() -> list[tuple[str, str, list[Option]]]:
    """Return the parts of the page: its id, heading and options."""
    return [
        (section.lower().replace(" ", "-"), section, list(found))
        for section, found in groupby(RULES, key=lambda option: option.section)
    ]


def default_text(option: Option) -> str:
    """Return what holds where nobody set an option, ``""`` where that goes without saying."""
    if option.type == "bool":
        return on_or_off(option.default)
    if option.type == "choice":
        return choice_in_words(option, option.default)
    return str(option.default)


def on_or_off(value: Any) -> str:
    return gettext("on") if value in (True, "true", "on", "yes", "1") else gettext("off")


def choice_in_words(option: Option, value: Any) -> str:
    """Return the label of a choice, the value itself where there is none."""
    label = dict(option.choices).get(value)
    return gettext(label) if label else str(value)


def changed_settings(source: Source, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of some settings that differ from what is stored. Raises InvalidSetting."""
    own = {key: value for key, value in values.items() if key in OPTIONS}
    rules = changed_rules(source.rules, own)
    found = {key: rules[key] for key in own if rules[key] != source.rules.get(key)}
    if values.get("directory", source.directory) != source.directory:
        found["directory"] = values["directory"]
    return found


def settings_in_words(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return settings of a run as pairs of label and value."""
    return [worded(key, value) for key, value in settings.items()]


def worded(key: str, value: Any) -> tuple[str, str]:
    """Return one setting as its label and value."""
    option = OPTIONS.get(key)
    if option is None:
        return gettext(OTHER_SETTINGS.get(key, key.capitalize())), other_in_words(key, value)
    return gettext(option.label), option_in_words(option, value)


def other_in_words(key: str, value: Any) -> str:
    """Return the value of a setting that is no option."""
    if key == "mappings":
        return mapping_changes_in_words(value)
    if key == "state":
        return gettext(STATES.get(value, str(value)))
    return str(value) or gettext("none")


def option_in_words(option: Option, value: Any) -> str:
    """Return the value of an option."""
    if option.type == "bool":
        return on_or_off(value)
    if option.type == "choice":
        return choice_in_words(option, value)
    if option.type == "mapping":
        return mapping_in_words(str(value))
    return str(value) or gettext("empty")


def mapping_changes_in_words(changes: Sequence[Mapping[str, Any]]) -> str:
    """Return changes of the mapping table, the first of each kind by name."""
    added = [added_in_words(change) for change in changes if change["op"] == "add"]
    removed = [pair_in_words(change) for change in changes if change["op"] == "remove"]
    told = (
        gettext("added: %(rows)s", rows=first_of(added)) if added else "",
        gettext("removed: %(rows)s", rows=first_of(removed)) if removed else "",
    )
    return "; ".join(filter(None, told)) or gettext("none")


def added_in_words(change: Mapping[str, Any]) -> str:
    """Return a row that is added, or whose switch is changed."""
    row = pair_in_words(change)
    if change.get("allow_protected"):
        return gettext("%(row)s (may give a protected group)", row=row)
    return row


def pair_in_words(change: Mapping[str, Any]) -> str:
    """Return the provider's group and the directory's."""
    return f"{change.get('name') or change['group']} → {change['to']}"


def first_of(texts: Sequence[str]) -> str:
    """Return some texts as a list that ends with how many more there are."""
    more = len(texts) - PAIRS_TOLD
    told = ", ".join(texts[:PAIRS_TOLD])
    if more <= 0:
        return told
    return ngettext("%(rows)s and %(count)s more", "%(rows)s and %(count)s more", more, rows=told)


def mapping_in_words(text: str) -> str:
    """Return the rows of a mapping that are not as by default."""
    rows = [row_of(row) for row in read_rows(text)]
    return ", ".join(map(row_in_words, rows)) or gettext("as by default")


def row_in_words(row: Mapping[str, str]) -> str:
    """Return one row of a mapping as ``title from title in upper case``."""
    name = row["field"]
    text = ROWS[bool(row["regex"]), row["case"]]
    return gettext(
        text,
        field=gettext(STANDARD[name][0]) if name in STANDARD else name,
        source=row["from"] or gettext("nowhere"),
        regex=row["regex"],
        replacement=row["replacement"] or gettext("nothing"),
    )


def joined(pairs: Iterable[tuple[str, str]]) -> str:
    """Return pairs of label and value as one sentence."""
    return "; ".join(f"{label}: {value}" for label, value in pairs)
