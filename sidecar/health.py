"""Whether each part that the service stands on answers."""

from collections.abc import Callable
from dataclasses import dataclass

from sidecar.catalogue import Entries
from sidecar.deliveries import Deliveries
from sidecar.errors import QueueUnavailable, SimilarityError
from sidecar.models import VerifiedModels


@dataclass(frozen=True)
class Health:
    """Asks them all."""

    entries: Entries
    models: VerifiedModels
    deliveries: Deliveries

    def parts(self) -> dict[str, str]:
        """Each part with "ok" or, in a sentence, what is wrong with it."""
        checks: dict[str, Callable[[], object]] = {
            "catalogue": self.entries.last_added,
            "triton": lambda: self.models.in_use().check(),
            "queue": self._check_workers,
        }
        return {name: _state(check) for name, check in checks.items()}

    def _check_workers(self) -> None:
        if self.deliveries.workers() == 0:
            raise QueueUnavailable("no worker listens for tasks")


def _state(check: Callable[[], object]) -> str:
    try:
        check()
    except SimilarityError as error:
        return f"{error.word}: {error}"
    return "ok"
