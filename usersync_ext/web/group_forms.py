"""The forms about groups: the mapping table, the import of groups, a group's minimum."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from wtforms import (
    BooleanField,
    Field,
    IntegerField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import InputRequired, Length, NumberRange

from ..core.records import Source
from ..core.username import name_key
from ..errors import InvalidSetting
from ..sync import group_admin
from ..sync.engine import Engine
from ..sync.group_admin import MappingLine
from .decision_forms import row_id
from .forms import PageForm, plain, stripped
from .language import N_, gettext

MOST_NEW_ROWS = 50
LONGEST = 1000
NEW_ROW = re.compile(r"from_(\d{1,2})")


@dataclass(frozen=True, slots=True)
class NewRow:
    """The three fields of a new row of the mapping table."""

    group: Field
    to: Field
    allow_protected: Field

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed."""
        return not (self.group.data or self.to.data)


class MappingForm(PageForm):
    """Changes of the mapping table: rows to remove, switches of rows, and new rows."""

    remove = SelectMultipleField(N_("Remove"), coerce=row_id, validate_choice=False)
    allow = SelectMultipleField(
        N_("May give a protected group"), coerce=row_id, validate_choice=False
    )
    asked = SelectMultipleField(N_("Switches"), coerce=row_id, validate_choice=False)

    @property
    def rows(self) -> list[NewRow]:
        """The new rows, in their order."""
        return [
            NewRow(self[f"from_{n}"], self[f"to_{n}"], self[f"allow_{n}"])
            for n in range(MOST_NEW_ROWS)
            if f"from_{n}" in self
        ]

    def changes(
        self, engine: Engine, source: Source, shown: Sequence[MappingLine]
    ) -> list[dict[str, Any]]:
        """Return what is to change; what is wrong becomes an error of its field."""
        found = [*self.changes_of_rows(shown), *self.additions(engine, source)]
        if not found and not self.errors:
            self.fail("", gettext("Tick a row to remove or fill in a new row first"))
        return found

    def changes_of_rows(self, shown: Sequence[MappingLine]) -> Iterator[dict[str, Any]]:
        """Yield the changes of rows on the page; a row that is removed needs no switch."""
        removed, allowed, asked = (set(f.data or ()) for f in (self.remove, self.allow, self.asked))
        for line in shown:
            row = line.row
            wanted = row.id in allowed
            if row.id in removed:
                yield group_admin.removing(row)
            elif row.id in asked and wanted != row.allow_protected:
                yield {**group_admin.removing(row), "op": "add", "allow_protected": wanted}

    def additions(self, engine: Engine, source: Source) -> Iterator[dict[str, Any]]:
        """Yield the new rows."""
        seen = set()
        for number, row in enumerate(self.rows):
            change = None if row.is_blank else self.addition(engine, source, number, row)
            if change is None:
                continue
            key = (change["group"], name_key(change["to"]))
            if key in seen:
                self.fail(f"from_{number}", gettext("another new row says the same"))
            seen.add(key)
            yield change

    def addition(
        self, engine: Engine, source: Source, number: int, row: NewRow
    ) -> dict[str, Any] | None:
        """Return one new row, None where something is wrong with it."""
        allowed = row.allow_protected.data
        try:
            return group_admin.addition(
                engine, source, row.group.data, row.to.data, allow_protected=allowed
            )
        except InvalidSetting as error:
            self.fail(f"{error.key}_{number}", error.message)
        return None


def name_field(label: str) -> StringField:
    """Return the field of a group's name."""
    return StringField(label, filters=[stripped], validators=[Length(max=LONGEST), plain])


def mapping_form(shown: Sequence[MappingLine]) -> MappingForm:
    """Return the form of some rows, with as many new ones as were sent, or one more if wanted."""
    sent = [int(match[1]) for key in request.form if (match := NEW_ROW.fullmatch(key))]
    count = max([0, *sent]) + 1 + ("add_row" in request.form)
    fields: dict[str, Any] = {}
    for number in range(min(count, MOST_NEW_ROWS)):
        fields[f"from_{number}"] = name_field(N_("IdP group"))
        fields[f"to_{number}"] = name_field(N_("Directory group"))
        fields[f"allow_{number}"] = BooleanField(N_("May give a protected group"))
    form_class: type[MappingForm] = type("SourceMappingForm", (MappingForm,), fields)
    return form_class(data={"allow": [each.row.id for each in shown if each.row.allow_protected]})


class ImportForm(PageForm):
    """Which groups of the provider are to be mapped, and to what."""

    groups = SelectMultipleField(N_("Groups"), coerce=row_id, validate_choice=False)

    def target(self, group_id: int) -> Field:
        """Return the field of the name that a group is to have in the directory."""
        field: Field = self[f"to_{group_id}"]
        return field

    def changes(self, engine: Engine, source: Source, found: Sequence[Any]) -> list[dict[str, Any]]:
        """Return the rows to add; what is wrong becomes an error of its field."""
        ticked = set(self.groups.data or ())
        chosen = [group for group in found if group.id in ticked]
        if not chosen:
            self.fail("groups", gettext("Tick at least one group first"))
        return [
            change
            for group in chosen
            if (change := self.addition(engine, source, group)) is not None
        ]

    def addition(self, engine: Engine, source: Source, group: Any) -> dict[str, Any] | None:
        """Return the row for one group, None where its name cannot be used."""
        field = self.target(group.id)
        try:
            return group_admin.addition(engine, source, group.scim_id, field.data)
        except InvalidSetting as error:
            field.errors = [*field.errors, error.message]
        return None


def import_form(found: Sequence[Any]) -> ImportForm:
    """Return the form for some groups of the provider; each is to keep its name."""
    fields = {
        f"to_{group.id}": StringField(
            gettext("Directory group for %(group)s", group=group.display_name),
            filters=[stripped],
            validators=[Length(max=LONGEST), plain],
            default=group.display_name,
        )
        for group in found
    }
    form_class: type[ImportForm] = type("SourceImportForm", (ImportForm,), fields)
    return form_class()


class MinimumForm(PageForm):
    """How many members a group must keep."""

    minimum = IntegerField(
        N_("Never below this number of members"),
        validators=[InputRequired(N_("Enter a whole number")), NumberRange(0, 1_000_000)],
    )
