"""A server below a launcher: a start that hangs is made again, and nothing is left at the end."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.process import ROOT, wait_until

# Appends its id and a helper's to a file, starts as often as it is to without working, then serves.
SERVER = """
import pathlib, subprocess, sys, time, os, signal
folder, hangs, deaf = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "deaf"
helper = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", helper])
if deaf:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with (folder / "ids").open("a") as ids:
    print(os.getpid(), child.pid, file=ids)
if len((folder / "ids").read_text().splitlines()) > hangs:
    (folder / "ready").touch()
time.sleep(600)
"""
LAUNCHER = """
import os, pathlib, sys
from local.supervision import Supervisor, Watched
folder, still_s = pathlib.Path(sys.argv[1]), float(sys.argv[4])
command = [sys.executable, str(folder / "server.py"), *sys.argv[1:4]]
ready = (folder / "ready").exists
sys.exit(Supervisor(Watched("it", command, os.environ, ready, still_s, 0.1, 2, 1)).run())
"""
SOON_S, NEVER_S = 1.0, 600.0


class Launch:
    """A launcher with a server that hangs in its first starts, of which there are two at most."""

    def __init__(self, folder: Path, hangs: int, still_s: float, deaf: str = "") -> None:
        self.folder = folder
        (folder / "server.py").write_text(SERVER)
        words = [str(folder), f"{hangs}", deaf, f"{still_s}"]
        with (folder / "said").open("w") as said:
            command = [sys.executable, "-c", LAUNCHER, *words]
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=said)

    def ids(self) -> list[int]:
        """The ids of all servers so far, each followed by its helper's."""
        path = self.folder / "ids"
        return [int(word) for word in path.read_text().split()] if path.exists() else []

    def wait_started(self) -> list[int]:
        wait_until(lambda: len(self.ids()) >= 2, lambda: "it starts", 60)
        return self.ids()

    def ended(self) -> tuple[int, str]:
        return self.process.wait(60), self.said()

    def said(self) -> str:
        return (self.folder / "said").read_text()


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., Launch]]:
    """Makes a launcher; whatever of it is left is killed."""
    made: list[Launch] = []

    def make(hangs: int, still_s: float, deaf: str = "") -> Launch:
        made.append(Launch(tmp_path, hangs, still_s, deaf))
        return made[-1]

    yield make
    for each in made:
        each.process.kill()
        each.process.wait()
        for pid in alive(each.ids()):
            os.kill(pid, signal.SIGKILL)


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_a_start_that_does_no_work_is_made_again_once_and_leaves_nothing(
    launch: Callable[..., Launch],
) -> None:
    # On a busy machine the first start may be given up before it has written anything.
    started = launch(hangs=9, still_s=SOON_S)
    wait_until(lambda: "made again" in started.said(), lambda: "the first is given up", 60)
    with pytest.raises(subprocess.TimeoutExpired):  # the last one is left alone
        started.process.wait(2 * SOON_S)
    first = started.wait_started()[:-2]
    assert alive(first) == []
    started.process.terminate()
    said = "it: the start has done nothing for 1 s; it is made again\n"
    assert started.ended() == (128 + signal.SIGTERM, said)
    assert alive(started.ids()) == []


def test_a_server_that_is_ready_may_do_nothing(launch: Callable[..., Launch]) -> None:
    started = launch(hangs=0, still_s=5)
    wait_until((started.folder / "ready").exists, lambda: "it is ready", 60)
    with pytest.raises(subprocess.TimeoutExpired):
        started.process.wait(0.5)
    started.process.terminate()
    assert started.ended()[0] == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_during_the_start_ends_the_server_and_its_helpers(
    launch: Callable[..., Launch], number: signal.Signals
) -> None:
    started = launch(hangs=9, still_s=NEVER_S)
    started.wait_started()
    started.process.send_signal(number)
    status, said = started.ended()
    assert status in (128 + number, 1)  # 1: Python's own answer to SIGINT
    assert "made again" not in said
    assert alive(started.ids()) == []


def test_a_server_that_does_not_heed_the_signal_is_killed(launch: Callable[..., Launch]) -> None:
    started = launch(hangs=0, still_s=NEVER_S, deaf="deaf")
    started.wait_started()
    started.process.terminate()
    assert started.ended()[0] == 128 + signal.SIGKILL
    assert alive(started.ids()) == []


def test_a_launcher_that_is_killed_takes_the_server_with_it(launch: Callable[..., Launch]) -> None:
    started = launch(hangs=0, still_s=NEVER_S)
    server, helper = started.wait_started()
    started.process.kill()
    started.process.wait()
    wait_until(lambda: alive([server]) == [], lambda: "the server is gone", 10)
    assert alive([helper]) == [helper]  # nobody is left who could end it


def test_a_server_that_ends_by_itself_is_not_started_again(launch: Callable[..., Launch]) -> None:
    started = launch(hangs=0, still_s=NEVER_S)
    server, helper = started.wait_started()
    os.kill(server, signal.SIGABRT)
    assert started.ended() == (128 + signal.SIGABRT, "")
    assert alive([server, helper]) == []
