"""Work that costs little more for many than for one, done once for all that ask at the same time.

Whoever comes first leads: it does the work for itself and for those that have come meanwhile; the
first of those that come later leads next. So nobody ever waits for company, and under load groups
form by themselves (group commit, DeWitt et al. 1984).
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

from sidecar.telemetry import counters, timings

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
Work = Callable[[list[Item]], Sequence[Outcome | Exception]]


@dataclass
class _Waiting(Generic[Item, Outcome]):
    """An item in the queue; its turn comes when it leads (True) or when it is done (False)."""

    item: Item
    turn: Future[bool] = field(default_factory=Future)
    outcome: Outcome | BaseException | None = None
    began: float = 0.0


class Batcher(Generic[Item, Outcome]):
    """Joins what concurrent threads ask for.

    Args:
        name: of the work among a request's timings.
        work: does it for a list of items, and gives for each its outcome or its error; what it
            raises is every item's error.
        most: items at once.
        groups: that may be worked on side by side.
    """

    def __init__(self, name: str, work: Work[Item, Outcome], most: int, groups: int = 1) -> None:
        self._name = name
        self._work = work
        self._most = most
        self._free = groups
        self._queue: deque[_Waiting[Item, Outcome]] = deque()
        self._lock = threading.Lock()  # of the queue and of how many are free

    @property
    def waiting(self) -> int:
        """How many items wait for a group."""
        return len(self._queue)

    def ask(self, item: Item) -> Outcome:
        """Have the work done for an item; raises its error."""
        asked = time.perf_counter()
        waiting: _Waiting[Item, Outcome] = _Waiting(item)
        with self._lock:
            leads = self._free > 0
            if leads:
                self._free -= 1
            else:
                self._queue.append(waiting)
        if leads or waiting.turn.result():
            self._lead(waiting)
        timings.note("queue", waiting.began - asked)
        timings.note(self._name, time.perf_counter() - waiting.began)
        if isinstance(waiting.outcome, BaseException):
            raise waiting.outcome
        return cast(Outcome, waiting.outcome)

    def _lead(self, own: _Waiting[Item, Outcome]) -> None:
        """Work for all that wait, hand over, and tell them.

        Each waits for its own turn. Were it for a lock, those whose work is done would stand in
        line for it too, and whoever came first would work alone: that was five times slower.
        """
        with self._lock:
            others = [self._queue.popleft() for _ in range(min(len(self._queue), self._most - 1))]
        group = [own, *others]
        counters.group(self._name, len(group))
        began = time.perf_counter()
        outcomes: Sequence[Outcome | BaseException]
        try:
            outcomes = self._work([waiting.item for waiting in group])
        except BaseException as error:
            outcomes = [error] * len(group)
        self._hand_over()
        for waiting, outcome in zip(group, outcomes, strict=True):
            waiting.began, waiting.outcome = began, outcome
            if waiting is not own:
                waiting.turn.set_result(False)

    def _hand_over(self) -> None:
        with self._lock:
            if self._queue:
                self._queue.popleft().turn.set_result(True)
            else:
                self._free += 1
