"""What administrators do, the same for pages and the command line; each leaves a journal line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ..core.guard import is_destructive
from ..core.options import DEFAULT_RULES, changed_rules
from ..core.records import (
    Account,
    Actor,
    Change,
    ChangeKind,
    Decision,
    Identity,
    PersonState,
    Source,
    SourceState,
    Token,
)
from ..errors import InvalidSetting
from ..store import journal, mirror, people, sources, tokens
from ..store.engine import Session
from ..store.journal import Event, add_admin_entry
from .engine import Engine
from .planning import Work, plan_people
from .reconcile import Result, apply_decision, current_budget, reconcile, signals_of

SLICE = 200
COUNTED = {
    ChangeKind.CREATE: "create",
    ChangeKind.UPDATE: "update",
    ChangeKind.RENAME: "rename",
    ChangeKind.DEACTIVATE: "disable",
    ChangeKind.ACTIVATE: "enable",
    ChangeKind.DELETE: "delete",
    ChangeKind.ADOPT: "adopt",
}
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


def parsed_state(value: str) -> SourceState:
    """Return a state from its word. Raises InvalidSetting."""
    try:
        return SourceState(value)
    except ValueError:
        raise InvalidSetting("state", "must be one of observe, active, off") from None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a change of rules did or would do: people per kind of change, and how many are held."""

    counts: Mapping[str, int]
    held: int


def change_source(
    engine: Engine, actor: Actor, source: Source, values: Mapping[str, Any]
) -> tuple[Source, Summary]:
    """Store new settings of a source (name, state, directory, any rule) and apply them to all.

    Everything is checked before anything is stored. Leaving observe and switching import on are
    guarded like any other plan. Raises InvalidSetting.
    """
    columns = changed_columns(engine, source, values)
    if not columns:
        return source, Summary(counts={}, held=0)
    now = datetime.now(UTC)
    with engine.store.writing() as session:
        changed = sources.change_source(session, source, **columns)
        words = ", ".join(f"{key}={value}" for key, value in values.items() if "secret" not in key)
        add_admin_entry(session, actor, source.key, "source_changed", changed.name, words, now)
    if changed.state is SourceState.OFF or not changed.directory:
        return changed, Summary(counts={}, held=0)
    return changed, reconcile_all(engine, actor, changed)


def changed_columns(engine: Engine, source: Source, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that new settings change, all checked."""
    rest = dict(values)
    columns: dict[str, Any] = {}
    if "state" in rest:
        columns["state"] = parsed_state(rest.pop("state"))
    if "name" in rest:
        columns["name"] = checked_name(rest.pop("name"))
    if "directory" in rest:
        columns["directory"] = checked_directory(engine, rest.pop("directory"))
    if rest:
        columns["rules"] = changed_rules(source.rules, rest)
    current = {
        "state": source.state,
        "name": source.name,
        "directory": source.directory,
        "rules": dict(source.rules),
    }
    return {key: value for key, value in columns.items() if value != current[key]}


def checked_name(name: str) -> str:
    """Return a source's display name. Raises InvalidSetting."""
    sources.source_key(name)
    return name.strip()


def checked_directory(engine: Engine, name: str) -> str:
    """Return the name of a directory that exists, or ``""``. Raises InvalidSetting."""
    if name and name not in engine.directories:
        raise InvalidSetting("directory", f"must be one of {', '.join(engine.directories)}")
    return name


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


def reconcile_all(engine: Engine, actor: Actor, source: Source) -> Summary:
    """Bring the accounts of all people of a source in line, slice by slice."""
    counts = dict.fromkeys((*COUNTED.values(), "unchanged"), 0)
    held = 0
    seen: set[int] = set()  # names that change hands bring people of later slices forward
    for ids in people_in_slices(engine, source):
        results = reconcile_people(engine, actor, source, ids)
        for result in (r for r in results if r.decision.identity.id not in seen):
            tally(counts, result.decision.changes)
            held += sum(outcome == "held" for _, outcome in result.outcomes)
        seen.update(result.decision.identity.id for result in results)
    return Summary(counts=counts, held=held)


def tally(counts: dict[str, int], changes: Sequence[Change]) -> None:
    """Count one person's changes."""
    if not changes:
        counts["unchanged"] += 1
    for kind in {change.kind for change in changes}:
        counts[COUNTED[kind]] += 1


def reconcile_people(
    engine: Engine, actor: Actor, source: Source, ids: Sequence[int], *, approved: bool = False
) -> list[Result]:
    """Bring the accounts of these people in line; return what became of each."""

    def unit(session: Session, work: Work) -> tuple[list[Result], list[Event]]:
        identities = mirror.get_identities(session, work.source.id, ids)
        return reconcile(session, work, living_or_linked(session, identities))

    return engine.perform(engine.work_for(source, actor, approved=approved), unit)


def living_or_linked(session: Session, identities: Sequence[Identity]) -> list[Identity]:
    """Return the people who can still have an account: living, or deleted with a link."""
    links = people.links_of_identities(session, [i.id for i in identities if i.deleted])
    return [i for i in identities if not i.deleted or i.id in links]


def preview_rules(
    engine: Engine, actor: Actor, source: Source, values: Mapping[str, Any]
) -> Summary:
    """Return what new settings would do to everybody; nothing is written. Raises InvalidSetting."""
    counts = dict.fromkeys((*COUNTED.values(), "unchanged"), 0)
    changed = with_settings(engine, source, values)
    removals = left = 0
    for ids in people_in_slices(engine, source):
        with engine.store.reading() as session:
            work = engine.work_for(changed, actor)
            identities = living_or_linked(session, mirror.get_identities(session, source.id, ids))
            for decision in plan_people(session, work, identities)[: len(identities)]:
                tally(counts, decision.changes)
                removals += sum(is_destructive(change) for change in decision.changes)
            left = current_budget(session, work).left
    return Summary(counts=counts, held=max(0, removals - left))


def with_settings(engine: Engine, source: Source, values: Mapping[str, Any]) -> Source:
    """Return a source as it would be with new settings."""
    return replace(source, **changed_columns(engine, source, values))


def username_samples(engine: Engine, source: Source, limit: int = 10) -> list[str]:
    """Return user names of a source to try a username rule on."""
    with engine.store.reading() as session:
        return [p.user_name for p in people.list_people(session, source=source, limit=limit)]


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
        results = []
        for identity in identities:
            link = links.get(identity.id)
            account = by_key.get(link.account_key) if link else None
            if account is None or account.protected:
                continue
            decision = ending(identity, account, accounts, cause)
            results.append(
                apply_decision(session, work, decision, decision.changes, (), None, "", {})
            )
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


def decide_held(engine: Engine, actor: Actor, source: Source, *, release: bool) -> int:
    """Release or reject everything that the guard holds for a source; return how many people."""
    decision = "released" if release else "rejected"
    now = datetime.now(UTC)
    with engine.store.writing() as session:
        ids = journal.decide_held(session, source.id, decision)
        add_admin_entry(
            session, actor, source.key, f"held_{decision}", source.name, f"{len(ids)}", now
        )
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
