"""The heartbeat of a running task: it prolongs the lease, and writes down how far the work is."""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from sidecar.catalogue import Progress, Task, Tasks
from sidecar.errors import SimilarityError, TaskLost

log = logging.getLogger(__name__)

INTERVAL_S = 0.5


class Report(Protocol):
    """Reports how far a task is: its phase, and its progress from 0 to 1.

    Args:
        figures: what else its status shows meanwhile.
    Raises:
        TaskLost: the task was cancelled or given to another attempt, so the work is in vain.
    """

    def __call__(self, phase: str, progress: float, figures: Progress | None = None) -> None: ...


def scaled(report: Report, start: float, end: float) -> Callable[[str, float], None]:
    """Returns a report for a part of a task, whose own progress goes from `start` to `end`."""

    def part(phase: str, progress: float) -> None:
        report(phase, start + (end - start) * progress)

    return part


class Heartbeat:
    """A thread that writes to the task's row while the work goes on beside it."""

    def __init__(self, tasks: Tasks, task: Task) -> None:
        self._tasks = tasks
        self._task = task
        self._latest: tuple[str, float, Progress | None] = (task.phase, 0.0, None)
        self._lost: TaskLost | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def report(self, phase: str, progress: float, figures: Progress | None = None) -> None:
        """Reports how far the work is, as `Report` says; cheap enough to call often."""
        self._latest = (phase, progress, figures)
        if self._lost is not None:
            raise self._lost

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stopping.wait(INTERVAL_S):
            try:
                self._tasks.renew(self._task, *self._latest)
            except TaskLost as error:
                self._lost = error
                return
            except SimilarityError as error:  # the database is away, or its volume full
                log.warning("a heartbeat of task %s failed: %s", self._task.task_id, error)
            except Exception:  # whatever it was, a worker without a heartbeat loses its task
                log.exception("a heartbeat of task %s failed", self._task.task_id)
