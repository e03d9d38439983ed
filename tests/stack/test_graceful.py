"""The sidecar is stopped and restarted under load: no request that it took is lost."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from local.stack import Stack
from tests.support.calls import picture

CLIENTS = 6
RESTARTS = 2
KEPT_S = 1  # half as long as the server keeps a connection that is idle


@pytest.fixture
def house(tiny_stack: Stack) -> Stack:
    """The stack that others ask: each test leaves it whole again."""
    return tiny_stack


def processes(stack: Stack) -> set[int]:
    return {child.pid for child in psutil.Process(stack.pid("sidecar")).children()}


@contextmanager
def load(stack: Stack) -> Iterator[list[object]]:
    """Clients that search and add, half of them on connections that they keep.

    Yields:
        what went wrong so far: answers that are none of 200, and errors of connections.
    """
    over, wrong = threading.Event(), list[object]()

    def work(client: int) -> int:
        done, session, answered = 0, requests.Session(), time.monotonic()
        while not over.is_set():
            if time.monotonic() > answered + KEPT_S:
                session.close()  # the server may be about to do so: it is a new one's turn
            call = f"add?overwrite=true&id=graceful-{client}" if client % 3 == 0 else "search"
            url = f"{stack.url}/similarity/{call}"
            post = session.post if client % 2 else requests.post
            try:
                response = post(url, files={"data": picture(client)}, timeout=60)
                done, answered = done + 1, time.monotonic()
                if response.status_code != 200:
                    wrong.append(response.text)
            except requests.RequestException as error:
                wrong.append(error)
        session.close()
        return done

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(work, client) for client in range(CLIENTS)]
        try:
            yield wrong
        finally:
            over.set()
        assert min(client.result() for client in clients) > 0


def test_a_rolling_restart_under_load_loses_no_request(house: Stack) -> None:
    with load(house) as wrong:
        for _ in range(RESTARTS):
            before = processes(house)
            time.sleep(1)
            house.send("sidecar", signal.SIGHUP)
            house.wait(
                lambda before=before: (
                    len(processes(house) - before) == len(before) and not processes(house) & before
                ),
                "all processes are new",
            )
            time.sleep(1)
    assert wrong == []


@pytest.mark.long
def test_a_sidecar_that_still_loads_lets_nobody_in(house: Stack) -> None:
    """Who is refused may ask another one; who is let in would wait for seconds."""
    house.kill("sidecar", signal.SIGTERM)
    house.start("sidecar")

    def is_let_in() -> bool:
        try:
            socket.create_connection(("127.0.0.1", int(house.env["PORT"])), 1).close()
        except ConnectionRefusedError:
            return False
        return True

    house.wait(is_let_in, "somebody is let in")
    assert [pid for pid in processes(house) if "faiss" in Path(f"/proc/{pid}/maps").read_text()]
    house.wait_ready()


@pytest.mark.long
def test_requests_in_flight_are_answered_before_the_end(house: Stack) -> None:
    """A client that is not let in any more is told so before it has sent anything."""
    begun = threading.Barrier(21)

    def add(number: int) -> str:
        begun.wait()
        try:
            url = f"{house.url}/similarity/add?id=in-hand-{number}"
            return str(requests.post(url, files={"data": picture(number)}, timeout=60).status_code)
        except requests.ConnectionError as error:
            return "refused" if "refused" in str(error) else repr(error)

    with ThreadPoolExecutor(20) as pool:
        answers: list[Future[str]] = [pool.submit(add, number) for number in range(20)]
        begun.wait()
        house.wait(lambda: house.log("sidecar").count("add 200") > 0, "some are answered")
        house.kill("sidecar", signal.SIGTERM)
        told = [answer.result() for answer in answers]
    house.start("sidecar")
    house.wait_ready()
    assert set(told) <= {"200", "refused"}
    for number, status in enumerate(told):
        stored = house.get(f"/similarity/images/in-hand-{number}").status_code
        assert stored == (200 if status == "200" else 404)
