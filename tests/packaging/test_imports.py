"""Who may import whom (DESIGN §4), and how long a file may be."""

import ast
import statistics
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "usersync_ext"
FILES = sorted(PACKAGE.rglob("*.py"))
HELPERS = {"state", "settings", "errors", "signals", "assets", "vault"}
INNER = {"core", "store", "providers", "directories", "sync"}
ALLOWED = {
    "core": {"core", "errors"},
    "store": {"store", "core", "settings", "vault", "errors", "assets"},
    "providers": {"providers", "core", "errors"},
    "directories": {"directories", "core", "store", "errors"},
    "sync": INNER | HELPERS,
    "scim": INNER | HELPERS | {"scim"},
    "web": INNER | HELPERS | {"web", ""},
    "cli": INNER | HELPERS | {"cli"},
    "testing": INNER | HELPERS | {"testing"},
    "extension": INNER | HELPERS | {"scim", "web"},
    "standalone": INNER | HELPERS | {"standalone", "extension", "cli", "web"},
    "state": {"settings", "errors", "providers", "sync", "scim"},
    "settings": {"errors"},
    "errors": set(),
    "signals": {"core", "store"},
    "assets": {"errors"},
    "vault": {"settings"},
    "": {"core", "errors", "extension", "signals"},
}
"""Module or package below usersync_ext → what it may import of ours ("" is the package itself)."""
PURE = {"core"}
IMPURE = {"flask", "sqlalchemy", "requests", "authlib", "waitress", "alembic", "os", "socket"}


def owner(path: Path) -> str:
    """Return which part a file belongs to: its folder, or itself at the top."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def imported(path: Path) -> set[str]:
    """Return the full names of all modules that a file imports, wherever in it."""
    module = path.relative_to(PACKAGE.parent).with_suffix("").parts
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = list(module[: -node.level]) if node.level else []
            name = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            parent_only = name == "usersync_ext" or (node.level and not node.module)
            found |= {f"{name}.{alias.name}" for alias in node.names} if parent_only else {name}
    return found


def our_parts(path: Path) -> set[str]:
    """Return which of our parts a file imports."""
    names = [name.split(".") for name in imported(path) if name.split(".")[0] == "usersync_ext"]
    known = {owner(file) for file in FILES}
    return {n[1] if len(n) > 1 and n[1] in known else "" for n in names}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_file_imports_only_what_its_part_may(path):
    assert our_parts(path) <= ALLOWED[owner(path)]


@pytest.mark.parametrize(
    "path", [p for p in FILES if owner(p) in PURE], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_the_core_knows_no_database_no_web_and_no_network(path):
    assert not {name.split(".")[0] for name in imported(path)} & IMPURE


def test_every_part_is_looked_at():
    assert {owner(path) for path in FILES} >= {
        "core",
        "store",
        "providers",
        "directories",
        "sync",
        "scim",
        "web",
        "cli",
        "standalone",
        "extension",
    }
    assert len(FILES) > 60


def test_the_check_sees_imports_of_both_spellings():
    assert our_parts(PACKAGE / "standalone" / "__init__.py") >= {"standalone", "extension", "cli"}
    assert our_parts(PACKAGE / "cli" / "sources.py") >= {"cli", "sync", "store", "providers"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_file_has_more_than_400_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_half_of_the_files_have_at_most_170_lines():
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in FILES]

    assert statistics.median(lengths) <= 170
