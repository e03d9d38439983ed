"""Waits for the end of a task, by calls that answer when it changes."""

import time
from collections.abc import Callable

from similarity_client import calls
from similarity_client.answers import TaskState
from similarity_client.errors import SimilarityError
from similarity_client.exchange import Pause, Steps, exchange
from similarity_client.retry import Retries

LONGEST_S = 30  # that one call waits
SLACK_S = 30.0  # beyond which its answer is late
SHORTEST_S = 0.2  # that lie between two answers: a busy service answers at once

OnProgress = Callable[[TaskState], None]


class TaskFailed(SimilarityError):
    """A task that was waited for has ended badly; `word` says how, such as `cancelled`.

    Args:
        task: as it ended.
    """

    def __init__(self, task: TaskState) -> None:
        super().__init__(task.detail or "", word=task.message, request_id=task.meta.request_id)
        self.task = task

    def __str__(self) -> str:
        return f"{self.task.kind or 'task'} {self.task.task_id}: {super().__str__()}"


def waiting(
    task_id: str, retries: Retries, progress: OnProgress | None, timeout: float | None
) -> Steps[TaskState]:
    """Waits until a task has ended well, and returns how.

    Args:
        progress: is called with each change.
        timeout: seconds; None waits as long as it takes.
    Raises:
        TaskFailed: it has ended badly, or was cancelled.
        TimeoutError: it goes on; nothing happens to the task.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    wait = 0  # the first answer says how things are
    while True:
        asked_at = time.monotonic()
        call = calls.status(task_id, wait=wait, timeout=wait + SLACK_S)
        state = yield from exchange(call, retries)
        if progress is not None:
            progress(state)
        if state.ended:
            break
        left = LONGEST_S if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"task {task_id} goes on after {timeout:g} s: {state.message}")
        wait = min(LONGEST_S, max(1, round(left)))
        pause = asked_at + SHORTEST_S - time.monotonic()
        if pause > 0:
            yield Pause(pause)
    if state.status != "ok":
        raise TaskFailed(state)
    return state
