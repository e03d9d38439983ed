"""Whether each part that the service depends on answers, and answers soon."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from sidecar.catalogue import Catalogue
from sidecar.errors import (
    FeaturesUnavailable,
    IndexStoreUnavailable,
    PicturesStoreUnavailable,
    QueueUnavailable,
    SimilarityError,
)
from sidecar.index import Engine
from sidecar.index.sharing.follower import Follower
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import State
from sidecar.models.version_follower import VersionFollower
from sidecar.tasks.queue import TaskQueue
from sidecar.warmup import Opened

SOON_S = 3.0  # Prometheus and load balancers wait not much longer; Redis may take two of them
WRITE_TURN_S = 2.0  # after which writes count as blocked
AT_ONCE = 8


@dataclass(frozen=True)
class IndexState:
    """Numbers of generations, None for none; the fields are keys of the answer.

    Args:
        generation: that this process searches.
        current: that is to be searched; a host that shares an index may be behind for seconds.
    """

    generation: int | None
    current: int | None


@dataclass(frozen=True)
class Health:
    """Asks all parts at once, and waits for none that hangs; its threads end with `close`.

    Args:
        opened: what this process has open.
        follower: of an index that several hosts share; None where it is this host's alone.
        versions: what brings this host versions of the model from the others, likewise.
        engine: of the index, where it is a server of its own; else None.
    """

    catalogue: Catalogue
    models: ModelRegistry
    queue: TaskQueue
    opened: Opened = field(default_factory=Opened)
    follower: Follower | None = None
    versions: VersionFollower | None = None
    engine: Engine | None = None
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "health")
    )

    def parts(self) -> dict[str, str]:
        """Returns for each part "ok" or, in a sentence, what is wrong with it."""
        checks: dict[str, Callable[[], object]] = {
            "catalogue": self._check_catalogue,
            "triton": self.models.check,
            "queue": self._check_workers,
        }
        if self.follower is not None:
            checks["index"] = self._check_index
        if self.engine is not None:
            checks["milvus"] = self.engine.check
        deadline = time.monotonic() + SOON_S
        asked = {name: self._threads.submit(_state, check) for name, check in checks.items()}
        return {name: _by(deadline, state) for name, state in asked.items()}

    def degraded(self) -> dict[str, str]:
        """Returns for each part that answers, and not in full, what is wrong with it, beginning
        with a word: Triton, where one of several is left out; the models, where this host lacks
        a version that others have; the store of images, without which searches go on."""
        return self._left_out() | self._coming() | self._without_images()

    def coming(self) -> dict[int, str]:
        """Returns the versions that this host lacks, each with a sentence."""
        return self.versions.coming() if self.versions else {}

    def _coming(self) -> dict[str, str]:
        try:
            coming = self.coming()
        except SimilarityError:  # the catalogue is away, which is said already
            return {}
        word = IndexStoreUnavailable.word
        return {"models": f"{word}: {'; '.join(coming.values())}"} if coming else {}

    def _without_images(self) -> dict[str, str]:
        trouble = self.catalogue.objects.trouble
        return {"images": f"{PicturesStoreUnavailable.word}: {trouble}"} if trouble else {}

    def _left_out(self) -> dict[str, str]:
        states = self.models.servers()
        left_out = [each for each in states if each.state != State.SERVING]
        if not left_out or len(left_out) == len(states):
            return {}
        return {"triton": f"{FeaturesUnavailable.word}: {'; '.join(map(str, left_out))}"}

    def index(self) -> IndexState:
        """Returns which generation this process searches, as of its last round, and which is to be
        searched."""
        generation = self.opened.generation
        return IndexState(generation, self.follower.number if self.follower else generation)

    def workers(self) -> int:
        """Returns how many workers live. Raises QueueUnavailable: Redis is away, or slow."""
        try:
            return self._threads.submit(self.queue.workers).result(SOON_S)
        except TimeoutError as error:
            raise QueueUnavailable(f"Redis: no answer within {SOON_S:g} s") from error

    def close(self) -> None:
        """Ends the threads; each call to a part has a timeout of its own."""
        self._threads.shutdown(cancel_futures=True)

    def _check_catalogue(self) -> None:
        """Reads, and takes the turn of a write: each add waits in vain where another program holds
        the lock."""
        self.catalogue.images.last_added()
        self.catalogue.check_writes(WRITE_TURN_S)

    def _check_index(self) -> None:
        """A host that is behind answers by what it has; one that has nothing can't."""
        assert self.follower is not None
        if not self.follower.has_looked:
            raise IndexStoreUnavailable("which generation is searched is not known yet")
        if self.follower.number is not None and self.opened.generation is None:
            why = self.follower.trouble or "it is being fetched"
            raise IndexStoreUnavailable(
                f"generation {self.follower.number} of the index is not on this host yet: {why}"
            )

    def _check_workers(self) -> None:
        if self.queue.workers() == 0:
            raise QueueUnavailable("no worker listens for tasks")


def _state(check: Callable[[], object]) -> str:
    try:
        check()
    except SimilarityError as error:
        return f"{error.word}: {error}"
    return "ok"


def _by(deadline: float, state: Future[str]) -> str:
    """Returns the state of a part, or that it took too long."""
    try:
        return state.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        return f"no answer within {SOON_S:g} s"
