"""A server that a test kills, as a crash of its machine does, and starts again."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from local.descendants import below
from local.process import NotReady, Start, running, wait_until

TIMEOUT_S = 60.0  # for which what a killed one held may keep the next one from starting


class Restartable:
    """One server, from `restartable`; it runs at first."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._life = ExitStack()
        self.start()

    def start(self) -> None:
        """Starts it, and returns when it is ready."""
        wait_until(self._starts, lambda: f"{self._start.command[0]} starts again", TIMEOUT_S)

    def kill(self) -> None:
        """Kills it with all that it has started; returns when it has ended."""
        for pid in (self._process.pid, *below(self._process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.end()

    def end(self) -> None:
        """Ends it, if it runs."""
        self._life.close()

    def _starts(self) -> bool:
        try:
            self._process = self._life.enter_context(running(self._start))
        except NotReady:
            return False
        return True


@contextmanager
def restartable(start: Start) -> Iterator[Restartable]:
    """Runs a server that may be killed; it has ended when the block ends."""
    server = Restartable(start)
    try:
        yield server
    finally:
        server.end()
