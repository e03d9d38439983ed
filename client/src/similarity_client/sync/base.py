"""What the sync client does with a call: it takes its steps one by one, and waits itself."""

import threading
from typing import Self, TypeVar

from similarity_client import calls, version
from similarity_client.driving import drive
from similarity_client.errors import SimilarityError
from similarity_client.exchange import Steps, Watch, exchange
from similarity_client.request import Request
from similarity_client.retry import Retries
from similarity_client.settings import settings
from similarity_client.wire import Wire

T = TypeVar("T")


class Base:
    """A client that makes calls as `calls` describes them; many threads may use it at once.

    Args:
        url: of the service; by itself SIMILARITY_URL, or else http://127.0.0.1:5000.
        key: an API key; by itself SIMILARITY_KEY, or none.
        timeout: seconds in which something has to come, in each attempt.
        retries: how often a call is sent again.
        check_version: whether a service that is newer than this client gives a warning, after the
            first call.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        timeout: float = 60.0,
        *,
        retries: Retries | None = None,
        check_version: bool = True,
    ) -> None:
        self.settings = settings(url, key, timeout)
        self.retries = retries or Retries()
        self._wire = Wire(self.settings)
        self._unchecked = check_version
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes all connections."""
        self._wire.close()

    def ask(self, request: Request[T], watch: Watch | None = None) -> T:
        """Makes a call.

        Args:
            watch: sees what comes of each attempt.
        """
        answer = self.take(exchange(request, self.retries, watch))
        self.check_version()
        return answer

    def take(self, steps: Steps[T]) -> T:
        """Takes the steps of a call to its end."""
        return drive(steps, self._wire.send)

    def check_version(self) -> None:
        """Warns where the service is newer, once, unless that is switched off."""
        if not self._unchecked:
            return
        with self._lock:
            if not self._unchecked:
                return
            self._unchecked = False
        try:
            served = self.take(exchange(calls.version(), Retries(count=0)))
        except SimilarityError:
            return  # what the caller asked for was answered
        version.warn(served.version, served.api)
