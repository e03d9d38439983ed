"""What a task does while a part is away: it tries again, for a while."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from sidecar.errors import (
    FeaturesUnavailable,
    ModelReplaced,
    PicturesStoreUnavailable,
    SimilarityError,
)

log = logging.getLogger(__name__)

PATIENCE_S = 300
PAUSE_S = 1.0
AWAY = (FeaturesUnavailable, PicturesStoreUnavailable)

T = TypeVar("T")


def retried(
    act: Callable[[], T],
    before_retry: Callable[[], object] = lambda: None,
    patience_s: float = PATIENCE_S,
    away: type[SimilarityError] | tuple[type[SimilarityError], ...] = AWAY,
) -> T:
    """Returns what `act` returns, calling it again while a part is away: Triton or the store of the
    images by default.

    Args:
        before_retry: is called before each pause; what it raises ends the waiting.
        patience_s: 0 tries no second time.
        away: the error that says so; others of other parts.
    Raises:
        One of `away`: the part was away for `patience_s`.
        ModelReplaced: at once, since waiting does not help.
    """
    deadline, trouble = time.monotonic() + patience_s, ""
    while True:
        try:
            return act()
        except ModelReplaced:
            raise
        except away as error:
            if time.monotonic() >= deadline:
                raise
            if trouble != str(error):
                log.warning("tried again: %s", error)
            trouble = str(error)
            before_retry()
            time.sleep(PAUSE_S)
