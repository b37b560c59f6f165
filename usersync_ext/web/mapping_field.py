"""The attribute mapping as a form field: a table of rows, without JavaScript."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wtforms import Field
from wtforms.form import BaseForm
from wtforms.validators import StopValidation

from ..core.attributes import InvalidExpression
from ..core.fields import CASES, MAX_ROWS, STANDARD, canonical_mapping, read_rows, row_of
from .language import N_, gettext
from .shared import has_control_characters

CELLS = ("field", "from", "case", "regex", "replacement")
NUMBERED = re.compile(r"(\d{1,4})-(field|from|case|regex|replacement)")


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingRow:
    """One row as it was typed or is stored; ``label`` is ``""`` for free attributes."""

    values: Mapping[str, str]
    label: str = ""
    error: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed into a row for a free attribute."""
        return not self.label and not any(self.values[cell].strip() for cell in CELLS)


class MappingField(Field):
    """Rows of the standard fields, always all of them, then rows of free attributes."""

    rows: tuple[MappingRow, ...] = ()
    cases = tuple(zip(CASES, (N_("as it is"), N_("lower case"), N_("UPPER CASE")), strict=True))
    longest = 1000

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        """Take the rows from the form where it has some, else from the stored text."""
        super().process(None, data)
        typed = list(typed_rows(self.name, formdata)) if formdata is not None else []
        stored = [row_of(row) for row in read_rows(self.data or "")]
        self.set_rows(typed or stored)

    def set_rows(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Show these rows; standard fields that are not among them have their default."""
        found, free = {}, []
        for row in rows:
            if row["field"] in STANDARD and row["field"] not in found:
                found[row["field"]] = row
            else:
                free.append(MappingRow(values=row))
        standard = [
            MappingRow(values=found.get(name) or default_row(name), label=label)
            for name, (label, _) in STANDARD.items()
        ]
        self.rows = (*standard, *free[: MAX_ROWS + 1])
        self.data = json.dumps([dict(row.values) for row in self.rows if not row.is_blank])

    def add_row(self) -> None:
        """Add an empty row for a free attribute."""
        self.rows = (*self.rows, MappingRow(values=dict.fromkeys(CELLS, "")))

    def remove_row(self, number: str) -> None:
        """Remove the row of a free attribute by its number in the form."""
        self.rows = tuple(r for i, r in enumerate(self.rows) if r.label or str(i) != number)

    def pre_validate(self, form: BaseForm) -> None:
        """Check each row by itself, so that every mistake is named beside its row."""
        self.rows = tuple(checked(row) for row in self.rows)
        wrong = [row.error for row in self.rows if row.error]
        self.errors: Sequence[str] = [*self.errors, *wrong]
        if wrong:
            raise StopValidation


def default_row(name: str) -> dict[str, str]:
    """Return the row of a standard field that nobody changed."""
    return {**dict.fromkeys(CELLS, ""), "field": name, "from": STANDARD[name][1]}


def typed_rows(prefix: str, formdata: Any) -> Iterator[dict[str, str]]:
    """Yield the rows of a form in their order."""
    found: dict[int, dict[str, str]] = {}
    for key in formdata:
        match = NUMBERED.fullmatch(key.removeprefix(f"{prefix}-"))
        if match and key.startswith(f"{prefix}-"):
            row = found.setdefault(int(match[1]), dict.fromkeys(CELLS, ""))
            row[match[2]] = formdata.getlist(key)[0]
    for number in sorted(found):
        row = found[number]
        yield {**row, **{cell: row[cell].strip() for cell in ("field", "from", "case")}}


def checked(row: MappingRow) -> MappingRow:
    """Return a row with what is wrong with it alone."""
    values = dict(row.values)
    if row.is_blank:
        return row
    field = values["field"]
    if not field:
        return replace(row, error=gettext("a row needs the name of an attribute, or remove it"))
    if any(has_control_characters(text) for text in values.values()):
        text = gettext("%(field)s: must not have control characters", field=field)
        return replace(row, error=text)
    try:
        canonical_mapping(json.dumps([values]))
    except InvalidExpression as error:
        return replace(row, error=str(error))
    return replace(row, error="")
