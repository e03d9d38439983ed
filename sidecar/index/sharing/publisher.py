"""How a draft becomes the generation that is searched on several hosts: by the object store and a
row of the catalogue."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sidecar.catalogue import Catalogue, Shared, Task, Transaction
from sidecar.errors import IndexDamaged
from sidecar.index.engine import Sealed
from sidecar.index.meta import Meta, digest_of
from sidecar.index.publisher import LocalPublisher, Made, Publisher
from sidecar.index.sharing.follower import Follower
from sidecar.index.sharing.parts import Sharing
from sidecar.index.sharing.remote import Remote
from sidecar.index.store import GenerationStore

log = logging.getLogger(__name__)


@dataclass
class SharedPublisher:
    """Publishes to all hosts that have the same catalogue and object store.

    Args:
        keep: generations that stay in the store, the new one among them.
    """

    catalogue: Catalogue
    generations: GenerationStore
    follower: Follower
    remote: Remote
    keep: int
    offered: str | None = None
    _number: int = field(default=0, init=False)

    def has_published(self, made: Made) -> bool:
        current = self.catalogue.generations.current()
        return current is not None and current.digest == digest_of(made.folder)

    def offer(self, task: Task, made: Made, before_each: Callable[[], object]) -> None:
        digest, meta = digest_of(made.folder), made.meta
        assert digest is not None
        if self.offered != digest:
            taken = max(self.generations.numbers(), default=0)
            with self.catalogue.tasks.holding(task) as transaction:
                self._number = transaction.generations.announce(
                    digest, meta.sha256, meta.mark, meta.removals, taken
                )
        self.offered = digest
        self.remote.upload(made.folder, self._number, self._named(digest), before_each)

    def publish(self, transaction: Transaction, made: Made) -> int:
        assert self.offered is not None
        transaction.generations.publish(self._number, self.offered, self.keep)
        if isinstance(made, Sealed):
            self.generations.take(made.folder, self._number)
        return self._number

    def withdraw(self) -> None:
        if self.offered is not None:
            with self.catalogue.writing() as transaction:
                transaction.generations.withdraw(self._number, self.offered)

    def discard(self, sha256: str) -> None:
        self.generations.discard(sha256)
        with self.catalogue.writing() as transaction:
            transaction.generations.discard(sha256)

    def drop(self, transaction: Transaction) -> None:
        transaction.generations.drop(max(self.generations.numbers(), default=0))

    def kept(self) -> list[Shared]:
        return self.catalogue.generations.all()

    def metas(self) -> Iterable[Meta]:
        rows = [row for row in self.kept() if row.digest is not None]
        return [Meta.parse(self.remote.manifest(row)) for row in rows]

    def tidy(self) -> None:
        self.follower.catch_up()
        rows = self.kept()
        deleted = self.remote.sweep(rows, lambda: self.kept() == rows)
        if deleted:
            log.info("%d objects that no generation has left the index store", deleted)

    def _named(self, digest: str) -> set[str]:
        """Returns the SHA-256 of the files of the other generations; none where that is not known:
        then the store is given all of them again."""
        others = [row for row in self.kept() if row.digest not in (None, digest)]
        try:
            return self.remote.named(others)
        except IndexDamaged as error:
            log.warning("%s", error)
            return set()


def publisher(
    sharing: Sharing | None, catalogue: Catalogue, generations: GenerationStore, keep: int
) -> Publisher:
    """Returns what tasks publish by; `keep` generations stay."""
    if sharing is None:
        return LocalPublisher(generations, keep)
    return SharedPublisher(catalogue, generations, sharing.follower, sharing.remote, keep)
