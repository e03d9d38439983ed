"""The answers about tasks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from similarity_client.answers.meta import NO_META, Meta


@dataclass(frozen=True, slots=True)
class TaskState:
    """How a task is doing, or how it ended.

    Args:
        status: `ongoing`, `ok` or `error`.
        message: what it does, or the word of its error.
        kind: such as `train`; None in the answer that begins it, as are the times.
        created_at, finished_at: seconds since 1970.
        progress: from 0 to 1.
        detail: what went wrong, in a sentence.
        version: of the model, where the task is about one.
        generation, images: of the index that it made.
        report: all else that the task says, such as `recall_at_10` or `eta_s`.
    """

    task_id: str
    status: str
    message: str
    kind: str | None = None
    created_at: float | None = None
    finished_at: float | None = None
    progress: float | None = None
    phase: str | None = None
    detail: str | None = None
    version: int | None = None
    generation: int | None = None
    images: int | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    meta: Meta = NO_META

    @property
    def ended(self) -> bool:
        """Whether it waits and runs no more."""
        return self.status != "ongoing"


@dataclass(frozen=True, slots=True)
class TaskList:
    """The newest tasks, the newest first."""

    tasks: tuple[TaskState, ...]
    meta: Meta


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A task that was cancelled: everything stays as it was."""

    task_id: str
    meta: Meta
