"""An answer that comes before the body is read reaches every client, which still sends it."""

import asyncio
import gc
import http.client
import io
import json
import shutil
import subprocess
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing

import aiohttp
import pytest
import requests
import urllib3

from tests.stack.test_slow_clients import post
from tests.support.lone import Lone, alone, read_all

MEBIBYTE = 1 << 20
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
TIMES = 3
LARGE = bytes(12 * MEBIBYTE)  # more than the kernel's buffers take

# Each is answered before its body is read: by path, size, parameter or key.
CALLS = {
    "an unknown path": ("/nowhere", 404),
    "an image too large": ("/similarity/add?id=large", 413),
    "a batch too large": ("/similarity/add_batch", 413),
    "a wrong parameter": ("/similarity/add_batch?overwritten=1", 400),
    "a wrong method": ("/similarity/stats", 405),
}
NODE = """
const http = require("http");
const [port, path, size, chunks] = process.argv.slice(1);
const headers = {"Content-Type": "multipart/form-data; boundary=b"};
if (chunks !== "true") headers["Content-Length"] = size;
const request = http.request({port, path, method: "POST", headers}, answer => {
  answer.resume();
  answer.on("end", () => console.log(answer.statusCode));
});
request.on("error", error => console.log(error.code));
for (let sent = 0; sent < size; sent += 1 << 20) request.write(Buffer.alloc(1 << 20));
request.end();
"""


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    limits = {"MAX_IMAGE_BYTES": str(MEBIBYTE), "MAX_BATCH_BYTES": str(8 * MEBIBYTE)}
    with alone(tmp_path_factory.mktemp("early"), **limits) as lone:
        yield lone


def pieces() -> Iterator[bytes]:
    for start in range(0, len(LARGE), MEBIBYTE):
        yield LARGE[start : start + MEBIBYTE]


def by_http_client(lone: Lone, path: str, chunks: bool) -> int:
    connection = http.client.HTTPConnection(*lone.address, timeout=60)
    body = pieces() if chunks else LARGE
    connection.request("POST", path, body, FORM, encode_chunked=chunks)
    status = connection.getresponse().status
    connection.close()
    return status


def by_urllib3(lone: Lone, path: str, chunks: bool) -> int:
    with urllib3.PoolManager(retries=False) as pool:
        body = pieces() if chunks else LARGE
        return pool.request("POST", lone.url + path, body=body, headers=FORM, timeout=60).status


def by_aiohttp(lone: Lone, path: str, chunks: bool) -> int:
    async def slices() -> AsyncIterator[bytes]:
        for piece in pieces():
            yield piece

    async def ask() -> int:
        async with aiohttp.ClientSession() as session:
            body = slices() if chunks else io.BytesIO(LARGE)
            async with session.post(lone.url + path, data=body, headers=FORM) as answer:
                await answer.read()
                return answer.status

    with warnings.catch_warnings():  # its connections are still closing when its loop ends
        warnings.simplefilter("ignore", ResourceWarning)
        status = asyncio.run(ask())
        gc.collect()
    return status


def by_node(lone: Lone, path: str, chunks: bool) -> int:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    words = [node, "-e", NODE, str(lone.address[1]), path, str(len(LARGE)), str(chunks).lower()]
    said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.strip().isdigit(), said
    return int(said)


CLIENTS = [by_http_client, by_urllib3, by_aiohttp, by_node]


@pytest.mark.parametrize("ask", CLIENTS)
@pytest.mark.parametrize("name", CALLS)
def test_every_client_gets_an_answer_that_comes_early(
    lone: Lone, ask: Callable[[Lone, str, bool], int], name: str
) -> None:
    path, status = CALLS[name]
    assert [ask(lone, path, False) for _ in range(TIMES)] == TIMES * [status]


@pytest.mark.parametrize("ask", CLIENTS)
def test_so_does_one_that_sends_chunks(lone: Lone, ask: Callable[[Lone, str, bool], int]) -> None:
    path, status = CALLS["a wrong parameter"]
    assert [ask(lone, path, True) for _ in range(TIMES)] == TIMES * [status]


def test_a_body_that_was_not_wanted_is_out_of_the_next_requests_way(lone: Lone) -> None:
    with requests.Session() as session:
        for _ in range(3):
            answer = session.post(f"{lone.url}/nowhere", data=bytes(MEBIBYTE), timeout=60)
            assert answer.status_code == 404
            assert answer.headers["Connection"] == "keep-alive"


@pytest.mark.parametrize("left", [0, 5000, len(LARGE)])
@pytest.mark.parametrize("path", ["/similarity/add_batch", "/similarity/add", "/nowhere"])
def test_a_connection_that_is_promised_is_kept(lone: Lone, path: str, left: int) -> None:
    """What is refused may still be on its way, in chunks, so that nobody knows how much it is."""
    client = http.client.HTTPConnection(*lone.address, timeout=60)
    kept = 0
    with closing(client):
        for _ in range(5):
            client.request("POST", path, iter([b"no form", bytes(left)]), FORM, encode_chunked=True)
            used = client.sock
            answer = client.getresponse()
            assert answer.status in (400, 404)
            assert answer.read()
            promised = answer.headers["Connection"] == "keep-alive"
            if promised:
                client.request("GET", "/health/live")
                assert client.sock is used
                assert client.getresponse().read() == b'{"status": "ok"}'
                kept += 1
            client.close()
    assert kept == (0 if path == "/nowhere" or left == len(LARGE) else 5)


def test_a_client_that_asks_first_need_not_send_what_is_refused(lone: Lone) -> None:
    head = post("/similarity/add_batch", "Content-Length: 99999999", "Expect: 100-continue")
    with lone.connect(head) as asking:
        assert asking.recv(1 << 16).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_asks_first_is_let_go_on(lone: Lone) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="other"; filename="o"\r\n\r\nx\r\n--b--\r\n'
    )
    wants = (f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close")
    for path in ("/similarity/add", "/similarity/add_batch"):
        with lone.connect(post(path, *wants)) as asking:
            assert asking.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
            asking.sendall(body)
            answer = read_all(asking)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["message"] == "data_payload_required"


def test_requests_sent_ahead_are_answered_in_their_order(lone: Lone) -> None:
    calls = ("/health/live", "/nowhere", "/similarity/images")
    heads = [f"GET {path} HTTP/1.1\r\nHost: localhost\r\n" for path in calls]
    answer = lone.answer("\r\n".join([*heads, ""])[:-2].encode() + b"Connection: close\r\n\r\n")
    found = [int(part[:3]) for part in answer.decode().split("HTTP/1.1 ")[1:]]
    assert found == [200, 404, 200]


def test_a_connection_idle_for_more_than_two_seconds_still_serves(lone: Lone) -> None:
    client = http.client.HTTPConnection(*lone.address)
    with closing(client):
        client.request("GET", "/health/live")
        assert client.getresponse().read()
        used = client.sock
        time.sleep(2.9)
        client.request("GET", "/health/live")
        assert client.getresponse().status == 200
        assert client.sock is used
