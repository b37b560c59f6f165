"""The wheel holds all that is needed, and five lines of code show the pages after installing it.

The wheel is built with the build backend of this environment, and the new environments see the
dependencies of this one through a ``.pth`` file; one test instead collects every wheel (fetching
what pip has not kept) and installs from them alone.
"""

import shutil
import site
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = ("usersync_ext", "templates", "static", "migrations", "pyproject.toml", "README.md")
ALSO = ("LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile")
FIVE_LINES = """
from flask import Flask
from usersync_ext import UserSync
app = Flask(__name__)
app.config["SECRET_KEY"] = "of the host app"
UserSync(app, is_admin=lambda: True)
"""
USE = """
import sys
import usersync_ext
from hello import app
assert usersync_ext.__file__.startswith(sys.argv[1]), usersync_ext.__file__
client = app.test_client()
for path in ("/usersync/about", "/usersync/", "/usersync/assets/usersync.css"):
    assert client.get(path).status_code == 200, path
assert client.get("/usersync/scim/none/v2/Users").status_code == 401
"""


def run(*command: object, **options) -> str:
    done = subprocess.run(  # noqa: S603 - our own commands
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of what is packed."""
    tree = tmp_path_factory.mktemp("tree")
    for name in (*BUILT, *ALSO):
        source = ROOT / name
        if source.is_dir():
            leave = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, tree / name, ignore=leave)
        else:
            shutil.copy(source, tree / name)
    return tree


@pytest.fixture(scope="module")
def built(tree, tmp_path_factory):
    """A folder with an sdist of the tree and the wheel that was made from it."""
    dist = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, tree)
    return dist


@pytest.fixture(scope="module")
def wheel(built):
    [path] = built.glob("*.whl")
    return path


def new_environment(folder: Path) -> Path:
    """Make a virtual environment that sees the packages of this one; return its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    packages = Path(run(python, "-c", "import site; print(site.getsitepackages()[0])").strip())
    ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()}
    (packages / "dependencies.pth").write_text("\n".join(sorted(ours)) + "\n")
    return python


def test_the_wheel_holds_templates_static_files_and_migrations(tree, wheel):
    names = set(zipfile.ZipFile(wheel).namelist())

    for folder in ("templates", "static", "migrations"):
        here = {p for p in (tree / folder).rglob("*") if p.is_file()}
        wanted = {
            f"usersync_ext/{p.relative_to(tree).as_posix()}"
            for p in here
            if "__pycache__" not in p.parts and not p.name.startswith(".")
        }
        assert wanted
        assert wanted <= names


def test_the_wheel_holds_every_module_and_nothing_else(tree, wheel):
    names = set(zipfile.ZipFile(wheel).namelist())

    modules = {p.relative_to(tree).as_posix() for p in (tree / "usersync_ext").rglob("*.py")}
    assert modules <= names
    assert all(name.startswith(("usersync_ext/", "usersync_ext-")) for name in names)


def test_the_wheel_holds_the_translations(tree, wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    compiled = {p.relative_to(tree).as_posix() for p in (tree / "usersync_ext").rglob("*.mo")}

    assert compiled
    assert compiled <= names


def test_the_wheel_is_made_from_an_sdist_that_has_all_parts(built):
    [sdist] = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        parts = {name.split("/")[1] for name in archive.getnames() if "/" in name}

    assert parts >= {*BUILT, *ALSO}


def test_installed_from_the_wheel_five_lines_show_the_pages(wheel, tmp_path):
    python = new_environment(tmp_path / "venv")
    pip = [sys.executable, "-m", "pip", "--python", python]

    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel)
    (tmp_path / "hello.py").write_text(FIVE_LINES)
    run(python, "-W", "error", "-c", USE, tmp_path / "venv", cwd=tmp_path)
    flask = (python, "-m", "flask", "--app", "hello")
    printed = run(*flask, "usersync", "sources", "list", "--json", cwd=tmp_path)

    assert '"sources": []' in printed


def test_installed_from_the_wheel_the_console_script_works(wheel, tmp_path):
    python = new_environment(tmp_path / "venv")
    pip = [sys.executable, "-m", "pip", "--python", python]

    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel)
    printed = run(python.parent / "usersync", "sources", "list", "--json", cwd=tmp_path)

    assert '"sources": []' in printed
    assert (tmp_path / "usersync-data" / "usersync.sqlite3").exists()


def test_installed_offline_from_wheels_alone(wheel, tmp_path):
    """Checklist 18: once the wheels are there, nothing is fetched and nothing else is needed."""
    wheels = tmp_path / "wheels"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "download", "--quiet", "--only-binary", ":all:", "--dest", wheels, wheel)
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    offline = ("--no-index", "--find-links", wheels)

    run(*pip, "--python", python, "install", "--quiet", *offline, "usersync-ext")
    (tmp_path / "hello.py").write_text(FIVE_LINES)

    run(python, "-W", "error", "-c", USE, tmp_path / "venv", cwd=tmp_path)
