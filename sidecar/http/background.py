"""Starts and stops what a process of the sidecar has besides its requests."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event

from sidecar.periodic import Periodic

log = logging.getLogger(__name__)

JOIN_TIMEOUT_S = 10.0  # for all threads together; one that hangs for longer ends with the process


@dataclass(frozen=True)
class Background:
    """Owns everything that is opened or started.

    Args:
        opens: opens what requests and periodics need.
        periodics: run from `start` to `stop`.
        closes: close what was opened, in this order, each even where another fails.
        stopping: set some seconds after the process was asked to stop: it ends what may take hours.
    """

    opens: Callable[[], object]
    periodics: Sequence[Periodic]
    closes: Sequence[Callable[[], object]]
    stopping: Event = field(default_factory=Event)

    def start(self) -> None:
        """Opens and starts everything; called after the fork. Errors are those of `opens`."""
        self.opens()
        for periodic in self.periodics:
            periodic.start()

    def stop(self) -> None:
        """Ends everything, also after a `start` that failed half-way, and leaves no thread."""
        for periodic in self.periodics:
            periodic.stop()
        with ExitStack() as stack:
            for close in reversed(self.closes):
                stack.callback(close)
            self._join()

    def _join(self) -> None:
        deadline = time.monotonic() + JOIN_TIMEOUT_S
        ended = [each.join(max(0.0, deadline - time.monotonic())) for each in self.periodics]
        if not all(ended):
            log.warning("a background thread did not end within %g s: left behind", JOIN_TIMEOUT_S)
