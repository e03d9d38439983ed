"""How a draft becomes the generation that is searched: what tasks ask of it, and how it is done on
one host, by a file."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from sidecar.catalogue import Shared, Task, Transaction
from sidecar.index.current_file import CURRENT
from sidecar.index.engine import Sealed
from sidecar.index.generation import Generation
from sidecar.index.meta import Meta
from sidecar.index.store import GenerationStore

Made = Sealed | Generation  # a draft, or a generation that is to be published once more


class Publisher(Protocol):
    """What tasks publish by, and clear away by.

    Attributes:
        offered: the digest of the draft that other hosts may be waited for to open; None where
            there are no others.
    """

    offered: str | None

    def has_published(self, made: Made) -> bool:
        """Says whether it is what is searched already."""

    def offer(self, task: Task, made: Made, before_each: Callable[[], object]) -> None:
        """Shows a draft to the other hosts before it is published.

        Raises:
            TaskLost: the task is not held any more.
            IndexStoreUnavailable: may be tried again.
        """

    def publish(self, transaction: Transaction, made: Made) -> int:
        """Makes what was offered the generation that is searched, when the transaction commits;
        returns its number."""

    def withdraw(self) -> None:
        """Gives up what was offered and not published."""

    def discard(self, sha256: str) -> None:
        """Drops the generations of a model."""

    def drop(self, transaction: Transaction) -> None:
        """Deletes the index, where there are no images."""

    def kept(self) -> list[Shared]:
        """Returns the generations whose marks and tombstones are needed, besides those in the
        folder."""

    def metas(self) -> Iterable[Meta]:
        """Returns what is said of the generations that `kept` names. Raises IndexDamaged,
        IndexStoreUnavailable."""

    def tidy(self) -> None:
        """Clears away, after a publication, what is no longer needed elsewhere."""


@dataclass
class LocalPublisher:
    """Publishes to the processes that have the same DATA_DIR."""

    generations: GenerationStore
    keep: int
    offered: str | None = None

    def has_published(self, made: Made) -> bool:
        return isinstance(made, Generation)

    def offer(self, task: Task, made: Made, before_each: Callable[[], object]) -> None:
        """They see the draft in the folder."""

    def publish(self, transaction: Transaction, made: Made) -> int:
        return self.generations.publish(made.folder, self.keep)

    def withdraw(self) -> None:
        """Nobody else has it."""

    def discard(self, sha256: str) -> None:
        self.generations.discard(sha256)

    def drop(self, transaction: Transaction) -> None:
        (self.generations.folder / CURRENT).unlink(missing_ok=True)
        for number in self.generations.numbers():
            shutil.rmtree(self.generations.path(number))

    def kept(self) -> list[Shared]:
        return []

    def metas(self) -> Iterable[Meta]:
        return []

    def tidy(self) -> None:
        """`publish` has done so."""
