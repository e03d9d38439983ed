"""Batches work that costs little more for many items than for one, across threads.

The thread that comes first leads: it does the work for itself and for all that have come meanwhile;
the first that comes later leads the next group. So no thread waits for company, and under load
groups form by themselves (group commit, DeWitt et al. 1984).
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
    """An item in the queue; `turn` is True when its thread is to lead, False when it is done."""

    item: Item
    turn: Future[bool] = field(default_factory=Future)
    outcome: Outcome | BaseException | None = None
    began: float = 0.0


class Batcher(Generic[Item, Outcome]):
    """Does the work of concurrent threads in groups.

    Args:
        name: of the work in a request's timings.
        work: takes a list of items and returns for each its outcome or its error; an error that it
            raises is every item's.
        max_items: in a group.
        groups: in work side by side, at most.
    """

    def __init__(
        self, name: str, work: Work[Item, Outcome], max_items: int, groups: int = 1
    ) -> None:
        self._name = name
        self._work = work
        self._max_items = max_items
        self._free = groups  # how many more may begin
        self._queue: deque[_Waiting[Item, Outcome]] = deque()
        self._lock = threading.Lock()  # of `_queue` and `_free`

    @property
    def waiting(self) -> int:
        """Returns how many items wait for a group."""
        return len(self._queue)

    def ask(self, item: Item) -> Outcome:
        """Returns the outcome of an item, or raises its error."""
        came = time.perf_counter()
        waiting: _Waiting[Item, Outcome] = _Waiting(item)
        with self._lock:
            leads = self._free > 0
            if leads:
                self._free -= 1
            else:
                self._queue.append(waiting)
        if leads or waiting.turn.result():
            self._lead(waiting)
        timings.note("queue", waiting.began - came)
        timings.note(self._name, time.perf_counter() - waiting.began)
        if isinstance(waiting.outcome, BaseException):
            raise waiting.outcome
        return cast(Outcome, waiting.outcome)

    def _lead(self, own: _Waiting[Item, Outcome]) -> None:
        """Works for the items that wait, hands the lead over, and wakes the group's threads.

        Each thread waits for its own turn. If they waited for one lock, those whose work is done
        would queue for it too, and the first to come would work alone: that was five times slower.
        """
        with self._lock:
            others = min(len(self._queue), self._max_items - 1)
            group = [own, *(self._queue.popleft() for _ in range(others))]
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
