"""A sidecar by itself, without Triton, Redis or a worker: for what ends before they are asked."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from campaigns import document
from local import environment
from local.process import ROOT, stop, wait_until

COMMAND = "exec python -m sidecar serve"
ANSWER_TIMEOUT_S = 30.0


class Lone:
    """A running sidecar, its log, and raw connections to it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.address = ("127.0.0.1", port)
        self._log = folder / "sidecar.log"

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def get(self, path: str) -> requests.Response:
        answer = requests.get(self.url + path, timeout=ANSWER_TIMEOUT_S)
        document.check(answer)
        return answer

    def seconds(self, path: str) -> float:
        """How long a call takes, which must be answered with 200."""
        began = time.monotonic()
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return time.monotonic() - began

    def metric(self, series: str) -> float:
        """The value of a series, 0 where it has none yet."""
        lines = self.get("/metrics").text.splitlines()
        values = [line.rpartition(" ")[2] for line in lines if line.rpartition(" ")[0] == series]
        return float(values[0]) if values else 0.0

    def connect(self, sent: bytes = b"") -> socket.socket:
        connection = socket.create_connection(self.address, ANSWER_TIMEOUT_S)
        connection.sendall(sent)
        return connection

    def answer(self, sent: bytes) -> bytes:
        """All that comes back for these bytes, up to the end of the connection."""
        with self.connect(sent) as connection:
            return read_all(connection)

    @contextmanager
    def many(self, number: int, sent: bytes = b"") -> Iterator[list[socket.socket]]:
        """Connections that have sent so much and then fall silent."""
        with ExitStack() as stack:
            yield [stack.enter_context(self.connect(sent)) for _ in range(number)]


def read_all(connection: socket.socket) -> bytes:
    """What a connection still brings; a reset is as good as an end, if an answer came before."""
    answer = b""
    try:
        while piece := connection.recv(1 << 16):
            answer += piece
    except ConnectionResetError:
        assert answer
    return answer


@contextmanager
def alone(folder: Path, command: str = COMMAND, **settings: str) -> Iterator[Lone]:
    """A sidecar of one process that answers, stopped when the block ends."""
    env = environment.private(folder) | {"HTTP_PROCESSES": "1"} | settings
    lone = Lone(folder, int(env["PORT"]))
    with (folder / "sidecar.log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command], cwd=ROOT, env=env, stdout=log, stderr=log
        )
    try:
        wait_until(lambda: answers(lone), lambda: f"it answers\n{lone.log()}", 120)
        yield lone
    finally:
        process.terminate()
        stop(process)


def answers(lone: Lone) -> bool:
    try:
        return lone.get("/health/live").ok
    except requests.ConnectionError:
        return False
