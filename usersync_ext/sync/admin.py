"""What administrators do, the same for pages and the command line; each leaves a journal line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ..core.guard import count_removals, ends_administrator
from ..core.names import name_list
from ..core.options import DEFAULT_RULES, changed_rules
from ..core.records import (
    Account,
    Actor,
    Change,
    ChangeKind,
    Decision,
    Identity,
    PersonState,
    RunState,
    Source,
    SourceState,
    Token,
)
from ..errors import InvalidSetting, RunStopped
from ..store import journal, mirror, people, sources, tokens
from ..store import runs as store_runs
from ..store.engine import Session
from ..store.journal import Event, add_admin_entry
from . import runs
from .applying import Part, Result, apply_parts, signals_of
from .counting import NO_COUNTS, NOTHING_DONE, Summary, tally
from .engine import Engine
from .guarding import current_budget
from .members import release_memberships
from .outsiders import planned_sweep
from .planning import living_or_linked, with_administrators
from .reconcile import reconcile
from .runs import SLICE, Progress, acts, decide_people
from .source_settings import changed_columns, parsed_state, with_settings
from .work import Work

LEAVE_ACCOUNTS = ("keep", "disable", "delete")


def add_source(
    engine: Engine,
    actor: Actor,
    *,
    name: str,
    kind: str,
    state: str = SourceState.OBSERVE,
    rules: Mapping[str, Any] | None = None,
    directory: str = "local",
) -> Source:
    """Create a source. Raises InvalidSetting."""
    complete = changed_rules(DEFAULT_RULES, rules or {})
    now = datetime.now(UTC)
    with engine.store.writing() as session:
        source = sources.add_source(
            session,
            name=name,
            kind=kind,
            state=parsed_state(state),
            directory=directory,
            rules=complete,
            now=now,
        )
        add_admin_entry(
            session, actor, source.key, "source_added", source.name, f"kind {kind}, {state}", now
        )
    return source


def change_source(
    engine: Engine,
    actor: Actor,
    source: Source,
    values: Mapping[str, Any],
    progress: Progress | None = None,
) -> tuple[Source, Summary]:
    """Store new settings of a source (name, state, directory, any rule) and apply them to all.

    Everything is checked before anything is stored. Leaving observe and switching import on are
    guarded like any other plan. Raises InvalidSetting.
    """
    columns = changed_columns(engine, source, values)
    if not columns:
        return source, NOTHING_DONE
    if columns.keys() == {"name"}:
        return rename_source(engine, actor, source, columns["name"]), NOTHING_DONE
    if columns.keys() == {"state"} and columns["state"] is not SourceState.ACTIVE:
        return stop_source(engine, actor, source, columns["state"])
    run = runs.work_on(engine, runs.start(engine, actor, source, values, applies=True), progress)
    if run.state not in {RunState.FINISHED, RunState.NEEDS_APPROVAL}:
        raise RunStopped(f"run {run.id} of source {source.key!r} is {run.state}: {run.why}")
    with engine.store.reading() as session:
        return sources.get_source(session, source.key), Summary(run.counts, run.held)


def stop_source(
    engine: Engine, actor: Actor, source: Source, state: SourceState
) -> tuple[Source, Summary]:
    """Keep a source from acting at once, whatever is at work; then look at its people."""
    now = datetime.now(UTC)
    with engine.store.reading() as session:
        busy = store_runs.at_work(session, source.id)
    if busy is not None:
        runs.cancel(engine, actor, busy)
    with engine.store.writing() as session:
        stopped = sources.change_source(session, source, state=state)
        text = f"state={state}"
        add_admin_entry(session, actor, source.key, "source_changed", stopped.name, text, now)
    if not acts(stopped):
        return stopped, NOTHING_DONE
    run = runs.start(engine, actor, stopped, {}, applies=True, queued=True)
    if runs.is_large(engine, stopped):
        runs.in_background(engine, run)
        return stopped, NOTHING_DONE
    run = runs.work_on(engine, run)
    return stopped, Summary(run.counts, run.held)


def rename_source(engine: Engine, actor: Actor, source: Source, name: str) -> Source:
    """Store another display name of a source."""
    now = datetime.now(UTC)
    with engine.store.writing() as session:
        changed = sources.change_source(session, source, name=name)
        text = f"name={name}"
        add_admin_entry(session, actor, source.key, "source_changed", changed.name, text, now)
    return changed


def people_in_slices(engine: Engine, source: Source) -> Iterator[list[int]]:
    """Yield the row ids of all people of a source, deleted ones too, slice by slice."""
    after = 0
    while True:
        with engine.store.reading() as session:
            ids = mirror.identity_ids_after(session, source.id, after, SLICE)
        if not ids:
            return
        yield ids
        after = ids[-1]


def reconcile_people(
    engine: Engine, actor: Actor, source: Source, ids: Sequence[int]
) -> list[Result]:
    """Bring the accounts of these people in line; return what became of each."""

    def unit(session: Session, work: Work) -> tuple[list[Result], list[Event]]:
        people.lock_identities(session, ids)
        found = mirror.get_identities(session, work.source.id, ids)
        return reconcile(session, work, living_or_linked(session, found))

    return engine.perform(engine.work_for(source, actor), unit)


def preview_rules(
    engine: Engine, actor: Actor, source: Source, values: Mapping[str, Any]
) -> Summary:
    """Return what new settings would do to everybody; nothing is written. Raises InvalidSetting."""
    counts = dict(NO_COUNTS)
    changed = with_settings(engine, source, values)
    if not acts(changed):
        return NOTHING_DONE
    work = engine.work_for(changed, actor)
    removals = left = 0
    for ids in people_in_slices(engine, source):
        with engine.store.reading() as session:
            found = decide_people(session, work, ids)
            left = current_budget(session, work).left
        for decision in found:
            tally(counts, decision)
            removals += 0 if decision.observed else count_removals(decision)
        work = replace(work, admins_gone=work.admins_gone + sum(map(ends_administrator, found)))
    held = removals if removals > left else 0
    with engine.store.reading() as session:
        sweep = planned_sweep(session, work, removals=removals)
    lost = len({row.account_key for row in sweep.outsiders})
    counts["lose"] += lost
    return Summary(counts=counts, held=held + (lost if sweep.is_held else 0))


def leave_source(
    engine: Engine, actor: Actor, source: Source, *, accounts: str, remove: bool
) -> int:
    """Detach a source (its people become local accounts) or remove it altogether.

    ``accounts`` says what happens to the accounts that it manages: keep, disable or delete.
    Protected accounts are always kept. Returns how many accounts it managed.
    """
    if accounts not in LEAVE_ACCOUNTS:
        raise InvalidSetting("accounts", "must be one of keep, disable, delete")
    word = "removed" if remove else "detached"
    with engine.store.reading() as session:
        count = sources.count_links(session, source.id)
    if accounts != "keep":
        for ids in people_in_slices(engine, source):
            end_accounts(engine, actor, source, ids, accounts, f"the source was {word}")
    now = datetime.now(UTC)
    with engine.store.writing() as session:
        release_memberships(session, engine.directories.get(source.directory), source)
        people.release_links(session, source.id)
        for token in tokens.list_tokens(session, source):
            tokens.revoke_token(session, token, now)
        sources.change_source(session, source, state=SourceState.OFF)
        if remove:
            sources.delete_source(session, source)
        text = f"{count} accounts: {accounts}"
        add_admin_entry(session, actor, source.key, f"source_{word}", source.name, text, now)
    return count


def end_accounts(
    engine: Engine, actor: Actor, source: Source, ids: Sequence[int], accounts: str, cause: str
) -> None:
    """Disable or delete the accounts of these people because their source goes."""

    def unit(session: Session, work: Work) -> tuple[None, list[Event]]:
        identities = mirror.get_identities(session, work.source.id, ids)
        links = people.links_of_identities(session, [i.id for i in identities])
        found = work.directory.bound(session).find(
            keys=[link.account_key for link in links.values()]
        )
        by_key = {account.key: account for account in found}
        decisions = []
        for identity in identities:
            link = links.get(identity.id)
            account = by_key.get(link.account_key) if link else None
            if account is not None and not is_protected(account, work.source):
                decisions.append(ending(identity, account, accounts, cause))
        kept = with_administrators(session, work, decisions)
        parts = [Part(decision=decision, allowed=decision.changes) for decision in kept]
        results = apply_parts(session, work, parts, None, {})
        return None, journal.add_events(session, signals_of(work, results), work.now)

    engine.perform(engine.work_for(source, actor, approved=True), unit)


def ending(identity: Identity, account: Account, accounts: str, cause: str) -> Decision:
    """Return the decision that ends one account."""
    kind = ChangeKind.DELETE if accounts == "delete" else ChangeKind.DEACTIVATE
    changes: tuple[Change, ...] = ()
    if kind is ChangeKind.DELETE or account.active:
        after = None if kind is ChangeKind.DELETE else replace(account, active=False)
        text = f"account {accounts}d: {cause}"
        changes = (
            Change(kind=kind, subject=identity.user_name, before=account, after=after, reason=text),
        )
    return Decision(identity=identity, state=PersonState.NOT_IMPORTED, why=cause, changes=changes)


def is_protected(account: Account, source: Source) -> bool:
    """Tell whether a source must leave an account alone, by its mark or its name."""
    names = name_list(source.rules["protected_names"])
    return account.protected or bool(names.has_user((account.user_name,)))


def decide_held(
    engine: Engine,
    actor: Actor,
    source: Source,
    *,
    release: bool,
    people_ids: Sequence[int] | None = None,
) -> int:
    """Release or reject what the guard holds, all or of some people; return how many people.

    Raises DirectoryUnavailable with nothing decided.
    """
    engine.directory_of(source)
    decision = "released" if release else "rejected"
    now = datetime.now(UTC)
    with engine.store.writing() as session:
        ids = journal.decide_held(session, source.id, decision, people_ids)
        names = [i.user_name for i in mirror.get_identities(session, source.id, ids[:20])]
        text = f"{len(ids)} people: {', '.join(names)}{' …' if len(ids) > len(names) else ''}"
        add_admin_entry(session, actor, source.key, f"held_{decision}", source.name, text, now)
    for start in range(0, len(ids), SLICE):
        reconcile_people(engine, actor, source, ids[start : start + SLICE])
    return len(ids)


# -- tokens --------------------------------------------------------------------------------------


def add_token(
    engine: Engine,
    actor: Actor,
    source: Source,
    *,
    label: str = "",
    expires_in_days: int | None = None,
    read_only: bool = False,
) -> tuple[str, Token]:
    """Mint a token; its text is returned once and never again. Raises InvalidSetting."""
    now = datetime.now(UTC)
    with engine.store.writing() as session:
        secret, token = tokens.add_token(
            session,
            source,
            label=label,
            read_only=read_only,
            expires_in_days=expires_in_days,
            actor=actor,
            now=now,
        )
        add_admin_entry(session, actor, source.key, "token_added", f"{token.prefix}…", label, now)
    return secret, token


def revoke_token(engine: Engine, actor: Actor, source: Source, token: Token) -> None:
    """End a token at once."""
    now = datetime.now(UTC)
    with engine.store.writing() as session:
        tokens.revoke_token(session, token, now)
        add_admin_entry(
            session, actor, source.key, "token_revoked", f"{token.prefix}…", token.label, now
        )
