"""A small world of groups for property tests, and whatever may happen in it.

Groups have slots like people, from GROUP_ZERO on; among members the slot of a group is negative.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Any

from flask import Flask
from sqlalchemy import select
from world import ACCOUNTS, ADMIN, SOURCES, Event, Rules, World, patch_of, person

from usersync_ext.directories.local import LocalAccounts
from usersync_ext.directories.tables import DirectoryGroupRow, DirectoryNestingRow, MembershipRow
from usersync_ext.state import state_of
from usersync_ext.store import group_tree
from usersync_ext.store.columns import table_of
from usersync_ext.store.group_tables import GrantRow, GroupMappingRow
from usersync_ext.store.schema import (
    GroupChildRow,
    GroupMemberRow,
    GroupRow,
    IdentityRow,
    LinkRow,
    SourceRow,
)
from usersync_ext.sync import admin, by_hand, group_admin
from usersync_ext.testing import scim_client

GROUPS, MEMBERSHIPS, NESTINGS = map(
    table_of, (DirectoryGroupRow, MembershipRow, DirectoryNestingRow)
)
GRANTS, MAPPINGS, LINKS = map(table_of, (GrantRow, GroupMappingRow, LinkRow))
MIRROR, MEMBERS, CHILDREN = map(table_of, (GroupRow, GroupMemberRow, GroupChildRow))
IDENTITIES, SOURCE = map(table_of, (IdentityRow, SourceRow))
PEOPLE = {"acme": ("ann", "ben", "cy", "dan"), "beta": ("eve", "fay")}
LOCAL = ("boss", "chief", "loner", "guard")
DIRECTORY = ("Staff", "Wiki", "Admins", "Secret")
PROTECTED = frozenset({"Admins", "Secret"})
NAMES = ("Team", "app-Team", "Staff", "Wiki", "wiki", "Admins", "app-Admins", "Secret", "IT-Admins")
SLOTS, GROUP_ZERO = 4, 100
"""How many groups a source has, and where their slots begin among those of its people."""
TARGETS = ("Team", "Staff", "Wiki", "Admins", "Secret", "New")
Pair = tuple[str, str]
"""The keys of an account and of a group of the directory."""


def set_up_groups(app: Flask) -> dict[str, str]:
    """Make the accounts, groups and sources with which every world of groups begins."""
    wide = {"removal_limit_count": 1000, "minimum_admins": 0}
    clients = {key: scim_client(app, key.title(), **wide) for key in SOURCES}
    engine = state_of(app).engine
    accounts = {name: by_hand.add_account(engine, ADMIN, user_name=name) for name in LOCAL}
    for key, client in clients.items():
        for name in PEOPLE[key]:
            client.post("/Users", person(name, external_id=name))
    groups = {name: by_hand.add_group(engine, ADMIN, name) for name in DIRECTORY}
    by_hand.protect_group(engine, ADMIN, groups["Secret"].key, protected=True)
    with engine.store.reading() as session:
        for name in ("ann", "dan", "eve"):
            accounts[name] = LocalAccounts(session).by_name(name)
    for name, wanted in HANDED.items():
        keys = [groups[each].key for each in wanted]
        by_hand.set_groups(engine, ADMIN, accounts[name].key, keys)
    for name in ("dan", "guard"):
        by_hand.protect_account(engine, ADMIN, accounts[name].key, protected=True)
    tokens = {key: client.token for key, client in clients.items()}
    world = World(app, tokens)
    know_people(world)
    world.play(FIRST)
    return tokens


HANDED = {
    "boss": ("Admins",),
    "chief": ("Admins", "Secret"),
    "loner": ("Staff", "Wiki"),
    "guard": ("Staff",),
    "dan": ("Staff",),
    "ann": ("Wiki",),
    "eve": ("Admins", "Staff"),
}
"""Memberships that were given by hand in the beginning."""


def know_people(world: World) -> None:
    """Let a world know the people and groups of the beginning, by slots."""
    columns = (SOURCE.c.key, MIRROR.c.scim_id)
    query = select(*columns).join(MIRROR, MIRROR.c.source_id == SOURCE.c.id).order_by(MIRROR.c.id)
    with world.engine.store.reading() as session:
        groups = session.execute(query).all()
    for source in SOURCES:
        ids = [scim_id for key, scim_id in groups if key == source]
        world.known |= {(source, slot): each for slot, each in enumerate(world.living(source))}
        world.known |= {(source, GROUP_ZERO + slot): each for slot, each in enumerate(ids)}


# -- what there is ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The directory, and who gave what."""

    accounts: Mapping[str, str]  # key → name
    protected_accounts: frozenset[str]
    active: frozenset[str]
    groups: Mapping[str, str]  # key → name
    protected: frozenset[str]
    minimums: Mapping[str, int]
    members: Mapping[Pair, str]  # → reason
    nested: frozenset[Pair]
    grants: frozenset[tuple[str, str, str, str]]  # account, group, source, kind
    owners: Mapping[str, str]  # account → source

    @property
    def by_hand(self) -> dict[Pair, str]:
        return {pair: reason for pair, reason in self.members.items() if reason}

    @property
    def administrators(self) -> frozenset[str]:
        return frozenset(a for a, g in self.members if g in self.protected and a in self.active)

    def key_of(self, name: str) -> str:
        found = [key for key, each in self.groups.items() if each.casefold() == name.casefold()]
        return found[0] if found else ""

    def named(self, pairs: Iterable[Pair]) -> set[Pair]:
        return {(self.accounts.get(a, a), self.groups.get(g, g)) for a, g in pairs}


def picture(world: World) -> Picture:
    with world.engine.store.reading() as session:
        accounts = session.execute(select(ACCOUNTS)).all()
        groups = session.execute(select(GROUPS)).all()
        members = session.execute(select(MEMBERSHIPS)).all()
        nested = session.execute(select(NESTINGS)).all()
        keys = pairs_of(session.execute(select(SOURCE.c.id, SOURCE.c.key)))
        grants = session.execute(select(GRANTS)).all()
        links = session.execute(select(LINKS)).all()
    return Picture(
        accounts={str(row.id): row.user_name for row in accounts},
        protected_accounts=frozenset(str(row.id) for row in accounts if row.protected),
        active=frozenset(str(row.id) for row in accounts if row.active),
        groups={str(row.id): row.name for row in groups},
        protected=frozenset(str(row.id) for row in groups if row.protected),
        minimums={str(row.id): row.minimum_members for row in groups},
        members={(str(row.account_id), str(row.group_id)): row.reason for row in members},
        nested=frozenset((str(row.group_id), str(row.child_id)) for row in nested),
        grants=frozenset((r.account_key, r.group_key, keys[r.source_id], r.kind) for r in grants),
        owners={row.account_key: keys[row.source_id] for row in links},
    )


def pairs_of(rows: Iterable[Any]) -> dict[Any, Any]:
    return dict(map(tuple, rows))


def names_of_members(world: World) -> set[Pair]:
    """Return who is in which group, by their names."""
    now = picture(world)
    return now.named(now.members)


# -- what may happen -------------------------------------------------------------------------------


def path_of(world: World, source: str, slot: int) -> str:
    known = world.known.get((source, GROUP_ZERO + slot))
    return f"/Groups/{known}" if known else ""


def remember(world: World, source: str, slot: int, scim_id: str | None) -> None:
    key = (source, GROUP_ZERO + slot)
    if scim_id is None:
        world.known.pop(key, None)
    else:
        world.known[key] = scim_id


def known_members(world: World, source: str, slots: Iterable[int]) -> list[dict[str, str]]:
    """Return members that a provider knows: slots of people, and of groups below zero."""
    keys = ((source, slot if slot >= 0 else GROUP_ZERO - 1 - slot) for slot in slots)
    found = dict.fromkeys(world.known[key] for key in keys if key in world.known)
    return [{"value": scim_id} for scim_id in found]


@dataclass(frozen=True, slots=True)
class Push(Event):
    """A request about a group, by its slot."""

    slot: int

    def requests(self, world: World) -> Iterator[tuple[str, str, object]]:
        raise NotImplementedError

    def play(self, world: World) -> None:
        for method, path, body in list(self.requests(world)):
            answer = world.clients[self.source].request(method, path, body)
            assert answer.status_code in {200, 201, 204, 400, 403, 404, 409}, answer.text
            self.note(world, answer)

    def note(self, world: World, answer: Any) -> None:
        pass


@dataclass(frozen=True, slots=True)
class StateGroup(Push):
    """A provider states a whole group: POST, or PUT of one that it knows."""

    name: str
    members: tuple[int, ...]

    def requests(self, world: World) -> Iterator[tuple[str, str, object]]:
        path = path_of(world, self.source, self.slot)
        others = [each for each in self.members if each != -1 - self.slot]
        body = {
            "displayName": self.name,
            "externalId": f"g{self.slot}",
            "members": known_members(world, self.source, others),
        }
        yield "PUT" if path else "POST", path or "/Groups", body

    def note(self, world: World, answer: Any) -> None:
        if answer.status_code == 201:
            remember(world, self.source, self.slot, answer.get_json()["id"])


@dataclass(frozen=True, slots=True)
class ChangeMembers(Push):
    """A provider adds, removes or replaces members, in one request or one for each slice."""

    slices: tuple[tuple[str, tuple[int, ...]], ...]
    at_once: bool = True

    def requests(self, world: World) -> Iterator[tuple[str, str, object]]:
        path = path_of(world, self.source, self.slot)
        operations = [
            {"op": verb, "path": "members", "value": self.named(world, slots)}
            for verb, slots in self.slices
        ]
        if path and self.at_once:
            yield "PATCH", path, patch_of(*operations)
        elif path:
            yield from (("PATCH", path, patch_of(each)) for each in operations)

    def named(self, world: World, slots: Iterable[int]) -> list[dict[str, str]]:
        return known_members(world, self.source, [s for s in slots if s != -1 - self.slot])


@dataclass(frozen=True, slots=True)
class RenameGroup(Push):
    name: str

    def requests(self, world: World) -> Iterator[tuple[str, str, object]]:
        path = path_of(world, self.source, self.slot)
        body = patch_of({"op": "replace", "path": "displayName", "value": self.name})
        if path:
            yield "PATCH", path, body


@dataclass(frozen=True, slots=True)
class EndGroup(Push):
    def requests(self, world: World) -> Iterator[tuple[str, str, object]]:
        path = path_of(world, self.source, self.slot)
        if path:
            yield "DELETE", path, None

    def note(self, world: World, answer: Any) -> None:
        if answer.status_code == 204:
            remember(world, self.source, self.slot, None)


@dataclass(frozen=True, slots=True)
class Map(Event):
    """An administrator adds a row to the mapping table, or removes one."""

    slot: int
    to: str
    adds: bool
    allow: bool

    def changes(self, world: World) -> list[dict[str, Any]]:
        source = world.source(self.source)
        if not self.adds:
            with world.engine.store.reading() as session:
                query = select(MAPPINGS.c.scim_id).where(MAPPINGS.c.source_id == source.id)
                ids = session.scalars(query.where(MAPPINGS.c.to == self.to)).all()
            return [{"op": "remove", "group": each, "to": self.to} for each in ids]
        path = path_of(world, self.source, self.slot)
        if not path:
            return []
        with world.engine.store.reading() as session:
            found = group_tree.find_groups(session, source.id, path.removeprefix("/Groups/"))
        if not found:  # deleted by a request of the test itself
            return []
        [group] = found
        row = group_admin.adding(group, self.to, allow_protected=self.allow)
        known = group_admin.mapping_of(world.engine, source, group.scim_id, self.to)
        return [] if known else [row]

    def play(self, world: World) -> None:
        changes = self.changes(world)
        if changes:
            world.change(self.source, {"mappings": changes})


@dataclass(frozen=True, slots=True)
class ByHand(Event):
    """An administrator says which groups an account has by hand."""

    account: str
    groups: tuple[str, ...]

    def play(self, world: World) -> None:
        before = picture(world)
        keys = [before.key_of(name) for name in self.groups if before.key_of(name)]
        for key, name in before.accounts.items():
            if name == self.account:
                by_hand.set_groups(world.engine, ADMIN, key, keys)


@dataclass(frozen=True, slots=True)
class Decide(Event):
    release: bool

    def play(self, world: World) -> None:
        admin.decide_held(world.engine, ADMIN, world.source(self.source), release=self.release)


@dataclass(frozen=True, slots=True)
class Tell(Event):
    """A provider states how somebody is, or deletes them (no record); it may be refused."""

    slot: int
    record: Mapping[str, Any] | None

    def play(self, world: World) -> None:
        key = (self.source, self.slot)
        path = f"/Users/{world.known[key]}" if key in world.known else ""
        client = world.clients[self.source]
        if self.record is None:
            if path and client.delete(path).status_code == 204:
                del world.known[key]
            return
        answer = client.request("PUT" if path else "POST", path or "/Users", self.record)
        if answer.status_code == 201:
            world.known[key] = answer.get_json()["id"]


# -- what may happen, by number --------------------------------------------------------------------

INCLUDED: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "": lambda _: True,
        "Team, staff": lambda name: name.casefold() in {"team", "staff"},
        "app-.*": lambda name: name.startswith("app-"),
    }
)
EXCLUDED: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {"": lambda _: False, "Wi*": lambda name: name.casefold().startswith("wi")}
)
RENAMED: Mapping[Pair, Callable[[str], str]] = MappingProxyType(
    {
        ("", ""): lambda name: name,
        ("^app-(.*)$", "$1"): lambda name: name.removeprefix("app-"),
        ("^(?:Team|Wiki)$", "Staff"): lambda name: re.sub("^(?:Team|Wiki)$", "Staff", name),
    }
)
KEEP = {"keep_existing_users": True, "keep_existing_groups": True}
VALUES: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "group_mode": ("off", "manual", "manual", "on_the_fly", "on_the_fly", "on_the_fly"),
        "group_include": ("", "", *INCLUDED),
        "group_exclude": ("", "", *EXCLUDED),
        "nested_groups": ("direct", "flatten", "keep"),
        "group_rename": ("rename", "rename", "new"),
        "group_delete": ("delete_empty", "keep"),
        "keep_existing_users": (True, False),
        "keep_existing_groups": (True, False),
        "default_groups": ("", "Wiki", "wiki, New"),
        "assign_default_groups_to": ("none", "new", "all"),
    }
)


def some_rules(random: Random, *, keep: bool) -> dict[str, Any]:
    """Return values for every rule about groups; existing members may be kept in any case."""
    regex, replacement = random.choice([("", ""), *RENAMED])
    values = {key: random.choice(some) for key, some in VALUES.items()}
    values |= {"group_regex": regex, "group_replacement": replacement}
    return values | (KEEP if keep else {})


def some_rule(random: Random, *, keep: bool) -> dict[str, Any]:
    """Return new values for one or two rules."""
    values = some_rules(random, keep=keep)
    names = random.sample(sorted(set(values) - {"group_replacement"}), 2)
    if "group_regex" in names:
        names.append("group_replacement")
    return {name: values[name] for name in names}


def some_slots(random: Random, most: int = 4) -> tuple[int, ...]:
    return tuple(random.choices((0, 1, 2, 3, 0, 1, 2, -1, -2, -3), k=random.randrange(most)))


def some_push(random: Random, source: str) -> Event:
    """Return something that a provider says."""
    slot, slots = random.randrange(SLOTS), some_slots(random)
    name = random.choice(PEOPLE[source])
    who = PEOPLE[source].index(name)
    verbs = tuple(
        (random.choice(("add", "add", "remove", "replace")), some_slots(random, 5))
        for _ in range(random.randint(1, 3))
    )
    said = person(name, external_id=name, active=random.choice((True, True, False)))
    makers = {
        lambda: StateGroup(source, slot, random.choice(NAMES), slots): 6,
        lambda: ChangeMembers(source, slot, verbs, random.choice((True, False))): 6,
        lambda: RenameGroup(source, slot, random.choice(NAMES)): 3,
        lambda: EndGroup(source, slot): 2,
        lambda: Tell(source, who, said): 3,
        lambda: Tell(source, who, None): 1,
    }
    [make] = random.choices(list(makers), list(makers.values()))
    return make()


def some_mapping(random: Random, source: str, *, allow: bool) -> Map:
    slot, adds = random.randrange(SLOTS), random.random() < 0.7
    to = random.choice((*TARGETS, "Team", "Staff"))
    return Map(source, slot, to, adds, allow and random.random() < 0.5)


def some_hand(random: Random, source: str) -> ByHand:
    name = random.choice((*PEOPLE[source], *LOCAL))
    groups = random.sample(("Staff", "Wiki", "Team", "New"), random.randrange(3))
    kept = [each for each in HANDED.get(name, ()) if each in PROTECTED]
    return ByHand(source, name, (*groups, *kept))


def happening(number: int, kinds: str, *, keep: bool = True, allow: bool = True) -> Event:
    """Return what happens by a number, of some kinds (parted by blanks, weighted by repetition)."""
    random = Random(number)  # noqa: S311
    source, kind = random.choice(SOURCES), random.choice(kinds.split())
    makers = {
        "push": lambda: some_push(random, source),
        "mapping": lambda: some_mapping(random, source, allow=allow),
        "rule": lambda: Rules(source, some_rule(random, keep=keep)),
        "hand": lambda: some_hand(random, source),
        "guard": lambda: Rules(
            source, {"removal_limit_count": random.choice((0, 1, 2, 1000)), **NO_PERCENT}
        ),
        "decision": lambda: Decide(source, random.choice((True, False))),
    }
    return makers[kind]()


def change_of(world: World, number: int, *, keep: bool) -> tuple[str, dict[str, Any]]:
    """Return a source, and new rules and changes of the mapping table for it."""
    random = Random(number)  # noqa: S311
    source = random.choice(SOURCES)
    values = some_rule(random, keep=keep) if random.random() < 0.6 else {}
    changes = some_mapping(random, source, allow=True).changes(world)
    return source, values | ({"mappings": changes} if changes else {})


NO_PERCENT = {"removal_limit_percent": 0}


def first_rules(source: str, number: int, *, keep: bool = True, **values: Any) -> Rules:
    """Return the rules about groups with which a source begins."""
    return Rules(source, {**some_rules(Random(number), keep=keep), **values})  # noqa: S311


FIRST = (
    StateGroup("acme", 0, "Team", (0, 1)),
    StateGroup("acme", 1, "app-Team", (2,)),
    StateGroup("acme", 2, "Staff", (0, 3, -1)),
    StateGroup("acme", 3, "Admins", (1, -3)),
    StateGroup("beta", 0, "Team", (0,)),
    StateGroup("beta", 1, "Wiki", (0, 1)),
    StateGroup("beta", 2, "Crew", (1, -1)),
    ChangeMembers("acme", 0, (("add", (-2, -4)),)),
    *(
        Map(source, slot, to, adds=True, allow=False)
        for source, slot, to in (
            ("acme", 0, "Team"),
            ("acme", 1, "Team"),
            ("acme", 2, "Staff"),
            ("acme", 3, "Admins"),
            ("beta", 0, "Team"),
            ("beta", 2, "Wiki"),
            ("beta", 2, "New"),
        )
    ),
)
"""What the providers have stated in the beginning, with a cycle of groups, and the mapping."""
