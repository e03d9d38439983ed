"""What a key sends beyond its rate is refused, whichever process it reaches."""

import re
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from local.descendants import are_stopped
from local.process import wait_until
from local.stack import Stack
from sidecar.http.guards import api_keys as keys
from tests.support.calls import failure

SLOW = "rate=0.001"  # a token in a quarter of an hour: none comes during a test
ME, CHECK = "/similarity/me", "/similarity/images/check"


class Limited(NamedTuple):
    """A sidecar of two processes, and the file of its keys; Triton and Redis are away."""

    stack: Stack
    file: Path

    def add_key(self, rate: str) -> dict[str, str]:
        """Draws a key for all calls, and gives the headers to send it."""
        secret, key = keys.draw(f"key-{rate.replace('/', '-at-')[5:]}", "read,write,admin", rate)
        self.file.write_text(f"{self.file.read_text()}{key}\n")
        return {"X-API-Key": secret}

    def statuses(self, headers: dict[str, str], count: int) -> list[int]:
        """Sends requests one after the other, each on a connection of its own."""
        return [self.stack.get(ME, headers=headers).status_code for _ in range(count)]

    def processes(self) -> list[psutil.Process]:
        return psutil.Process(self.stack.pid("sidecar")).children()


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Limited]:
    folder = tmp_path_factory.mktemp("limited")
    (folder / "keys").touch()
    stack = Stack(folder, API_KEYS_FILE=str(folder / "keys"), HTTP_PROCESSES="2")
    try:
        stack.start("sidecar")
        stack.wait(lambda: stack.get("/health/live").ok, "the sidecar answers")
        limited = Limited(stack, folder / "keys")
        stack.wait(lambda: len(limited.processes()) == 2, "it has two processes")
        yield limited
    finally:
        stack.stop()


@contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    """While it is stopped, new connections are the other's."""
    process.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: are_stopped([process.pid]), lambda: f"{process} has stopped")
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def test_two_processes_share_the_limit_of_a_key(limited: Limited) -> None:
    headers = limited.add_key(f"{SLOW}/20")
    first, second = limited.processes()
    with stopped(first):
        assert limited.statuses(headers, 12) == [200] * 12
    with stopped(second):
        assert limited.statuses(headers, 10) == [200] * 8 + [429] * 2
    with stopped(first):
        assert limited.statuses(headers, 2) == [429] * 2


def test_of_many_at_once_exactly_the_burst_is_let_in(limited: Limited) -> None:
    headers = limited.add_key(f"{SLOW}/50")
    with ThreadPoolExecutor(8) as pool:
        seen = [
            status
            for part in pool.map(lambda _: limited.statuses(headers, 20), range(8))
            for status in part
        ]
    assert (seen.count(200), seen.count(429)) == (50, 110)


def test_who_is_refused_hears_when_to_come_again(limited: Limited) -> None:
    headers = limited.add_key(SLOW)
    assert limited.statuses(headers, 1) == [200]
    refused = limited.stack.get(ME, headers=headers)
    assert failure(refused) == (429, "rate_limited")
    wait_s = int(refused.headers["Retry-After"])
    assert 1 <= wait_s <= 1000
    said = f"the key key-0.001 is over its rate=0.001/1 .*: try again in {wait_s} s"
    assert re.fullmatch(said, refused.json()["detail"])


def test_a_key_that_waited_as_long_is_let_in(limited: Limited) -> None:
    headers = limited.add_key("rate=1")
    refused = next(
        answer
        for answer in (limited.stack.get(ME, headers=headers) for _ in range(10_000))
        if answer.status_code == 429
    )
    assert refused.headers["Retry-After"] == "1"
    time.sleep(1)
    assert limited.statuses(headers, 1) == [200]


def test_a_refusal_waits_for_no_body(limited: Limited) -> None:
    headers = limited.add_key(SLOW)
    assert failure(limited.stack.post(CHECK, headers=headers, data=b"{")) == (
        400,
        "wrong_arguments_format",
    )
    assert failure(limited.stack.post(CHECK, headers=headers, data=b"{")) == (429, "rate_limited")
    head = (
        f"POST {CHECK} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {headers['X-API-Key']}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(limited.stack.env["PORT"])), 60) as client:
        client.sendall(head.encode())
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 429 ")


def test_monitoring_is_never_limited_and_sees_the_refusals(limited: Limited) -> None:
    headers = limited.add_key(SLOW)
    assert limited.statuses(headers, 3) == [200, 429, 429]
    for _ in range(3):
        page = limited.stack.get("/metrics", headers=headers)
        assert page.ok
        assert limited.stack.get("/health/live", headers=headers).ok
        assert limited.stack.get("/health/ready", headers=headers).status_code == 503
    counted = re.findall(
        rf'requests_total{{method="GET",route="{ME}",status="429"}} (\d+)', page.text
    )
    assert int(counted[0]) >= 2


def test_others_are_not_limited(limited: Limited) -> None:
    headers, other = limited.add_key(SLOW), limited.add_key("")
    assert limited.statuses(headers, 2) == [200, 429]
    assert limited.statuses(other, 30) == [200] * 30


def test_a_line_that_changes_counts_at_once_and_a_bad_one_changes_nothing(limited: Limited) -> None:
    headers = limited.add_key(SLOW)
    first, second = limited.processes()
    seen = []
    for process in (first, second):  # each reads the file at its next request
        with stopped(process):
            seen += limited.statuses(headers, 1)
    assert seen == [200, 429]
    before = limited.file.read_text()
    limited.file.write_text(before.replace(f"{SLOW}/1\n", "rate=0/1\n"))
    assert limited.statuses(headers, 4) == [429] * 4
    limited.file.write_text("".join(f"{line.split(' rate')[0]}\n" for line in before.splitlines()))
    assert limited.statuses(headers, 4) == [200] * 4
    limited.file.write_text(before)
    assert limited.statuses(headers, 1) == [429]


@pytest.mark.long
def test_a_rolling_restart_gives_nobody_a_new_burst(limited: Limited) -> None:
    headers = limited.add_key(f"{SLOW}/3")
    assert limited.statuses(headers, 4) == [200, 200, 200, 429]
    before = set(limited.processes())
    limited.stack.send("sidecar", signal.SIGHUP)

    def are_new() -> bool:
        now = limited.processes()
        return len(now) == len(before) and not before & set(now)

    limited.stack.wait(are_new, "the processes are new")
    limited.stack.wait(lambda: limited.stack.get("/health/live").ok, "they answer")
    assert limited.statuses(headers, 4) == [429] * 4


def test_a_bad_line_ends_the_start_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(
        f"{keys.draw('good', 'read')[1]}\n{keys.draw('slow', 'read')[1]} rate=0\n"
    )
    stack = Stack(tmp_path, API_KEYS_FILE=str(tmp_path / "keys"))
    stack.start("sidecar")
    stack.wait(lambda: stack.ended("sidecar"), "it has ended")
    [line] = stack.log("sidecar").splitlines()
    assert line.startswith(f"API_KEYS_FILE={tmp_path / 'keys'}, line 2: 'rate=0' must be rate=10")


def test_the_command_draws_a_key_with_a_rate(limited: Limited) -> None:
    line = limited.stack.command("key", "shop", "read,write", "rate=10/20")
    (limited.stack.folder / "drawn").write_text(line)
    [key] = keys.read(limited.stack.folder / "drawn")
    assert (key.name, str(key.rate)) == ("shop", "rate=10/20")
