"""What came since a generation's snapshot: read once, and kept in memory.

A generation never changes, so an image is in none until the next update; until then a search looks
here as well. Each process reads an image's features once, by its sequence number, and drops them
when a generation holds them.

Source: O'Neil et al., "The log-structured merge-tree (LSM-tree)", 1996, for the name and the idea.
"""

import logging
from itertools import count

from sidecar.batching import Batcher
from sidecar.catalogue import NewFeatures, Removals
from sidecar.index.recent import Recent

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 1024  # read from the catalogue
LARGEST_GROUP = 256  # searches that share a look into it


class Memtable:
    """Keeps, for a process, what came since the snapshot of the generation that it searches.

    Args:
        most: rows that it holds; what came after those waits for an update.
    """

    def __init__(self, features: NewFeatures, removals: Removals, most: int) -> None:
        self._features = features
        self._removals = removals
        self._most = most
        self._readings = count()
        self._known: Recent | None = None  # replaced in whole: threads need no lock
        self._looks: Batcher[tuple[int, int, bool], Recent] = Batcher(
            "recent", self._look_for_all, LARGEST_GROUP
        )

    def recent(self, model: int, after: int, removed: bool = False) -> Recent:
        """Returns the images of a model above a sequence number, those of every add among them that
        was acknowledged before this call. Searches of the same moment share one look.

        Args:
            removed: whether to look for removals, too; a search that meets none need not.
        """
        return self._looks.ask((model, after, removed))

    def _look_for_all(self, asked: list[tuple[int, int, bool]]) -> list[Recent]:
        found: dict[tuple[int, int], Recent] = {}
        for model, after, _ in asked:
            if (model, after) not in found:
                removed = any(each == (model, after, True) for each in asked)
                found[model, after] = self._look(model, after, removed)
        return [found[model, after] for model, after, _ in asked]

    def _look(self, model: int, after: int, removed: bool) -> Recent:
        known = self._known
        if known is None or known.model != model or known.after > after:
            known = self._begun(model, after)
        elif known.after < after:
            known = known.but_up_to(after)
        self._known = known = self._read_on(self._without_removed(known) if removed else known)
        return known

    def _begun(self, model: int, after: int) -> Recent:
        """Returns an empty one; what is removed from now on is looked for."""
        newest = self._removals.last()
        return Recent(model, after, next(self._readings), newest[0] if newest else 0)

    def _read_on(self, known: Recent) -> Recent:
        """Reads what came since."""
        while True:
            room = self._most - len(known)
            read = self._features.since(
                known.model, known.last, known.after, min(room, ROWS_AT_ONCE)
            )
            if not read.follows:
                known = self._caught_up(known)
                continue
            known = known.with_rows(read.rows, is_whole=not read.more)
            if not read.more or len(known) >= self._most:
                return known

    def _caught_up(self, known: Recent) -> Recent:
        """Returns what is right of it, where its newest row is not in the catalogue any more."""
        left = self._without_removed(known)
        if left.last == known.last:  # it was not removed: the catalogue is another copy
            log.warning("the catalogue was replaced: what waits there is read anew")
            return self._begun(known.model, known.after)
        return left

    def _without_removed(self, known: Recent) -> Recent:
        removed = self._removals.since(known.removal)
        return known.but_removed(removed.seqs, removed.last)
