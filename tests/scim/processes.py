"""Servers in processes of their own, and processes that die where a test wants them to.

Run as a program: ``serve URL FOLDER`` serves on waitress and prints its port; ``crash`` reads one
JSON object a line and forks a process for each, which sends one POST and kills itself.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@contextmanager
def program(role: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run this file as a program until the end of the block."""
    process = subprocess.Popen(  # noqa: S603 - our own file
        [sys.executable, __file__, role, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def servers(count: int, url: str, folder: Path) -> Iterator[list[tuple[Any, str]]]:
    """Serve apps on one database, each in its own process; yield processes with addresses."""
    with ExitStack() as stack:
        started = [stack.enter_context(program("serve", url, str(folder))) for _ in range(count)]
        yield [(p, f"http://127.0.0.1:{p.stdout.readline().strip()}") for p in started]


@contextmanager
def crasher() -> Iterator[Any]:
    """Yield a function that sends one POST from a process, which dies at its n-th step.

    It returns False once the request has fewer steps: then the process finished.
    """
    with program("crash") as process:

        def crash(**order: object) -> bool:
            process.stdin.write(f"{json.dumps(order)}\n")
            process.stdin.flush()
            return process.stdout.readline() == "killed\n"

        yield crash


def serve(url: str, folder: str) -> None:
    import waitress
    from pushing import host_app

    listener = waitress.create_server(
        host_app(url, Path(folder)), host="127.0.0.1", port=0, threads=4
    )
    print(listener.effective_port, flush=True)  # noqa: T201 - read by the test
    listener.run()


def crash() -> None:
    import pushing
    from sqlalchemy import event, pool  # noqa: F401 - imported before the fork

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            post_and_die(pushing, **json.loads(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else "finished", flush=True)  # noqa: T201


def post_and_die(
    pushing: Any, url: str, folder: str, path: str, token: str, body: object, step: int
) -> None:
    """Send a POST; at the step (a statement, a commit, the answer) the process dies."""
    from sqlalchemy import event

    from usersync_ext.state import state_of

    app = pushing.host_app(url, Path(folder))
    state_of(app).store_ready = True
    seen = 0
    thread = threading.get_ident()

    def count(*_: object) -> None:
        nonlocal seen
        seen += threading.get_ident() == thread
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = state_of(app).engine.store.engine
    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)
    app.test_client().post(path, json=body, headers={"Authorization": f"Bearer {token}"})
    count()


if __name__ == "__main__":
    {"serve": serve, "crash": crash}[sys.argv[1]](*sys.argv[2:])
