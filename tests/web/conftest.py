import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import FileSystemBytecodeCache
from sites import Site, build, close, fill

from usersync_ext.store import migrate


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an upgraded database, made once, and one with people in it."""
    folder = tmp_path_factory.mktemp("databases")
    site = build(folder, "empty")
    migrate.upgrade(site.state.engine.store)
    close(site)
    shutil.copy(folder / "empty.sqlite3", folder / "filled.sqlite3")
    site = build(folder, "filled")
    fill(site)
    close(site)
    return folder


@pytest.fixture
def make_site(tmp_path: Path, databases: Path) -> Iterator[Callable[..., Site]]:
    made: list[Site] = []

    def make(database: str = "empty", **values: Any) -> Site:
        name = str(len(made))
        if database:
            shutil.copy(databases / f"{database}.sqlite3", tmp_path / f"{name}.sqlite3")
        made.append(build(tmp_path, name, **values))
        made[-1].app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(databases))
        return made[-1]

    yield make
    for site in made:
        close(site)


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture
def filled(make_site: Callable[..., Site]) -> Site:
    """A site with what ``fill`` stores."""
    return make_site("filled")
