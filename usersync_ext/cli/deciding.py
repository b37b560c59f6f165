"""``usersync approvals``, ``adoption``, ``leavers`` and ``runs``: what waits for somebody."""

from typing import Any

import click

from ..core.records import Run, RunState, Source
from ..state import State
from ..store import runs as store_runs
from ..store.overview import HeldChange, list_held
from ..store.sources import list_sources
from ..sync import admin, adopting, leavers, runs
from ..sync.adopting import Proposal
from ..sync.counting import COUNTS
from ..sync.leavers import Leaver
from .people import the_person
from .plumbing import (
    as_json_option,
    opened,
    print_json,
    print_table,
    shown,
    source_argument,
    source_of,
    this_actor,
    usersync,
    walked,
    when,
)

any_source_argument = click.argument("source_key", metavar="[SOURCE]", required=False)


@usersync.group("approvals")
def approvals() -> None:
    """Changes that the guard holds until you decide."""


def sources_of(state: State, key: str | None) -> list[Source]:
    """Return the source that was named, or all of them. Raises NotFound."""
    if key is not None:
        return [source_of(state, key)]
    with state.engine.store.reading() as session:
        return list_sources(session)


@approvals.command("list")
@any_source_argument
@as_json_option
def list_waiting(source_key: str | None, as_json: bool) -> None:
    """List what waits for a decision, of one source or of all."""
    state = opened()
    rows = [
        {
            "source": source.key,
            **{key: getattr(held, key) for key in ("user_name", "full_name", "kind", "reason")},
            "at": when(held.at),
        }
        for source in sources_of(state, source_key)
        for held in held_changes(state, source)
    ]
    if as_json:
        print_json({"approvals": rows})
        return
    print_table(
        ("SOURCE", "PERSON", "CHANGE", "SINCE", "WHY"),
        [[row[key] for key in ("source", "user_name", "kind", "at", "reason")] for row in rows],
        f"Nothing of {named(source_key)} waits for a decision.",
    )


def held_changes(state: State, source: Source) -> list[HeldChange]:
    """Return every change of a source that waits."""

    def page(last: HeldChange | None) -> list[HeldChange]:
        with state.engine.store.reading() as session:
            return list_held(session, source.id, after_id=last.id if last else 0)

    return walked(page)


def named(source_key: str | None) -> str:
    """Return what a listing was about, in words."""
    return "any source" if source_key is None else f"source {source_key}"


people_argument = click.argument("people", nargs=-1, metavar="[PERSON...]")


@approvals.command("release")
@source_argument
@people_argument
@as_json_option
def release(source_key: str, people: tuple[str, ...], as_json: bool) -> None:
    """Let what is held happen: of some people (user name or id), or of everybody."""
    decide(source_key, people, as_json, release=True)


@approvals.command("reject")
@source_argument
@people_argument
@as_json_option
def reject(source_key: str, people: tuple[str, ...], as_json: bool) -> None:
    """Keep accounts as they are: of some people (user name or id), or of everybody."""
    decide(source_key, people, as_json, release=False)


def decide(source_key: str, names: tuple[str, ...], as_json: bool, *, release: bool) -> None:
    """Release or reject what is held."""
    state = opened()
    source = source_of(state, source_key)
    ids = [the_person(state, name, source).id for name in names] if names else None
    count = admin.decide_held(state.engine, this_actor(), source, release=release, people_ids=ids)
    word = "released" if release else "rejected"
    if as_json:
        print_json({"source": source.key, "decision": word, "people": count})
        return
    click.echo(f"The changes of {count} people of source {source.key} are {word}.")


@usersync.group("runs")
def runs_group() -> None:
    """Plans for all people of a source, and how far they were carried out."""


def run_as_json(run: Run) -> dict[str, Any]:
    """Return what is printed of a run."""
    return {
        "run": run.id,
        "source": run.source,
        "state": str(run.state),
        "actor": run.actor,
        "settings": dict(run.settings),
        "counts": {name: run.counts.get(name, 0) for name in COUNTS},
        "held": run.held,
        "done": run.done,
        "total": run.total,
        "why": run.why,
        "created_at": when(run.created_at),
        "finished_at": when(run.finished_at),
    }


@runs_group.command("list")
@source_argument
@as_json_option
def list_runs(source_key: str, as_json: bool) -> None:
    """List the newest runs of a source."""
    state = opened()
    source = source_of(state, source_key)
    with state.engine.store.reading() as session:
        found = [run_as_json(run) for run in store_runs.list_runs(session, source.id)]
    if as_json:
        print_json({"runs": found})
        return
    keys = ("run", "state", "created_at", "done", "total", "held", "actor", "why")
    print_table(
        [key.replace("_", " ").upper() for key in keys],
        [[run[key] for key in keys] for run in found],
        f"Source {source.key} has had no run yet.",
    )


@runs_group.command("resume")
@click.argument("run_id", type=int, metavar="RUN")
@as_json_option
def resume_run(run_id: int, as_json: bool) -> None:
    """Go on with a run that failed or was left alone while it was carried out."""
    state = opened()
    with state.engine.store.reading() as session:
        run = store_runs.get_run(session, run_id)
    if run.state is RunState.FAILED:
        run = runs.resume(state.engine, run)
    print_run(runs.work_on(state.engine, run, shown), as_json=as_json)


@runs_group.command("cancel")
@click.argument("run_id", type=int, metavar="RUN")
@as_json_option
def cancel_run(run_id: int, as_json: bool) -> None:
    """End a run where it is; what was done stays."""
    state = opened()
    with state.engine.store.reading() as session:
        run = store_runs.get_run(session, run_id)
    runs.cancel(state.engine, this_actor(), run)
    with state.engine.store.reading() as session:
        print_run(store_runs.get_run(session, run_id), as_json=as_json)


def print_run(run: Run, *, as_json: bool) -> None:
    """Print one run."""
    if as_json:
        print_json(run_as_json(run))
        return
    click.echo(f"Run {run.id} of source {run.source}: {run.state}, {run.done} of {run.total}.")


@usersync.group("adoption")
def adoption() -> None:
    """Existing accounts that people of a source may adopt."""


def proposal_as_json(source: Source, proposal: Proposal) -> dict[str, Any]:
    """Return what is printed of a proposal."""
    person = proposal.person
    return {
        "source": source.key,
        "user_name": person.user_name,
        "id": person.scim_id,
        "full_name": person.full_name,
        "safe": proposal.is_safe,
        "candidates": [
            {
                "account": evidence.account.user_name,
                "email": evidence.account.email,
                "privileged": evidence.account.privileged,
                "matches": list(evidence.matches),
                "risks": list(evidence.risks),
            }
            for evidence in proposal.evidence
        ],
    }


@adoption.command("list")
@any_source_argument
@as_json_option
def list_proposals(source_key: str | None, as_json: bool) -> None:
    """List whom an existing account waits for, with what speaks for and against it."""
    state = opened()
    found = [
        proposal_as_json(source, proposal)
        for source in sources_of(state, source_key)
        for proposal in adopting.every_proposal(state.engine, source)
    ]
    if as_json:
        print_json({"adoption": found})
        return
    print_table(
        ("SOURCE", "PERSON", "ACCOUNT", "MATCHES", "RISKS"),
        [
            (
                p["source"],
                p["user_name"],
                c["account"],
                "; ".join(c["matches"]),
                "; ".join(c["risks"]) or "none",
            )
            for p in found
            for c in p["candidates"]
        ],
        f"No account waits for a person of {named(source_key)}.",
    )


account_option = click.option("--account", default="", help="Which account, if several wait.")


@adoption.command("accept")
@source_argument
@people_argument
@account_option
@click.option("--safe", is_flag=True, help="All that nothing speaks against.")
@as_json_option
def accept(
    source_key: str, people: tuple[str, ...], account: str, safe: bool, as_json: bool
) -> None:
    """Let people (user name or id) have the account that waits, or with --safe all safe ones."""
    if safe == bool(people):
        raise click.UsageError("name people, or say --safe")
    state = opened()
    source = source_of(state, source_key)
    if safe:
        count = adopting.accept_safe(state.engine, this_actor(), source)
        print_decided(source_key, "accepted", count, as_json=as_json)
        return
    decide_adoption(source_key, people, account, as_json, accept=True)


@adoption.command("refuse")
@source_argument
@click.argument("people", nargs=-1, required=True, metavar="PERSON...")
@account_option
@as_json_option
def refuse(source_key: str, people: tuple[str, ...], account: str, as_json: bool) -> None:
    """Keep people (user name or id) from the accounts that wait for them."""
    decide_adoption(source_key, people, account, as_json, accept=False)


def decide_adoption(
    source_key: str, names: tuple[str, ...], account: str, as_json: bool, *, accept: bool
) -> None:
    """Accept or refuse proposals."""
    state = opened()
    source = source_of(state, source_key)
    people = [the_person(state, name, source) for name in names]
    for person in people:
        adopting.decide(
            state.engine, this_actor(), source, person, accept=accept, account_name=account
        )
    word = "accepted" if accept else "refused"
    print_decided(source.key, word, len(people), as_json=as_json)


def print_decided(source_key: str, word: str, count: int, *, as_json: bool) -> None:
    """Print how many proposals were decided."""
    if as_json:
        print_json({"source": source_key, "decision": word, "people": count})
        return
    click.echo(f"The proposals of {count} people of source {source_key} are {word}.")


@usersync.group("leavers")
def leavers_group() -> None:
    """Accounts that a source disabled."""


@leavers_group.command("list")
@source_argument
@as_json_option
def list_leavers(source_key: str, as_json: bool) -> None:
    """List whose accounts a source disabled, and when they are deleted."""
    state = opened()
    source = source_of(state, source_key)

    def page(last: Leaver | None) -> list[Leaver]:
        after = last.person.id if last else 0
        return leavers.list_leavers(state.engine, source, after_id=after)

    found = [
        {
            "user_name": leaver.person.user_name,
            "account": leaver.account.user_name,
            "disabled_at": when(leaver.disabled_at),
            "delete_at": when(leaver.delete_at),
        }
        for leaver in walked(page)
    ]
    if as_json:
        print_json({"source": source.key, "leavers": found})
        return
    print_table(
        ("PERSON", "ACCOUNT", "DISABLED", "DELETED"),
        [list(leaver.values()) for leaver in found],
        f"Source {source.key} has disabled nobody.",
    )


@leavers_group.command("delete-due")
@as_json_option
def delete_due(as_json: bool) -> None:
    """Delete the accounts whose time is over, as a running server does by itself."""
    count = leavers.delete_all_due(opened().engine)
    if as_json:
        print_json({"deleted": count})
        return
    click.echo(f"{count} accounts were deleted.")
