"""A server of one's own: it is there when it is ready, and gone when the block has ended."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from local import process
from local.descendants import are_stopped
from local.process import ROOT, NotReady, Start, running, wait_until

READY = "import pathlib, time; print('hello', flush=True); pathlib.Path({file!r}).touch(); "


def start(folder: Path, then: str) -> Start:
    file = folder / "ready"
    command = [sys.executable, "-c", READY.format(file=str(file)) + then]
    return Start(command, folder / "log", file.exists)


def test_a_process_runs_from_when_it_is_ready_to_the_end_of_the_block(tmp_path: Path) -> None:
    with running(start(tmp_path, "time.sleep(600)")) as server:
        assert (tmp_path / "log").read_text() == "hello\n"
        assert server.poll() is None
    assert server.returncode == -signal.SIGTERM


def test_one_that_ends_by_itself_is_reported_with_its_log(tmp_path: Path) -> None:
    failing = Start([sys.executable, "-c", "raise SystemExit('no disk')"], tmp_path / "log", bool)
    with pytest.raises(NotReady, match=r"has ended\nno disk"), running(failing):
        pass


def test_what_never_comes_is_named() -> None:
    with pytest.raises(NotReady, match=r"waited 1 s in vain until it is so"):
        wait_until(lambda: False, lambda: "it is so", timeout_s=1)


def test_one_that_does_not_listen_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STOP_TIMEOUT_S", 1)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    starting = start(tmp_path, "time.sleep(600)")
    command = [*starting.command[:2], deaf + starting.command[2]]
    with running(Start(command, starting.log, starting.ready)) as server:
        pass
    assert server.returncode == -signal.SIGKILL


OWNER = """
import sys, time
from pathlib import Path
from local.process import Start, running
from local.stack import Stack

folder = Path(sys.argv[1])
with running(Start(["sleep", "600"], folder / "log", lambda: True)) as one:
    stack = Stack(folder)
    try:
        stack.start("redis")
        print(one.pid, stack.pid("redis"), flush=True)
        time.sleep(600)
    finally:
        stack.stop()
"""


def test_what_a_process_has_started_ends_with_it_when_it_is_asked_to_end(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        started = [int(pid) for pid in owner.stdout.readline().split()]
        owner.terminate()
    assert len(started) == 2
    assert not any(psutil.pid_exists(pid) for pid in started)


def test_one_of_many_threads_is_stopped_when_all_of_them_are(tmp_path: Path) -> None:
    threads = "import threading; [threading.Thread(target=time.sleep, args=(600,), daemon=True)"
    with running(start(tmp_path, f"{threads}.start() for _ in range(8)]; time.sleep(600)")) as one:
        assert not are_stopped([one.pid])
        one.send_signal(signal.SIGSTOP)
        wait_until(lambda: are_stopped([one.pid]), lambda: "it has stopped", timeout_s=10)
        one.send_signal(signal.SIGCONT)
        wait_until(lambda: not are_stopped([one.pid]), lambda: "it goes on", timeout_s=10)
    assert are_stopped([one.pid])  # it has ended
