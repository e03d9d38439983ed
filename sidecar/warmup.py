"""Each process looks every second which model and which generation are in use, or soon will be.

So when the time has come they are there, open and proved, and no request waits for that.
"""

from contextlib import suppress
from dataclasses import dataclass

from sidecar.errors import FeaturesUnavailable, NoIndex
from sidecar.index import GenerationStore
from sidecar.models.registry import ModelRegistry

ROUND_S = 1.0  # between two looks of a process


@dataclass(frozen=True)
class Warmup:
    """Looks, once a round."""

    generations: GenerationStore
    models: ModelRegistry

    def look(self) -> None:
        """One round; its errors are those of the parts that it asks, and OSError. Each request that
        needs such a part says so itself."""
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
