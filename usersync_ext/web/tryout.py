"""What unsaved settings make of real people and of a typed name; nothing is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..core.attributes import Reference, values_at
from ..core.expressions import Choice, Constant, Template
from ..core.fields import STANDARD, FieldRule, Wanted, field_rules
from ..core.groups import ON_THE_FLY, collisions, directory_name, included, is_protected_name
from ..core.records import Identity, Source
from ..core.scope import SourceGroup, Verdict, activity_of, scope_of
from ..core.username import NameResult, account_name, name_key
from ..errors import InvalidSetting
from ..store import group_tree, mirror, people
from ..store.engine import Session
from ..sync.engine import Engine
from ..sync.planning import groups_of, name_from, received_name, wanted_fields
from ..sync.work import Work
from .language import gettext
from .people import listed
from .shared import visitor

PEOPLE_TRIED = 50
NAMES_SHOWN = 10
OUTSIDE_SHOWN = 10
GROUPS_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePreview:
    """A received user name and the account name that the rules make of it."""

    received: str
    name: str
    error: str
    clashes: tuple[str, ...] = ()  # other names of the sample that lead to the same account name


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopePreview:
    """How many of the first people are in scope, and some of those who are out."""

    asked: int
    inside: int
    outside: tuple[tuple[Identity, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPreview:
    """A field of an account: what the provider says of it and what the mapping makes of that."""

    label: str
    raw: tuple[tuple[str, str], ...]  # path and value of every attribute that the row reads
    value: str
    is_mapped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPreview:
    """One person, raw and mapped."""

    identity: Identity
    name: NamePreview
    verdicts: tuple[Verdict, ...]
    fields: tuple[FieldPreview, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupName:
    """A name of a group as it was received, and the one it has in the directory, or why none."""

    received: str
    name: str
    error: str
    is_protected: bool
    is_sample: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsPreview:
    """What the rules for group names make of a typed name and of a source's groups."""

    names: tuple[GroupName, ...]
    count: int  # of the source's groups
    collisions: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TryOut:
    """What settings make of a typed name and of the first people of a source."""

    sample: NamePreview | None
    names: tuple[NamePreview, ...]
    groups: GroupsPreview | None  # None where nothing about groups is to be seen
    scope: ScopePreview | None  # None while the source has no people
    person: PersonPreview | None


def try_out(
    engine: Engine, changed: Source, *, sample: str = "", group: str = "", person: str = ""
) -> TryOut:
    """Return what a source's unsaved settings make of people. Raises InvalidSetting.

    ``sample`` is a user name and ``group`` a group's name as they were typed, ``person`` the name
    of a person of the source.
    """
    work = trial_work(engine, changed)
    with engine.store.reading() as db:
        found = people.list_people(db, source=changed, limit=PEOPLE_TRIED)
        identities = mirror.get_identities(db, changed.id, [p.id for p in found])
        chosen = chosen_person(db, changed, person) or (identities[0] if identities else None)
        names = [name_of(identity, work) for identity in identities[:NAMES_SHOWN]]
        tried = name_preview(sample, account_name(sample, changed.rules, work.directory.name_rules))
        return TryOut(
            sample=with_clashes(tried, names) if sample else None,
            names=tuple(with_clashes(name, names) for name in names),
            groups=groups_preview(db, work, group),
            scope=scope_preview(db, work, identities) if identities else None,
            person=person_preview(db, work, chosen) if chosen else None,
        )


def trial_work(engine: Engine, changed: Source) -> Work:
    """Return a unit of work that is only asked; without directory the embedded one stands in."""
    directory = engine.directories.get(changed.directory) or engine.directories["local"]
    return Work(source=changed, directory=directory, actor=visitor(), now=datetime.now(UTC))


def chosen_person(db: Session, source: Source, name: str) -> Identity | None:
    """Return the person of that name, None without a name. Raises InvalidSetting."""
    if not name:
        return None
    found = people.find_people(db, name, source)
    if not found:
        text = gettext("%(source)s has nobody called %(name)s", source=source.name, name=name)
        raise InvalidSetting("person", text)
    return mirror.get_identities(db, source.id, [found[0].id])[0]


def name_of(identity: Identity, work: Work) -> NamePreview:
    """Return what becomes of a person's name."""
    received = received_name(identity, work.source.rules)
    return name_preview(received or identity.user_name, name_from(received, work))


def name_preview(received: str, result: NameResult) -> NamePreview:
    return NamePreview(received=received, name=result.name, error=result.error)


def with_clashes(name: NamePreview, others: Sequence[NamePreview]) -> NamePreview:
    """Return a name with those of the others that would become the same."""
    key = name_key(name.name)
    clashes = tuple(
        other.received
        for other in others
        if key and other.received != name.received and name_key(other.name) == key
    )
    return NamePreview(received=name.received, name=name.name, error=name.error, clashes=clashes)


def groups_preview(db: Session, work: Work, sample: str) -> GroupsPreview | None:
    """Return what becomes of group names on the fly, None where they mean nothing."""
    rules = work.source.rules
    if rules["group_mode"] != ON_THE_FLY and not sample:
        return None
    on_the_fly = {**rules, "group_mode": ON_THE_FLY}
    found = group_tree.list_groups(db, work.source.id, limit=None)
    tried = [SourceGroup(scim_id="", name=sample)] if sample else []
    shown = [*tried, *found[:GROUPS_SHOWN]]
    names = tuple(group_name(db, work, group, on_the_fly) for group in shown)
    return GroupsPreview(
        names=names, count=len(found), collisions=tuple(collisions([*tried, *found], on_the_fly))
    )


def group_name(db: Session, work: Work, group: SourceGroup, rules: Mapping[str, Any]) -> GroupName:
    """Return what becomes of the name of one group."""
    verdict, result = included(group, rules), directory_name(group.name, rules)
    name = result.name if verdict.inside else ""
    return GroupName(
        received=group.name,
        name=name,
        error=result.error if verdict.inside else verdict.text,
        is_protected=is_protected_name(name, rules) or work.directory.bound(db).protects(name),
        is_sample=not group.scim_id,
    )


def scope_preview(db: Session, work: Work, identities: Sequence[Identity]) -> ScopePreview:
    """Return who of some people is in scope, and who is out and why."""
    rules = work.source.rules
    groups = groups_of(db, rules, identities)
    verdicts = [(i, scope_of(i, groups.get(i.id, ()), rules)) for i in identities]
    outside = [(i, verdict.text) for i, verdict in verdicts if not verdict.inside]
    return ScopePreview(
        asked=len(identities),
        inside=len(identities) - len(outside),
        outside=tuple(outside[:OUTSIDE_SHOWN]),
    )


def person_preview(db: Session, work: Work, identity: Identity) -> PersonPreview:
    """Return one person, raw and mapped."""
    rules = work.source.rules
    groups = groups_of(db, rules, [identity]).get(identity.id, ())
    [wanted] = wanted_fields(db, work, [identity])
    return PersonPreview(
        identity=identity,
        name=name_of(identity, work),
        verdicts=(scope_of(identity, groups, rules), activity_of(identity, groups, rules)),
        fields=tuple(
            field_preview(identity.record, rule, wanted)
            for rule in field_rules(rules["attribute_mapping"])
        ),
    )


def field_preview(record: Mapping[str, Any], rule: FieldRule, wanted: Wanted) -> FieldPreview:
    """Return what a row of the mapping reads and makes."""
    references = dict.fromkeys(references_of(rule.choices))
    return FieldPreview(
        label=gettext(rule.label) if rule.name in STANDARD else rule.name,
        raw=tuple(
            listed(str(path), value) for path in references for value in values_at(record, path)
        ),
        value={**wanted.attributes, **wanted.values}.get(rule.name, ""),
        is_mapped=bool(rule.choices),
    )


def references_of(choices: Sequence[Choice]) -> Iterator[Reference]:
    """Yield the attributes that an expression reads."""
    for choice in choices:
        if isinstance(choice, Template):
            yield from (part for part in choice.parts if not isinstance(part, str))
        elif not isinstance(choice, Constant):
            yield choice
