"""Clients that are silent, slow or endless keep no thread from the others."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lone import COMMAND, Lone, alone, read_all

THREADS = 16
SHARE = 3  # a quarter of the 14 that don't refuse
TIMEOUT_S = 4
MANY = 60
# The quickest of some: a busy machine may hold up others, and threads that wait for silent clients
# hold up all of them, for five seconds each.
SOON_S = 1.5
QUICK = "/similarity/images"  # a call that is refused where too many are in flight

HALF_A_HEAD = b"GET /similarity/images HTTP/1.1\r\nHost: local"
FORM = b"Content-Type: multipart/form-data; boundary=b\r\n"
BEGUN = b'--b\r\nContent-Disposition: form-data; name="data"; filename="a.jpg"\r\n\r\n'


def post(path: str, *headers: str, body: bytes = b"") -> bytes:
    lines = (f"{each}\r\n" for each in ("Host: localhost", *headers))
    head = f"POST {path} HTTP/1.1\r\n" + "".join(lines)
    return head.encode() + FORM + b"\r\n" + body


def in_chunks(path: str) -> bytes:
    """A request whose body begins, in chunks."""
    chunk = f"{len(BEGUN):x}\r\n".encode() + BEGUN + b"\r\n"
    return post(path, "Transfer-Encoding: chunked", body=chunk)


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    folder = tmp_path_factory.mktemp("slow")
    limits = {"HTTP_THREADS": str(THREADS), "REQUEST_TIMEOUT_S": str(TIMEOUT_S)}
    with alone(folder, **limits) as lone:
        yield lone


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        HALF_A_HEAD,
        post("/similarity/add", "Content-Length: 1000", body=BEGUN),
        post("/nowhere", "Content-Length: 1000"),
        in_chunks("/similarity/add"),
        in_chunks("/similarity/add_batch"),
        in_chunks("/health/live"),
    ],
    ids=["silent", "head", "body", "nowhere", "chunks", "batch", "health"],
)
def test_many_slow_clients_make_nobody_else_wait(lone: Lone, sent: bytes) -> None:
    with lone.many(MANY, sent):
        time.sleep(0.3)
        assert min(lone.seconds(QUICK) for _ in range(5)) < SOON_S


@pytest.mark.parametrize("path", ["/similarity/add_batch", "/similarity/add"])
def test_what_keeps_a_thread_waiting_has_a_share_of_them(lone: Lone, path: str) -> None:
    with lone.many(SHARE, in_chunks(path)):
        time.sleep(0.3)
        refused = lone.answer(in_chunks(path))
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b'"too_busy"' in refused
    assert f"{SHARE} ".encode() in refused
    assert b"(HTTP_THREADS)" in refused


@pytest.mark.parametrize(
    "sent",
    [
        post("/similarity/add", "Content-Length: 1000", body=BEGUN),
        in_chunks("/similarity/add"),
        in_chunks("/similarity/add_batch"),
    ],
    ids=["body", "chunks", "batch"],
)
def test_a_body_that_stops_coming_is_answered_with_408(lone: Lone, sent: bytes) -> None:
    answer = lone.answer(sent)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the limit is 4 s (REQUEST_TIMEOUT_S)" in answer


def test_an_upload_too_large_that_stalls_is_answered_with_413_at_once(lone: Lone) -> None:
    """Once it has waited in vain for the rest, it answers 408."""
    with lone.connect(post("/similarity/add", "Content-Length: 99999999")) as stalled:
        answer = stalled.recv(1 << 16)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_that_trickles_is_taken_when_it_is_there(lone: Lone) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="other"; filename="o"\r\n\r\nx\r\n--b--\r\n'
    )
    head = post("/similarity/add", f"Content-Length: {len(body)}", "Connection: close")
    with lone.connect() as slow:
        for byte in range(0, len(head + body), 40):
            slow.sendall((head + body)[byte : byte + 40])
            time.sleep(0.15)
        answer = read_all(slow)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"data_payload_required" in answer  # all fields were seen, and none was the file


@pytest.mark.long
def test_where_no_more_connections_fit_the_one_idle_longest_goes(tmp_path: Path) -> None:
    few_files = f"ulimit -n 600; {COMMAND}"
    with alone(tmp_path, few_files) as lone, lone.many(200) as silent:
        assert min(lone.seconds(QUICK) for _ in range(3)) < SOON_S
        assert silent[0].recv(1) == b""
