"""What waits for an administrator: held changes, adoptions, leavers, and an account's hand-over."""

from collections.abc import Sequence

from flask import abort, render_template
from flask.typing import ResponseReturnValue

from ..core.options import OPTIONS
from ..core.records import Person, PersonState, Source
from ..errors import NotFound
from ..store import journal
from ..store import overview as store_overview
from ..store import people as store_people
from ..store import sources as store_sources
from ..store.overview import HeldChange
from ..sync import admin, adopting
from ..sync import leavers as sync_leavers
from ..sync.adopting import HandOver, Proposal
from ..sync.leavers import Leaver
from .account_forms import hand_over_form
from .decision_forms import AdoptionForm, HeldForm, RestoreForm
from .directory import Shown, load_account
from .forms import attempt
from .language import gettext, ngettext
from .shared import (
    ID,
    PAGE_SIZE,
    Page,
    Route,
    done,
    engine,
    load_source,
    page_of,
    sentence,
    source_page,
    typed,
    typed_number,
    visitor,
)


def held(key: str) -> ResponseReturnValue:
    source = load_source(key)
    form = HeldForm()
    if form.validate_on_submit():
        if not form.is_decided:
            abort(400)
        if form.is_clear(count_held(source)):
            return done(decide_held(source, form), ".held", key=key)
    after = typed_number("after")
    with engine().store.reading() as db:
        found = store_overview.list_held(db, source.id, after_id=after, limit=PAGE_SIZE + 1)
    page = page_of(found)
    people = by_person(page.items)
    return source_page(
        "held.html", source, "held", form=form, page=page, people=people, after=after
    )


def count_held(source: Source) -> int:
    with engine().store.reading() as db:
        return journal.count_held(db, source.id)


def decide_held(source: Source, form: HeldForm) -> str:
    """Release or reject what the form says; return what was done."""
    count = admin.decide_held(
        engine(), visitor(), source, release=form.releases, people_ids=form.chosen
    )
    if form.releases:
        return ngettext(
            "Changes of %(count)s person were released.",
            "Changes of %(count)s people were released.",
            count,
        )
    return ngettext(
        "Changes of %(count)s person were rejected.",
        "Changes of %(count)s people were rejected.",
        count,
    )


def by_person(changes: Sequence[HeldChange]) -> list[list[HeldChange]]:
    """Return held changes person by person, in the order of each person's oldest."""
    found: dict[int, list[HeldChange]] = {}
    for change in changes:
        found.setdefault(change.identity_id, []).append(change)
    return list(found.values())


# -- adoption --------------------------------------------------------------------------------------


def adoption(key: str) -> ResponseReturnValue:
    source = load_source(key)
    form = AdoptionForm()
    if form.validate_on_submit():
        text = attempt(form, lambda: decide_adoption(source, form))
        if text is not None:
            return done(text, ".adoption", key=key)
    after = typed_number("after")
    page, proposals = load_proposals(source, after)
    return source_page(
        "adoption.html",
        source,
        "adoption",
        form=form,
        page=page,
        proposals=proposals,
        safe_count=sum(proposal.is_safe for proposal in proposals),
        policy=dict(OPTIONS["match_policy"].choices)[source.rules["match_policy"]],
        after=after,
    )


def load_proposals(source: Source, after: int) -> tuple[Page[Person], list[Proposal]]:
    """Return a page of the people for whom an account waits, and what waits for them."""
    with engine().store.reading() as db:
        found = store_people.list_people(
            db, source=source, state=PersonState.PROPOSED, after_id=after, limit=PAGE_SIZE + 1
        )
        page = page_of(found)
        if not page.items:
            return page, []
        work = engine().work_for(source, visitor())
        return page, adopting.proposals_for(db, work, page.items)


def decide_adoption(source: Source, form: AdoptionForm) -> str:
    """Accept or refuse what the form says; return what was done."""
    if form.accept_safe.data:
        count = adopting.accept_safe(engine(), visitor(), source)
        return ngettext(
            "%(count)s safe proposal was accepted.",
            "%(count)s safe proposals were accepted.",
            count,
        )
    accept, account = bool(form.accept.data), form.account.data
    if not account or not (accept or form.refuse.data):
        abort(400)
    person = load_person(source, form.person.data or 0)
    adopting.decide(engine(), visitor(), source, person, accept=accept, account_name=account)
    now = load_person(source, person.id)
    text = decided(source, person, account, accept=accept)
    if accept and now.state is PersonState.IN_SYNC:
        return text
    return f"{text} {sentence(now.why)}"


def decided(source: Source, person: Person, account: str, *, accept: bool) -> str:
    """Return what was decided about a person and an account."""
    values = {"account": account, "person": person.user_name, "source": source.name}
    if accept:
        return gettext(
            "Accepted: the account %(account)s is for %(person)s of %(source)s.", **values
        )
    return gettext(
        "Refused: %(person)s of %(source)s does not get the account %(account)s.", **values
    )


def load_person(source: Source, person_id: int) -> Person:
    """Return a person of a source. Raises NotFound."""
    with engine().store.reading() as db:
        person, _ = store_people.get_person(db, person_id)
    if person.source != source.key:
        raise NotFound(gettext("source %(key)s has no such person", key=repr(source.key)))
    return person


# -- leavers ---------------------------------------------------------------------------------------


def leavers(key: str) -> ResponseReturnValue:
    source = load_source(key)
    form = RestoreForm()
    if form.validate_on_submit():
        person = load_person(source, form.person.data or 0)
        account = attempt(
            form, lambda: sync_leavers.restore(engine(), visitor(), source, person.id)
        )
        if account is not None:
            text = gettext(
                "The account %(account)s of %(person)s is enabled again.",
                account=account.user_name,
                person=person.user_name,
            )
            return done(text, ".leavers", key=key)
    after = typed_number("after")
    found: list[Leaver] = []
    if source.directory in engine().directories:
        found = sync_leavers.list_leavers(engine(), source, after_id=after, limit=PAGE_SIZE + 1)
    page = page_of(found)
    return source_page("leavers.html", source, "leavers", form=form, page=page, after=after)


# -- hand-over -------------------------------------------------------------------------------------


def hand_over(account_id: int) -> ResponseReturnValue:
    shown = load_account(account_id)
    targets = other_sources(shown)
    form = hand_over_form([(source.key, source.name) for source in targets], typed("target"))
    wanted = form.target.data if shown.link else ""
    plan: HandOver | None = None
    if wanted and wanted not in {source.key for source in targets}:
        form.fail("target", gettext("choose one of the sources"))
    elif wanted:
        plan = attempt(form, lambda: adopting.plan_hand_over(engine(), shown.account.key, wanted))
    if plan is not None and form.validate_on_submit():
        adopting.hand_over(engine(), visitor(), plan)
        return done(handed_over(plan), ".account", account_id=account_id)
    return render_template(
        "usersync/hand_over.html",
        form=form,
        shown=shown,
        account=shown.account,
        targets=targets,
        plan=plan,
    )


def other_sources(shown: Shown) -> list[Source]:
    """Return the sources of the embedded directory that do not manage an account, by name."""
    owner = shown.link.source if shown.link else ""
    with engine().store.reading() as db:
        found = store_sources.list_sources(db)
    return [source for source in found if source.directory == "local" and source.key != owner]


def handed_over(plan: HandOver) -> str:
    """Return what was done, naming both sources."""
    account, source, target = plan.account.user_name, plan.source.name, plan.target.name
    if plan.to is None:
        return gettext(
            "The account %(account)s went from %(source)s to %(target)s, where it waits for its"
            " person.",
            account=account,
            source=source,
            target=target,
        )
    return gettext(
        "The account %(account)s went from %(source)s to %(target)s, for %(person)s.",
        account=account,
        source=source,
        target=target,
        person=plan.to.user_name,
    )


PAGES: tuple[Route, ...] = (
    Route("/sources/<key>/held", held, posts=True),
    Route("/sources/<key>/adoption", adoption, posts=True),
    Route("/sources/<key>/leavers", leavers, posts=True),
    Route(f"/directory/<{ID}:account_id>/hand-over", hand_over, posts=True),
)
