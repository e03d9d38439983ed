"""Spares a start the collector of cycles: what is being loaded stays until the process ends."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Loads what stays, within the block, without Python's collector of cycles.

    A process of the service loads some 120,000 objects. The collector would walk over them again
    and again while they come, in each of its full rounds later, which hold up every request, and
    several times at the end: a quarter of what a start and a stop took together. So it rests
    meanwhile, and then leaves out what is there. Before a fork that also keeps pages shared, which
    the collector would write to.

    Source: `gc.freeze`, https://docs.python.org/3/library/gc.html#gc.freeze.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
