"""The forms by which administrators decide: release or reject, accept or refuse, restore."""

from typing import Any

from wtforms import HiddenField, IntegerField, SelectMultipleField, StringField, SubmitField
from wtforms.validators import NumberRange

from .forms import PageForm
from .language import N_, gettext, ngettext

MAX_ID = 2_147_483_647


def row_id(text: Any) -> int:
    """Return a row id. Raises ValueError for what is none in any database."""
    number = int(text)
    if not 0 < number <= MAX_ID:
        raise ValueError("no id")
    return number


class HeldForm(PageForm):
    """Which held changes are released or rejected: those of the chosen people, or all."""

    people = SelectMultipleField(N_("People"), coerce=row_id, validate_choice=False)
    count = HiddenField()  # how many changes the page showed as waiting
    release_selected = SubmitField(N_("Release selected"))
    reject_selected = SubmitField(N_("Reject selected"))
    release = SubmitField()
    reject = SubmitField()

    @property
    def releases(self) -> bool:
        """Whether changes are released, not rejected."""
        return bool(self.release.data or self.release_selected.data)

    @property
    def is_decided(self) -> bool:
        """Whether one of the buttons was pressed."""
        return self.releases or bool(self.reject.data or self.reject_selected.data)

    @property
    def chosen(self) -> list[int] | None:
        """Whose changes are meant, None for everybody's."""
        return None if self.release.data or self.reject.data else self.people.data

    def is_clear(self, waiting: int) -> bool:
        """Tell whether it is clear whose changes are meant; if not, say so beside the table."""
        if self.chosen == []:
            self.fail("people", gettext("Select at least one person first. Nothing was changed"))
        elif self.chosen is None and self.count.data and self.count.data != str(waiting):
            text = ngettext(
                "%(count)s change waits by now. Look at it again: nothing was changed",
                "%(count)s changes wait by now. Look at them again: nothing was changed",
                waiting,
            )
            self.fail("people", text)
        return not self.errors


class AdoptionForm(PageForm):
    """Whether a person adopts an account that waits for them, or all do where that is safe."""

    person = IntegerField(N_("Person"), validators=[NumberRange(0, MAX_ID)], default=0)
    account = StringField(N_("Account"))
    accept = SubmitField()
    refuse = SubmitField()
    accept_safe = SubmitField(N_("Accept all safe ones"))


class RestoreForm(PageForm):
    """Which leaver gets their account back."""

    person = IntegerField(N_("Person"), validators=[NumberRange(1, MAX_ID)])
