"""Settings of a source (name, state, directory, any rule): checked, compared, put into words."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..core.options import changed_rules
from ..core.records import Source, SourceState
from ..core.username import name_error
from ..errors import InvalidSetting
from ..store import group_tree, sources
from .engine import Engine


def parsed_state(value: str) -> SourceState:
    """Return a state from its word. Raises InvalidSetting."""
    try:
        return SourceState(value)
    except ValueError:
        raise InvalidSetting("state", "must be one of observe, active, off") from None


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
    changes = rest.pop("mappings", None)
    if changes:
        columns["mapping_changes"] = checked_changes(engine, source, changes)
    if rest:
        columns["rules"] = changed_rules(source.rules, rest)
    current = {
        "state": source.state,
        "name": source.name,
        "directory": source.directory,
        "rules": dict(source.rules),
        "mapping_changes": (),
    }
    return {key: value for key, value in columns.items() if value != current[key]}


def checked_changes(
    engine: Engine, source: Source, changes: Sequence[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], ...]:
    """Return changes of the mapping table (``op`` add or remove, ``group``, ``to``), checked.

    ``group`` is the SCIM id of a group of the source. Raises InvalidSetting.
    """
    for change in changes:
        error = name_error(change["to"], change["to"])
        if error:
            raise InvalidSetting("mappings", error.replace("the username rule", "it"))
        if change["op"] not in {"add", "remove"}:
            raise InvalidSetting("mappings", "op must be add or remove")
    wanted = {change["group"] for change in changes if change["op"] == "add"}
    with engine.store.reading() as session:
        known = {g.scim_id for g in group_tree.groups_by_scim_id(session, source.id, wanted)}
    unknown = sorted(wanted - known)
    if unknown:
        raise InvalidSetting("mappings", f"{source.name} has no group {', '.join(unknown)}")
    return tuple(changes)


def checked_name(name: str) -> str:
    """Return a source's display name. Raises InvalidSetting."""
    sources.source_key(name)
    return name.strip()


def checked_directory(engine: Engine, name: str) -> str:
    """Return the name of a directory that exists, or ``""``. Raises InvalidSetting."""
    if name and name not in engine.directories:
        raise InvalidSetting("directory", f"must be one of {', '.join(engine.directories)}")
    return name


def with_settings(engine: Engine, source: Source, values: Mapping[str, Any]) -> Source:
    """Return a source as it would be with new settings."""
    return replace(source, **changed_columns(engine, source, values))


def settings_as_words(values: Mapping[str, Any]) -> str:
    """Return new settings as the journal has them."""
    return ", ".join(
        mappings_as_words(value) if key == "mappings" else f"{key}={value}"
        for key, value in values.items()
        if "secret" not in key
    )


def mappings_as_words(changes: Sequence[Mapping[str, Any]]) -> str:
    """Return changes of the mapping table as the journal has them, the first hundred."""
    signs = {"add": "+", "remove": "-"}
    told = [f"{signs[c['op']]}{c.get('name') or c['group']}→{c['to']}" for c in changes[:100]]
    return f"mappings: {', '.join(told)}{' …' if len(changes) > len(told) else ''}"
