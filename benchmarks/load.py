"""A small HTTP load generator: keep-alive sockets, whole answers read, nothing clever."""

import json
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Request = tuple[str, str, object]
"""Method, path, JSON body or None."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a run measured."""

    count: int  # requests, the warm-up's too
    per_second: float
    p50_ms: float
    p99_ms: float


def payload(host: str, token: str, request: Request) -> bytes:
    """Return the bytes of a request."""
    method, path, body = request
    content = b"" if body is None else json.dumps(body).encode()
    path = path.replace(" ", "%20").replace('"', "%22")
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/scim+json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


class Line:
    """A keep-alive connection that opens itself again when the server closed it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.connection = None

    def ask(self, data: bytes) -> int:
        """Send a request, read the whole answer, return its status."""
        if self.connection is None:
            self.connection = socket.create_connection(self.address)
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.file = self.connection.makefile("rb")
        self.connection.sendall(data)
        status = int(self.file.readline().split()[1])
        length = 0
        closes = False
        while (line := self.file.readline()) not in {b"\r\n", b""}:
            name, _, value = line.lower().partition(b":")
            if name == b"content-length":
                length = int(value)
            elif name == b"connection":
                closes = b"close" in value
        self.file.read(length)
        if closes:
            self.close()
        return status

    def close(self) -> None:
        """Close the connection."""
        if self.connection is not None:
            self.file.close()
            self.connection.close()
            self.connection = None


def run(
    address: tuple[str, int],
    token: str,
    make: Callable[[int], Iterator[Request]],
    *,
    seconds: float = 3.0,
    connections: int = 4,
    expect: tuple[int, ...] = (200, 201, 204),
) -> Load:
    """Send requests over some connections for some seconds, after a short warm-up.

    ``make(worker)`` yields one connection's requests. Raises RuntimeError for an unexpected status.
    """
    host = f"{address[0]}:{address[1]}"
    times: list[float] = []
    warm_up: list[float] = []
    failures: list[int] = []
    begins = time.perf_counter() + 0.5
    ends = begins + seconds

    def work(worker: int) -> None:
        line = Line(address)
        for request in make(worker):
            data = payload(host, token, request)
            started = time.perf_counter()
            if started >= ends:
                break
            status = line.ask(data)
            if status not in expect:
                failures.append(status)
                break
            kept = times if started >= begins else warm_up
            kept.append(time.perf_counter() - started)
        line.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(f"unexpected status {failures[0]}")
    if not times:
        raise RuntimeError("no request finished in time: measure longer")
    ordered = sorted(times)
    return Load(
        count=len(times) + len(warm_up),
        per_second=len(times) / seconds,
        p50_ms=statistics.median(ordered) * 1000,
        p99_ms=ordered[int(len(ordered) * 0.99)] * 1000,
    )
