"""``usersync sources`` and ``usersync approvals``."""

from collections.abc import Mapping
from typing import Any

import click

from ..core.records import Actor, Source
from ..providers.base import provider_of
from ..state import State
from ..store import journal, sources
from ..sync import admin
from ..sync.counting import COUNTS, GROUP_COUNTS, Summary
from ..sync.engine import Engine
from ..sync.source_settings import checked_directory
from .plumbing import (
    as_json_option,
    confirmed,
    opened,
    pairs,
    print_json,
    print_table,
    printable,
    shown,
    source_argument,
    source_of,
    this_actor,
    usersync,
    when,
)

NEEDS_APPROVAL = 3
"""The exit status for a script that wants to know when changes wait."""
states = click.Choice(["observe", "active", "off"])
accounts_option = click.option(
    "--accounts",
    type=click.Choice(admin.LEAVE_ACCOUNTS),
    default="keep",
    show_default=True,
    help="What becomes of the accounts that the source manages.",
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def source_as_json(state: State, source: Source) -> dict[str, Any]:
    """Return what is printed of a source."""
    path = f"{state.settings.url_prefix}/scim/{source.key}/v2"
    public = state.settings.public_url
    return {
        "source": source.key,
        "name": source.name,
        "kind": source.kind,
        "state": str(source.state),
        "scim_path": path,
        "scim_base_url": None if public is None else public + path,
    }


@usersync.group("sources")
def sources_group() -> None:
    """Connections to identity providers."""


@sources_group.command("add")
@click.argument("name")
@click.option("--kind", required=True, help="entra, okta, onelogin, oracle, keycloak, …")
@click.option("--state", "source_state", type=states, default="observe", show_default=True)
@click.option(
    "--set", "values", multiple=True, callback=pairs, metavar="KEY=VALUE", help="A setting."
)
@as_json_option
def add(name: str, kind: str, source_state: str, values: dict[str, str], as_json: bool) -> None:
    """Add a source called NAME."""
    state = opened()
    provider_of(kind, state.providers)
    directory = checked_directory(state.engine, values.pop("directory", "local"))
    source = admin.add_source(
        state.engine,
        this_actor(),
        name=name,
        kind=kind,
        state=source_state,
        rules=values,
        directory=directory,
    )
    if as_json:
        print_json(source_as_json(state, source))
        return
    print_facts(source_as_json(state, source))
    click.echo(f"Next: usersync tokens add {source.key}")


@sources_group.command("list")
@as_json_option
def list_(as_json: bool) -> None:
    """List the sources."""
    state = opened()
    with state.engine.store.reading() as session:
        found = sources.list_sources(session)
    listed = [source_as_json(state, source) for source in found]
    if as_json:
        print_json({"sources": listed})
        return
    print_table(
        ("SOURCE", "NAME", "KIND", "STATE", "SCIM PATH"),
        [[s[key] for key in ("source", "name", "kind", "state", "scim_path")] for s in listed],
        "There is no source yet: usersync sources add NAME --kind KIND",
    )


@sources_group.command("show")
@source_argument
@as_json_option
def show(source_key: str, as_json: bool) -> None:
    """Show a source with its settings."""
    state = opened()
    source = source_of(state, source_key)
    with state.engine.store.reading() as session:
        facts = {
            "people": sources.count_people(session, source),
            "accounts": sources.count_links(session, source.id),
            "held": journal.count_held(session, source.id),
            "last_request_at": when(sources.last_request_at(session, source)),
        }
    if as_json:
        settings = {"directory": source.directory, "settings": dict(source.rules)}
        print_json({**source_as_json(state, source), **settings, **facts})
        return
    own = {"directory": source.directory or "none"}
    print_facts({**source_as_json(state, source), **own, **facts, **source.rules})


def print_facts(facts: Mapping[str, object]) -> None:
    """Print names and values below each other."""
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        click.echo(f"{name.ljust(width)}  {printable(value)}".rstrip())


@sources_group.command("set")
@source_argument
@click.argument("values", nargs=-1, required=True, callback=pairs, metavar="KEY=VALUE...")
@click.option("--preview", is_flag=True, help="Only count what it would do.")
@click.option("--fail-on-held", is_flag=True, help="Exit with 3 where changes wait for approval.")
@as_json_option
def set_(
    source_key: str, values: dict[str, str], preview: bool, fail_on_held: bool, as_json: bool
) -> None:
    """Change settings of a source (a rule, state, name, directory) and apply them to its people."""
    state = opened()
    source = source_of(state, source_key)
    act = admin.preview_rules if preview else changed
    summary = act(state.engine, this_actor(), source, values)
    print_summary(source, summary, preview=preview, as_json=as_json)
    if fail_on_held and summary.held:
        raise SystemExit(NEEDS_APPROVAL)


def print_summary(source: Source, summary: Summary, *, preview: bool, as_json: bool) -> None:
    """Print what settings did or would do."""
    counts = {name: summary.counts.get(name, 0) for name in COUNTS}
    if as_json:
        moved = {name: count for name in GROUP_COUNTS if (count := summary.counts.get(name, 0))}
        more = {"groups": moved} if moved else {}
        print_json({"counts": counts, "held": summary.held, **more})
        return
    counts |= {f"{n} groups": summary.counts.get(n, 0) for n in GROUP_COUNTS}
    words = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    begin = "Nothing was changed; it would be: " if preview else "Saved. People: "
    click.echo(begin + (words or "none concerned"))
    if summary.held:
        click.echo(f"{summary.held} changes wait for you: usersync approvals list {source.key}")


def changed(engine: Engine, actor: Actor, source: Source, values: dict[str, str]) -> Summary:
    """Store new settings and return what they did; a terminal sees how far it is."""
    return admin.change_source(engine, actor, source, values, progress=shown)[1]


@sources_group.command("remove")
@source_argument
@accounts_option
@yes_option
@as_json_option
def remove(source_key: str, accounts: str, yes: bool, as_json: bool) -> None:
    """Remove a source with its people, tokens and settings."""
    leave(source_key, accounts, yes, as_json, remove=True)


@sources_group.command("detach")
@source_argument
@accounts_option
@yes_option
@as_json_option
def detach(source_key: str, accounts: str, yes: bool, as_json: bool) -> None:
    """End a source's ownership of its accounts, its tokens too, and keep its settings."""
    leave(source_key, accounts, yes, as_json, remove=False)


def leave(source_key: str, accounts: str, yes: bool, as_json: bool, *, remove: bool) -> None:
    """Detach or remove a source after asking."""
    state = opened()
    source = source_of(state, source_key)
    verb, done = ("Remove", "removed") if remove else ("Detach", "detached")
    question = f"{verb} source {source.key!r} and {accounts} its accounts?"
    confirmed(question, yes=yes, harmless=accounts == "keep")
    count = admin.leave_source(state.engine, this_actor(), source, accounts=accounts, remove=remove)
    if as_json:
        print_json({"source": source.key, "action": done, "accounts": accounts, "count": count})
        return
    click.echo(f"Source {source.key} is {done}; its {count} accounts: {accounts}.")
