"""A task, as the async client has it."""

from dataclasses import dataclass, field

from similarity_client import calls
from similarity_client.answers import Cancelled, TaskState
from similarity_client.asynchronous.base import AsyncBase
from similarity_client.waiting import OnProgress, waiting


@dataclass(frozen=True, slots=True)
class AsyncTask:
    """A task of the service; `state` is as it was when it was asked for."""

    client: AsyncBase = field(repr=False)
    state: TaskState

    @property
    def task_id(self) -> str:
        """Its id."""
        return self.state.task_id

    async def wait(
        self, progress: OnProgress | None = None, timeout: float | None = None
    ) -> TaskState:
        """Waits until it has ended well, and returns how; as `AsyncSimilarity.wait`."""
        client = self.client
        return await client.take(waiting(self.task_id, client.retries, progress, timeout))

    async def status(self) -> TaskState:
        """Says how it is doing now."""
        return await self.client.ask(calls.status(self.task_id))

    async def cancel(self) -> Cancelled:
        """Stops it; everything stays as it was."""
        return await self.client.ask(calls.cancel(self.task_id))
