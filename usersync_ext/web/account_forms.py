"""The forms of accounts and groups of the embedded directory, and of an account's hand-over."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from wtforms import (
    BooleanField,
    Field,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, Length

from ..core.fields import FREE_NAME, MAX_ROWS, MAX_VALUE_LENGTH, RESERVED, STANDARD
from ..core.records import Account
from ..sync.managed import FREE
from .forms import PageForm, options, plain, stripped
from .language import N_, gettext
from .shared import has_control_characters

Pairs = tuple[tuple[str, str], ...]
DETAILS = tuple(name for name in STANDARD if name not in {"full_name", "email"})
"""The fields of an account that have no place of their own on its page."""


def detail(label: str) -> StringField:
    return StringField(
        label, filters=[stripped], validators=[Length(max=MAX_VALUE_LENGTH), plain], default=""
    )


class AccountForm(PageForm):
    """An account of the embedded directory."""

    user_name = StringField(
        N_("User name"),
        filters=[stripped],
        validators=[DataRequired(N_("Enter a user name.")), Length(max=255), plain],
    )
    full_name = StringField(
        N_("Full Name"), filters=[stripped], validators=[Length(max=255), plain]
    )
    email = StringField(N_("Email"), filters=[stripped], validators=[Length(max=320), plain])


class AccountEditForm(AccountForm):
    """An account as an administrator edits it; managed fields are taken out first."""

    given_name = detail(N_("Given name"))
    family_name = detail(N_("Family name"))
    phone = detail(N_("Phone"))
    title = detail(N_("Title"))
    department = detail(N_("Department"))
    manager = detail(N_("Manager"))
    locale = detail(N_("Locale"))
    attributes = TextAreaField(N_("Free attributes"), filters=[stripped])
    active = BooleanField(N_("Active"))
    email_verified = BooleanField(N_("E-mail verified"))
    groups = SelectMultipleField(N_("Groups"))

    def validate_attributes(self, field: Field) -> None:
        """Refuse lines that are no attributes; each is then checked like any other field."""
        pairs = list(read_attributes(field.data))
        names = [name for name, _ in pairs]
        if len(names) > MAX_ROWS or len(names) > len(set(names)):
            text = gettext("at most %(count)s attributes, each of them once", count=MAX_ROWS)
            raise ValidationError(text)
        for name, value in pairs:
            check_attribute(name, value)

    def values(self, managed: Pairs) -> dict[str, Any]:
        """Return the fields that may be edited; ``managed`` attributes stay as they are."""
        found = {name: field.data for name, field in self._fields.items() if name != "groups"}
        own = {name: text for name, text in read_attributes(found["attributes"]) if text}
        found["attributes"] = tuple(sorted({**own, **dict(managed)}.items()))
        return found


def check_attribute(name: str, value: str) -> None:
    """Refuse a name that no free attribute can have, and what is too long or not printable."""
    if not FREE_NAME.fullmatch(name) or name in {*STANDARD, *RESERVED}:
        text = gettext("%(name)s cannot be the name of an attribute", name=repr(name))
        raise ValidationError(text)
    if len(value) > MAX_VALUE_LENGTH or has_control_characters(value):
        text = gettext(
            "%(name)s: at most %(count)s printable characters", name=name, count=MAX_VALUE_LENGTH
        )
        raise ValidationError(text)


def read_attributes(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of each line; a line without ``=`` has no value."""
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, value = line.partition("=")
        yield name.strip(), value.strip()


def split_attributes(attributes: Pairs, managed: Mapping[str, str]) -> tuple[Pairs, Pairs]:
    """Return the free attributes that a source manages, and the others."""
    theirs = tuple(pair for pair in attributes if FREE + pair[0] in managed)
    return theirs, tuple(pair for pair in attributes if pair not in theirs)


def managed_details(account: Account, managed: Mapping[str, str]) -> Pairs:
    """Return label and value of the details that a source manages, empty ones left out."""
    theirs = [name for name in DETAILS if name in managed]
    standard = [(label_of(name), getattr(account, name)) for name in theirs]
    free, _ = split_attributes(account.attributes, managed)
    return tuple((label, value) for label, value in (*standard, *free) if value)


def label_of(name: str) -> str:
    """Return what a detail is called, as in the form where it may be edited."""
    return gettext(STANDARD[name][0].capitalize())


def account_edit_form(
    values: Mapping[str, Any], groups: Sequence[tuple[str, str]], managed: Mapping[str, str]
) -> AccountEditForm:
    """Return the form of an account without the fields that a source manages."""
    _, own = split_attributes(values["attributes"], managed)
    text = "\n".join(f"{name} = {value}" for name, value in own)
    form = AccountEditForm(data={**values, "attributes": text})
    form.groups.choices = options(groups)
    for name in managed:
        if name in form:
            del form[name]
    return form


class GroupForm(PageForm):
    """A new group of the embedded directory."""

    name = StringField(
        N_("Group name"),
        filters=[stripped],
        validators=[DataRequired(N_("Enter a name.")), Length(max=255), plain],
    )


class HandOverForm(PageForm):
    """Which source shall manage an account from now on."""

    target = SelectField(N_("Hand over to"))


def hand_over_form(sources: Iterable[tuple[str, str]], target: str) -> HandOverForm:
    """Return the form with the sources that there are."""
    form = HandOverForm(data={"target": target})
    form.target.choices = options(sources)
    return form
