"""A load that a server which came late, or lost a version, is asked for: in a thread, since it may
take minutes."""

import logging
import threading
import time

from sidecar.errors import FeaturesUnavailable
from sidecar.models.triton.endpoint import Endpoint

log = logging.getLogger(__name__)


class LateLoad:
    """Has one server load what it lacks.

    Args:
        address: of the server, for the log.
        endpoint: a connection for this alone: `stop` closes it.
    """

    def __init__(self, address: str, endpoint: Endpoint) -> None:
        """Starts at once."""
        self._address = address
        self._endpoint = endpoint
        self._ended_at: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"load {address}", daemon=True)
        self._thread.start()

    def ended_before(self, seconds: float) -> bool:
        """Returns whether it ended so long ago, or longer."""
        return self._ended_at is not None and time.monotonic() - self._ended_at >= seconds

    def stop(self) -> None:
        """Ends the wait for the server, which may go on loading, and the thread."""
        self._endpoint.close()
        self._thread.join()

    def _run(self) -> None:
        try:
            log.warning("Triton at %s lacks a version: asking it to load it", self._address)
            answer = self._endpoint.load()
            if answer:
                log.warning("Triton at %s: %s", self._address, answer)
        except FeaturesUnavailable as error:
            log.warning("%s", error)
        finally:
            self._ended_at = time.monotonic()
