"""Whether each part that the service stands on answers, and answers soon."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from sidecar.catalogue import Images
from sidecar.errors import QueueUnavailable, SimilarityError
from sidecar.models.registry import ModelRegistry
from sidecar.tasks.queue import TaskQueue

SOON_S = 3.0  # Prometheus and whoever balances load wait not much longer; Redis has two of them
AT_ONCE = 8


@dataclass(frozen=True)
class Health:
    """Asks them all at once, and waits for none that hangs; its threads end with `close`."""

    images: Images
    models: ModelRegistry
    deliveries: TaskQueue
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "health")
    )

    def parts(self) -> dict[str, str]:
        """Each part with "ok" or, in a sentence, what is wrong with it."""
        checks: dict[str, Callable[[], object]] = {
            "catalogue": self.images.last_added,
            "triton": self.models.check,
            "queue": self._check_workers,
        }
        deadline = time.monotonic() + SOON_S
        asked = {name: self._threads.submit(_state, check) for name, check in checks.items()}
        return {name: _answer(state, deadline) for name, state in asked.items()}

    def workers(self) -> int:
        """How many give life signs. Raises QueueUnavailable: Redis is away, or slow."""
        try:
            return self._threads.submit(self.deliveries.workers).result(SOON_S)
        except TimeoutError as error:
            raise QueueUnavailable(f"Redis: no answer within {SOON_S:g} s") from error

    def close(self) -> None:
        """Ends the threads; a part that hangs has a time limit of its own."""
        self._threads.shutdown(cancel_futures=True)

    def _check_workers(self) -> None:
        if self.deliveries.workers() == 0:
            raise QueueUnavailable("no worker listens for tasks")


def _state(check: Callable[[], object]) -> str:
    try:
        check()
    except SimilarityError as error:
        return f"{error.word}: {error}"
    return "ok"


def _answer(state: Future[str], deadline: float) -> str:
    try:
        return state.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        return f"no answer within {SOON_S:g} s"
