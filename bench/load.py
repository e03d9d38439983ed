"""Sends requests from clients that keep their connections and cost little processor time.

Each client is a thread with a socket and requests that were made beforehand. Their processor time
is measured, so that it can be subtracted from what the service costs.
"""

import itertools
import json
import math
import os
import resource
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

TIMEOUT_S = 60
BOUNDARY = "a-boundary-that-no-photo-has"
FORM = (
    f"--{BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="data"; filename="photo.jpg"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n"
)


@dataclass(frozen=True)
class Request:
    """Says where to post which body, and with which key, if any."""

    path: str
    body: bytes
    key: str = ""


@dataclass(frozen=True)
class Run:
    """Holds what a run of requests came to.

    Args:
        took_s: from the first request to the last answer.
        client_s: processor time of the clients.
        latencies_s: of each request that went well, ascending.
        failures: answers that were not 200, and broken connections.
        last: the last answer.
    """

    took_s: float
    client_s: float
    latencies_s: list[float]
    failures: int
    last: Any

    def rate(self, each: int = 1) -> float:
        """Returns images a second, as if the clients had taken no processor time.

        took' = took - client / cores: the service had all cores but for what the clients took.

        Args:
            each: images in a request.
        """
        cores = os.cpu_count() or 1
        return each * len(self.latencies_s) / (self.took_s - self.client_s / cores)

    def percentile_ms(self, share: float) -> float:
        return 1000 * self.latencies_s[min(len(self.latencies_s) - 1, int(share * len(self)))]

    def __len__(self) -> int:
        return len(self.latencies_s)


def photo(path: str, file: bytes) -> Request:
    """Returns a photo as the multipart field `data`, as curl -F and requests send it."""
    return Request(path, FORM.encode() + file + f"\r\n--{BOUNDARY}--\r\n".encode())


def run(port: int, requests: Sequence[Request], clients: int, seconds: float = math.inf) -> Run:
    """Sends requests, each client its next as soon as its last was answered.

    Args:
        port: on this machine.
        requests: what to send.
        clients: how many at once.
        seconds: after these no more are sent.
    """
    source = iter(requests)
    before = _cpu_s()
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        parts = list(pool.map(lambda _: _client(port, source, began + seconds), range(clients)))
    took = time.perf_counter() - began
    latencies = sorted(itertools.chain.from_iterable(part[0] for part in parts))
    failures = sum(part[1] for part in parts)
    return Run(took, _cpu_s() - before, latencies, failures, parts[-1][2])


def _client(port: int, source: Iterator[Request], ends: float) -> tuple[list[float], int, Any]:
    latencies, failures, last = [], 0, None
    connection = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for request in source:
        if time.perf_counter() >= ends:
            break
        began = time.perf_counter()
        try:
            code, body = _exchange(connection, request)
        except OSError:
            code, body = 0, b"null"
            connection = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        if code == 200:
            latencies.append(time.perf_counter() - began)
            last = body
        else:
            failures += 1
    connection.close()
    return latencies, failures, last if last is None else json.loads(last.splitlines()[-1])


def _exchange(connection: socket.socket, request: Request) -> tuple[int, bytes]:
    key = f"X-API-Key: {request.key}\r\n" if request.key else ""
    head = (
        f"POST {request.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{key}"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        f"Content-Length: {len(request.body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + request.body)
    answer = connection.recv(1 << 16)
    while (end := answer.find(b"\r\n\r\n")) < 0:
        answer += _more(connection)
    lines = answer[:end].lower().split(b"\r\n")
    [length] = [int(line[15:]) for line in lines if line.startswith(b"content-length:")]
    parts = [answer[end + 4 :]]
    missing = length - len(parts[0])
    while missing > 0:
        parts.append(_more(connection))
        missing -= len(parts[-1])
    return int(lines[0].split()[1]), b"".join(parts)


def _more(connection: socket.socket) -> bytes:
    piece = connection.recv(1 << 16)
    if not piece:
        raise ConnectionError("the service hung up")
    return piece


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
