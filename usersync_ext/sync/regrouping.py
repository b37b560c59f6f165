"""What a change of one group of a source means for the memberships of people, at once.

A change of k members looks at these k people, and at the groups of the directory that the group
stands for: the size of either group makes no difference.
"""

from collections.abc import Sequence
from dataclasses import replace

from ..core.groups import maps_groups, targets_of
from ..core.guard import count_removals
from ..core.records import (
    ChangeKind,
    Decision,
    PersonState,
    RefusedMembership,
    SourceState,
)
from ..core.scope import SourceGroup, looks_at_groups
from ..core.username import name_key
from ..store import group_tree, mirror
from ..store.engine import Session
from ..store.groups import MemberIds
from ..store.journal import Event
from .grouping import keep_minimums, plan_moved
from .guarding import current_budget
from .mapped import mapping_rows
from .outsiders import own_people, sweep
from .planning import living_or_linked, plan_people, with_administrators
from .reconcile import carry_out
from .shaping import delete_emptied, nest_groups, shape_groups
from .work import Work

MOST_PLANNED = 1000
"""How many people are planned for as a whole before the answer."""
MOST_MOVED = 10_000
"""For how many people the memberships alone are changed before the answer."""
SLICE = 500


class Regrouping:
    """A change of a group: made before the mirror changes, settled afterwards."""

    def __init__(self, session: Session, work: Work, group_id: int) -> None:
        self.session = session
        self.work = work
        self.group_id = group_id
        self.counts_nested = work.source.rules["nested_groups"] == "flatten"
        self.names = self.names_now()
        self.keys = self.keys_now()
        self.refusals: list[RefusedMembership] = []
        self.refused_people: set[int] = set()
        self.concerned: frozenset[str] = frozenset()  # groups of the directory, by key
        self.done = 0  # memberships that changed, or will once they are released
        self.for_a_run = False

    @property
    def matters(self) -> bool:
        """Whether anybody's account may depend on the group."""
        rules = self.work.source.rules
        return looks_at_groups(rules) or maps_groups(rules)

    def names_now(self) -> dict[str, str]:
        """Return the groups of the directory that the group, or one above it, stands for."""
        rules = self.work.source.rules
        if not maps_groups(rules):
            return {}
        ids = {self.group_id}
        if self.counts_nested:
            ids = group_tree.above(self.session, ids)
        found = group_tree.get_groups(self.session, ids)
        mapped = mapping_rows(self.session, self.work.source, ids)
        return {name_key(t.name): t.name for g in found for t in targets_of(g, rules, mapped)}

    def keys_now(self) -> frozenset[str]:
        """Return the same groups by what does not change with their names."""
        if not self.names:
            return frozenset()
        bound = self.work.directory.bound(self.session)
        found = {name_key(g.name): g.key for g in bound.find_groups(names=self.names.values())}
        return frozenset(found.get(key, f"name:{key}") for key in self.names)

    def settle(
        self, moved: MemberIds, group: SourceGroup | None, *, renamed: bool = False
    ) -> list[Event]:
        """Bring the people in line whom a change of the group concerns; return the signals.

        ``group`` is the group as it is now, None once it is deleted; ``renamed`` says that it may
        mean something else than before, or is new.
        """
        if not self.matters:
            return []
        before, names = self.keys, self.names
        if group is not None and renamed:
            shape_groups(self.session, self.work, [group])
            self.names = self.names_now()
            self.keys = self.keys_now()
        ids = set(moved.people)
        if moved.groups and self.counts_nested:
            ids |= self.people_below(moved.groups)
        rules = self.work.source.rules
        is_another = before != self.keys and group is not None
        if is_another or (renamed and looks_at_groups(rules)):
            ids |= self.people_below([self.group_id])
        if group is not None:
            ids |= own_people(self.session, self.work, self.names.values())
        self.concerned = frozenset(names | self.names)
        events = self.bring_in_line(sorted(ids), self.concerned) if ids else []
        if self.for_a_run:
            return []
        if maps_groups(rules) and group is not None:
            events += sweep(self.session, self.work, self.names.values())
            if moved.groups and not is_another:
                self.nest(group)
        if (group is None or is_another) and rules["nested_groups"] == "keep":
            nest_groups(self.session, self.work)
        delete_emptied(self.session, self.work)
        return events

    def people_below(self, group_ids: Sequence[int] | frozenset[int]) -> set[int]:
        """Return who is in groups, and in the groups in them where that counts."""
        found = group_tree.below(self.session, group_ids) if self.counts_nested else group_ids
        return set(group_tree.people_in(self.session, found, MOST_MOVED + 1))

    def bring_in_line(self, ids: Sequence[int], only: frozenset[str]) -> list[Event]:
        """Plan for some people, guard them together, and carry it out."""
        whole: list[Decision] = []
        light: list[Decision] = []
        rules = self.work.source.rules
        scoped = looks_at_groups(rules) or self.work.source.state is not SourceState.ACTIVE
        if len(ids) > (MOST_PLANNED if scoped else MOST_MOVED):
            self.for_a_run = self.work.source.state is SourceState.ACTIVE
            return []
        if not scoped:
            for start in range(0, len(ids), SLICE):
                light += plan_moved(self.session, self.work, ids[start : start + SLICE], only)
            rest = [d.identity.id for d in light if d.state is not PersonState.IN_SYNC]
            light = [d for d in light if d.state is PersonState.IN_SYNC]
        else:
            rest = list(ids)
        for start in range(0, len(rest), SLICE):
            part = rest[start : start + SLICE]
            found = mirror.get_identities(self.session, self.work.source.id, part)
            whole += plan_people(self.session, self.work, living_or_linked(self.session, found))
        together = self.within_minimums([*whole, *light])
        whole, light = together[: len(whole)], together[len(whole) :]
        work = self.guarded_work(together)
        self.note(together)
        events: list[Event] = []
        for decisions in (whole, [d for d in light if d.memberships or d.refusals]):
            if decisions:
                asked = len(decisions)
                events += carry_out(self.session, work, decisions, asked, tells_refusals=True)[1]
        return events

    def within_minimums(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Return decisions without removals by which, all together, too few would be left."""
        bound = self.work.directory.bound(self.session)
        return with_administrators(self.session, self.work, keep_minimums(bound, decisions))

    def guarded_work(self, decisions: Sequence[Decision]) -> Work:
        """Return the work with all removals held where they are more than may pass."""
        removals = sum(map(count_removals, decisions))
        if removals < 2:
            return self.work
        left = current_budget(self.session, self.work, removals).left
        return replace(self.work, hold_removals=removals > left)

    def note(self, decisions: Sequence[Decision]) -> None:
        """Note what was refused, and whether anything else is left of a request."""
        if self.work.source.state is not SourceState.ACTIVE:
            return
        for decision in decisions:
            if decision.observed:
                continue
            refusals = [r for r in decision.refusals if name_key(r.group) in self.concerned]
            self.refusals += refusals
            changes = [c for c in decision.memberships if c.kind is not ChangeKind.KEEP_MEMBER]
            self.done += len(changes) + len(decision.changes)
            if refusals:
                self.refused_people.add(decision.identity.id)

    def nest(self, group: SourceGroup) -> None:
        """Nest the directory's groups of a group and of those that it is in."""
        above = group_tree.above(self.session, [group.id])
        nest_groups(self.session, self.work, group_tree.get_groups(self.session, above))
