"""A task, as the sync client has it."""

from dataclasses import dataclass, field

from similarity_client import calls
from similarity_client.answers import Cancelled, TaskState
from similarity_client.sync.base import Base
from similarity_client.waiting import OnProgress, waiting


@dataclass(frozen=True, slots=True)
class Task:
    """A task of the service; `state` is as it was when it was asked for."""

    client: Base = field(repr=False)
    state: TaskState

    @property
    def task_id(self) -> str:
        """Its id."""
        return self.state.task_id

    def wait(self, progress: OnProgress | None = None, timeout: float | None = None) -> TaskState:
        """Waits until it has ended well, and returns how; as `Similarity.wait`."""
        client = self.client
        return client.take(waiting(self.task_id, client.retries, progress, timeout))

    def status(self) -> TaskState:
        """Says how it is doing now."""
        return self.client.ask(calls.status(self.task_id))

    def cancel(self) -> Cancelled:
        """Stops it; everything stays as it was."""
        return self.client.ask(calls.cancel(self.task_id))
