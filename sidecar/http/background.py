"""What a process of the sidecar has besides its requests, from its start to its end."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from sidecar.periodic import Periodic

log = logging.getLogger(__name__)

LAST_ROUND_S = 10.0  # for the rounds in hand; a thread that hangs for longer ends with the process


@dataclass(frozen=True)
class Background:
    """Owns all that is started or opened.

    Args:
        opens: opens what requests and rounds stand on.
        rounds: run meanwhile.
        closes: end what was opened, the last to be closed at the end.
    """

    opens: Callable[[], object]
    rounds: Sequence[Periodic]
    closes: Sequence[Callable[[], object]]

    def start(self) -> None:
        """Opens and starts all, after the fork; errors are those of `opens`."""
        self.opens()
        for each in self.rounds:
            each.start()

    def stop(self) -> None:
        """Ends all, also where `start` failed half-way; when it returns no thread is left."""
        for each in self.rounds:
            each.stop()
        with ExitStack() as stack:
            for close in reversed(self.closes):
                stack.callback(close)
            self._join()

    def _join(self) -> None:
        ends = time.monotonic() + LAST_ROUND_S
        ended = [each.join(max(0.0, ends - time.monotonic())) for each in self.rounds]
        if not all(ended):
            log.warning("a round has not ended within %g s: it is given up", LAST_ROUND_S)
