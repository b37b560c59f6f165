"""What every command needs: the group, the open store, and the two ways to print."""

import errno
import getpass
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ..core.records import Actor, Run, Source
from ..errors import UserSyncError
from ..state import State, current_state
from ..store import sources
from ..sync.startup import ensure_schema

T = TypeVar("T")


class UserSyncGroup(AppGroup):
    """A group whose commands fail with one line, never with a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what can go wrong for a user becomes one line and an exit status."""
        try:
            return super().invoke(ctx)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            raise WrongUse(with_help(error)) from error
        except UserSyncError as error:
            raise Failure(with_cause(error)) from error
        except SQLAlchemyError as error:
            raise Failure(f"the database refused: {first_line(error)}") from error
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            raise Failure(f"{error.filename or ''} {error.strerror or error}".strip()) from error


class Failure(click.ClickException):
    """What ends the program with one line on stderr."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class WrongUse(Failure):
    """The arguments make no sense."""

    exit_code = 2


def with_help(error: click.UsageError) -> str:
    """Return what is wrong with the arguments and where the right ones are told."""
    where = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
    return f"{error.format_message().rstrip('.')}{where}"


def with_cause(error: UserSyncError) -> str:
    """Return our text, and the database's own where it is the cause."""
    if isinstance(error.__cause__, DBAPIError):
        return f"{error}: {first_line(error.__cause__)}"
    return str(error)


def first_line(error: SQLAlchemyError) -> str:
    """Return the first line of what a database said; the rest may hold values."""
    said = str(error.orig) if isinstance(error, DBAPIError) else type(error).__name__
    return said.partition("\n")[0]


@click.group(cls=UserSyncGroup)
def usersync() -> None:
    """User and group sync: sources, tokens, people, accounts and why they are as they are."""


as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
source_argument = click.argument("source_key", metavar="SOURCE")
source_option = click.option("--source", "source_key", metavar="SOURCE", help="Only this source.")


def connected() -> State:
    """Return the state of the app after saying on stderr which database it speaks to.

    What the command leaves in memory is written when the command ends.
    """
    state = current_state()
    click.echo(f"Database: {state.engine.store.location}", err=True)
    click.get_current_context().call_on_close(state.engine.recorder.flush)
    return state


def opened() -> State:
    """Return the state of the app, its schema being the newest. Raises SchemaOutdated."""
    state = connected()
    ensure_schema(state)
    return state


def this_actor() -> Actor:
    """Return the operating system's user, as the journal names them."""
    try:
        return Actor(kind="cli", name=getpass.getuser())
    except (KeyError, OSError):
        return Actor(kind="cli", name="")


def source_of(state: State, key: str) -> Source:
    """Return a source by its key. Raises NotFound."""
    with state.engine.store.reading() as session:
        return sources.get_source(session, key)


def optional_source(state: State, key: str | None) -> Source | None:
    """Return the source of ``--source``, None where it was not given. Raises NotFound."""
    return None if key is None else source_of(state, key)


def pairs(_ctx: click.Context, _param: click.Parameter, values: Iterable[str]) -> dict[str, str]:
    """Return ``KEY=VALUE`` arguments by key; the last of a key counts."""
    found: dict[str, str] = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise click.BadParameter(f"{text!r} must look like KEY=VALUE")
        found[key.strip()] = value
    return found


def confirmed(question: str, *, yes: bool, harmless: bool = False) -> None:
    """Return if the user agrees, or agreed by ``--yes``.

    A script, which cannot be asked, may do what takes no account away.
    """
    asked = sys.stdin.isatty()
    if yes or (harmless and not asked):
        return
    if not asked:
        raise click.UsageError(f"{question} Add --yes to say so")
    click.confirm(question, abort=True, err=True)


def shown(run: Run) -> None:
    """Print how far a run has come on a terminal's stderr."""
    if sys.stderr.isatty():
        text = f"\r{run.state}: {run.done} of {run.total} people"
        click.echo(text, err=True, nl=not run.is_at_work)


def when(value: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC."""
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object."""
    click.echo(json.dumps(value, indent=2))


def print_table(heads: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print rows below their headings, or what it means that there are none."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if not cells:
        click.echo(empty)
        return
    widths = [max(len(row[i]) for row in [list(heads), *cells]) for i in range(len(heads))]
    for row in [list(heads), *cells]:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def printable(cell: object) -> str:
    """Return a cell's text; control characters of a provider must not reach a terminal."""
    if cell is None:
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(cell))


def walked(page: Callable[[T | None], Sequence[T]]) -> list[T]:
    """Return all items of a listing; ``page`` returns those after an item (None: the first)."""
    items: list[T] = []
    found = page(None)
    while found:
        items.extend(found)
        found = page(items[-1])
    return items
