"""``usersync groups`` and ``mappings``: who is in which group, and by which rule."""

from typing import Any

import click

from ..core.groups import MANUAL
from ..core.records import DirectoryGroup
from ..directories.local import LocalAccounts
from ..errors import NotFound
from ..store import mappings as store_mappings
from ..sync import admin, by_hand, group_admin
from .plumbing import (
    as_json_option,
    opened,
    print_json,
    print_table,
    shown,
    source_argument,
    source_of,
    this_actor,
    usersync,
)
from .sources import print_summary

group_argument = click.argument("name", metavar="GROUP")
from_option = click.option("--from", "source_group", required=True, help="The provider's group.")


@usersync.group("groups")
def groups() -> None:
    """Groups of the embedded directory."""


@groups.command("list")
@as_json_option
def list_groups(as_json: bool) -> None:
    """List groups; with --json with their members, and why each is one."""
    engine = opened().engine
    found = group_admin.list_directory_groups(engine)
    if not as_json:
        rows = [
            (each.group.name, each.group.member_count, each.managed_by, each.is_protected)
            for each in found
        ]
        empty = "There is no group yet: usersync groups add NAME, or switch group sync on."
        print_table(("NAME", "MEMBERS", "MANAGED BY", "PROTECTED"), rows, empty)
        return
    print_json(
        {
            "groups": [
                {
                    "name": each.group.name,
                    "managed_by": each.managed_by,
                    "protected": each.is_protected,
                    "minimum_members": each.group.minimum_members,
                    "members": [
                        {"user_name": why.membership.account, "why": why.text}
                        for why in group_admin.all_members(engine, each.group.key)
                    ],
                }
                for each in found
            ]
        }
    )


@groups.command("add")
@group_argument
def add_group(name: str) -> None:
    """Create a group; one that is called like administrators is protected."""
    group = by_hand.add_group(opened().engine, this_actor(), name)
    note = " It is protected: its members are administrators." if group.protected else ""
    click.echo(f"The group {group.name} was added.{note}")


def the_group(name: str) -> DirectoryGroup:
    """Return a group by its name. Raises NotFound."""
    with opened().engine.store.reading() as session:
        found = LocalAccounts(session).find_groups(names=[name])
    if not found:
        raise NotFound(f"there is no group {name!r}")
    return found[0]


@groups.command("protect")
@group_argument
def protect(name: str) -> None:
    """Make the members of a group administrators; no source gives or empties it."""
    group = the_group(name)
    by_hand.protect_group(opened().engine, this_actor(), group.key, protected=True)
    click.echo(f"The group {group.name} is protected now.")


@groups.command("unprotect")
@group_argument
def unprotect(name: str) -> None:
    """Make the members of a group administrators no longer."""
    group = the_group(name)
    by_hand.protect_group(opened().engine, this_actor(), group.key, protected=False)
    click.echo(f"The group {group.name} is not protected now.")


@groups.command("minimum")
@group_argument
@click.argument("count", type=click.IntRange(0, 1_000_000))
def minimum(name: str, count: int) -> None:
    """Let no source leave fewer members in a group than COUNT; 0 switches that off."""
    group = the_group(name)
    by_hand.set_minimum(opened().engine, this_actor(), group.key, count)
    click.echo(f"The group {group.name} keeps at least {count} members.")


@groups.command("remove")
@group_argument
def remove_group(name: str) -> None:
    """Delete a group with its memberships."""
    group = the_group(name)
    by_hand.remove_group(opened().engine, this_actor(), group.key)
    click.echo(f"The group {group.name} was deleted.")


@usersync.group("mappings")
def mappings() -> None:
    """Which groups of a source stand for which groups of the directory."""


@mappings.command("list")
@source_argument
@as_json_option
def list_mappings(source_key: str, as_json: bool) -> None:
    """List the mapping table of a source."""
    state = opened()
    source = source_of(state, source_key)
    with state.engine.store.reading() as session:
        rows = [
            {
                "from": row.name,
                "id": row.scim_id,
                "to": row.to,
                "allow_protected": row.allow_protected,
                "deleted": row.group_id is None,
            }
            for row in store_mappings.list_mappings(session, source.id)
        ]
    if as_json:
        print_json({"mappings": rows})
        return
    keys = ("from", "to", "allow_protected", "deleted")
    heads = [key.replace("_", " ").upper() for key in keys]
    empty = f"No group is mapped yet: usersync mappings add {source.key} --from GROUP --to GROUP"
    print_table(heads, [[row[key] for key in keys] for row in rows], empty)
    if source.rules["group_mode"] != MANUAL:
        text = f"These rows count in group_mode=manual; it is {source.rules['group_mode']}."
        click.echo(text, err=True)


@mappings.command("add")
@source_argument
@from_option
@click.option("--to", required=True, help="The group of the directory.")
@click.option("--allow-protected", is_flag=True, help="Give the group although it is protected.")
@click.option("--preview", is_flag=True, help="Only say what it would do.")
@as_json_option
def add_mapping(
    source_key: str,
    source_group: str,
    to: str,
    allow_protected: bool,
    preview: bool,
    as_json: bool,
) -> None:
    """Let a group of a source (name or id) stand for a group of the directory."""
    state = opened()
    source = source_of(state, source_key)
    group = group_admin.find_source_group(state.engine, source, source_group)
    change = group_admin.adding(group, to, allow_protected=allow_protected)
    change_table(source_key, [change], preview, as_json)


@mappings.command("remove")
@source_argument
@from_option
@click.option("--to", default="", help="The group of the directory; all of its rows without it.")
@click.option("--preview", is_flag=True, help="Only say what it would do.")
@as_json_option
def remove_mapping(
    source_key: str, source_group: str, to: str, preview: bool, as_json: bool
) -> None:
    """Let a group of a source stand for a group of the directory no longer."""
    state = opened()
    source = source_of(state, source_key)
    rows = group_admin.mapping_of(state.engine, source, source_group, to)
    if not rows:
        raise NotFound(f"{source_group!r} is not mapped{f' to {to!r}' if to else ''}")
    change_table(source_key, [group_admin.removing(row) for row in rows], preview, as_json)


def change_table(
    source_key: str, changes: list[dict[str, Any]], preview: bool, as_json: bool
) -> None:
    """Preview or apply changes of the mapping table, and say what they did."""
    state = opened()
    source = source_of(state, source_key)
    if preview:
        values = {"mappings": changes}
        summary = admin.preview_rules(state.engine, this_actor(), source, values)
    else:
        summary = group_admin.change_mappings(
            state.engine, this_actor(), source, changes, progress=shown
        )
    print_summary(source, summary, preview=preview, as_json=as_json)
