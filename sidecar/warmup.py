"""Opens the model and the generation that are in use, or soon will be, in each process.

So they are open and verified before the first request needs them.
"""

from contextlib import suppress
from dataclasses import dataclass

from sidecar.errors import FeaturesUnavailable, NoIndex
from sidecar.index import GenerationStore, Tombstones
from sidecar.models.registry import ModelRegistry

ROUND_S = 1.0  # between two rounds of a process


@dataclass(frozen=True)
class Warmup:
    """Opens and verifies, once a round, what requests will need."""

    generations: GenerationStore
    models: ModelRegistry
    tombstones: Tombstones

    def look(self) -> None:
        """Runs one round.

        Raises:
            SimilarityError, OSError: of a part that it asks; a request that needs this part meets
                and answers the same error.
        """
        self.models.refresh()
        with suppress(NoIndex):
            self.generations.look_again()
            self.tombstones.refreshed(self.generations.current())
        upcoming = self.generations.upcoming()
        if upcoming is not None:
            self.models.verified(upcoming.meta.version, upcoming.meta.sha256)
        self.models.joining()
        try:
            self.models.in_use()
        except FeaturesUnavailable:
            self.models.reload()
