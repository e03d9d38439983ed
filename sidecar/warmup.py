"""Opens the model and the generation that are in use, or soon will be, in each process.

So they are open and verified before the first request needs them.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sidecar.errors import FeaturesUnavailable, NoIndex, SimilarityError
from sidecar.index import Tombstones
from sidecar.models.registry import ModelRegistry
from sidecar.view import Views

ROUND_S = 1.0  # between two rounds of a process


@dataclass(frozen=True)
class Warmup:
    """Opens and verifies, once a round, what requests will need."""

    models: ModelRegistry
    tombstones: Tombstones
    views: Views

    def look(self) -> None:
        """Runs one round: each step, whatever became of those before.

        Raises:
            SimilarityError, OSError: of the first part that has one; a request that needs this part
                meets and answers the same error.
        """
        steps: list[Callable[[], object]] = [
            self.models.refresh,
            self._open_generation,
            self._read_recent,
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
        generations = self.views.generations
        with suppress(NoIndex):
            generations.look_again()
            self.tombstones.refreshed(generations.current())

    def _read_recent(self) -> None:
        with suppress(NoIndex):
            self.views.read_on(self.views.current())

    def _open_upcoming(self) -> None:
        upcoming = self.views.generations.upcoming()
        if upcoming is not None:
            self.models.verified(upcoming.meta.version, upcoming.meta.sha256)

    def _open_model(self) -> None:
        try:
            self.models.in_use()
        except FeaturesUnavailable:
            self.models.reload()
