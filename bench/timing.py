"""Measures how long one call takes."""

import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import TypeVar

Item = TypeVar("Item")


def median_ms(call: Callable[[Item], object], items: Iterable[Item]) -> float:
    """Returns the median milliseconds of a call over the items."""
    spent = []
    for item in items:
        began = time.perf_counter()
        call(item)
        spent.append(1000 * (time.perf_counter() - began))
    return median(spent)
