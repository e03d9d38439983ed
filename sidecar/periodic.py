"""Runs what a process does at intervals, beside its requests."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Periodic:
    """Runs a round at an interval, in a thread of its own, until it is stopped.

    No error ends the rounds: a process that answers while its background is dead looks healthy and
    is not. An expected error is a line in the log; any other comes with its traceback.
    """

    def __init__(
        self,
        name: str,
        act: Callable[[], object],
        every_s: float,
        expected: tuple[type[Exception], ...],
        level: int = logging.WARNING,
    ) -> None:
        """Does nothing before `start`.

        Args:
            name: of the thread.
            act: runs one round.
            every_s: seconds before the first round, and from the end of each to the next.
            expected: errors that may be gone by the next round.
            level: at which these are logged.
        """
        self._act = act
        self._every_s = every_s
        self._expected = expected
        self._level = level
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Starts the thread; to be called once."""
        self._thread.start()

    def stop(self) -> None:
        """Makes the running round the last; `join` waits for its end."""
        self._stopped.set()

    def join(self, timeout_s: float) -> bool:
        """Waits, and returns whether the thread has ended or was never started."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            try:
                self._act()
            except self._expected as error:
                log.log(self._level, "%s", error)
            except Exception:
                log.exception("a round of the %s failed", self._thread.name)
