"""The form of a source's settings, derived from ``core.options.RULES``."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
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

from ..core.fields import read_rows, row_of
from ..core.option import Option
from ..core.options import OPTIONS, RULES, changed_rules, parsed
from ..core.records import Source
from ..errors import InvalidSetting
from .forms import PageForm, attempt, options, plain, stripped
from .language import gettext
from .mapping_field import MappingField
from .shared import has_control_characters

SAMPLE_LENGTH = 256
PAIRS_TOLD = 20
"""How many rows of the mapping table a run names."""


class RulesForm(PageForm):
    """The settings of a source; ``rules_form`` adds one field for each of RULES."""

    attribute_mapping: MappingField
    directory = SelectField("Directory")
    sample = StringField("Try a user name", validators=[Length(max=SAMPLE_LENGTH), plain])
    group_sample = StringField("Try a group name", validators=[Length(max=SAMPLE_LENGTH), plain])
    person = StringField(
        "Try a person", filters=[stripped], validators=[Length(max=SAMPLE_LENGTH), plain]
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
        raise ValidationError("must not have control characters")


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
    form.directory.choices = options([("", gettext("None selected")), *directories])
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
        return "on" if option.default else "off"
    if option.type == "choice":
        return dict(option.choices)[option.default]
    return str(option.default)


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
    if key == "mappings":
        return "Group mapping", mapping_changes_in_words(value)
    option = OPTIONS.get(key)
    if option is None:
        return key.capitalize(), str(value) or "none"
    if option.type == "bool":
        return option.label, "on" if value in (True, "true", "on", "yes", "1") else "off"
    if option.type == "choice":
        return option.label, dict(option.choices).get(value, str(value))
    if option.type == "mapping":
        return option.label, mapping_in_words(str(value))
    return option.label, str(value) or "empty"


def mapping_changes_in_words(changes: Sequence[Mapping[str, Any]]) -> str:
    """Return changes of the mapping table, the first of each kind by name."""
    added = [added_in_words(change) for change in changes if change["op"] == "add"]
    removed = [pair_in_words(change) for change in changes if change["op"] == "remove"]
    told = (("added", added), ("removed", removed))
    return "; ".join(f"{word}: {first_of(pairs)}" for word, pairs in told if pairs) or "none"


def added_in_words(change: Mapping[str, Any]) -> str:
    """Return a row that is added, or whose switch is changed."""
    note = " (may give a protected group)" if change.get("allow_protected") else ""
    return f"{pair_in_words(change)}{note}"


def pair_in_words(change: Mapping[str, Any]) -> str:
    """Return the provider's group and the directory's."""
    return f"{change.get('name') or change['group']} → {change['to']}"


def first_of(texts: Sequence[str]) -> str:
    """Return some texts as a list that ends with how many more there are."""
    more = len(texts) - PAIRS_TOLD
    return ", ".join(texts[:PAIRS_TOLD]) + (f" and {more} more" if more > 0 else "")


def mapping_in_words(text: str) -> str:
    """Return the rows of a mapping that are not as by default."""
    rows = [row_of(row) for row in read_rows(text)]
    return ", ".join(map(row_in_words, rows)) or "as by default"


def row_in_words(row: Mapping[str, str]) -> str:
    """Return one row of a mapping as ``title from title, in upper case``."""
    parts = [f"{row['field'].replace('_', ' ')} from {row['from'] or 'nowhere'}"]
    if row["regex"]:
        parts.append(f"replacing {row['regex']} with {row['replacement'] or 'nothing'}")
    if row["case"]:
        parts.append(f"in {row['case']} case")
    return " ".join(parts)


def joined(pairs: Iterable[tuple[str, str]]) -> str:
    """Return pairs of label and value as one sentence."""
    return "; ".join(f"{label}: {value}" for label, value in pairs)
