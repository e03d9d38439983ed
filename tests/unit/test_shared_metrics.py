"""Files of metrics: of processes that have ended few are left, and of services killed none."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.stack import ROOT
from sidecar.telemetry import multiprocess

PROCESSES = 50

# A service of many short processes, one after the other; a thread scrapes all the while, and each
# process is followed by a scrape that began while it lived or later.
RELOADS = """
import os, re, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from sidecar.telemetry import multiprocess

multiprocess.MEMORY = Path(sys.argv[1])
with multiprocess.share():
    from sidecar.telemetry import counters, exposition
    seen, stop = [], threading.Event()
    total = re.compile(rb'^similarity_http_requests_total{.*} ([0-9.]+)$', re.M)
    def scrape():
        while not stop.is_set():
            seen.append(sum(map(float, total.findall(exposition.page(lambda: [])))))
            time.sleep(0.01)
    for n in range(int(sys.argv[2])):
        pid = os.fork()
        if pid == 0:
            for _ in range(4):
                counters.request_begins()
            for _ in range(3):
                counters.request_ends("GET", "/one", 200, 0.01, {"decode": 0.002})
            os._exit(0)
        os.waitpid(pid, 0)
        if n == 0:
            scraping = ThreadPoolExecutor().submit(scrape)
        multiprocess.process_ended(pid)
        before = len(seen)
        while len(seen) == before and not scraping.done():
            time.sleep(0.001)
    stop.set()
    scraping.result()
    folder = Path(os.environ[multiprocess.FOLDER])
    print(len(list(folder.glob("*.db"))))
    print(seen == sorted(seen), len(seen) >= int(sys.argv[2]))
    print(exposition.page(lambda: []).decode())
"""

# A service that waits to be killed, with a child that outlives it for a moment.
WAITS = """
import os, sys, time
from pathlib import Path
from sidecar.telemetry import multiprocess

multiprocess.MEMORY = Path(sys.argv[1])
with multiprocess.share():
    child = os.fork()
    if child:
        print(os.environ[multiprocess.FOLDER], child, flush=True)
    time.sleep(600)
"""


def value(page: str, name: str) -> float:
    [found] = re.findall(rf"^{re.escape(name)} ([0-9.e+-]+)$", page, re.MULTILINE)
    return float(found)


def test_fifty_processes_leave_few_files_and_nothing_that_was_counted_is_lost(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", RELOADS, str(tmp_path), f"{PROCESSES}"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    files, never_back, page = ran.stdout.split("\n", 2)
    assert int(files) <= 8
    assert never_back == "True True"
    labels = '{method="GET",route="/one",status="200"}'
    assert value(page, f"similarity_http_requests_total{labels}") == 3 * PROCESSES
    seconds = "similarity_http_request_duration_seconds"
    assert value(page, f'{seconds}_count{{route="/one"}}') == 3 * PROCESSES
    assert value(page, f'{seconds}_bucket{{le="0.01",route="/one"}}') == 3 * PROCESSES
    assert value(page, f'{seconds}_bucket{{le="0.005",route="/one"}}') == 0
    assert value(page, f'{seconds}_sum{{route="/one"}}') == pytest.approx(0.03 * PROCESSES)
    assert "in_hand 0.0" in page or "in_hand " not in page
    assert list(tmp_path.iterdir()) == []


def test_a_scrape_passes_over_a_file_that_a_process_is_just_making(tmp_path: Path) -> None:
    being_made = """
with multiprocess.share():
    from sidecar.telemetry import counters, exposition
    counters.request_begins()
    (Path(os.environ[multiprocess.FOLDER]) / "counter_1.db").touch()
    print(exposition.page(lambda: []).decode())
"""
    head = "import os, sys\nfrom pathlib import Path\nfrom sidecar.telemetry import multiprocess\n"
    head += "multiprocess.MEMORY = Path(sys.argv[1])\n"
    command = [sys.executable, "-c", head + being_made, str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "similarity_" in ran.stdout


@contextmanager
def service(memory: Path) -> Iterator[tuple[Path, int, subprocess.Popen[str]]]:
    command = [sys.executable, "-c", WAITS, str(memory)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder, child = process.stdout.readline().split()
    try:
        yield Path(folder), int(child), process
    finally:
        for pid in (int(child), process.pid):
            if process.returncode is None or pid != process.pid:
                _kill(pid)
        process.wait()
        process.stdout.close()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_folders_of_killed_services_are_swept_and_no_others(tmp_path: Path) -> None:
    being_made = tmp_path / f"{multiprocess.PREFIX}new"
    being_made.mkdir()
    with service(tmp_path) as (living, _, _), service(tmp_path) as (folder, child, process):
        process.kill()
        process.wait()
        multiprocess.sweep(tmp_path)
        assert folder.exists()  # its child still counts there
        _kill(child)
        deadline = time.monotonic() + 20
        while folder.exists():
            assert time.monotonic() < deadline
            multiprocess.sweep(tmp_path)
            time.sleep(0.05)
        assert living.exists()
        assert being_made.exists()
