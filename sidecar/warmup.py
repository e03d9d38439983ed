"""Opens the model and the generation that are in use, or soon will be, in each process.

So they are open and verified before the first request needs them.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sidecar.errors import FeaturesUnavailable, NoIndex, SimilarityError
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
        """Runs one round: each step, whatever became of those before.

        Raises:
            SimilarityError, OSError: of the first part that has one; a request that needs this part
                meets and answers the same error.
        """
        steps: list[Callable[[], object]] = [
            self.models.refresh,
            self._open_generation,
            self._open_upcoming,
            self.models.joining,
            self._open_model,
        ]
        errors: list[SimilarityError | OSError] = []
        for step in steps:
            try:
                step()
            except (SimilarityError, OSError) as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _open_generation(self) -> None:
        with suppress(NoIndex):
            self.generations.look_again()
            self.tombstones.refreshed(self.generations.current())

    def _open_upcoming(self) -> None:
        upcoming = self.generations.upcoming()
        if upcoming is not None:
            self.models.verified(upcoming.meta.version, upcoming.meta.sha256)

    def _open_model(self) -> None:
        try:
            self.models.in_use()
        except FeaturesUnavailable:
            self.models.reload()
