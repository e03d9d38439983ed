"""A server of one's own as a process: started, waited for until it is ready, stopped at the end."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ROOT = Path(__file__).parent.parent
# Far more than any of it takes: a machine may be busy.
START_TIMEOUT_S = 300
STOP_TIMEOUT_S = 60
POLL_S = 0.1
TAIL = 4000  # characters of a log that an error carries


class NotReady(Exception):
    """What was waited for did not come; the text has the end of the log."""


@dataclass(frozen=True)
class Start:
    """How a server is started, and how one knows that it is ready.

    Args:
        command: the program and its arguments.
        log: the file that takes all it says.
        ready: whether it is; asked again and again.
        env: its environment; None is that of this process.
        cwd: the folder that it runs in.
        user: whom it runs as; None is whoever starts it.
        stop: the signal that ends it.
    """

    command: Sequence[str]
    log: Path
    ready: Callable[[], bool]
    env: Mapping[str, str] | None = None
    cwd: Path = ROOT
    user: str | None = None
    stop: signal.Signals = signal.SIGTERM


def sigterm_interrupts() -> None:
    """Has SIGTERM do what Ctrl-C does from now on: what this process has started ends with it, and
    would be left behind. A handler that is set already stays; threads other than the main one can
    set none."""
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def running(start: Start) -> Iterator[subprocess.Popen[bytes]]:
    """The process, ready; it has ended when the block ends.

    Raises:
        NotReady: it ended by itself, or was not ready in time.
    """
    sigterm_interrupts()
    with start.log.open("ab") as log:
        process = subprocess.Popen(
            start.command, cwd=start.cwd, env=start.env, user=start.user, stdout=log, stderr=log
        )
    try:

        def is_ready() -> bool:
            if process.poll() is not None:
                raise NotReady(f"{start.command[0]} has ended\n{tail(start.log)}")
            return start.ready()

        wait_until(is_ready, lambda: f"{start.command[0]} is ready\n{tail(start.log)}")
        yield process
    finally:
        stop(process, start.stop)


def wait_until(
    condition: Callable[[], bool], what: Callable[[], str], timeout_s: float = START_TIMEOUT_S
) -> None:
    """Returns when the condition holds.

    Raises:
        NotReady: it does not within the time; the text says what was waited for.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise NotReady(f"waited {timeout_s:.0f} s in vain until {what()}")
        time.sleep(POLL_S)


def stop(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> None:
    """Asks a process to end, and kills it where it does not within `STOP_TIMEOUT_S`."""
    process.send_signal(number)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def tail(log: Path) -> str:
    """The end of a log."""
    return log.read_text(errors="replace")[-TAIL:]


def settled(read: Callable[[], T], apart_s: float = 0.3) -> T:
    """Returns what is read when it stays: some programs count a moment after they answer."""
    seen = read()
    while True:
        time.sleep(apart_s)
        now = read()
        if now == seen:
            return now
        seen = now
