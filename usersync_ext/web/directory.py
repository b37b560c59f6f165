"""The embedded directory: its accounts, looked at and changed by hand."""

from dataclasses import asdict, dataclass

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ..core.records import Account, DirectoryGroup, JournalEntry
from ..directories.local import LocalAccounts
from ..store import journal, people, sources
from ..store.people import Link
from ..sync import by_hand, explain
from ..sync.admin import is_protected
from ..sync.whys import Why, whys
from .account_forms import (
    DETAILS,
    AccountEditForm,
    AccountForm,
    Pairs,
    account_edit_form,
    managed_details,
    split_attributes,
)
from .forms import ActionForm, attempt
from .language import gettext
from .people import differences
from .shared import (
    ID,
    PAGE_SIZE,
    Route,
    done,
    engine,
    given,
    page_of,
    typed,
    typed_number,
    visitor,
)

CHANGES_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An account with everything that its page shows."""

    account: Account
    link: Link | None
    managed: dict[str, str]  # field → key of the source that manages it
    managed_attributes: Pairs  # the free ones among them
    managed_details: Pairs  # what the source says beyond name and e-mail: label and value
    is_left_alone: bool  # its source protects it by its name
    groups: dict[str, Why]  # name of a group → why the account is in it
    all_groups: tuple[DirectoryGroup, ...]
    changes: tuple[JournalEntry, ...]


def load_account(account_id: int) -> Shown:
    """Return an account with its owner, groups and history. Raises NotFound."""
    key = str(account_id)
    with engine().store.reading() as db:
        local = LocalAccounts(db)
        account = local.get(key)
        link = people.links_of_accounts(db, "local", [key]).get(key)
        managed = by_hand.managed_fields(db, account)
        return Shown(
            account=account,
            link=link,
            managed=managed,
            managed_attributes=split_attributes(account.attributes, managed)[0],
            managed_details=managed_details(account, managed),
            is_left_alone=link is not None
            and not account.protected
            and is_protected(account, sources.get_source(db, link.source)),
            groups={
                why.membership.group: why for why in whys(db, "local", local.memberships([key]))
            },
            all_groups=tuple(local.groups()),
            changes=tuple(
                journal.list_entries(
                    db, journal.Lines(account_key=key, category=None), limit=CHANGES_SHOWN
                )
            ),
        )


def accounts() -> ResponseReturnValue:
    after = typed_number("after")
    found = explain.list_accounts(
        engine(), search=typed("search"), after=str(after or ""), limit=PAGE_SIZE + 1
    )
    return render_template(
        "usersync/accounts.html", page=page_of(found), filters=given("search"), after=after
    )


def add_account() -> ResponseReturnValue:
    form = AccountForm()
    if form.validate_on_submit():
        values = {f: form[f].data for f in ("user_name", "full_name", "email")}
        created = attempt(form, lambda: by_hand.add_account(engine(), visitor(), **values))
        if created is not None:
            return done(gettext("The account was created."), ".account", account_id=created.key)
    return render_template("usersync/account_add.html", form=form)


def account(account_id: int) -> ResponseReturnValue:
    shown = load_account(account_id)
    given = {name for name, why in shown.groups.items() if why.source is not None}
    keys = [(group.key, group.name) for group in shown.all_groups if group.name not in given]
    chosen = [key for key, name in keys if name in shown.groups]
    form = account_edit_form({**asdict(shown.account), "groups": chosen}, keys, shown.managed)
    if form.validate_on_submit():
        saved = attempt(form, lambda: save_account(shown, form, chosen))
        if saved is not None:
            return done(gettext("Saved."), ".account", account_id=account_id)
    return render_template(
        "usersync/account.html",
        form=form,
        shown=shown,
        account=shown.account,
        details=DETAILS,
        differences={entry.id: differences(entry) for entry in shown.changes},
    )


def save_account(shown: Shown, form: AccountEditForm, chosen: list[str]) -> Account:
    """Store the fields and the memberships that were given by hand."""
    key = shown.account.key
    values = form.values(shown.managed_attributes)
    after = by_hand.edit_account(engine(), visitor(), key, values)
    wanted = sorted(form.data["groups"])
    if wanted != sorted(chosen):
        by_hand.set_groups(engine(), visitor(), key, wanted)
    return after


def protect_account(account_id: int) -> ResponseReturnValue:
    if ActionForm().validate_on_submit():
        wanted = "protect" in request.form
        by_hand.protect_account(engine(), visitor(), str(account_id), protected=wanted)
        if wanted:
            text = gettext("The account is protected now.")
        else:
            text = gettext("The account is not protected now.")
        return done(text, ".account", account_id=account_id)
    return redirect(url_for(".account", account_id=account_id), code=303)


def delete_account(account_id: int) -> ResponseReturnValue:
    shown = load_account(account_id)
    form = ActionForm()
    if form.validate_on_submit():
        by_hand.remove_account(engine(), visitor(), str(account_id))
        text = gettext("The account %(name)s was deleted.", name=shown.account.user_name)
        return done(text, ".accounts")
    return render_template(
        "usersync/account_delete.html", form=form, shown=shown, account=shown.account
    )


PAGES: tuple[Route, ...] = (
    Route("/directory", accounts),
    Route("/directory/add", add_account, posts=True),
    Route(f"/directory/<{ID}:account_id>", account, posts=True),
    Route(f"/directory/<{ID}:account_id>/protect", protect_account, posts=True),
    Route(f"/directory/<{ID}:account_id>/delete", delete_account, posts=True),
)
