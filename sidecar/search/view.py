"""What a search looks through: a generation of the index, and what came since its snapshot."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Seen
from sidecar.errors import IndexAhead, NoIndex
from sidecar.index import Generation, GenerationStore, Memtable, Recent
from sidecar.index.ann import widen
from sidecar.models.registry import ModelRegistry


@dataclass(frozen=True)
class View:
    """What one search looks through.

    Args:
        version, sha256: of the model whose features these are.
        generation: None before the first training.
        recent: what came since, once it was read; None, too, where a search finds only what a
            generation holds.
    """

    version: int
    sha256: str
    generation: Generation | None
    recent: Recent | None = None

    @property
    def number(self) -> int:
        """The number of the generation, 0 for none."""
        return self.generation.number if self.generation else 0

    @property
    def unindexed(self) -> int:
        """How many images are compared one by one, because no generation holds them."""
        return len(self.recent) if self.recent else 0

    @property
    def removals_seen(self) -> object:
        """Changes when recent images may have gone."""
        return self.recent.removals_seen if self.recent else None

    @property
    def seen(self) -> Seen:
        """What its sequence numbers are from."""
        mark = self.generation.meta.mark if self.generation else None
        return Seen(mark, self.recent.last if self.recent else None)

    def features(self, seqs: NDArray[np.int64]) -> NDArray[np.float32]:
        """Looks up the full features of images that a search has found in it.

        Args:
            seqs: int64 [n].
        Returns:
            float32 [n, D].
        Raises:
            IndexDamaged: what the generation holds is not what was stored.
        """
        if self.generation is None:
            assert self.recent is not None
            return self.recent.features(seqs)
        generation = self.generation
        waiting = seqs > generation.meta.snapshot
        if self.recent is None or not waiting.any():
            return widen(generation.features(seqs))
        found = np.empty((len(seqs), generation.meta.dimension), np.float32)
        found[~waiting] = widen(generation.features(seqs[~waiting]))
        found[waiting] = self.recent.features(seqs[waiting])
        return found


class Views:
    """Finds what a search looks through now.

    Args:
        memtable: None where searches find only what an update published (LIVE_SEARCH=0).
    """

    def __init__(
        self, generations: GenerationStore, models: ModelRegistry, memtable: Memtable | None
    ) -> None:
        self.generations = generations
        self._models = models
        self._memtable = memtable
        self._key: tuple[Generation, int] | None = None  # of a generation's model

    def current(self) -> View:
        """Returns what a search that begins now looks through, before it has read what is recent.

        Raises:
            NoIndex: there was no training, and too many images for a search without one, or none.
            IndexDamaged, CatalogueUnavailable.
        """
        try:
            generation = self.generations.current()
        except IndexAhead:
            raise
        except NoIndex:
            if self._memtable is None:
                raise
            return self._untrained(self._memtable)
        return View(generation.meta.version, generation.meta.sha256, generation)

    def read_on(self, view: View, removed: bool = False) -> View:
        """Returns it with what is recent by now; errors as `current`.

        Args:
            removed: whether to look for removals, too; a search that meets none need not.
        """
        if self._memtable is None:
            return view
        if view.generation is None:
            return self._untrained(self._memtable, removed)
        key, snapshot = self._key_of(view.generation), view.generation.meta.snapshot
        return replace(view, recent=self._memtable.recent(key, snapshot, removed))

    def _key_of(self, generation: Generation) -> int:
        """Returns the catalogue's key of a generation's model; asks it once for each."""
        known = self._key
        if known is None or known[0] is not generation:
            known = self._key = (generation, self._models.key_of(generation.meta.sha256))
        return known[1]

    def _untrained(self, memtable: Memtable, removed: bool = False) -> View:
        record = self._models.recorded()
        recent = record and memtable.recent(record.model, 0, removed)
        if record is None or not recent:
            raise NoIndex("nothing has been added yet")
        if not recent.is_whole:
            raise NoIndex(f"there are over {len(recent):,} images (LIVE_SEARCH_MAX): train first")
        return View(record.version, record.sha256, None, recent)
