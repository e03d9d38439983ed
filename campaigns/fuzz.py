"""Sends a running service requests that make no sense, and looks how it answers each.

Every answer must be what docs/API.md says: JSON where JSON is due, no 5xx but a documented 503,
none late, none lost. In the end the service is alive, and `verify` finds nothing wrong. A finding
names the number of its request: `--first NUMBER --count 1` sends it again.
"""

import argparse
import http.client
import json
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from campaigns.chaos import add_first, draw_pictures
from campaigns.fuzz_requests import Generator, Request, calls
from local.stack import COMMANDS, Stack, running
from sidecar.http.app import create_app
from sidecar.http.error_handlers import HTTP_WORDS, STATUSES
from sidecar.settings import from_environment

CLIENTS = 8
LATE_S = 60.0
SETTINGS = {
    "CORS_ORIGINS": "https://shop.example",
    "KEEP_ORIGINALS": "1",
    "MAX_BATCH_BYTES": str(64 << 20),
    "MAX_IMAGE_BYTES": str(1 << 20),
    "REQUEST_TIMEOUT_S": "5",
    "TRUSTED_PROXIES": "127.0.0.1",
}
# The calls whose success is no JSON with a status.
OTHER_TYPES = {
    "/openapi.json": "application/json",
    "/metrics": "text/plain",
    "/similarity/images/{image_id}/thumbnail": "image/jpeg",
    "/similarity/images/{image_id}/original": "application/octet-stream",
}
JSON, LINES = "application/json", "application/x-ndjson"
WORDS = {kind.word: status for kind, status in STATUSES.items()} | {
    word: status for status, word in HTTP_WORDS.items()
}


@dataclass(frozen=True)
class Answer:
    """An answer as it came."""

    status: int
    kind: str
    body: bytes


def generator(seed: int) -> Generator:
    """Returns the generator of requests over all routes of the service."""
    with tempfile.TemporaryDirectory() as folder:
        return Generator(tuple(calls(create_app(from_environment(data_dir=folder)).routes)), seed)


def ask(port: int, request: Request, late_s: float = LATE_S) -> Answer | None:
    """Sends a request, and returns its answer; None where the connection ends without one.

    Raises:
        TimeoutError: neither comes in time.
        HTTPException: it is not HTTP.
    """
    with socket.create_connection(("127.0.0.1", port), late_s) as connection:
        with suppress(ConnectionError):  # refused before all of it was sent; the answer is there
            connection.sendall(request.raw)
            if not request.whole:
                connection.shutdown(socket.SHUT_WR)  # no more is to come
        response = http.client.HTTPResponse(connection, method=request.method)
        try:
            response.begin()
            body = response.read()
        except (ConnectionError, http.client.RemoteDisconnected):
            return None
        return Answer(response.status, response.headers.get_content_type(), body)


def fault(request: Request, answer: Answer | None) -> str | None:
    """Returns what is wrong with an answer; None where nothing is."""
    if answer is None:
        return "no answer" if request.whole else None
    if request.method == "HEAD":
        return f"{answer.status}" if answer.status >= 500 and answer.status != 503 else None
    if answer.status in (204, 302, 304) or (request.method == "OPTIONS" and answer.status == 200):
        return f"a body with {answer.status}" if answer.body else None
    if answer.status == 200 and answer.kind == OTHER_TYPES.get(request.call.path):
        return None
    try:
        lines = answer.body.splitlines() if answer.kind == LINES else [answer.body]
        contents = [json.loads(line) for line in lines]
    except ValueError:
        return f"{answer.status} {answer.kind}: not JSON: {answer.body[:200]!r}"
    if answer.kind not in (JSON, LINES) or not all(isinstance(one, dict) for one in contents):
        return f"{answer.status} {answer.kind}: {answer.body[:200]!r}"
    return next(filter(None, (_fault_of_status(answer, content) for content in contents)), None)


def _fault_of_status(answer: Answer, content: dict[str, object]) -> str | None:
    """Returns what is wrong with a status and the word beside it."""
    word, shown = content.get("message"), f"{answer.status}: {answer.body[:300]!r}"
    if answer.status >= 500 and "parts" not in content:  # which /health/ready has
        return None if answer.status == 503 and WORDS.get(str(word)) == 503 else shown
    if answer.status >= 400:
        return None if content.get("status") == "error" and (word or "parts" in content) else shown
    return None if content.get("status") in ("ok", "ongoing", "error") else shown


def send(port: int, draws: Generator, numbers: Iterable[int]) -> Iterator[tuple[str, str | None]]:
    """Sends requests from several clients; yields for each how it ended, and what was wrong."""

    def one(number: int) -> tuple[str, str | None]:
        request = draws.request(number)
        try:
            answer = ask(port, request)
            wrong, ending = fault(request, answer), str(answer.status) if answer else "none"
        except TimeoutError:
            wrong, ending = f"no answer within {LATE_S:g} s", "late"
        except http.client.HTTPException as error:
            wrong, ending = f"not HTTP: {error!r}", "not HTTP"
        sent = f"request {number}, {request.raw[:300]!r}"
        return ending, f"{wrong}\n    {sent}" if wrong else None

    with ThreadPoolExecutor(CLIENTS) as clients:
        yield from clients.map(one, numbers)


def fuzz(stack: Stack, seed: int, numbers: range) -> list[str]:
    """Sends the requests of a seed with these numbers, and returns what was wrong."""
    ends: Counter[str] = Counter()
    wrong, began = [], time.monotonic()
    for ending, finding in send(int(stack.env["PORT"]), generator(seed), numbers):
        ends[ending] += 1
        if finding:
            wrong.append(finding)
            print(finding, flush=True)
    took_s = time.monotonic() - began
    print(f"{len(numbers)} requests of seed {seed}, {took_s:.0f} s: {dict(sorted(ends.items()))}")
    left = list(after(stack))
    print(*left, sep="\n", end="\n" if left else "")
    return wrong + left


def after(stack: Stack) -> Iterator[str]:
    """Yields what is wrong with a stack when all is over: a part that ended, a trace, a task that
    does not end. Raises AssertionError: `verify` finds something."""
    yield from (f"{name} has ended" for name in COMMANDS if stack.ended(name))
    stack.wait_ready()
    tasks = stack.get("/similarity/tasks").json()["tasks"]
    for task in tasks:
        stack.finish(task["task_id"])
    traces = stack.log("sidecar").count("Traceback (most recent call last)")
    if traces:
        yield f"{traces} traces in the log of the sidecar"
    stack.command("verify")


def main() -> int:
    """Runs a campaign on a stack of its own."""
    parser = argparse.ArgumentParser(
        prog="python -m campaigns.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=10_000, help="of requests")
    parser.add_argument("--first", type=int, default=0, help="number of the first request")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    numbers = range(arguments.first, arguments.first + arguments.count)
    with ExitStack() as parts:
        folder = parts.enter_context(tempfile.TemporaryDirectory(prefix="fuzz-"))
        stack = parts.enter_context(running(Path(folder), **SETTINGS))
        add_first(stack, draw_pictures())
        wrong = fuzz(stack, arguments.seed, numbers)
    print(f"{len(wrong)} findings" if wrong else "nothing was wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
