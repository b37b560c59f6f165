"""What has to be in a world of groups (``group_world``) by the issue's own words.

``Expected`` is written from the issue alone: it asks nothing of ``core.memberships``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from group_world import (
    CHILDREN,
    EXCLUDED,
    GROUP_ZERO,
    IDENTITIES,
    INCLUDED,
    LINKS,
    MAPPINGS,
    MEMBERS,
    MIRROR,
    RENAMED,
    ByHand,
    Pair,
    Picture,
    pairs_of,
    path_of,
    picture,
)
from sqlalchemy import select
from world import SOURCES, Event, World

from usersync_ext.core.records import PlannedPerson, Run
from usersync_ext.store import planned_groups

# -- what has to be --------------------------------------------------------------------------------


@dataclass(slots=True)
class Expected:
    """Who has to be in which group, kept up to date event by event."""

    mapped: dict[str, set[Pair]] = field(default_factory=lambda: {key: set() for key in SOURCES})
    defaults: dict[str, set[Pair]] = field(default_factory=lambda: {key: set() for key in SOURCES})
    hand: set[Pair] = field(default_factory=set)

    @classmethod
    def of(cls, world: World, start: Picture) -> "Expected":
        """Return what has to be after the first rules, with what was given by hand at the start."""
        expected = cls(hand=set(start.by_hand))
        expected.follow(world, Event(SOURCES[0]), start)
        return expected

    @property
    def pairs(self) -> set[Pair]:
        return set().union(self.hand, *self.mapped.values(), *self.defaults.values())

    def follow(self, world: World, event: Event, before: Picture) -> None:
        """Bring it up to date with the world in which an event has happened."""
        now = picture(world)
        if isinstance(event, ByHand):
            self.take_by_hand(event, before)
        for some in (self.hand, *self.mapped.values(), *self.defaults.values()):
            some &= {(a, g) for a, g in some if a in now.accounts and g in now.groups}
        for source in SOURCES:
            rules = world.source(source).rules
            said = Mirror.read(world, source)
            if rules["group_mode"] != "off":
                self.mapped[source] = set(said.gives(now, rules))
            self.add_defaults(source, rules, said, before, now)
        for source in SOURCES:
            self.take_strangers(source, world.source(source).rules, Mirror.read(world, source), now)

    def take_by_hand(self, event: ByHand, before: Picture) -> None:
        [account] = [k for k, name in before.accounts.items() if name == event.account] or [""]
        wanted = {before.key_of(name) for name in event.groups} - {""}
        self.hand = {(a, g) for a, g in self.hand if a != account or g in wanted}
        if account:
            new = {(account, group) for group in wanted}
            self.hand |= new - set(before.members)

    def add_defaults(
        self,
        source: str,
        rules: Mapping[str, Any],
        said: "Mirror",
        before: Picture,
        now: Picture,
    ) -> None:
        to = rules["assign_default_groups_to"]
        for account in said.accounts.values():
            is_new = account not in before.accounts
            if account in now.protected_accounts or not (to == "all" or (to == "new" and is_new)):
                continue
            new = {(account, group) for group in default_keys(rules, now)}
            self.defaults[source] |= new - self.hand

    def take_strangers(
        self, source: str, rules: Mapping[str, Any], said: "Mirror", now: Picture
    ) -> None:
        """Take away what no rule explains, where existing groups or users are not kept."""
        explained = set().union(*self.mapped.values(), *self.defaults.values())
        gone: set[Pair] = set()
        for pair in self.hand - explained:
            account, group = pair
            if account in now.protected_accounts or group in now.protected:
                continue
            if group in default_keys(rules, now):
                continue
            is_own = now.owners.get(account) == source
            by_group = not rules["keep_existing_users"] and group in said.stands_for(now, rules)
            by_person = not rules["keep_existing_groups"] and rules["group_mode"] != "off"
            if by_group or (is_own and by_person):
                gone.add(pair)
        self.hand -= gone


def default_keys(rules: Mapping[str, Any], now: Picture) -> set[str]:
    names = [name.strip() for name in rules["default_groups"].split(",")]
    return {now.key_of(name) for name in names} - {""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """What a source has said, and the mapping table."""

    accounts: Mapping[int, str]  # of living people
    members: frozenset[tuple[int, int]]  # group, person
    children: frozenset[tuple[int, int]]  # parent, child
    names: Mapping[int, str]
    rows: tuple[tuple[int, str, bool], ...]  # group, to, allow_protected

    @classmethod
    def read(cls, world: World, source: str) -> "Mirror":
        id_ = world.source(source).id
        with world.engine.store.reading() as session:
            people = select(LINKS.c.identity_id, LINKS.c.account_key).join(
                IDENTITIES, IDENTITIES.c.id == LINKS.c.identity_id
            )
            living = people.where(LINKS.c.source_id == id_, IDENTITIES.c.deleted_at.is_(None))
            groups = select(MIRROR.c.id, MIRROR.c.display_name).where(MIRROR.c.source_id == id_)
            rows = select(MAPPINGS.c.group_id, MAPPINGS.c.to, MAPPINGS.c.allow_protected)
            return cls(
                accounts=pairs_of(session.execute(living)),
                members=frozenset(map(tuple, session.execute(select(MEMBERS)))),
                children=frozenset(map(tuple, session.execute(select(CHILDREN)))),
                names=pairs_of(session.execute(groups)),
                rows=tuple(map(tuple, session.execute(rows.where(MAPPINGS.c.source_id == id_)))),
            )

    def targets(self, group: int, rules: Mapping[str, Any]) -> list[tuple[str, bool]]:
        """Return what a group stands for, and whether it may although that is protected."""
        name = self.names[group]
        inside = INCLUDED[rules["group_include"]](name)
        if not inside or EXCLUDED[rules["group_exclude"]](name) or rules["group_mode"] == "off":
            return []
        if rules["group_mode"] == "manual":
            return [(to, allow) for id_, to, allow in self.rows if id_ == group]
        return [(RENAMED[rules["group_regex"], rules["group_replacement"]](name), False)]

    def stands_for(self, now: Picture, rules: Mapping[str, Any]) -> set[str]:
        names = [name for group in self.names for name, _ in self.targets(group, rules)]
        return {now.key_of(name) for name in names}

    def gives(self, now: Picture, rules: Mapping[str, Any]) -> Iterator[Pair]:
        """Yield who is to be in which group because of the source's groups."""
        for group, member in self.members:
            account = self.accounts.get(member)
            if group not in self.names or account is None or account in now.protected_accounts:
                continue
            found = self.above(group) if rules["nested_groups"] == "flatten" else {group}
            for each in found:
                for name, allow in self.targets(each, rules):
                    key = now.key_of(name)
                    if key and (allow or key not in now.protected):
                        yield account, key

    def above(self, group: int) -> set[int]:
        found = {group}
        while new := {parent for parent, child in self.children if child in found} - found:
            found |= new
        return found


def members_in_mirror(world: World, source: str, slot: int) -> set[int]:
    """Return the slots of the people in a group, as the provider reads it."""
    found = world.clients[source].get(path_of(world, source, slot)).get_json()
    slots = {scim_id: slot for (key, slot), scim_id in world.known.items() if key == source}
    return {n for each in found.get("members", ()) if (n := slots[each["value"]]) < GROUP_ZERO}


# -- what must not be broken -----------------------------------------------------------------------


def protected_part(now: Picture) -> dict[str, Any]:
    """Return the protected groups and who is in them."""
    return {
        "groups": {key: name for key, name in now.groups.items() if key in now.protected},
        "members": {pair: why for pair, why in now.members.items() if pair[1] in now.protected},
    }


def broken_limits(world: World, event: Event, before: Picture) -> Iterator[str]:
    """Yield whose limit an event of a source broke, in words."""
    now, rules = picture(world), world.source(event.source).rules
    left, were = len(now.administrators), len(before.administrators)
    if left < min(were, rules["minimum_admins"]):
        yield f"{left} administrators are left of {were}"
    for key, minimum in before.minimums.items():
        count, was = (sum(g == key for _, g in each.members) for each in (now, before))
        if count < min(was, minimum):
            yield f"{count} members are left of {was} in {before.groups[key]!r}"
    names = {name.strip() for name in rules["protected_names"].split(",")}
    named = {key for key, name in before.accounts.items() if name in names}
    for pair in set(before.members) ^ set(now.members):
        if pair[0] in before.protected_accounts | named:
            yield f"the membership {before.named([pair])} of a protected account was changed"


def broken_ledger(now: Picture) -> Iterator[str]:
    """Yield grants without a membership or its account, and memberships without a reason."""
    for account, group, source, kind in now.grants:
        if (account, group) not in now.members:
            yield f"{kind} by {source} of {now.named([(account, group)])}, which is none"
        if now.owners.get(account) != source:
            yield f"{kind} by {source} of {now.named([(account, group)])}, which is another's"
    given = {(account, group) for account, group, _, _ in now.grants}
    for pair, reason in now.members.items():
        if not reason and pair not in given:
            yield f"nobody gave the membership {now.named([pair])}"


def planned_moves(
    world: World, run: Run, planned: Iterable[PlannedPerson]
) -> list[tuple[str, str, str]]:
    """Return what a run means to do to memberships: kind, whose, and of which group."""
    with world.engine.store.reading() as session:
        outsiders = planned_groups.list_outsiders(session, run.id)
    moves = [("remove_member", each.user_name, each.group) for each in outsiders]
    moves += [
        (change["kind"], each.subject, (change["after"] or change["before"])["group"])
        for each in planned
        for change in each.changes
        if change["kind"].endswith("_member")
    ]
    return sorted(moves)
