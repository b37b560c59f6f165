"""The standalone app: its data folder, first start, addresses, and a clean stop."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from bs4 import BeautifulSoup
from cli_helpers import PAGES, PASSWORD

from usersync_ext.errors import ConfigError

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "usersync_ext.standalone"]


def environment(folder: Path, **variables: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("USERSYNC_")}
    return {
        **clean,
        "USERSYNC_DATA": str(folder),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        **variables,
    }


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [*PROGRAM, *arguments],
        env=environment(folder, **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def served(folder: Path, *arguments: str, **variables: str):
    """Serve in a process of its own; give the process and what it printed at the start."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [*PROGRAM, "serve", "--port", "0", *arguments],
        env=environment(folder, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            said += line
        yield process, said
    finally:
        process.terminate()
        process.communicate(timeout=30)


def address(said: str) -> str:
    return re.search(r"User sync is at (http://\S+)/usersync/", said)[1]


def link(said: str) -> str:
    return re.search(r"http://\S+/set-password/\S+", said)[0]


# -- as a process ---------------------------------------------------------------------------------


def test_a_new_user_gets_from_the_first_start_to_the_pages(tmp_path):
    folder = tmp_path / "data"
    with served(folder) as (process, said), requests.Session() as web:
        form = BeautifulSoup(web.get(link(said), timeout=20).text, "html.parser")
        values = {i["name"]: i.get("value", "") for i in form.select("form input")}
        values.update(password=PASSWORD, again=PASSWORD)

        page = web.post(link(said), data=values, timeout=20)

        assert page.url == address(said) + PAGES
        assert page.status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_the_data_folder_belongs_to_its_owner_alone(tmp_path):
    folder = tmp_path / "data"
    with served(folder):
        names = {path.name for path in folder.iterdir()}

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "secret-key").stat().st_mode) == 0o600
    assert {"secret-key", "usersync.sqlite3", "usersync.log"} <= names


def test_commands_speak_to_the_database_of_the_server_in_the_same_folder(tmp_path):
    folder = tmp_path / "data"
    with served(folder) as (_, said):
        added = run(folder, "sources", "add", "Acme", "--kind", "okta", "--json")
        made = run(folder, "tokens", "add", "acme")
        answer = requests.get(
            f"{address(said)}/usersync/scim/acme/v2/Users",
            headers={"Authorization": f"Bearer {made.stdout.strip()}"},
            timeout=20,
        )

    assert '"source": "acme"' in added.stdout
    assert answer.status_code == 200


def test_sigterm_ends_the_server_cleanly_and_loses_no_record(tmp_path):
    folder = tmp_path / "data"
    run(folder, "sources", "add", "Acme", "--kind", "okta")
    token = run(folder, "tokens", "add", "acme").stdout.strip()
    with served(folder) as (process, said):
        url = f"{address(said)}/usersync/scim/acme/v2/Users"
        requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=20)

        process.terminate()
        status = process.wait(30)
        errors = process.stderr.read()

    assert status == 0
    assert "Traceback" not in errors
    assert '"last_used_at": "20' in run(folder, "tokens", "list", "acme", "--json").stdout


def test_a_port_in_use_is_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        result = run(tmp_path / "data", "serve", "--port", str(port))

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.splitlines()[1:] == [
        f"Error: cannot listen on 127.0.0.1:{port}: the port is in use; choose another one with "
        "--port"
    ]


def test_below_a_script_name_every_address_has_it(tmp_path):
    folder = tmp_path / "data"
    with served(folder, USERSYNC_SCRIPT_NAME="/tools/") as (_, said):
        base = re.search(r"User sync is at (http://[^/]+)/tools/usersync/", said)[1]
        answer = requests.get(f"{base}/tools/", timeout=20, allow_redirects=False)

    assert "/tools/set-password/" in link(said)
    assert answer.headers["Location"] == "/tools/usersync/"


@pytest.mark.parametrize(("trusted", "host"), [("", "127.0.0.1"), ("127.0.0.1", "idp.test")])
def test_forwarding_headers_count_only_from_a_trusted_proxy(tmp_path, trusted, host):
    with served(tmp_path / "data", USERSYNC_TRUSTED_PROXY=trusted) as (_, said):
        answer = requests.get(
            f"{address(said)}/usersync/sources",
            headers={"X-Forwarded-Host": "idp.test", "X-Forwarded-For": "192.0.2.1"},
            timeout=20,
            allow_redirects=False,
        )

    assert answer.status_code in {303, 308, 404}
    assert host == "127.0.0.1" or "127.0.0.1" not in answer.headers.get("Location", "")


def test_a_wrong_variable_is_one_line_that_names_it(tmp_path):
    result = run(tmp_path / "data", "sources", "list", USERSYNC_PUBLIC_URL="example.com")

    assert result.returncode == 1
    assert result.stderr == "Error: USERSYNC_PUBLIC_URL must look like https://example.com\n"


def test_a_new_link_can_be_printed_later(tmp_path):
    result = run(tmp_path / "data", "set-password-link", USERSYNC_PUBLIC_URL="https://x.test")

    assert re.fullmatch(r"https://x\.test/set-password/\S{43}\n", result.stdout)


# -- the data folder ------------------------------------------------------------------------------


def test_processes_that_start_together_get_one_key(tmp_path):
    def start(_):
        code = "from usersync_ext.standalone.folder import *; import sys, pathlib; "
        code += "print(secret_key(pathlib.Path(sys.argv[1])))"
        return subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", code, str(tmp_path)],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    with ThreadPoolExecutor(2) as pool:
        keys = set(pool.map(start, range(2)))

    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_a_key_that_was_cut_off_is_not_used(make_standalone, tmp_path):
    make_standalone()
    (tmp_path / "data" / "secret-key").write_text("")

    with pytest.raises(ConfigError, match="restore it from a backup"):
        make_standalone()


def test_a_key_from_the_environment_leaves_no_file(make_standalone, tmp_path):
    make_standalone(USERSYNC_SECRET_KEY="k" * 40)

    assert not (tmp_path / "data" / "secret-key").exists()
