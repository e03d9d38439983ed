"""The fuzzer knows every call, draws the same requests again, and sees each kind of fault."""

import json
import socket
from collections.abc import Iterator

import pytest

from campaigns.fuzz import Answer, ask, fault, generator
from campaigns.fuzz_requests import METHODS, Call, Generator, Request, calls
from sidecar.http.route import Route

GET = Request(Call("GET", "/similarity/stats", (), False), "GET", b"GET / HTTP/1.1\r\n\r\n", True)
THUMBNAIL = Call("GET", "/similarity/images/{image_id}/thumbnail", (), False)
BUSY = {"status": "error", "message": "too_busy", "detail": "try again"}


@pytest.fixture(scope="module")
def draws() -> Generator:
    return generator(3)


def test_every_method_of_every_route_is_drawn(draws: Generator) -> None:
    known = {(call.method, call.path) for call in draws.calls}
    assert ("POST", "/similarity/add") in known
    assert ("DELETE", "/similarity/images/{image_id}") in known
    assert ("HEAD", "/metrics") in known
    assert {method for method, _ in known} <= set(METHODS)
    drawn = [draws.request(number) for number in range(600)]
    assert {(each.call.method, each.call.path) for each in drawn} == known
    assert 0.8 < sum(each.whole for each in drawn) / len(drawn) < 1


def test_a_new_route_is_fuzzed_by_itself() -> None:
    class New:
        def on_put(self, req: object, resp: object) -> None: ...

    [call] = calls([Route("/new/{name}", New(), "read")])
    assert call == Call("PUT", "/new/{name}", (), False)
    assert b"/new/" in Generator((call,), 0).request(1).raw


def test_a_request_is_drawn_by_its_seed_and_number_alone(draws: Generator) -> None:
    again = Generator(draws.calls, draws.seed)
    assert [draws.request(n) for n in (9, 2, 5)] == [again.request(n) for n in (9, 2, 5)]
    assert draws.request(2) != Generator(draws.calls, 4).request(2)


def test_a_whole_body_is_as_long_as_it_says(draws: Generator) -> None:
    seen = 0
    for request in map(draws.request, range(300)):
        head, _, body = request.raw.partition(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: ")]
        if request.whole and lengths:
            seen += 1
            assert lengths == [b"Content-Length: %d" % len(body)]
    assert seen > 50


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (None, "no answer"),
        (Answer(400, "text/html", b"<html>"), "not JSON"),
        (Answer(400, "text/html", b"{}"), "text/html"),
        (Answer(200, "text/plain", b"1"), "text/plain"),
        (Answer(200, "application/json", b"[]"), "200"),
        (Answer(200, "application/json", b"{}"), "200"),
        (Answer(400, "application/json", b'{"status": "ok"}'), "400"),
        (Answer(500, "application/json", json.dumps(BUSY).encode()), "500"),
        (Answer(503, "application/json", b'{"status": "error", "message": "odd"}'), "503"),
        (Answer(507, "application/json", json.dumps(BUSY).encode()), "507"),
        (Answer(200, "application/x-ndjson", b'{"status": "ok"}\n{"sta'), "not JSON"),
        (Answer(304, "", b"x"), "a body with 304"),
    ],
)
def test_a_fault_is_seen(answer: Answer | None, wrong: str) -> None:
    assert wrong in (fault(GET, answer) or "")


def test_what_is_documented_is_no_fault() -> None:
    thumbnail = Request(THUMBNAIL, "GET", b"", True)
    cut = Request(GET.call, "GET", b"", False)
    head = Request(GET.call, "HEAD", b"", True)
    assert fault(GET, Answer(503, "application/json", json.dumps(BUSY).encode())) is None
    assert fault(GET, Answer(503, "application/json", b'{"status": "error", "parts": {}}')) is None
    assert fault(GET, Answer(200, "application/json", b'{"status": "ongoing"}')) is None
    assert fault(GET, Answer(200, "application/x-ndjson", b'{"status": "ok"}\n' * 2)) is None
    assert fault(thumbnail, Answer(200, "image/jpeg", b"\xff\xd8")) is None
    assert fault(cut, None) is None
    assert fault(head, Answer(404, "application/json", b"")) is None
    assert fault(head, Answer(500, "text/html", b"")) == "500"


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_server_that_hangs_is_seen(silent: socket.socket) -> None:
    with pytest.raises(TimeoutError):
        ask(silent.getsockname()[1], GET, late_s=0.2)
