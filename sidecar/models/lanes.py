"""Lanes: which requests share a call to Triton, how urgent it is, and how many go at once.

With two calls with adds in flight of each process, Triton would always have some in its queue, in a
batch that a search can't overtake any more: a search took 105 ms instead of 48. A batch of images
comes to one process alone, so two of its calls do no harm.
"""

from dataclasses import dataclass


@dataclass(frozen=True, eq=False)  # two lanes with the same numbers are still two
class Lane:
    """Requests that share calls to Triton.

    Args:
        priority: of the calls in Triton, 1 the most urgent.
        calls: in flight at once, of each process.
    """

    priority: int
    calls: int


SEARCH = Lane(priority=1, calls=2)
ADD = Lane(priority=2, calls=1)
BATCH = Lane(priority=2, calls=2)
ALL = (SEARCH, ADD, BATCH)

STORED_PRIORITY = 3  # of stored images that are embedded again, behind all live traffic
