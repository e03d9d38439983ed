"""The real stack without containers: each line of the Procfile a process that can be killed."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import requests
from similarity_client import Retries, Similarity

from local import environment
from local.descendants import are_stopped, below
from local.process import (
    ROOT,
    START_TIMEOUT_S,
    STOP_TIMEOUT_S,
    NotReady,
    settled,
    sigterm_interrupts,
    stop,
    tail,
    wait_until,
)
from sidecar.settings import Settings

__all__ = ["ANSWER_TIMEOUT_S", "COMMANDS", "ROOT", "Stack", "add_all", "restored", "running"]

ANSWER_TIMEOUT_S = 120
WAIT_S = 2  # for a task to change: less to do for both sides than to ask again and again
CONNECTIONS = 16  # which all reach one of two processes once in 30,000 times
LINES = (ROOT / "Procfile").read_text().splitlines()
COMMANDS = dict(line.split(": ", 1) for line in LINES if not line.startswith("#"))
HTTP_PROCESSES = Settings.model_fields["http_processes"].default
BEGUN = re.compile(r"process (\d+) takes connections")  # as sidecar/http/server.py logs it


class Stack:
    """Triton, Redis, a worker and a sidecar of a test's own, on free ports and in a folder.

    Attributes:
        observers: see each answer that a call gets, before its caller does.
        answer_timeout_s: after which a call, or a client of `client`, waits no longer.
    """

    observers: ClassVar[list[Callable[[requests.Response], None]]] = []
    answer_timeout_s: float = ANSWER_TIMEOUT_S

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        # So few images as the tests have would never be split into lists.
        trained = {"EXACT_SEARCH_MAX": "0"}
        self.env = environment.private(folder) | trained | settings
        self.url = f"http://{self.env['HOST']}:{self.env['PORT']}"
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """Start processes by their names in the Procfile; all without one."""
        sigterm_interrupts()
        for name in names or COMMANDS:
            with (self.folder / f"{name}.log").open("ab") as log:
                self._running[name] = subprocess.Popen(
                    ["/bin/sh", "-c", COMMANDS[name]],
                    cwd=ROOT,
                    env=self.env,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one process alone, and leave it to what that does."""
        process = self._running[name]
        process.send_signal(number)
        self._see_stopped(number, [process.pid])

    def send_all(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process together with its children."""
        pid = self._running[name].pid
        os.killpg(pid, number)
        self._see_stopped(number, [pid, *below(pid)])

    def _see_stopped(self, number: signal.Signals, pids: list[int]) -> None:
        """Waits until processes that were stopped do nothing more: each thread stops when it is
        next run, and on a busy machine others of them answer until then."""
        if number == signal.SIGSTOP:
            wait_until(lambda: are_stopped(pids), lambda: f"{pids} have stopped")

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End one process, as the machine would: with kill -9."""
        process = self._running.pop(name)
        process.send_signal(number)
        process.wait(STOP_TIMEOUT_S)
        self._end_session(process.pid)

    def kill_all(self, name: str) -> None:
        """Kill -9 a process together with its children, all at the same moment."""
        process = self._running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_TIMEOUT_S)

    def stop(self) -> None:
        """Ask all to end, and make sure that they did."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            stop(process)
            self._end_session(process.pid)
        self._running.clear()

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def ended(self, name: str) -> bool:
        return self._running[name].poll() is not None

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def wait_ready(self) -> None:
        """Waits until every process of the sidecar takes connections and is ready. Where others
        have started it, its log is elsewhere: then those are asked that take connections by now.

        Raises:
            NotReady: that takes too long, or a process has ended.
        """

        def is_ready() -> bool:
            if ended := [name for name in self._running if self.ended(name)]:
                raise NotReady(f"{', '.join(ended)} has ended\n{self._logs()}")
            if "sidecar" in self._running and not self._have_all_begun():
                return False
            return all(self.get("/health/ready").ok for _ in range(CONNECTIONS))

        self.wait(is_ready, "/health/ready is ok in every process")

    def _have_all_begun(self) -> bool:
        """Says whether as many processes as are wanted take connections, by the log: one that
        still loads takes none, and can't be asked."""
        begun = set(map(int, BEGUN.findall(self.log("sidecar"))))
        wanted = int(self.env.get("HTTP_PROCESSES") or HTTP_PROCESSES)
        return len(begun.intersection(below(self.pid("sidecar")))) == wanted

    def wait(
        self, condition: Callable[..., object], what: str, timeout_s: float = START_TIMEOUT_S
    ) -> None:
        """Until `condition` holds; the logs are in the failure where it never does."""

        def holds() -> bool:
            try:
                return bool(condition())
            except requests.ConnectionError:
                return False

        wait_until(holds, lambda: f"{what}\n{self._logs()}", timeout_s)

    def _logs(self) -> str:
        logs = {name: self.folder / f"{name}.log" for name in self._running}
        return "\n".join(f"--- {name}\n{tail(log)}" for name, log in logs.items())

    def command(self, *words: str) -> str:
        """Run `python -m sidecar` with the settings of this stack; it must end well."""
        command = [sys.executable, "-m", "sidecar", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def client(self) -> Similarity:
        """Returns a client that tries nothing again, so that one sees each answer; the caller
        closes it."""
        once = Retries(count=0)
        timeout_s = self.answer_timeout_s
        return Similarity(self.url, timeout=timeout_s, retries=once, check_version=False)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        address, timeout_s = self.url + path, self.answer_timeout_s
        answer = requests.request(method, address, timeout=timeout_s, **options)
        for observe in self.observers:
            observe(answer)
        return answer

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, file: bytes | None = None, **options: Any) -> requests.Response:
        files = None if file is None else {"data": file}
        return self.call("POST", path, **{"files": files, **options})

    def finish(self, task_id: str, timeout_s: float = START_TIMEOUT_S) -> dict[str, Any]:
        """Wait for a task and give its last status."""
        last: dict[str, Any] = {}

        def ended() -> bool:
            last.clear()
            last.update(self.get(f"/similarity/status/{task_id}?wait={WAIT_S}").json())
            return bool(last["status"] != "ongoing")

        self.wait(ended, f"task {task_id} ends", timeout_s)
        return last

    def finish_well(self, task_id: str, timeout_s: float = START_TIMEOUT_S) -> dict[str, Any]:
        """Wait for a task, which must end well; the worker's log is in the failure."""
        task = self.finish(task_id, timeout_s)
        assert task["status"] == "ok", f"{task}\n{self.log('worker')[-4000:]}"
        return task

    def run(self, kind: str) -> dict[str, Any]:
        """Ask for a training or an update and wait for it; it must end well."""
        return self.finish_well(self.get(f"/similarity/{kind}").json()["task_id"])

    def inferences(self) -> tuple[int, int]:
        """How many images Triton has embedded, and in how many batches. It counts a moment after
        its answers: the figures are some that stay."""
        return settled(self._inferences)

    def _inferences(self) -> tuple[int, int]:
        port = self.env["TRITON_METRICS_PORT"]
        page = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=ANSWER_TIMEOUT_S).text
        found = [
            re.findall(rf"^nv_inference_{name}{{.*}} (\d+)$", page, re.M)
            for name in ("count", "exec_count")
        ]
        made, batches = (sum(map(int, counts)) for counts in found)
        return made, batches

    @staticmethod
    def _end_session(pid: int) -> None:
        """Whatever a killed parent left behind in its process group."""
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            return


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Stack]:
    """A whole stack that is ready, stopped when the block ends."""
    stack = Stack(folder, **settings)
    try:
        stack.start()
        stack.wait_ready()
        yield stack
    finally:
        stack.stop()


@contextmanager
def restored(backup: Path, folder: Path, **settings: str) -> Iterator[Stack]:
    """A whole stack of one's own, filled from a backup, that is ready.

    A backup is laid out as a volume is, so a copy of it will do where there is no other database.
    """
    shutil.copytree(backup, settings.get("DATA_DIR", folder), dirs_exist_ok=True)
    with running(folder, **settings) as stack:
        yield stack


def add_all(stack: Stack, images: dict[str, bytes]) -> None:
    """Add images from fifty clients at once; every one must be taken."""

    def add(item: tuple[str, bytes]) -> int:
        return stack.post(f"/similarity/add?id={item[0]}", item[1]).status_code

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(add, images.items())) == {200}
