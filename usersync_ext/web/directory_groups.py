"""Groups of the embedded directory: the list, and one group with its members and history."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ..core.records import DirectoryGroup
from ..directories.local import LocalAccounts
from ..sync import by_hand, group_admin
from .account_forms import GroupForm
from .forms import ActionForm, attempt
from .group_forms import MinimumForm
from .language import gettext, ngettext
from .people import differences
from .shared import ID, Route, done, engine, given, page_of, typed, typed_number, visitor

AT_ONCE = 100
HISTORY_SHOWN = 50


def groups() -> ResponseReturnValue:
    form = GroupForm()
    if form.validate_on_submit():
        added = attempt(form, lambda: by_hand.add_group(engine(), visitor(), form.data["name"]))
        if added:
            return done(added_in_words(added), ".groups")
    after = typed("after")
    found = group_admin.page_of_directory_groups(
        engine(), search=typed("search"), after=after, limit=AT_ONCE + 1
    )
    return render_template(
        "usersync/groups.html",
        form=form,
        page=page_of(found, AT_ONCE),
        filters=given("search"),
        after=after,
    )


def added_in_words(added: DirectoryGroup) -> str:
    """Return that a group was added, and what follows if it is protected."""
    if added.protected:
        return gettext(
            "The group %(group)s was added. It is protected: its members are administrators.",
            group=added.name,
        )
    return gettext("The group %(group)s was added.", group=added.name)


def group(group_id: int) -> ResponseReturnValue:
    key = str(group_id)
    shown = group_admin.directory_group(engine(), key)
    form = MinimumForm(minimum=shown.group.minimum_members)
    if form.validate_on_submit():
        minimum = form.minimum.data or 0
        by_hand.set_minimum(engine(), visitor(), key, minimum)
        text = minimum_in_words(shown.group.name, minimum)
        return done(text, ".group", group_id=group_id)
    after = typed_number("after")
    found = group_admin.members_of(engine(), key, after=str(after), limit=AT_ONCE + 1)
    history = group_admin.history_of(engine(), key, HISTORY_SHOWN)
    return render_template(
        "usersync/group.html",
        shown=shown,
        group=shown.group,
        form=form,
        page=page_of(found, AT_ONCE),
        after=after,
        history=history,
        differences={entry.id: differences(entry) for entry in history},
    )


def minimum_in_words(name: str, minimum: int) -> str:
    """Return how many members a group keeps."""
    if not minimum:
        return gettext("The group %(group)s may become empty.", group=name)
    return ngettext(
        "The group %(group)s keeps at least %(count)s member.",
        "The group %(group)s keeps at least %(count)s members.",
        minimum,
        group=name,
    )


def protect_group(group_id: int) -> ResponseReturnValue:
    if ActionForm().validate_on_submit():
        wanted = "protect" in request.form
        group = by_hand.protect_group(engine(), visitor(), str(group_id), protected=wanted)
        text = protection_in_words(group)
        if "stay" in request.form:
            return done(text, ".group", group_id=group_id)
        return done(text, ".groups")
    return redirect(url_for(".groups"), code=303)


def protection_in_words(group: DirectoryGroup) -> str:
    """Return what a group's protection means for its members."""
    if group.protected:
        return gettext("The members of %(group)s are administrators now.", group=group.name)
    return gettext(
        "The members of %(group)s are not administrators by this group any more.", group=group.name
    )


def delete_group(group_id: int) -> ResponseReturnValue:
    key = str(group_id)
    with engine().store.reading() as db:
        group = LocalAccounts(db).get_group(key)
    form = ActionForm()
    if form.validate_on_submit():
        by_hand.remove_group(engine(), visitor(), key)
        text = gettext("The group %(group)s was deleted.", group=group.name)
        return done(text, ".groups")
    return render_template("usersync/group_delete.html", form=form, group=group)


PAGES: tuple[Route, ...] = (
    Route("/directory/groups", groups, posts=True),
    Route(f"/directory/groups/<{ID}:group_id>", group, posts=True),
    Route(f"/directory/groups/<{ID}:group_id>/protect", protect_group, posts=True),
    Route(f"/directory/groups/<{ID}:group_id>/delete", delete_group, posts=True),
)
