"""What a process does every so often, beside its requests."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Periodic:
    """Does something every so often, in a thread of its own, until it is stopped.

    No error of a round ends the rounds: a process that answers while its background is dead looks
    well and is not. An expected error is a line in the log; any other comes with its traceback.
    """

    def __init__(
        self,
        name: str,
        act: Callable[[], object],
        every_s: float,
        expected: tuple[type[Exception], ...],
        level: int = logging.WARNING,
    ) -> None:
        """Nothing happens before `start`.

        Args:
            name: of the thread.
            act: one round.
            every_s: seconds between the end of a round and the next; and before the first.
            expected: errors that the next round may not meet.
            level: of the log, for these.
        """
        self._act = act
        self._every_s = every_s
        self._expected = expected
        self._level = level
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins; once."""
        self._thread.start()

    def stop(self) -> None:
        """Lets the round in hand be the last; `join` waits for its end."""
        self._over.set()

    def join(self, timeout_s: float) -> bool:
        """Waits, and says whether the thread has ended (or never began)."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                self._act()
            except self._expected as error:
                log.log(self._level, "%s", error)
            except Exception:
                log.exception("a round of the %s failed", self._thread.name)
