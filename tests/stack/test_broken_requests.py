"""What clients break off, or what is no HTTP: no error of the service, and answered in JSON."""

import json
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack.test_slow_clients import BEGUN, in_chunks, post
from tests.support.lone import Lone, alone, read_all

CUT = 'similarity_http_broken_requests_total{reason="cut"}'
CHUNKS = 'similarity_http_broken_requests_total{reason="chunks"}'
ERRORS = 'similarity_http_requests_total{method="POST",route="/similarity/add",status="500"}'


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    with alone(tmp_path_factory.mktemp("broken"), LOG_FORMAT="json") as lone:
        yield lone


def parsed(answer: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and JSON of an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split()[1]), headers, json.loads(body)


def reset(connection: socket.socket) -> None:
    """Ends a connection as a crashed client does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def lines(lone: Lone) -> list[dict[str, Any]]:
    """The lines of the log; each must be a JSON object."""
    return [json.loads(line) for line in lone.log().splitlines()]


def wait_for(lone: Lone, series: str, least: float) -> None:
    deadline = time.monotonic() + 20
    while lone.metric(series) < least:
        assert time.monotonic() < deadline, lone.log()
        time.sleep(0.05)


@pytest.mark.parametrize("path", ["/similarity/add", "/similarity/add_batch"])
@pytest.mark.parametrize("way", ["length", "chunks"])
@pytest.mark.parametrize("end", ["reset", "close"])
def test_a_client_that_breaks_off_is_counted_apart(
    lone: Lone, path: str, way: str, end: str
) -> None:
    before, known = lone.metric(CUT), len(lines(lone))
    sent = post(path, "Content-Length: 100000", body=BEGUN) if way == "length" else in_chunks(path)
    connection = lone.connect(sent)
    time.sleep(0.2)
    if end == "reset":
        reset(connection)
    else:
        connection.close()
    wait_for(lone, CUT, before + 1)
    new = [line for line in lines(lone)[known:] if path in line["message"]]
    assert [line["status"] for line in new] == [400]
    assert not [line for line in lines(lone) if "exc_info" in line or line["level"] == "ERROR"]
    assert lone.metric(CUT) == before + 1


@pytest.mark.parametrize("chunk", [b"zz\r\nabc\r\n", b"-5\r\nabc\r\n", b"3\r\nabcd\r\n0\r\n\r\n"])
def test_chunks_that_break_their_rules_are_answered_with_400(lone: Lone, chunk: bytes) -> None:
    before = lone.metric(CHUNKS)
    status, _, answer = parsed(lone.answer(in_chunks("/similarity/add") + chunk))
    assert (status, answer["message"]) == (400, "request_broken")
    assert lone.metric(CHUNKS) == before + 1
    assert lone.metric(ERRORS) == 0


def test_a_half_closed_connection_still_gets_its_answer(lone: Lone) -> None:
    with lone.connect(post("/similarity/add", "Content-Length: 100000", body=BEGUN)) as half:
        half.shutdown(socket.SHUT_WR)
        status, _, answer = parsed(read_all(half))
    assert (status, answer["message"]) == (400, "request_broken")


def get(*headers: str, path: str = "/similarity/images", method: str = "GET") -> bytes:
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    return "\r\n".join(head).encode("latin-1")


@pytest.mark.parametrize("method", ["WEBSOCKET", "BREW", "PROPFIND", "TRACE", "VERSION-CONTROL"])
@pytest.mark.parametrize("path", ["/similarity/images", "/nowhere", "/health/live"])
def test_an_unknown_method_is_refused_in_json(lone: Lone, method: str, path: str) -> None:
    status, headers, answer = parsed(lone.answer(get(method=method, path=path)))
    assert status in (400, 404, 405)
    assert answer["status"] == "error"
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("name", ["/other", "/similarity", "similarity", "/"])
def test_a_script_name_is_refused_in_json(lone: Lone, name: str) -> None:
    status, headers, answer = parsed(lone.answer(get(f"SCRIPT_NAME: {name}")))
    assert 400 <= status < 500
    assert answer["status"] == "error"
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS on a port without
        (b"GET / HTTP/1.1\nHost: localhost\n\n", 400),
        (get(path="/sim ilarity"), 400),
        (get("Content-Length: 3", "Content-Length: 4"), 400),
        (get("Content-Length: many"), 400),
        (get("Na me: x"), 400),
        (get(path="/?" + 9000 * "a"), 414),
        (b"GET /" + 70_000 * b"a", 414),
        (get("Expect: tea"), 417),
        (get("X-Long: " + 9000 * "a"), 431),
        (get(*(f"X-{number}: a" for number in range(120))), 431),
        (get(*(f"X-{number}: {7000 * 'a'}" for number in range(12))), 431),
    ],
)
def test_what_is_no_request_is_refused_in_json(lone: Lone, sent: bytes, status: int) -> None:
    series = f'similarity_http_requests_total{{method="unknown",route="unknown",status="{status}"}}'
    before = lone.metric(series)
    got, headers, answer = parsed(lone.answer(sent))
    assert (got, answer["status"], answer["message"]) == (status, "error", "malformed_request")
    assert answer["request_id"] == headers["x-request-id"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-type"] == "application/json"
    [line] = [line for line in lines(lone) if line.get("request_id") == answer["request_id"]]
    assert (line["status"], line["level"]) == (status, "INFO")
    assert lone.metric(series) == before + 1
