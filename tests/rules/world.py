"""A small world for property tests: two providers, some accounts, and whatever may happen to them.

The world is made once by the real extension; each example plays in a copy of its database.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Text, cast, func, select, update

from usersync_ext import UserSync
from usersync_ext.core.names import name_list
from usersync_ext.core.records import DESTRUCTIVE, NOTHING, Actor, PlannedPerson, Run, Source
from usersync_ext.directories.local import LocalAccounts
from usersync_ext.directories.tables import AccountRow, DirectoryGroupRow, MembershipRow
from usersync_ext.errors import InvalidSetting
from usersync_ext.state import state_of
from usersync_ext.store import people, planned_groups, sources
from usersync_ext.store import runs as stored_runs
from usersync_ext.store.columns import table_of
from usersync_ext.store.record_tables import JournalRow
from usersync_ext.store.schema import (
    Base,
    HeldRow,
    IdentityRow,
    LinkRow,
    RunRow,
    SourceRow,
)
from usersync_ext.sync import admin, adopting, by_hand, leavers, runs
from usersync_ext.sync.engine import Engine
from usersync_ext.testing import ScimClient, release, scim_client

ADMIN = Actor(kind="admin", name="root")
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
SOURCES = ("acme", "beta")
ACCOUNTS, MEMBERSHIPS, GROUPS = map(table_of, (AccountRow, MembershipRow, DirectoryGroupRow))
LINKS, IDENTITIES, JOURNAL = map(table_of, (LinkRow, IdentityRow, JournalRow))
HELD, RUN = map(table_of, (HeldRow, RunRow))
BUFFERED = frozenset({"usersync_request", "usersync_stray", "usersync_token", "usersync_outbox"})
"""Tables that requests change without changing anything about people."""
RUNS = frozenset(
    {
        "usersync_run",
        "usersync_planned",
        "usersync_planned_group",
        "usersync_planned_outsider",
    }
)
"""Tables that say what runs meant to do."""
Row = Mapping[str, Any]
SetUp = Callable[[Flask], Mapping[str, str]]
"""Makes what a world begins with; returns the tokens of its sources."""


# -- the world -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Accounts as they are: rows with memberships by key, owners, and what protects them."""

    accounts: Mapping[str, Row]
    owners: Mapping[str, str]  # account key → source key
    administrators: frozenset[str]  # keys of the active ones
    last_entry: int  # of the journal

    def protected_from(self, source: Source) -> frozenset[str]:
        """Return the accounts that a source must leave alone, by mark or by name."""
        names = name_list(source.rules["protected_names"])
        return frozenset(
            key
            for key, row in self.accounts.items()
            if row["protected"] or names.has_user((row["user_name"],))
        )


class World:
    """Two providers and a directory, in an app that may be started anew at any time."""

    def __init__(self, app: Flask, tokens: Mapping[str, str]) -> None:
        self.tokens = tokens
        self.known: dict[tuple[str, int], str] = {}  # SCIM ids by source and slot
        self.enter(app)

    def enter(self, app: Flask) -> None:
        """Go on in another app on the same database."""
        self.app = app
        self.clients = {key: ScimClient(app, self.source(key), self.tokens[key]) for key in SOURCES}

    @property
    def engine(self) -> Engine:
        return state_of(self.app).engine

    def source(self, key: str) -> Source:
        with self.engine.store.reading() as session:
            return sources.get_source(session, key)

    def living(self, key: str) -> list[str]:
        """Return the SCIM ids of a source's people, in the order in which they came."""
        query = (
            select(IDENTITIES.c.scim_id)
            .join(SourceRow, SourceRow.id == IDENTITIES.c.source_id)
            .where(SourceRow.key == key, IDENTITIES.c.deleted_at.is_(None))
            .order_by(IDENTITIES.c.id)
        )
        with self.engine.store.reading() as session:
            return list(session.scalars(query))

    def groups(self, key: str) -> list[str]:
        """Return the SCIM ids of a source's groups."""
        found = self.clients[key].get("/Groups").get_json()
        return [group["id"] for group in found.get("Resources", ())]

    def snapshot(self) -> Snapshot:
        with self.engine.store.reading() as session:
            rows = {str(r.id): dict(r._mapping) for r in session.execute(select(ACCOUNTS))}
            for row in rows.values():
                row["groups"] = []
            admins = set()
            query = select(MEMBERSHIPS, GROUPS.c.protected).join(
                GROUPS, GROUPS.c.id == MEMBERSHIPS.c.group_id
            )
            for member in session.execute(query.order_by(MEMBERSHIPS.c.group_id)):
                key = str(member.account_id)
                rows[key]["groups"].append((member.group_id, member.reason))
                if member.protected and rows[key]["active"]:
                    admins.add(key)
            links = session.execute(people.links_query())
            return Snapshot(
                accounts=rows,
                owners={link.account_key: link.source for link in links},
                administrators=frozenset(admins),
                last_entry=session.scalar(select(func.max(JOURNAL.c.id))) or 0,
            )

    def held(self, key: str) -> dict[tuple[int, str, str], str]:
        """Return what the guard holds of a source: the decision by identity, kind and group."""
        query = select(HELD).where(HELD.c.source_id == self.source(key).id)
        with self.engine.store.reading() as session:
            names = {group.key: group.name for group in LocalAccounts(session).groups()}
            return {
                (r.identity_id, r.kind, names.get(r.group_key, "")): r.decision
                for r in session.execute(query)
            }

    def entries(self, after: int = 0) -> list[Row]:
        """Return the journal's lines about people since another, without refusals."""
        query = select(JOURNAL).where(
            JOURNAL.c.id > after, JOURNAL.c.category == "change", JOURNAL.c.outcome != "refused"
        )
        with self.engine.store.reading() as session:
            return [dict(row._mapping) for row in session.execute(query.order_by(JOURNAL.c.id))]

    def stored(self) -> dict[str, list[Row]]:
        """Return all that is stored about people, groups, accounts and decisions."""
        return {
            name: rows
            for name, rows in all_rows(self.engine).items()
            if name not in BUFFERED | RUNS | {"usersync_source"}
        }

    def change(self, key: str, values: Mapping[str, Any]) -> bool:
        """Store and apply settings; return whether they could be."""
        try:
            admin.change_source(self.engine, ADMIN, self.source(key), values)
        except InvalidSetting:
            return False
        return True

    def run(self, key: str, values: Mapping[str, Any] = NOTHING) -> Run:
        """Look at all people of a source by new settings, or by the rules as they are."""
        run = runs.start(self.engine, ADMIN, self.source(key), values, applies=True)
        return runs.work_on(self.engine, run)

    def preview(self, key: str, values: Mapping[str, Any]) -> tuple[Run, list[PlannedPerson]]:
        """Plan new settings of a source; return the run and what it means to do."""
        run = runs.start(self.engine, ADMIN, self.source(key), values, applies=False)
        run = runs.work_on(self.engine, run)
        with self.engine.store.reading() as session:
            return run, stored_runs.list_planned(session, run.id, limit=1000)

    def carry_out(self, run: Run) -> Run:
        """Do what a run has planned."""
        return runs.work_on(self.engine, runs.begin(self.engine, run))

    def change_and_die(
        self, key: str, values: Mapping[str, Any], after: int, way: str
    ) -> Iterator[str]:
        """Begin to change settings and be killed meanwhile; yield what was being done."""
        run = runs.start(self.engine, ADMIN, self.source(key), values, applies=True)
        with suppress(Killed):
            if way == "between two":
                runs.work_on(self.engine, run, Killer(after))
            else:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(runs, "advanced", Killer(after, runs.advanced))
                    runs.work_on(self.engine, run)
        found = self.newest_run(key)
        if found["state"] in {"planning", "planned", "applying"}:
            yield found["state"]

    def resume(self) -> None:
        """Go on, a minute later, with what nobody works on any more."""
        with self.engine.store.writing() as session:
            earlier = datetime.now(UTC) - 2 * runs.ABANDONED_AFTER
            session.execute(update(RUN).values(beat_at=earlier))
        runs.resume_abandoned(self.engine)

    def newest_run(self, key: str) -> Row:
        """Return how far the newest run of a source got."""
        query = select(RUN).where(RUN.c.source_id == self.source(key).id)
        with self.engine.store.reading() as session:
            row = session.execute(query.order_by(RUN.c.id.desc())).first()
        return {
            name: getattr(row, name) for name in ("state", "settings", "counts", "held", "done")
        }

    def play(self, events: Iterable["Event"]) -> None:
        for event in events:
            event.play(self)


class Killed(BaseException):
    """The process ends here."""


class Killer:
    """Calls another function, if there is one, and kills the process after a number of calls."""

    def __init__(self, after: int, function: Callable[..., Any] = lambda *_: None) -> None:
        self.left = after
        self.function = function

    def __call__(self, *arguments: Any, **values: Any) -> Any:
        result = self.function(*arguments, **values)
        self.left -= 1
        if not self.left:
            raise Killed
        return result


def all_rows(engine: Engine) -> dict[str, list[Row]]:
    """Return every row of every table, refusals in the journal left out."""
    found: dict[str, list[Row]] = {}
    with engine.store.reading() as session:
        for table in Base.metadata.sorted_tables:
            query = select(table).order_by(*table.primary_key.columns)
            if table is JOURNAL:
                query = query.where(JOURNAL.c.outcome != "refused")
            found[table.name] = [dict(row) for row in session.execute(query).mappings()]
    return found


def without_times(rows: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
    """Return rows without the times at which things happened."""
    return {
        name: [
            {k: v for k, v in row.items() if k != "at" and not k.endswith("_at")} for row in all_
        ]
        for name, all_ in rows.items()
    }


class Worlds:
    """Makes worlds from one that was set up before."""

    def __init__(self, template: Path, folder: Path, set_up: SetUp | None = None) -> None:
        self.folder = folder
        self.template = folder / "template.sqlite3"
        self.apps: dict[str, Flask] = {}
        shutil.copy(template, self.template)
        app = self.app("template")
        self.tokens = (set_up or set_up_people)(app)
        release(app)
        shutil.copy(self.path("template"), folder / "start.sqlite3")
        self.template = folder / "start.sqlite3"

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.sqlite3"

    def app(self, name: str) -> Flask:
        """Start an app on a database, in the place of an earlier one."""
        if name in self.apps:
            release(self.apps[name])
        app = Flask("host", instance_path=str(self.folder), static_folder=None)
        url = f"sqlite:///{self.path(name)}"
        app.config.update(SECRET_KEY="test", USERSYNC_DATABASE_URI=url, TESTING=True)
        UserSync(app, is_admin=lambda: True)
        self.apps[name] = app
        return app

    @contextmanager
    def new(self, name: str = "world", like: World | None = None) -> Iterator[World]:
        """Yield a world that begins as it was set up, or as another one is now."""
        if name in self.apps:
            release(self.apps[name])
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path(name)}{suffix}").unlink(missing_ok=True)
        if like is None:
            shutil.copy(self.template, self.path(name))
        else:
            copy_database(like.engine, self.path(name))
        world = World(self.apps.get(name) or self.app(name), self.tokens)
        world.restart = lambda: world.enter(self.app(name))
        yield world
        release(world.app)

    def close(self) -> None:
        for app in self.apps.values():
            release(app)


def copy_database(engine: Engine, path: Path) -> None:
    """Copy a SQLite database that is in use."""
    with (
        sqlite3.connect(str(engine.store.url.database)) as before,
        sqlite3.connect(path) as after,
    ):
        before.backup(after)
    before.close()
    after.close()


def set_up_people(app: Flask) -> dict[str, str]:
    """Make the accounts and sources with which every world begins; return the tokens."""
    clients = {
        "acme": scim_client(app, "Acme", protected_names="svc-*", removal_limit_count=1000),
        "beta": scim_client(app, "Beta", protected_names="svc-*"),
    }
    engine = state_of(app).engine
    for key, names in LINKED.items():
        for name in names:
            mail, full_name = f"{name}@{key}.test", name.title()
            record = person(name, mail=mail, external_id=name, full_name=full_name)
            clients[key].post("/Users", record)
    for name, email in LOCAL.items():
        by_hand.add_account(engine, ADMIN, user_name=name, email=email)
    with engine.store.writing() as session:
        local = LocalAccounts(session)
        groups = {name: local.add_group(name) for name in ("Admins", "Staff")}
        local.protect_group(groups["Admins"].key, True)
        for name in ADMINISTRATORS:
            local.set_groups(local.by_name(name).key, [groups["Admins"].key], "by hand")
        for name in ("loner", "ann"):
            local.set_groups(local.by_name(name).key, [groups["Staff"].key], "by hand")
        for name in PROTECTED:
            local.protect(local.by_name(name).key, True)
        vera = local.by_name("vera")
        session.execute(
            update(ACCOUNTS).where(ACCOUNTS.c.id == int(vera.key)).values(email_verified=True)
        )
    for key, client in clients.items():
        svc = client.post("/Users", person(f"tmp-{key}")).get_json()["id"]
        rules = {"protected_names": ""}
        source = admin.change_source(engine, ADMIN, client.source, rules)[0]
        client.patch(f"/Users/{svc}", replaced("userName", f"svc-{key}"))
        admin.change_source(engine, ADMIN, source, {"protected_names": "svc-*"})
    return {key: client.token for key, client in clients.items()}


LOCAL = {
    "boss": "boss@a.test",
    "chief": "",
    "root": "root@a.test",
    "svc-1": "",
    "vera": "vera@a.test",
    "ann": "ann@a.test",
    "loner": "loner@a.test",
}
LINKED = {"acme": ("olga", "pia", "rita", "ivan"), "beta": ("quin", "sten", "jan")}
ADMINISTRATORS = ("boss", "chief", "olga", "pia", "quin")
PROTECTED = ("root", "rita", "sten")


def person(
    user_name: str,
    *,
    active: bool | None = None,
    mail: str = "",
    external_id: str = "",
    full_name: str = "",
    department: str = "",
) -> dict[str, Any]:
    """Return a person as a provider states them."""
    record: dict[str, Any] = {"schemas": [USER], "userName": user_name}
    if active is not None:
        record["active"] = active
    if mail:
        record["emails"] = [{"value": mail, "type": "work", "primary": True}]
    if external_id:
        record["externalId"] = external_id
    if full_name:
        record["displayName"] = full_name
    if department:
        record[ENTERPRISE] = {"department": department}
    return record


def replaced(path: str, value: object) -> dict[str, object]:
    return {"op": "replace", "path": path, "value": value}


def patch_of(*operations: object) -> dict[str, object]:
    return {"schemas": [PATCH], "Operations": list(operations)}


# -- what may happen -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens in a world; ``source`` is the key of the one that it is about."""

    source: str

    def play(self, world: World) -> None:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Request(Event):
    """A SCIM request. Choices among what is there go by number, modulo how many there are."""

    def sent(self, world: World) -> tuple[str, str, object] | None:
        """Return method, path and body, None where there is nothing to send it about."""
        raise NotImplementedError

    def play(self, world: World) -> None:
        request = self.sent(world)
        if request is not None:
            send(world, self.source, *request)


def send(world: World, source: str, method: str, path: str, body: object) -> int:
    """Send a request; an error of ours is nothing that may happen."""
    answer = world.clients[source].request(method, path, body)
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    return answer.status_code


def chosen(options: list[str], number: int) -> str | None:
    return options[number % len(options)] if options else None


@dataclass(frozen=True, slots=True)
class Post(Request):
    record: Mapping[str, Any]

    def sent(self, world: World) -> tuple[str, str, object] | None:
        return "POST", "/Users", self.record


@dataclass(frozen=True, slots=True)
class Put(Request):
    who: int
    record: Mapping[str, Any]

    def sent(self, world: World) -> tuple[str, str, object] | None:
        scim_id = chosen(world.living(self.source), self.who)
        return ("PUT", f"/Users/{scim_id}", self.record) if scim_id else None


@dataclass(frozen=True, slots=True)
class Patch(Request):
    who: int
    path: str
    value: object

    def sent(self, world: World) -> tuple[str, str, object] | None:
        scim_id = chosen(world.living(self.source), self.who)
        body = patch_of(replaced(self.path, self.value))
        return ("PATCH", f"/Users/{scim_id}", body) if scim_id else None


@dataclass(frozen=True, slots=True)
class Delete(Request):
    who: int

    def sent(self, world: World) -> tuple[str, str, object] | None:
        scim_id = chosen(world.living(self.source), self.who)
        return ("DELETE", f"/Users/{scim_id}", None) if scim_id else None


@dataclass(frozen=True, slots=True)
class Say(Event):
    """A provider states how somebody is, as a new person or as one whom it created before."""

    slot: int
    record: Mapping[str, Any]

    def play(self, world: World) -> None:
        client, known = world.clients[self.source], world.known.get((self.source, self.slot))
        path = f"/Users/{known}" if known else "/Users"
        answer = client.request("PUT" if known else "POST", path, self.record)
        assert answer.status_code in {200, 201}, answer.text
        world.known[self.source, self.slot] = answer.get_json()["id"]


@dataclass(frozen=True, slots=True)
class Leave(Event):
    """A provider deletes somebody, if it created them before."""

    slot: int

    def play(self, world: World) -> None:
        known = world.known.pop((self.source, self.slot), None)
        if known:
            assert world.clients[self.source].delete(f"/Users/{known}").status_code == 204


@dataclass(frozen=True, slots=True)
class PostGroup(Request):
    name: str
    members: tuple[int, ...]

    def sent(self, world: World) -> tuple[str, str, object] | None:
        return "POST", "/Groups", {"displayName": self.name, "members": members(world, self)}


@dataclass(frozen=True, slots=True)
class PatchGroup(Request):
    which: int
    verb: str
    members: tuple[int, ...]

    def sent(self, world: World) -> tuple[str, str, object] | None:
        scim_id = chosen(world.groups(self.source), self.which)
        body = patch_of({"op": self.verb, "path": "members", "value": members(world, self)})
        return ("PATCH", f"/Groups/{scim_id}", body) if scim_id else None


@dataclass(frozen=True, slots=True)
class DeleteGroup(Request):
    which: int

    def sent(self, world: World) -> tuple[str, str, object] | None:
        scim_id = chosen(world.groups(self.source), self.which)
        return ("DELETE", f"/Groups/{scim_id}", None) if scim_id else None


def members(world: World, event: PostGroup | PatchGroup) -> list[dict[str, str]]:
    """Return the members that a request about a group names."""
    living = world.living(event.source)
    found = dict.fromkeys(chosen(living, number) for number in event.members if living)
    return [{"value": scim_id} for scim_id in found if scim_id]


@dataclass(frozen=True, slots=True)
class Rules(Event):
    """Settings of a source change, and are applied."""

    values: Mapping[str, Any]

    def play(self, world: World) -> None:
        world.change(self.source, self.values)


@dataclass(frozen=True, slots=True)
class Adopt(Event):
    """An administrator decides about a proposal."""

    which: int
    accept: bool

    def play(self, world: World) -> None:
        source = world.source(self.source)
        found = list(adopting.every_proposal(world.engine, source)) if source.directory else []
        if found:
            proposal = found[self.which % len(found)]
            name = proposal.evidence[0].account.user_name
            adopting.decide(
                world.engine,
                ADMIN,
                source,
                proposal.person,
                accept=self.accept,
                account_name=name,
            )


@dataclass(frozen=True, slots=True)
class Approve(Event):
    """An administrator releases or rejects what the guard holds."""

    release: bool

    def play(self, world: World) -> None:
        admin.decide_held(world.engine, ADMIN, world.source(self.source), release=self.release)


@dataclass(frozen=True, slots=True)
class Restore(Event):
    """An administrator gives a leaver the account back."""

    which: int

    def play(self, world: World) -> None:
        source = world.source(self.source)
        found = leavers.list_leavers(world.engine, source)
        if found:
            leaver = found[self.which % len(found)]
            leavers.restore(world.engine, ADMIN, source, leaver.person.id)


@dataclass(frozen=True, slots=True)
class DeleteDue(Event):
    """Days go by, and what is due is deleted."""

    days: int

    def play(self, world: World) -> None:
        with world.engine.store.writing() as session:
            query = select(LINKS.c.id, LINKS.c.disabled_at).where(LINKS.c.disabled_at.is_not(None))
            for row in session.execute(query).all():
                earlier = row.disabled_at - timedelta(days=self.days)
                changed = update(LINKS).where(LINKS.c.id == row.id)
                session.execute(changed.values(disabled_at=earlier))
        leavers.delete_due(world.engine, world.source(self.source))


@dataclass(frozen=True, slots=True)
class Protect(Event):
    """An administrator protects the account of a name."""

    name: str

    def play(self, world: World) -> None:
        with world.engine.store.reading() as session:
            found = LocalAccounts(session).find(names=[self.name])
        for account in found:
            by_hand.protect_account(world.engine, ADMIN, account.key, protected=True)


@dataclass(frozen=True, slots=True)
class Restart(Event):
    """The process is started anew."""

    def play(self, world: World) -> None:
        world.restart()


def accounts_of_people(world: World) -> dict[str, tuple[str, str, bool]]:
    """Return full name, e-mail and status by user name, of all but the leavers."""
    gone = (
        select(ACCOUNTS.c.id)
        .join(LINKS, LINKS.c.account_key == cast(ACCOUNTS.c.id, Text))
        .join(IDENTITIES, IDENTITIES.c.id == LINKS.c.identity_id)
        .where(IDENTITIES.c.deleted_at.is_not(None), ACCOUNTS.c.active.is_(False))
    )
    query = select(ACCOUNTS).where(ACCOUNTS.c.id.not_in(gone))
    with world.engine.store.reading() as session:
        return {
            row.user_name: (row.full_name, row.email, row.active) for row in session.execute(query)
        }


# -- plans and the journal -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Line:
    """A change in a plan or in the journal: whose, what differs, and what becomes of it."""

    identity: int
    kind: str
    subject: str
    difference: str
    outcome: str


def difference(before: Row | None, after: Row | None) -> str:
    """Return what a change changes: all of an account that is made or deleted."""
    if before is None or after is None:
        return repr((before, after))
    fields = sorted(before.keys() | after.keys())
    return repr({f: (before.get(f), after.get(f)) for f in fields if before.get(f) != after.get(f)})


def lines_of_plan(
    run: Run, planned: Iterable[PlannedPerson], known: Mapping[tuple[int, str, str], str]
) -> list[Line]:
    """Return the lines that the journal has to have once a plan was carried out.

    ``known`` says what is held already, which is not journalled again. What is only observed is
    not done at all.
    """
    lines = []
    for person_ in planned:
        for change in () if person_.why.startswith("observed only") else person_.changes:
            group = (change["before"] or {}).get("group", "")
            decision = known.get((person_.identity_id, change["kind"], group))
            stays = run.holds and change["kind"] in DESTRUCTIVE and decision != "released"
            if decision == "rejected" or (stays and decision == "waiting"):
                continue
            lines.append(
                Line(
                    identity=person_.identity_id,
                    kind=change["kind"],
                    subject=person_.subject,
                    difference=difference(change["before"], change["after"]),
                    outcome="held" if stays else "applied",
                )
            )
    return sorted(lines)


def lines_of_outsiders(world: World, run: Run) -> list[Line]:
    """Return the lines about members whom no rule names, none where they are too many."""
    if run.held > (run.removals if run.holds else 0):
        return []
    with world.engine.store.reading() as session:
        found = planned_groups.list_outsiders(session, run.id)
    return [
        Line(
            identity=0,
            kind="remove_member",
            subject=row.user_name,
            difference=difference({"group": row.group}, None),
            outcome="applied",
        )
        for row in found
    ]


def lines_of_journal(entries: Iterable[Row]) -> list[Line]:
    """Return the lines about people: those about the directory's groups are in no person's plan."""
    return sorted(
        Line(
            identity=entry["identity_id"] or 0,
            kind=entry["kind"],
            subject=entry["subject"],
            difference=difference(entry["before"], entry["after"]),
            outcome=entry["outcome"],
        )
        for entry in entries
        if not entry["kind"].startswith("group_")
    )


# -- what must hold after every event --------------------------------------------------------------


def broken_promises(world: World, event: Event, before: Snapshot) -> Iterator[str]:
    """Yield what an event did that it must not do, in words."""
    after = world.snapshot()
    source = world.source(event.source)
    if isinstance(event, Protect):
        return
    yield from wrong_owners(world, event, before, after)
    if isinstance(event, Restore):
        return
    for key in before.protected_from(source):
        if changed(key, before, after):
            yield f"protected account {before.accounts[key]['user_name']!r} was changed"
    left, were = len(after.administrators), len(before.administrators)
    if left < min(were, source.rules["minimum_admins"]):
        yield f"{left} administrators are left of {were}"


def wrong_owners(world: World, event: Event, before: Snapshot, after: Snapshot) -> Iterator[str]:
    """Yield what an event did to accounts that are not its source's."""
    for key, row in before.accounts.items():
        owners = before.owners.get(key), after.owners.get(key)
        if event.source not in owners and changed(key, before, after):
            yield f"account {row['user_name']!r} of {owners[0]} was changed"
        if None not in owners and owners[0] != owners[1]:
            yield f"account {row['user_name']!r} went from {owners[0]} to {owners[1]}"
    for entry in world.entries(after=before.last_entry):
        owner = before.owners.get(entry["account_key"], event.source)
        if entry["source"] != event.source or owner != event.source:
            yield f"{entry['kind']} of {entry['subject']!r} by {entry['source']}, owner {owner}"
    for key in after.owners.keys() - after.accounts.keys():
        yield f"{after.owners[key]} is the owner of account {key}, which does not exist"


def changed(key: str, before: Snapshot, after: Snapshot) -> bool:
    """Tell whether anything about an account changed: row, memberships or owner."""
    return (before.accounts[key], before.owners.get(key)) != (
        after.accounts.get(key),
        after.owners.get(key),
    )
