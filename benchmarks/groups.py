"""Groups of 50,000 members: what each slice of a first push costs, and a moved mapping.

``python benchmarks/groups.py [--members 50000]``: a provider pushes a group in slices of 256
(Okta's batches) into the directory; then one member more, into that group and into an empty one;
then the mapping moves everybody to another group, while a server answers providers.
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import rules
import scim
from load import Line, payload, run

from usersync_ext.directories.local import LocalAccounts
from usersync_ext.store import sources
from usersync_ext.sync import admin, group_admin, runs

SLICE = 256
WIDE = {"removal_limit_count": 1_000_000}


def timed(line: Line, host: str, token: str, request: tuple) -> float:
    """Send a request and return how many milliseconds it took."""
    data = payload(host, token, request)
    began = time.perf_counter()
    status = line.ask(data)
    assert status in {201, 204}, status
    return (time.perf_counter() - began) * 1000


def members(ids: list[str]) -> dict:
    """Return the PATCH that adds people to a group."""
    return scim.patch_body({"op": "add", "path": "members", "value": [{"value": i} for i in ids]})


def new_group(server: scim.Server, token: str, name: str) -> str:
    """Push an empty group; return its SCIM id."""
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name}
    host, port = server.address
    with socket.create_connection((host, port)) as connection:
        data = payload(host, token, ("POST", "/usersync/scim/acme/v2/Groups", body))
        connection.sendall(data.replace(b"Content-Type", b"Connection: close\r\nContent-Type", 1))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return json.loads(answer.split(b"\r\n\r\n", 1)[1])["id"]


def push(server: scim.Server, token: str, ids: list[str], name: str) -> str:
    """Push a group in slices; print how long the first and the last ones took."""
    group = new_group(server, token, name)
    path = f"/usersync/scim/acme/v2/Groups/{group}"
    line = Line(server.address)
    host = server.address[0]
    took = [
        timed(line, host, token, ("PATCH", path, members(ids[start : start + SLICE])))
        for start in range(0, len(ids), SLICE)
    ]
    first, last = statistics.median(took[1:21]), statistics.median(took[-21:-1])
    print(
        f"{name}: {len(ids):,} members in {len(took)} slices of {SLICE}: {sum(took) / 1000:.1f} s; "
        f"median of the first twenty {first:.1f} ms, of the last twenty {last:.1f} ms "
        f"({last / first:.2f}x), slowest {max(took):.0f} ms"
    )
    line.close()
    return group


def one_more(server: scim.Server, token: str, full: str, empty: str, ids: list[str]) -> None:
    """Add people one by one to a full group and to an empty one; print the ratio."""
    line, host = Line(server.address), server.address[0]
    medians = []
    for group in (empty, full):
        path = f"/usersync/scim/acme/v2/Groups/{group}"
        took = [timed(line, host, token, ("PATCH", path, members([one]))) for one in ids]
        medians.append(statistics.median(took))
    line.close()
    print(
        f"one member: {medians[0]:.2f} ms into an empty group, {medians[1]:.2f} ms into the full "
        f"one ({medians[1] / medians[0]:.2f}x)"
    )


def set_rules(engine, **values) -> None:
    """Store settings of the source and apply them."""
    with engine.store.reading() as session:
        source = sources.get_source(session, "acme")
    admin.change_source(engine, scim.ACTOR, source, values)


def move_mapping(engine, database: str, server: scim.Server, token: str, ids: list[str]) -> None:
    """Map the group to one of the directory, then to another one, beside a busy server."""
    with engine.store.reading() as session:
        source = sources.get_source(session, "acme")
    group = group_admin.find_source_group(engine, source, "Everybody")
    set_rules(engine, group_mode="manual", mappings=[group_admin.adding(group, "before")])
    with engine.store.reading() as session:
        source = sources.get_source(session, "acme")
    [row] = group_admin.mapping_of(engine, source, "Everybody", "before")
    changes = [group_admin.removing(row), group_admin.adding(group, "after")]
    quiet = run(server.address, token, rules.robots(ids), seconds=4)
    print(f"no run: {quiet.per_second:.0f} requests/s, p99 {quiet.p99_ms:.0f} ms")
    run_ = runs.start(engine, scim.ACTOR, source, {"mappings": changes}, applies=True)
    code = f"import rules; rules.continue_run({database!r}, {run_.id})"
    beside = subprocess.Popen([sys.executable, "-c", code], cwd=scim.HERE, env=scim.environment())
    rules.meanwhile(server, token, rules.robots(ids), engine, run_)
    beside.wait()
    with engine.store.reading() as session:
        counts = {g.name: g.member_count for g in LocalAccounts(session).groups()}
    print(f"  memberships afterwards: before {counts['before']:,}, after {counts['after']:,}")


def main() -> None:
    """Measure on a source of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, default=50_000)
    options = parser.parse_args()
    scim.GROUP_SIZE = 10
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'usersync.sqlite3'}"
        token, ids, _ = scim.fill(database, options.members + 200)
        engine = rules.engine_on(database)
        with scim.server("usersync", database) as server:
            push(server, token, ids[: options.members], "Mirror only")
        set_rules(engine, group_mode="on_the_fly", group_exclude="Mirror only", **WIDE)
        with scim.server("usersync", database) as server:
            full = push(server, token, ids[: options.members], "Everybody")
            empty = new_group(server, token, "Nobody")
            one_more(server, token, full, empty, ids[options.members :])
            move_mapping(engine, database, server, token, ids)


if __name__ == "__main__":
    main()
