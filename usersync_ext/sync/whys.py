"""Why accounts are in their groups, in words, for any number of memberships at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..core.memberships import FROM_BEFORE
from ..core.records import GrantKind, Source
from ..core.username import name_key
from ..directories.base import Membership
from ..store import grants, people, sources
from ..store.engine import Session
from .mapped import keyed_targets, mapping_rows, source_groups

Key = tuple[str, str]
"""Account and group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why an account is in a group."""

    membership: Membership
    text: str
    source: str | None  # key of a source that gave it, None where none did


def whys(session: Session, directory: str, rows: Sequence[Membership]) -> list[Why]:
    """Return why accounts are in groups, in the order of the memberships."""
    keys = sorted({row.account_key for row in rows})
    if not keys:
        return []
    group_keys = sorted({row.group_key for row in rows})
    given: dict[Key, list[grants.Grant]] = {}
    for grant in grants.grants_of(session, directory, keys, group_keys):
        given.setdefault((grant.account_key, grant.group_key), []).append(grant)
    known = {source.id: source for source in sources.list_sources(session)} if given else {}
    mapped = mapped_names(session, directory, keys, known) if given else {}
    return [
        why_of(row, given.get((row.account_key, row.group_key), []), known, mapped) for row in rows
    ]


def why_of(
    row: Membership,
    found: Sequence[grants.Grant],
    known: Mapping[int, Source],
    mapped: Mapping[str, Mapping[str, Sequence[str]]],
) -> Why:
    """Return why one account is in one group."""
    texts = []
    for grant in sorted(found, key=lambda each: (each.source_id, each.kind)):
        source = known[grant.source_id]
        names = mapped.get(row.account_key, {}).get(name_key(row.group), ())
        if grant.kind is GrantKind.DEFAULT:
            texts.append(f"default group of {source.name}")
        elif names:
            told = ", ".join(repr(name) for name in names)
            texts.append(f"because the group {told} of {source.name} is mapped to it")
        else:
            texts.append(f"given by {source.name}, which does not say so any more")
    if row.reason or not texts:
        texts.append(row.reason or FROM_BEFORE)
    return Why(
        membership=row,
        text="; ".join(texts),
        source=known[found[0].source_id].key if found else None,
    )


def mapped_names(
    session: Session, directory: str, keys: Sequence[str], known: Mapping[int, Source]
) -> dict[str, dict[str, list[str]]]:
    """Return which groups of its source stand for an account's groups, by account and name key."""
    links = people.links_of_accounts(session, directory, keys)
    result: dict[str, dict[str, list[str]]] = {}
    for source in known.values():
        ids = {link.identity_id: key for key, link in links.items() if link.source_id == source.id}
        found = source_groups(session, source.rules, sorted(ids))
        rows = mapping_rows(session, source, {g.id for some in found.values() for g in some})
        for identity_id, some in found.items():
            targets = keyed_targets(some, source.rules, rows)
            result[ids[identity_id]] = {
                key: sorted({target.via for target in each}) for key, each in targets.items()
            }
    return result
