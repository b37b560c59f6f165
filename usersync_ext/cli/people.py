"""``usersync people`` and ``usersync changes``: what sources said, and what became of it."""

from typing import Any

import click

from ..core.records import JournalEntry, Person, Source
from ..errors import NotFound, UserSyncError
from ..state import State
from ..store import journal
from ..store.people import find_people
from ..sync import explain
from ..sync.explain import Explanation
from .accounts import account_as_json
from .plumbing import (
    as_json_option,
    opened,
    optional_source,
    print_json,
    print_table,
    printable,
    source_option,
    usersync,
    walked,
    when,
)


@usersync.group("people")
def people() -> None:
    """People as the sources state them."""


def person_as_json(person: Person) -> dict[str, Any]:
    """Return what is printed of a person; ``id`` is the SCIM id."""
    return {
        "source": person.source,
        "id": person.scim_id,
        "user_name": person.user_name,
        "external_id": person.external_id,
        "active": person.active,
        "account": person.account_name,
        "state": str(person.state),
        "why": person.why,
    }


def change_as_json(entry: JournalEntry) -> dict[str, Any]:
    """Return what is printed of a line of the journal."""
    return {
        "at": when(entry.at),
        "source": entry.source,
        "actor": entry.actor,
        "kind": entry.kind,
        "subject": entry.subject,
        "reason": entry.reason,
        "outcome": entry.outcome,
        "before": entry.before,
        "after": entry.after,
    }


@people.command("list")
@source_option
@as_json_option
def list_(source_key: str | None, as_json: bool) -> None:
    """List the people of all sources, or of one."""
    state = opened()
    source = optional_source(state, source_key)

    def page(last: Person | None) -> list[Person]:
        return explain.list_people(state.engine, source=source, after_id=last.id if last else 0)

    found = [person_as_json(person) for person in walked(page)]
    if as_json:
        print_json({"people": found})
        return
    keys = ("source", "user_name", "active", "account", "state", "why")
    print_table(
        [key.replace("_", " ").upper() for key in keys],
        [[person[key] for key in keys] for person in found],
        "No source has sent anybody yet.",
    )


@people.command("explain")
@click.argument("name", metavar="PERSON")
@source_option
@as_json_option
def explain_(name: str, source_key: str | None, as_json: bool) -> None:
    """Tell why PERSON (user name or id) has the account that they have, or none."""
    state = opened()
    person = the_person(state, name, optional_source(state, source_key))
    told = explain.explain_person(state.engine, person.id)
    if as_json:
        print_json(explanation_as_json(told))
        return
    print_explanation(told)


def the_person(state: State, name: str, source: Source | None) -> Person:
    """Return the one person of a name; a living one before a deleted one.

    Raises NotFound, and UserSyncError naming the sources that each have one.
    """
    with state.engine.store.reading() as session:
        found = find_people(session, name, source)
    if not found:
        raise NotFound(f"no source has a person {name!r}")
    living = [person for person in found if not person.deleted] or found[:1]
    named = [p for p in living if name in {p.scim_id, p.user_name}] or living
    keys = sorted({person.source for person in named})
    if len(keys) > 1:
        raise UserSyncError(f"{name!r} is in {', '.join(keys)}: add --source with one of them")
    return named[0]


def explanation_as_json(told: Explanation) -> dict[str, Any]:
    """Return everything about a person."""
    groups = [{"name": group, "why": why} for group, why in told.groups]
    steps = told.decision.steps if told.decision else ()
    names = [group["name"] for group in groups]
    return {
        "source": told.source.key,
        "person": person_as_json(told.person),
        "record": told.record,
        "steps": [
            {"rule": s.rule, "input": s.input, "output": s.output, "text": s.text} for s in steps
        ],
        "state": str(told.person.state),
        "why": told.person.why,
        "account": account_as_json(told.account, names) if told.account else None,
        "groups": groups,
        "changes": [change_as_json(entry) for entry in told.changes],
    }


def print_explanation(told: Explanation) -> None:
    """Print the way from what the source says to the account."""
    person = told.person
    click.echo(f"{printable(person.user_name)} of source {person.source}: {person.state}")
    click.echo(f"  {printable(person.why)}")
    account = told.account
    click.echo(f"Account: {printable(account.user_name) if account else 'none'}")
    for group, why in told.groups:
        click.echo(f"  in group {printable(group)}: {printable(why)}")
    click.echo("Rules:")
    for step in told.decision.steps if told.decision else ():
        click.echo(f"  {step.rule}: {printable(step.text)}")
    click.echo("Changes:")
    for entry in told.changes:
        text = printable(entry.reason)
        click.echo(f"  {when(entry.at)}  {entry.kind}  {entry.outcome}  {text}")


@usersync.group("changes")
def changes() -> None:
    """What was changed, by whom and why."""


@changes.command("list")
@source_option
@click.option("--all", "everything", is_flag=True, help="Administrators' actions too.")
@as_json_option
def list_changes(source_key: str | None, everything: bool, as_json: bool) -> None:
    """List changes, the newest first."""
    state = opened()
    wanted = journal.Lines(source=source_key, category=None if everything else "change")

    def page(last: JournalEntry | None) -> list[JournalEntry]:
        before = last.id if last else None
        with state.engine.store.reading() as session:
            return journal.list_entries(session, wanted, before_id=before, limit=500)

    found = [change_as_json(entry) for entry in walked(page)]
    if as_json:
        print_json({"changes": found})
        return
    keys = ("at", "source", "kind", "subject", "outcome", "actor", "reason")
    print_table(
        [key.upper() for key in keys],
        [[change[key] for key in keys] for change in found],
        "Nothing was changed yet.",
    )
