"""What the async client does with a call: as the sync one, but that it gives way while it waits."""

import asyncio
from typing import Self, TypeVar

from similarity_client import calls, version
from similarity_client.errors import SimilarityError
from similarity_client.exchange import Outcome, Send, Steps, Watch, exchange
from similarity_client.request import Request
from similarity_client.retry import Retries
from similarity_client.settings import settings
from similarity_client.wire import AsyncWire

T = TypeVar("T")


class AsyncBase:
    """A client that makes calls as `calls` describes them, of one event loop.

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
        self._wire = AsyncWire(self.settings)
        self._unchecked = check_version

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes all connections."""
        await self._wire.close()

    async def ask(self, request: Request[T], watch: Watch | None = None) -> T:
        """Makes a call.

        Args:
            watch: sees what comes of each attempt.
        """
        answer = await self.take(exchange(request, self.retries, watch))
        await self.check_version()
        return answer

    async def take(self, steps: Steps[T]) -> T:
        """Takes the steps of a call to its end."""
        outcome: Outcome | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                answer: T = end.value
                return answer
            outcome = None
            if isinstance(step, Send):
                outcome = await self._wire.send(step)
            else:
                await asyncio.sleep(step.seconds)

    async def check_version(self) -> None:
        """Warns where the service is newer, once, unless that is switched off."""
        if not self._unchecked:
            return
        self._unchecked = False
        try:
            served = await self.take(exchange(calls.version(), Retries(count=0)))
        except SimilarityError:
            return  # what the caller asked for was answered
        version.warn(served.version, served.api)
