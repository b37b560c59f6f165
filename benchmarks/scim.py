"""SCIM speed as shares of a bare Flask+waitress JSON route measured in the same run.

``python benchmarks/scim.py [--users 1000 100000] [--seconds 3]`` prints a Markdown table.

Three interleaved rounds of each request over four connections. The share is that of the server's
processor time a request, the least of the rounds: one Python process serves, so that time is what
limits it, and unlike the rate of four threads that wait for each other it hardly depends on what
else the machine does. Rates and latencies are those of the round in the middle.
"""

import argparse
import itertools
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import seed
from load import Load, Request, run

from usersync_ext.core.records import Actor
from usersync_ext.directories.local import LocalDirectory
from usersync_ext.settings import read_settings
from usersync_ext.store import migrate
from usersync_ext.store.engine import Store
from usersync_ext.sync import admin
from usersync_ext.sync.engine import Engine

HERE = Path(__file__).resolve().parent
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ACTOR = Actor(kind="system", name="benchmark")
GROUP_SIZE = 50_000
ROUNDS = 3
Make = Callable[[int], Iterator[Request]]
counter = itertools.count(10_000_000)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its address and its process."""

    address: tuple[str, int]
    pid: int

    def cpu_seconds(self) -> float:
        """Return the processor time that the process has used (user and system)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Result:
    """One round: what the client saw, and the server's processor time a request."""

    load: Load
    cpu_ms: float


def measured(server: Server, token: str, make: Make, seconds: float) -> Result:
    """Send requests for a while."""
    before = server.cpu_seconds()
    load = run(server.address, token, make, seconds=seconds)
    return Result(load, (server.cpu_seconds() - before) / load.count * 1000)


@contextmanager
def server(*arguments: str) -> Iterator[Server]:
    """Run one of the servers on a free port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(HERE / "servers.py"), arguments[0], str(port), *arguments[1:]]
    process = subprocess.Popen(command, cwd=HERE.parent, env=environment())
    try:
        wait_for(port, process)
        yield Server(("127.0.0.1", port), process.pid)
    finally:
        process.terminate()
        process.wait(10)


def environment() -> dict[str, str]:
    """Return the environment with the checkout importable."""
    return {**os.environ, "PYTHONPATH": str(HERE.parent)}


def wait_for(port: int, process: subprocess.Popen) -> None:
    """Return once the server listens."""
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError("the server did not start")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the server does not listen")


def patch_body(operation: dict) -> dict:
    """Return a PATCH of one operation."""
    return {"schemas": [PATCH], "Operations": [operation]}


def cycling(requests: list[Request]) -> Make:
    """Return a maker that repeats requests, each worker from another start."""
    return lambda worker: itertools.cycle(requests[worker:] + requests[:worker])


def posting(base: str) -> Make:
    """Return a maker of ever new people."""

    def make(_worker: int) -> Iterator[Request]:
        while True:
            yield "POST", f"{base}/Users", seed.person(next(counter))

    return make


def patching(base: str, ids: list[str]) -> Make:
    """Return a maker of changes of one attribute."""

    def make(worker: int) -> Iterator[Request]:
        for number in itertools.count():
            target = ids[(worker * 997 + number) % len(ids)]
            operation = {"op": "replace", "path": "title", "value": f"Title {next(counter)}"}
            yield "PATCH", f"{base}/Users/{target}", patch_body(operation)

    return make


def member_adding(base: str, group: str, ids: list[str]) -> Make:
    """Return a maker of member changes: one in, the same one out."""

    def make(worker: int) -> Iterator[Request]:
        for number in itertools.count():
            target = ids[(worker * 997 + number // 2) % len(ids)]
            verb = "add" if number % 2 == 0 else "remove"
            operation = {"op": verb, "path": "members", "value": [{"value": target}]}
            yield "PATCH", f"{base}/Groups/{group}", patch_body(operation)

    return make


def cases(base: str, ids: list[str], groups: dict[str, str]) -> dict[str, Make]:
    """Return what is measured on our server."""
    some = ids[:500]

    def each(path: str) -> Make:
        return cycling([("GET", path.format(n=n, id=some[n]), None) for n in range(len(some))])

    by_email = 'emails.value eq "user{n}@example.com"'
    return {
        "GET a user": each(base + "/Users/{id}"),
        "filter by userName": each(base + '/Users?filter=userName eq "user{n}@example.com"'),
        "filter by externalId": each(base + '/Users?filter=externalId eq "ext-{n}"'),
        "filter by emails.value": each(base + f"/Users?filter={by_email}"),
        "page of 100 users": cycling([("GET", f"{base}/Users?startIndex=101&count=100", None)]),
        "POST a user": posting(base),
        "PATCH a user": patching(base, ids),
        "PATCH 1 member, empty group": member_adding(base, groups["empty"], ids),
        f"PATCH 1 member, {min(GROUP_SIZE, len(ids)):,} members": member_adding(
            base, groups["big"], ids[-1000:]
        ),
        "GET that group without members": cycling(
            [("GET", f"{base}/Groups/{groups['big']}?excludedAttributes=members", None)]
        ),
        "GET that group with members": cycling([("GET", f"{base}/Groups/{groups['big']}", None)]),
    }


def fill(database: str, users: int) -> tuple[str, list[str], dict[str, str]]:
    """Make a database with people and groups; return the token, SCIM ids and group ids."""
    settings = read_settings(
        {"SECRET_KEY": "benchmark", "USERSYNC_DATABASE_URI": database}, "instance"
    )
    engine = Engine(settings, Store(database), {"local": LocalDirectory()})
    migrate.upgrade(engine.store)
    source = admin.add_source(engine, ACTOR, name="acme", kind="custom-scim", state="active")
    token, _ = admin.add_token(engine, ACTOR, source)
    seed.add_people(engine.store, source.id, 0, users)
    ids = seed.scim_ids(engine.store, source.id, users)
    groups = {
        "empty": seed.add_group(engine.store, source.id, "Empty", 0),
        "big": seed.add_group(engine.store, source.id, "Big", min(GROUP_SIZE, users)),
    }
    engine.store.dispose()
    return token, ids, groups


def memory_cases(address: tuple[str, int]) -> dict[str, Make]:
    """Fill scim2-server in memory with 1,000 people; return what is measured on it."""
    import http.client
    import json

    connection = http.client.HTTPConnection(*address)
    ids = []
    for number in range(1000):
        connection.request(
            "POST",
            "/v2/Users",
            json.dumps(seed.person(number)),
            {"Content-Type": "application/scim+json"},
        )
        ids.append(json.loads(connection.getresponse().read())["id"])
    return {
        "GET a user": cycling([("GET", f"/v2/Users/{i}", None) for i in ids[:500]]),
        "page of 100 users": cycling([("GET", "/v2/Users?startIndex=101&count=100", None)]),
    }


def middle(results: list[Result]) -> Result:
    """Return the round in the middle."""
    speed = statistics.median_low(result.load.per_second for result in results)
    return next(result for result in results if result.load.per_second == speed)


def cheapest(results: list[Result]) -> float:
    """Return the least processor time a request: what other programs disturb is only more."""
    return min(result.cpu_ms for result in results)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", default="", help="part of the name of the requests to measure")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}\n")
    print("| users | request | share of bare | CPU ms | per second | p50 ms | p99 ms |")
    print("|--:|--|--:|--:|--:|--:|--:|")
    for users in options.users:
        measure(users, options.seconds, options.only)


def measure(users: int, seconds: float, only: str) -> None:
    """Measure one size."""
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{folder}/usersync.sqlite3"
        token, ids, groups = fill(database, users)
        with (
            server("bare") as bare,
            server("memory") as memory,
            server("usersync", database) as ours,
        ):
            in_memory = memory_cases(memory.address)
            ours_cases = cases("/usersync/scim/acme/v2", ids, groups)
            ours_cases = {name: make for name, make in ours_cases.items() if only in name}
            in_memory = {name: make for name, make in in_memory.items() if only in name}
            bare_case = cycling([("GET", "/json", None)])
            yardstick: list[Result] = []
            results: dict[str, list[Result]] = {}
            for _ in range(ROUNDS):
                yardstick.append(measured(bare, "-", bare_case, seconds))
                for name, make in ours_cases.items():
                    results.setdefault(name, []).append(measured(ours, token, make, seconds))
                for name, make in in_memory.items():
                    label = f"scim2-server in memory (1,000): {name}"
                    results.setdefault(label, []).append(measured(memory, "-", make, seconds))
    base = cheapest(yardstick)
    print_row(users, "bare Flask JSON route", yardstick, base)
    for name, rounds in results.items():
        print_row(users, name, rounds, base)


def print_row(users: int, name: str, rounds: list[Result], base: float) -> None:
    """Print one line of the table."""
    load, cpu = middle(rounds).load, cheapest(rounds)
    print(
        f"| {users:,} | {name} | {base / cpu:.2f} | {cpu:.2f} | {load.per_second:.0f} "
        f"| {load.p50_ms:.1f} | {load.p99_ms:.1f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
