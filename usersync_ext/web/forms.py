"""The forms of the pages. CSRF is the guard's business, whatever the host configured."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    Form,
    RadioField,
    SelectField,
    StringField,
    ValidationError,
)
from wtforms.fields import choices
from wtforms.meta import DefaultMeta
from wtforms.validators import DataRequired, Length

from ..core.records import Source
from ..errors import InvalidSetting, Refused, RunStopped
from ..providers.base import Provider
from .language import N_, gettext, language
from .shared import has_control_characters

T = TypeVar("T")


def plain(form: Form, field: Field) -> None:
    """Refuse control characters, which no name has and PostgreSQL does not store."""
    if has_control_characters(field.data or ""):
        raise ValidationError(gettext("must not have control characters"))


def stripped(value: str | None) -> str:
    return (value or "").strip()


SELECT_CHOICE: Any = getattr(choices, "SelectChoice", None)
"""What WTForms 3.3 wants as a choice; older ones know pairs only, 3.4 no pairs any more."""


def options(pairs: Iterable[tuple[str, str]]) -> list[Any]:
    """Return choices, given as value and label, as this WTForms wants them."""
    if SELECT_CHOICE is None:
        return list(pairs)
    return [SELECT_CHOICE(value=value, label=label) for value, label in pairs]


def translate(field: Field) -> None:
    """Say a field's label and the choices of its class in the language of the request."""
    field.label.text = gettext(field.label.text)
    if isinstance(field, RadioField | SelectField) and field.choices:
        field.choices = [with_label(choice) for choice in field.choices]


def with_label(choice: Any) -> Any:
    """Return a choice with its label in the language of the request."""
    if isinstance(choice, tuple):
        return (choice[0], gettext(choice[1]), *choice[2:])
    return replace(choice, label=gettext(choice.label))


class PageForm(FlaskForm):
    """A form of ours, in the language of the request; its class is written in English."""

    class Meta:
        csrf = False
        get_translations = DefaultMeta.get_translations

        @property
        def locales(self) -> list[str]:
            """The language of what WTForms says by itself: the page's, not Flask-Babel's."""
            return [language()]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self:
            translate(field)

    def validate(self, extra_validators: Any = None) -> bool:
        """Check each field; errors that stand in the class are said in the page's language."""
        valid: bool = super().validate(extra_validators)
        for field in self:
            field.errors = [gettext(error) for error in field.errors]
        return valid

    def fail(self, key: str, message: str) -> None:
        """Put an error beside the field of that name, or at the top if there is none."""
        field = self._fields.get(key)
        if field is None:
            self.form_errors: list[str] = [*self.form_errors, message]
        else:
            field.errors = [*field.errors, message]


def attempt(form: PageForm, act: Callable[[], T]) -> T | None:
    """Return what ``act`` returns; its refusal becomes an error of the form, and None."""
    try:
        return act()
    except InvalidSetting as error:
        form.fail(error.key, error.message)
    except (Refused, RunStopped) as error:
        form.fail("", str(error))
    return None


class ActionForm(PageForm):
    """A form that is only a button."""


class NameForm(PageForm):
    """The display name of a source."""

    name = StringField(
        N_("Name"),
        filters=[stripped],
        validators=[DataRequired(N_("Enter a name.")), Length(max=80), plain],
    )


class SourceForm(NameForm):
    """A new source: its provider and name."""

    kind = RadioField(N_("Identity provider"), validators=[DataRequired(N_("Choose a provider."))])


def source_form(providers: Mapping[str, Provider]) -> SourceForm:
    form = SourceForm()
    form.kind.choices = options((p.kind, p.title) for p in providers.values())
    return form


class TokenForm(PageForm):
    """A new bearer token."""

    label = StringField(N_("Label"), filters=[stripped], validators=[Length(max=80), plain])
    expires_in_days = StringField(N_("Expires in days"), filters=[stripped], default="365")
    read_only = BooleanField(N_("Read only"))

    def validate_expires_in_days(self, field: Field) -> None:
        text = field.data
        if text and not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 3650):
            raise ValidationError(gettext("must be a whole number from 1 to 3650, or empty"))

    @property
    def days(self) -> int | None:
        """The life time in days, None for a token that never expires."""
        return int(self.expires_in_days.data) if self.expires_in_days.data else None


class LeaveForm(PageForm):
    """How to part with a source."""

    ending = RadioField(
        N_("What to do with the source"),
        choices=options(
            (
                (
                    "detach",
                    N_("Detach: keep the source and what it said, but let go of its accounts"),
                ),
                ("delete", N_("Delete: remove the source with its rules, tokens and people")),
            )
        ),
        default="detach",
    )
    accounts = RadioField(
        N_("What to do with its accounts"),
        choices=options(
            (
                ("keep", N_("Keep them as local accounts, as they are")),
                ("disable", N_("Disable them")),
                ("delete", N_("Delete them")),
            )
        ),
        default="keep",
    )
    confirm = StringField(N_("Type the source's key to confirm"), filters=[stripped])

    def matches(self, source: Source) -> bool:
        """Tell whether the key was typed; if not, say so beside the field."""
        if self.confirm.data == source.key:
            return True
        self.fail("confirm", gettext("Type %(key)s to confirm.", key=source.key))
        return False
