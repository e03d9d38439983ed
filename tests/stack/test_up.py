"""`make up`, as a user types it and ends it with Ctrl-C."""

import os
import signal
import subprocess
from pathlib import Path

import psutil

from local.process import STOP_TIMEOUT_S
from local.stack import ROOT, Stack


def processes_of(folder: Path) -> list[str]:
    """Every process on this machine whose state lies in this folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("DATA_DIR") == str(folder):
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_ctrl_c_stops_every_child(tmp_path: Path) -> None:
    stack = Stack(tmp_path)  # only for its ports and its questions
    with (tmp_path / "up.log").open("wb") as log:
        up = subprocess.Popen(
            ["make", "up"], cwd=ROOT, env=stack.env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        stack.wait_ready()
        assert len(processes_of(tmp_path)) >= 8  # make, honcho, sidecars, worker, Redis, Triton
    finally:
        os.killpg(up.pid, signal.SIGINT)
        up.wait(STOP_TIMEOUT_S)
    assert processes_of(tmp_path) == []
