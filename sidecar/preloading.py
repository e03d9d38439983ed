"""Each process looks every second which model and which generation are in use, or soon will be.

So when the time has come they are there, open and proved, and no request waits for that.
"""

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from sidecar.errors import FeaturesUnavailable, NoIndex, SimilarityError
from sidecar.generations import Generations
from sidecar.models import VerifiedModels

log = logging.getLogger(__name__)

ROUND_S = 1.0


@dataclass(frozen=True)
class Preloader:
    """A thread of its own."""

    generations: Generations
    models: VerifiedModels

    def run_rounds(self) -> None:
        """Start it, for as long as the process lives."""
        threading.Thread(target=self._rounds, name="preloader", daemon=True).start()

    def look(self) -> None:
        """One round; its errors are those of the parts that it asks."""
        self.models.refresh()
        with suppress(NoIndex):
            self.generations.current()
        upcoming = self.generations.upcoming()
        if upcoming is not None:
            self.models.verified(upcoming.meta.version, upcoming.meta.sha256)
        self.models.joining()
        try:
            self.models.in_use()
        except FeaturesUnavailable:
            self.models.reload()

    def _rounds(self) -> None:
        while True:
            time.sleep(ROUND_S)
            try:
                self.look()
            except (SimilarityError, OSError) as error:  # each request that needs it will say so
                log.debug("%s", error)
