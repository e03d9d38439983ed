"""Calls batched from many threads, however they come: the rules that always hold."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidecar.batching import Batcher

WAIT_S = 30


class Squaring:
    """Work that squares numbers, refuses those named, and fails whole groups with a 13."""

    def __init__(self, refused: set[int], most: int, groups: int) -> None:
        self.refused = refused
        self.batcher: Batcher[int, int] = Batcher("work", self.work, most, groups)
        self.seen: list[list[int]] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    def work(self, numbers: list[int]) -> list[int | Exception]:
        with self.lock:
            self.seen.append(numbers)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(0.0002 * (numbers[0] % 3))
        with self.lock:
            self.at_once -= 1
        if 13 in numbers:
            raise RuntimeError(f"unlucky {numbers}")
        return [ValueError(f"{n} is refused") if n in self.refused else n * n for n in numbers]

    def ask(self, number: int) -> int | Exception:
        try:
            return self.batcher.ask(number)
        except (ValueError, RuntimeError) as error:
            return error


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 99), unique=True, min_size=1, max_size=60),
    st.sets(st.integers(0, 99)),
    st.integers(1, 9),
    st.integers(1, 3),
)
@example(list(range(60)), set(), 1, 1)
@example(list(range(60)), set(), 100, 3)
def test_each_gets_its_own_once_and_groups_keep_to_their_bounds(
    numbers: list[int], refused: set[int], most: int, groups: int
) -> None:
    work = Squaring(refused, most, groups)
    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(work.ask, number) for number in numbers]
        outcomes = dict(zip(numbers, (f.result(WAIT_S) for f in futures), strict=True))
    assert sorted(n for group in work.seen for n in group) == sorted(numbers)
    assert max(map(len, work.seen)) <= most
    assert work.most_at_once <= groups
    for group in work.seen:
        for number in group:
            outcome = outcomes[number]
            if 13 in group:
                assert isinstance(outcome, RuntimeError)
            elif number in refused:
                assert str(outcome) == f"{number} is refused"
            else:
                assert outcome == number * number
    # Whatever came before, as many groups as there may be are free again.
    again = list(range(100, 100 + groups))
    with ThreadPoolExecutor(groups) as pool:
        assert list(pool.map(work.ask, again, timeout=WAIT_S)) == [n * n for n in again]
