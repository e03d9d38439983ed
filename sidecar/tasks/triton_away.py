"""What a task does while Triton is away: it tries again, for a while."""

import time
from collections.abc import Callable
from typing import TypeVar

from sidecar.errors import FeaturesUnavailable, ModelReplaced

PATIENCE_S = 300
PAUSE_S = 1.0

T = TypeVar("T")


def retried(
    act: Callable[[], T],
    before_retry: Callable[[], object] = lambda: None,
    patience_s: float = PATIENCE_S,
) -> T:
    """Returns what `act` returns, calling it again while Triton is away.

    Args:
        before_retry: is called before each pause; what it raises ends the waiting.
        patience_s: 0 tries no second time.
    Raises:
        FeaturesUnavailable: Triton was away for `patience_s`.
        ModelReplaced: at once, since waiting does not help.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return act()
        except ModelReplaced:
            raise
        except FeaturesUnavailable:
            if time.monotonic() >= deadline:
                raise
            before_retry()
            time.sleep(PAUSE_S)
