"""Opens the model and the generation that are in use, or soon will be, in each process.

So they are open and verified before the first request needs them.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from sidecar.errors import FeaturesUnavailable, NoIndex, SimilarityError
from sidecar.index import Tombstones
from sidecar.models.registry import ModelRegistry
from sidecar.search.view import Views

ROUND_S = 1.0  # between two rounds of a process


@dataclass
class Opened:
    """What a process has open, ready for requests.

    Args:
        generation: its number; None for none.
        draft: the digest of the draft that is going to be published, with its model verified.
    """

    generation: int | None = None
    draft: str | None = None


@dataclass(frozen=True)
class Warmup:
    """Opens and verifies, once a round, what requests will need."""

    models: ModelRegistry
    tombstones: Tombstones
    views: Views
    opened: Opened = field(default_factory=Opened)

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
            self._open_joining,
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
        number = None
        try:
            with suppress(NoIndex):
                generations.look_again()
                current = generations.current()
                number = current.number
                self.tombstones.refreshed(current)
        finally:
            self.opened.generation = number

    def _read_recent(self) -> None:
        with suppress(NoIndex):
            self.views.read_on(self.views.current())

    def _open_upcoming(self) -> None:
        upcoming = self.views.generations.upcoming()
        if upcoming is not None:
            self.models.verified(upcoming.meta.version, upcoming.meta.sha256)
        self.opened.draft = None if upcoming is None else upcoming.digest

    def _open_joining(self) -> None:
        if self.models.joining() is None:
            self.models.reload_joining()

    def _open_model(self) -> None:
        try:
            self.models.in_use()
        except FeaturesUnavailable:
            self.models.reload()
