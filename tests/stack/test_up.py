"""`make up`, as a user types it and ends it with Ctrl-C."""

import os
import re
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from local import photos
from local.process import STOP_TIMEOUT_S
from local.stack import ROOT, Stack

pytestmark = pytest.mark.long


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


def tried(log: str, folder: Path) -> list[str]:
    """What the lines print which `make up` says to try, in a shell of another folder."""
    lines = re.findall(r"^   (\S*/similarity .*)$", log, re.M)
    env = os.environ | {"BROWSER": "true", "XDG_CONFIG_HOME": str(folder)}
    printed = []
    for line in lines:
        done = subprocess.run(
            line, shell=True, cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        printed.append(done.stdout)
    return printed


def seen(stack: Stack, photo: str) -> list[str]:
    """The five keywords that a packaged photo is likeliest given."""
    [file] = [path.read_bytes() for path in photos.packaged() if path.stem == photo]
    concepts = stack.post("/predict/concepts?top_k=5", file).json()["concepts"]
    return [concept["name"] for concept in concepts]


def test_its_lines_work_its_model_sees_a_cat_and_ctrl_c_stops_every_child(tmp_path: Path) -> None:
    stack = Stack(tmp_path)  # only for its ports and its questions
    with (tmp_path / "up.log").open("wb") as log:
        up = subprocess.Popen(
            ["make", "up"], cwd=ROOT, env=stack.env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        stack.wait_ready()
        assert len(processes_of(tmp_path)) >= 8  # make, honcho, sidecars, worker, Redis, Triton
        _, search, show = tried((tmp_path / "up.log").read_text(), tmp_path)
        assert search.split()[:2] == ["0.0000", "chelsea"]
        assert show == f"url\t{stack.url}/ui/\n"
        assert stack.get("/similarity/stats").json()["images"] > 10
        names = seen(stack, "chelsea")
        assert len(names) == 5
        assert any("cat" in name or "tabby" in name for name in names), names
    finally:
        os.killpg(up.pid, signal.SIGINT)
        up.wait(STOP_TIMEOUT_S)
    assert processes_of(tmp_path) == []
