"""The watch over several Tritons: whether each is there, and serves what it has proved."""

from collections.abc import Iterator
from contextlib import contextmanager

from sidecar.errors import SimilarityError
from sidecar.models.registry import ModelRegistry
from sidecar.periodic import Periodic

ROUND_S = 1.0
JOIN_TIMEOUT_S = 10.0


def periodics(models: ModelRegistry) -> list[Periodic]:
    """Returns what looks at the servers once a second; nothing where there is one alone."""
    if not models.is_watched:
        return []
    return [Periodic("tritons", models.watch, ROUND_S, (SimilarityError, OSError))]


@contextmanager
def watching(models: ModelRegistry) -> Iterator[None]:
    """Watches the servers within the block, which may ask them for hours."""
    rounds = periodics(models)
    for each in rounds:
        each.start()
    try:
        yield
    finally:
        for each in rounds:
            each.stop()
        for each in rounds:
            each.join(JOIN_TIMEOUT_S)
        models.close()
