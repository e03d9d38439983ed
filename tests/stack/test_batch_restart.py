"""A restart ends a batch that would go on for hours, with an answer that says where it stopped."""

import http.client
import json
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import psutil

from local.stack import Stack
from tests.support.calls import jpeg, unused

WITHIN_S = 60  # gunicorn cuts off after 30, without a last line
FIRST = 20
FILLER = bytes(16_384) + b"\r\n"  # a server waits for so much of a body before it looks at it


def test_a_restart_ends_batches_with_a_line_that_says_where(tiny_stack: Stack) -> None:
    """One client sends on and on; one falls silent for longer than a restart waits."""
    began = threading.Barrier(3)

    def batch(mark: str, pause_s: float) -> list[dict[str, Any]]:
        def body() -> Iterator[bytes]:
            for n in range(10_000):
                head = b'--cut\r\nContent-Disposition: form-data; name=data; filename="%s-%d.jpg"'
                yield head % (mark.encode(), n) + b"\r\n\r\n" + jpeg((n % 256, 0, 0)) + FILLER
                if n == FIRST:
                    began.wait(30)
                time.sleep(pause_s if n > FIRST else 0)

        url = f"{tiny_stack.url}/similarity/add_batch"
        kind = {"Content-Type": "multipart/form-data; boundary=cut"}
        return answered(url, body(), kind)

    sidecar = psutil.Process(tiny_stack.pid("sidecar"))
    before = {child.pid for child in sidecar.children()}
    marks = [unused(), unused()]
    with ThreadPoolExecutor(2) as pool:
        going, silent = pool.submit(batch, marks[0], 0.05), pool.submit(batch, marks[1], 40)
        began.wait(60)
        time.sleep(0.5)
        tiny_stack.send("sidecar", signal.SIGHUP)
        answers = [going.result(WITHIN_S), silent.result(WITHIN_S)]
    tiny_stack.wait(lambda: not before & {c.pid for c in sidecar.children()}, "all are new")
    for mark, (*done, last) in zip(marks, answers, strict=True):
        assert last["message"] == "batch_stopped"
        assert [line["id"] for line in done] == [f"{mark}-{n}" for n in range(len(done))]
        assert len(done) >= 5
        assert tiny_stack.get(f"/similarity/images/{mark}-{len(done) - 1}").status_code == 200
        assert tiny_stack.get(f"/similarity/images/{mark}-{len(done)}").status_code == 404


def answered(url: str, body: Iterator[bytes], headers: dict[str, str]) -> list[dict[str, Any]]:
    """Sends a body in chunks, and reads the answer whenever it comes, as curl does."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.putrequest("POST", parts.path)
    for name, value in (headers | {"Transfer-Encoding": "chunked"}).items():
        connection.putheader(name, value)
    connection.endheaders()
    over = threading.Event()

    def send() -> None:
        for piece in body:
            if over.is_set():
                return
            try:
                connection.sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            except OSError:
                return

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    response = connection.getresponse()
    content = response.read()
    over.set()
    connection.close()
    assert response.status == 200, content
    return [json.loads(line) for line in content.splitlines()]
