"""The writes of a provider that pushes: mirror and accounts in one transaction.

Every function here is one SCIM write. It raises a subclass of ``Refused`` (or ``UnknownMember``,
``NotFound``) with nothing written, or returns what a following GET would answer.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..core.mapping import identity_from_record, normal_form
from ..core.records import ChangeKind, Decision, Identity, PersonState
from ..core.scope import looks_at_groups
from ..errors import NameTaken, NotFound, Protected, Refused, UserSyncError, Vetoed
from ..store import groups, mirror
from ..store.engine import Session
from ..store.journal import Event
from ..store.resources import StoredResource
from . import runs
from .applying import Result
from .engine import Engine, T, Unit
from .planning import Work, plan_people
from .reconcile import carry_out, standing

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A strict SCIM record to store, and its form for comparisons (``scim.comparable``)."""

    record: Record
    comparable: Record


Transform = Callable[[StoredResource], NewRecord | None]
"""Makes the new record of a stored resource; None when nothing changes. May raise."""


@dataclass(frozen=True, slots=True)
class MemberChange:
    """One change of a group's members: add, remove or replace, by SCIM id."""

    verb: str
    ids: tuple[str, ...]


class UnknownMember(UserSyncError):
    """Members that this source does not have; ``ids`` names them all."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(f"this source has no user or group with the id {', '.join(ids)}")
        self.ids = tuple(ids)


class Duplicate(NameTaken):
    """An attribute's value belongs to another resource of the same source."""

    def __init__(self, attribute: str, value: str, owner: str) -> None:
        super().__init__(
            f'{attribute} "{value}" is already used by {owner} in this source; '
            "use another value, or find and update that one"
        )
        self.attribute = attribute
        self.value = value


class NotThere(NotFound):
    """No resource of this source has the id."""

    def __init__(self, resource_type: str, scim_id: str) -> None:
        super().__init__(f"{resource_type} {scim_id!r} not found in this source")


MOST_AT_ONCE = 1000
"""How many people a change of a group may concern to be brought in line before the answer."""


class Push:
    """The writes of one provider's request."""

    def __init__(self, engine: Engine, work: Work) -> None:
        self.engine = engine
        self.work = work
        self.concerned: Identity | None = None  # whom the write is about, once that is known
        self.for_a_run = False  # more people are concerned than one request can look at

    # -- people --------------------------------------------------------------------------------

    def create_user(self, new: NewRecord) -> StoredResource:
        """Store a new person and bring their account in line."""
        scim_id = str(uuid.uuid4())

        def unit(session: Session, work: Work) -> tuple[StoredResource, list[Event]]:
            self.concerned = identity = identity_from_record(new.record, scim_id=scim_id)
            rivals = free_or_duplicate(session, work, identity)
            former = {0: rivals.former_id} if rivals.former_id is not None else {}
            decisions = plan_people(session, work, [identity], former)
            state, why = standing(work, decisions[0])
            row_id = mirror.insert_user(
                session,
                work.source.id,
                scim_id,
                mirror.row_values(identity, new.record, new.comparable, state, why),
                mirror.email_keys(new.record),
                work.now,
            )
            stored = replace(identity, id=row_id, state=state, why=why)
            events = settle(session, work, decisions, stored)
            return stored_user(identity, row_id, new, work), events

        return self.perform(ChangeKind.CREATE, unit)

    def change_user(self, scim_id: str, transform: Transform) -> StoredResource:
        """Store what the transform makes of a person and bring their account in line."""

        def unit(session: Session, work: Work) -> tuple[StoredResource, list[Event]]:
            stored = mirror.get_user(session, work.source.id, scim_id, for_update=True)
            if stored is None:
                raise NotThere("User", scim_id)
            new = transform(stored)
            if new is None:
                return stored, []
            before = stored.parsed()
            if new.record == before:
                return stored, []
            self.concerned = identity = identity_from_record(
                new.record,
                row_id=stored.id,
                scim_id=scim_id,
                state=stored.state,
                why=stored.why,
            )
            if names_differ(before, new.record):
                free_or_duplicate(session, work, identity)
            decisions = plan_people(session, work, [identity])
            state, why = standing(work, decisions[0])
            if stored.state == PersonState.HELD:  # what is held is settled below
                state, why = PersonState.HELD, stored.why
            mirror.update_user(
                session,
                work.source.id,
                stored.id,
                mirror.row_values(identity, new.record, new.comparable, state, why),
                (mirror.email_keys(before), mirror.email_keys(new.record)),
                work.now,
            )
            events = settle(session, work, decisions, replace(identity, state=state, why=why))
            changed = replace(
                stored,
                external_id=identity.external_id,
                name=identity.user_name,
                record=mirror.record_text(new.record),
                version=stored.version + 1,
                modified_at=work.now,
            )
            return changed, events

        return self.perform(ChangeKind.UPDATE, unit)

    def delete_user(self, scim_id: str, check: Callable[[StoredResource], None]) -> None:
        """Bury a person: 404 at once for the provider; the account follows the rules."""

        def unit(session: Session, work: Work) -> tuple[None, list[Event]]:
            stored = mirror.get_user(session, work.source.id, scim_id, for_update=True)
            if stored is None:
                raise NotThere("User", scim_id)
            check(stored)
            mirror.bury_user(session, stored.id, work.now)
            self.concerned = identity = identity_from_record(
                stored.parsed(),
                row_id=stored.id,
                scim_id=scim_id,
                deleted=True,
                state=stored.state,
                why=stored.why,
            )
            decisions = plan_people(session, work, [identity])
            return None, settle(session, work, decisions, identity)

        self.perform(ChangeKind.DELETE, unit)

    # -- groups --------------------------------------------------------------------------------

    def create_group(self, new: NewRecord, members: Sequence[str]) -> StoredResource:
        """Store a new group with its members."""
        scim_id = str(uuid.uuid4())

        def unit(session: Session, work: Work) -> tuple[StoredResource, list[Event]]:
            group_name_is_free(session, work, new.record, "")
            values = groups.group_values(new.record, new.comparable)
            row_id = groups.insert_group(session, work.source.id, scim_id, values, work.now)
            added = apply_members(session, work, row_id, [MemberChange("add", tuple(members))])
            return (
                StoredResource(
                    resource_type="Group",
                    id=row_id,
                    scim_id=scim_id,
                    external_id=values["external_id"],
                    name=values["display_name"],
                    record=values["record"],
                    version=1,
                    created_at=work.now,
                    modified_at=work.now,
                ),
                self.regrouped(session, work, added.people),
            )

        return self.perform_on_group(unit)

    def change_group(
        self, scim_id: str, transform: Transform, members: Sequence[MemberChange]
    ) -> StoredResource:
        """Store what the transform makes of a group, and change its members one by one."""

        def unit(session: Session, work: Work) -> tuple[StoredResource, list[Event]]:
            stored = groups.get_group(session, work.source.id, scim_id, for_update=True)
            if stored is None:
                raise NotThere("Group", scim_id)
            new = transform(stored)
            changed = new is not None and new.record != stored.parsed()
            moved = apply_members(session, work, stored.id, members)
            if not changed and not moved:
                return stored, []
            concerned = moved.people
            values: dict[str, Any] = {}
            if new is not None and changed:
                group_name_is_free(session, work, new.record, scim_id)
                values = groups.group_values(new.record, new.comparable)
                if looks_at_groups(work.source.rules):  # which know it by name or externalId
                    concerned |= groups.current_members(session, stored.id).people
            groups.touch_group(session, stored.id, work.now, values)
            return (
                replace(
                    stored,
                    external_id=values.get("external_id", stored.external_id),
                    name=values.get("display_name", stored.name),
                    record=values.get("record", stored.record),
                    version=stored.version + 1,
                    modified_at=work.now,
                ),
                self.regrouped(session, work, concerned),
            )

        return self.perform_on_group(unit)

    def delete_group(self, scim_id: str, check: Callable[[StoredResource], None]) -> None:
        """Remove a group and its memberships."""

        def unit(session: Session, work: Work) -> tuple[None, list[Event]]:
            stored = groups.get_group(session, work.source.id, scim_id, for_update=True)
            if stored is None:
                raise NotThere("Group", scim_id)
            check(stored)
            members: frozenset[int] = frozenset()
            if looks_at_groups(work.source.rules):
                members = groups.current_members(session, stored.id).people
            groups.delete_group(session, stored.id, work.now)
            return None, self.regrouped(session, work, members)

        self.perform_on_group(unit)

    def perform_on_group(self, unit: Unit[T]) -> T:
        """Run one write about a group; where it concerns very many people, a run looks at them."""
        self.for_a_run = False
        result = self.engine.perform(self.work, unit)
        if self.for_a_run:
            source = self.work.source
            run = runs.start(self.engine, self.work.actor, source, {}, applies=True, queued=True)
            runs.in_background(self.engine, run)
        return result

    def regrouped(self, session: Session, work: Work, identity_ids: frozenset[int]) -> list[Event]:
        """Bring people in line whose groups in the source changed, where a rule looks at them."""
        if not identity_ids or not looks_at_groups(work.source.rules):
            return []
        if len(identity_ids) > MOST_AT_ONCE:
            self.for_a_run = True
            return []
        events: list[Event] = []
        ids = sorted(identity_ids)
        for start in range(0, len(ids), runs.SLICE):
            events += runs.reconcile_ids(session, work, ids[start : start + runs.SLICE])[1]
        return events

    def perform(self, kind: ChangeKind, unit: Unit[T]) -> T:
        """Run one write about a person; a refusal by a rule is journalled before it is raised."""
        try:
            return self.engine.perform(self.work, unit)
        except Duplicate:
            raise
        except Refused as refusal:
            if self.concerned is not None:
                self.engine.note_refusal(self.work, kind, self.concerned, str(refusal))
            raise


def settle(
    session: Session, work: Work, decisions: Sequence[Decision], identity: Identity
) -> list[Event]:
    """Carry out what was decided about a person, now stored; a refusal undoes the request."""
    first = replace(decisions[0], identity=identity)
    results, events = carry_out(session, work, [first, *decisions[1:]], 1)
    raise_refusal(results[0])
    return events


def stored_user(identity: Identity, row_id: int, new: NewRecord, work: Work) -> StoredResource:
    """Return a person just stored, as a GET reads it."""
    return StoredResource(
        resource_type="User",
        id=row_id,
        scim_id=identity.scim_id,
        external_id=identity.external_id,
        name=identity.user_name,
        record=mirror.record_text(new.record),
        version=1,
        created_at=work.now,
        modified_at=work.now,
    )


def raise_refusal(result: Result) -> None:
    """Raise what the provider must be told: a taken name, a protected account, a veto."""
    if result.skipped:
        raise Vetoed(result.skipped)
    if result.decision.conflict:
        raise NameTaken(result.decision.why)
    if result.decision.refused:
        raise Protected(result.decision.why)


def names_differ(before: Record, after: Record) -> bool:
    """Tell whether what must be unique in a source changed."""
    return any(before.get(key) != after.get(key) for key in ("userName", "externalId"))


def free_or_duplicate(session: Session, work: Work, identity: Identity) -> mirror.Rivals:
    """Return who came before; raise Duplicate where a living person has the name or externalId."""
    rivals = mirror.find_rivals(
        session,
        work.source.id,
        identity.user_name,
        identity.external_id,
        other_than=identity.scim_id,
    )
    if rivals.user_name is not None:
        raise Duplicate("userName", identity.user_name, f"User {rivals.user_name}")
    if rivals.external_id is not None:
        raise Duplicate("externalId", identity.external_id or "", f"User {rivals.external_id}")
    return rivals


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
            moved |= groups.add_members(session, group_id, members)
        elif change.verb == "remove":
            moved |= groups.remove_members(session, group_id, members)
        else:
            moved |= groups.replace_members(session, group_id, members)
    return moved
