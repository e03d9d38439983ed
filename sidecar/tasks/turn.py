"""The turn of a long task: it lets a training or an update go first, then has a while of its own.

Without that while, updates requested back to back would put an upgrade off without end.
"""

import time
from dataclasses import dataclass, field

from sidecar.catalogue import Task, Tasks
from sidecar.errors import TaskWaits

TURN_S = 60.0  # that an overtaken task runs before another may go first


@dataclass(frozen=True)
class Turn:
    """The turn of one attempt at a long task; it begins when this is made."""

    tasks: Tasks
    task: Task
    _began: float = field(default_factory=time.monotonic)

    def may_end(self) -> None:
        """Ends the turn where a training or an update waits and may go first, or another task that
        this one makes way for.

        Raises:
            TaskWaits: it goes first; this task goes on afterwards where it was.
        """
        if self.task.overtaken and time.monotonic() - self._began < TURN_S:
            return
        if self.tasks.make_way(self.task):
            raise TaskWaits(f"{self.task.kind} {self.task.task_id} lets others go first")
