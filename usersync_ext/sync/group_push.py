"""The writes of groups by a provider that pushes: mirror and memberships in one transaction."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..core.mapping import normal_form
from ..core.scope import SourceGroup
from ..errors import Protected, Refused
from ..store import groups, mappings
from ..store.engine import Session
from ..store.journal import Event
from ..store.resources import StoredResource
from . import runs
from .engine import Engine, T, Unit
from .pushing import (
    Duplicate,
    MemberChange,
    NewRecord,
    NotThere,
    Record,
    Transform,
    UnknownMember,
)
from .regrouping import Regrouping
from .work import Work


class GroupPush:
    """The writes about groups of one provider's request."""

    def __init__(self, engine: Engine, work: Work) -> None:
        self.engine = engine
        self.work = work
        self.for_a_run = False  # more people are concerned than one request can look at

    def create_group(self, new: NewRecord, members: Sequence[str]) -> StoredResource:
        """Store a new group with its members."""
        scim_id = str(uuid.uuid4())

        def unit(session: Session, work: Work) -> tuple[StoredResource, list[Event]]:
            group_name_is_free(session, work, new.record, "")
            values = groups.group_values(new.record, new.comparable)
            row_id = groups.insert_group(session, work.source.id, scim_id, values, work.now)
            stored = StoredResource(
                resource_type="Group",
                id=row_id,
                scim_id=scim_id,
                external_id=values["external_id"],
                name=values["display_name"],
                record=values["record"],
                version=1,
                created_at=work.now,
                modified_at=work.now,
            )
            if stored.external_id is not None:
                mappings.attach(session, work.source.id, row_id, stored.external_id, scim_id)
            regrouping = Regrouping(session, work, row_id)
            added = apply_members(session, work, row_id, [MemberChange("add", tuple(members))])
            return stored, self.settled(regrouping, added, source_group(stored), renamed=True)

        return self.perform_on_group(unit)

    def change_group(
        self, scim_id: str, transform: Transform, members: Sequence[MemberChange]
    ) -> StoredResource:
        """Store what the transform makes of a group, and change its members one by one.

        Raises Protected where everything that was asked for is refused; nothing is written then.
        """

        def unit(session: Session, work: Work) -> tuple[StoredResource, list[Event]]:
            stored = groups.get_group(session, work.source.id, scim_id, for_update=True)
            if stored is None:
                raise NotThere("Group", scim_id)
            new = transform(stored)
            changed = new is not None and new.record != stored.parsed()
            regrouping = Regrouping(session, work, stored.id)
            moved = apply_members(session, work, stored.id, members)
            if not changed and not moved:
                return stored, []
            values: dict[str, Any] = {}
            if new is not None and changed:
                group_name_is_free(session, work, new.record, scim_id)
                values = groups.group_values(new.record, new.comparable)
            groups.touch_group(session, stored.id, work.now, values)
            after = replace(
                stored,
                external_id=values.get("external_id", stored.external_id),
                name=values.get("display_name", stored.name),
                record=values.get("record", stored.record),
                version=stored.version + 1,
                modified_at=work.now,
            )
            events = self.settled(regrouping, moved, source_group(after), renamed=changed)
            if regrouping.refusals and not changed:
                raise_if_all_refused(regrouping, moved)
            return after, events

        return self.perform_on_group(unit)

    def delete_group(self, scim_id: str, check: Callable[[StoredResource], None]) -> None:
        """Remove a group and its memberships."""

        def unit(session: Session, work: Work) -> tuple[None, list[Event]]:
            stored = groups.get_group(session, work.source.id, scim_id, for_update=True)
            if stored is None:
                raise NotThere("Group", scim_id)
            check(stored)
            regrouping = Regrouping(session, work, stored.id)
            members = groups.current_members(session, stored.id)
            if not regrouping.matters:
                members = groups.MemberIds(frozenset(), frozenset())
            mappings.note_last_names(session, stored.id, stored.name, stored.external_id)
            groups.delete_group(session, stored.id, work.now)
            return None, self.settled(regrouping, members, None)

        self.perform_on_group(unit)

    def settled(
        self,
        regrouping: Regrouping,
        moved: groups.MemberIds,
        group: SourceGroup | None,
        *,
        renamed: bool = False,
    ) -> list[Event]:
        """Bring people in line after a change of a group, or leave that to a run."""
        events = regrouping.settle(moved, group, renamed=renamed)
        self.for_a_run = regrouping.for_a_run
        return events

    def perform_on_group(self, unit: Unit[T]) -> T:
        """Run one write about a group; where it concerns very many people, a run looks at them."""
        self.for_a_run = False
        result = self.engine.perform(self.work, unit)
        if self.for_a_run:
            source = self.work.source
            run = runs.start(self.engine, self.work.actor, source, {}, applies=True, queued=True)
            runs.in_background(self.engine, run)
        return result


def source_group(stored: StoredResource) -> SourceGroup:
    """Return a group of the mirror as rules look at it."""
    return SourceGroup(
        id=stored.id, scim_id=stored.scim_id, name=stored.name, external_id=stored.external_id
    )


def raise_if_all_refused(regrouping: Regrouping, moved: groups.MemberIds) -> None:
    """Raise Protected where nothing of what a request asked for was done or may be later."""
    if regrouping.done or moved.groups or moved.people - regrouping.refused_people:
        return
    raise Protected("; ".join(dict.fromkeys(r.reason for r in regrouping.refusals[:20])))


def group_name_is_free(session: Session, work: Work, record: Record, own_id: str) -> None:
    """Raise Duplicate where a group has the name, unless both carry different externalIds."""
    external_id = normal_form(record.get("externalId"))
    for other in groups.find_rival_groups(
        session, work.source.id, record["displayName"], external_id, own_id
    ):
        if external_id is not None and other.external_id == external_id:
            raise Duplicate("externalId", external_id, f"Group {other.scim_id}")
        if external_id is None or other.external_id is None:
            raise Duplicate("displayName", record["displayName"], f"Group {other.scim_id}")


def apply_members(
    session: Session, work: Work, group_id: int, changes: Sequence[MemberChange]
) -> groups.MemberIds:
    """Change a group's members in order; return who was added or removed.

    Unknown ids in ``add`` and ``replace`` are refused, all of them by name; in ``remove`` they
    are no longer members anyway.
    """
    moved = groups.MemberIds(frozenset(), frozenset())
    for change in changes:
        members, unknown = groups.resolve_members(session, work.source.id, change.ids)
        if unknown and change.verb != "remove":
            raise UnknownMember(unknown)
        if group_id in members.groups:
            raise Refused("a group cannot be a member of itself")
        if change.verb == "add":
            moved ^= groups.add_members(session, group_id, members)
        elif change.verb == "remove":
            moved ^= groups.remove_members(session, group_id, members)
        else:
            moved ^= groups.replace_members(session, group_id, members)
    return moved
