"""The life sign of a running task: it prolongs the lease and tells how far the work is."""

import logging
import threading
from types import TracebackType

from sidecar.catalogue import Progress, Task, Tasks
from sidecar.errors import CatalogueUnavailable, TaskLost

log = logging.getLogger(__name__)

INTERVAL_S = 0.5


class Heartbeat:
    """A thread that writes to the task's row while the work goes on beside it."""

    def __init__(self, tasks: Tasks, task: Task) -> None:
        self._tasks = tasks
        self._task = task
        self._told: tuple[str, float, Progress | None] = (task.phase, 0.0, None)
        self._lost: TaskLost | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def report(self, phase: str, progress: float, figures: Progress | None = None) -> None:
        """Tell how far the work is; cheap enough to call often.

        Args:
            figures: what else its status shall show meanwhile.
        Raises:
            TaskLost: the task was cancelled or given away, and the work is in vain.
        """
        self._told = (phase, progress, figures)
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
                self._tasks.renew(self._task, *self._told)
            except TaskLost as error:
                self._lost = error
                return
            except CatalogueUnavailable as error:
                log.warning("no life sign of task %s this time: %s", self._task.task_id, error)
