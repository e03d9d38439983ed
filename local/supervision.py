"""Runs a server as a child: one whose start hangs is started again, and nothing outlives it.

    launcher ──► server ──► its helpers, which may outlive it

A signal that asks the launcher to end goes on to the server. What is left of it then is killed. A
launcher that is killed takes the server with it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from local import descendants

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
POLL_S = 0.2


@dataclass(frozen=True)
class Watched:
    """A server, and how one knows that it has started or never will.

    Args:
        name: of the launcher, for its messages.
        command: the program and its arguments.
        env: its environment.
        is_ready: whether it has started; asked again and again until it has.
        still_s: seconds without work after which a start hangs.
        work: seconds of processor time a second that are work; an idle server takes less.
        tries: starts; the last is left alone, however long it takes.
        stop_s: seconds from a signal to the end, or the server is killed.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    is_ready: Callable[[], bool]
    still_s: float = 30
    work: float = 0.003
    tries: int = 3
    stop_s: float = 40


class Supervisor:
    """Runs one server to its end."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._server: subprocess.Popen[bytes] | None = None
        self._is_ending = False

    def run(self) -> int:
        """Returns the server's exit status, or 128 and the number of the signal that ended it."""
        descendants.adopt_orphans()
        signal.signal(signal.SIGALRM, self._out_of_time)
        for number in ENDING:
            signal.signal(number, self._pass_on)
        try:
            for _ in range(self._watched.tries - 1):
                server = self._start()
                if not self._hangs(server):
                    return _status(server)
                print(
                    f"{self._watched.name}: the start has done nothing for "
                    f"{self._watched.still_s:g} s; it is made again",
                    file=sys.stderr,
                    flush=True,
                )
                descendants.end_all()
            return _status(self._start())
        finally:
            descendants.end_all()

    def _start(self) -> subprocess.Popen[bytes]:
        parent = os.getpid()
        self._server = subprocess.Popen(
            self._watched.command,
            env=self._watched.env,
            preexec_fn=lambda: descendants.die_with(parent),
        )
        if self._is_ending:  # the signal came while there was no server
            self._server.terminate()
        return self._server

    def _hangs(self, server: subprocess.Popen[bytes]) -> bool:
        """Returns whether the start does no work; returns as soon as that is decided."""
        since, done = time.monotonic(), 0.0
        while server.poll() is None and not self._is_ending and not self._watched.is_ready():
            now = time.monotonic()
            total = descendants.processor_s([server.pid, *descendants.below(server.pid)])
            # It is less than before when a helper has ended.
            if abs(total - done) > (now - since) * self._watched.work:
                since, done = now, total
            elif now - since > self._watched.still_s:
                return True
            time.sleep(POLL_S)
        return False

    def _pass_on(self, number: int, _: FrameType | None) -> None:
        """Hands a signal to the server, which has a limited time from the first one on."""
        if not self._is_ending:
            self._is_ending = True
            signal.setitimer(signal.ITIMER_REAL, self._watched.stop_s)
        if self._server is not None:
            self._server.send_signal(number)

    def _out_of_time(self, _: int, __: FrameType | None) -> None:
        if self._server is not None:
            self._server.kill()


def _status(server: subprocess.Popen[bytes]) -> int:
    status = server.wait()
    return status if status >= 0 else 128 - status
