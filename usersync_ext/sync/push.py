"""The writes of a provider that pushes: mirror and accounts in one transaction.

Every function here is one SCIM write. It raises a subclass of ``Refused`` (or ``UnknownMember``,
``NotFound``) with nothing written, or returns what a following GET would answer.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..core.mapping import identity_from_record
from ..core.records import ChangeKind, Decision, Identity, PersonState
from ..errors import NameTaken, Protected, Refused, Vetoed
from ..store import mirror
from ..store.engine import Session
from ..store.journal import Event
from ..store.resources import StoredResource
from .applying import Result
from .engine import Engine, T, Unit
from .group_push import GroupPush
from .planning import plan_people
from .pushing import Duplicate, NewRecord, NotThere, Record, Transform
from .reconcile import carry_out, standing
from .work import Work


class Push(GroupPush):
    """The writes of one provider's request."""

    def __init__(self, engine: Engine, work: Work) -> None:
        super().__init__(engine, work)
        self.concerned: Identity | None = None  # whom the write is about, once that is known

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
