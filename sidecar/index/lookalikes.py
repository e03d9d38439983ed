"""The pairs of a generation's images that are probably the same one, by searches in the index."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import ExcludeIds
from sidecar.index.generation import Generation
from sidecar.index.places import places_among
from sidecar.index.probability import COPIES, GENERAL, TENTH, Constants, tenth_of
from sidecar.index.ranking import rank_each
from sidecar.index.request import Found, SearchRequest

NPROB = 20  # a recall@10 of 0.98; the nearest of the ten are found more often still
NEAREST = SearchRequest(TENTH + COPIES, NPROB, np.inf)

Likely = tuple[int, int, float]  # two sequence numbers, the smaller first, and a probability


@dataclass
class Lookalikes:
    """Finds pairs in a generation.

    A pair is as probable as the less probable of its two directions: the tenth nearest of the one
    image may be far away and that of the other near.

    Args:
        least: the probability from which on a pair counts.
        exclude: images that are left out, if any are.
        constants: of the probability, by the model whose features these are.
    """

    generation: Generation
    least: float
    exclude: ExcludeIds | None = None
    constants: Constants = GENERAL
    _tenths: NDArray[np.float32] = field(init=False)  # by place; 0 where it is not known yet

    def __post_init__(self) -> None:
        self._tenths = np.zeros(len(self.generation.segments.seqs), np.float32)

    @property
    def recall(self) -> float:
        """Recall@10 of its searches, as it was measured when the generation was made."""
        return self.generation.meta.quality.operating_points.at(NPROB).recall

    def of(self, seqs: NDArray[np.int64]) -> list[Likely]:
        """Returns the pairs of some images, int64 [n], with any others of the generation, each
        once.

        Raises:
            IndexDamaged: what the generation holds is not what was stored.
        """
        near = [*self._near(seqs)]
        partners = np.unique(np.array([other for _, other, _, _ in near], np.int64))
        new = partners[self._tenths[self._places(partners)] == 0]
        if len(new):
            for _ in self._near(new):
                pass  # which notes their tenths
        found = {}
        for seq, other, dist, probability in near:
            tenth = float(self._tenths[self._places(np.array([other]))[0]])
            back = float(self.constants.probabilities(np.array([dist], np.float32), tenth)[0])
            if back >= self.least:
                found[min(seq, other), max(seq, other)] = min(probability, back)
        return [(a, b, probability) for (a, b), probability in found.items()]

    def _near(self, seqs: NDArray[np.int64]) -> Iterator[tuple[int, int, float, float]]:
        """Yields images with those that are probably the same, seen from the former: with distance
        and probability; notes the distance of the tenth nearest of each."""
        for seq, (others, dist) in zip(seqs.tolist(), self._nearest(seqs), strict=True):
            tenth = tenth_of(dist)
            # Among fewer than ten others no distance says what is near here.
            self._tenths[self._places(np.array([seq]))] = tenth or np.finfo(np.float32).tiny
            if tenth is None:
                continue
            each = self.constants.probabilities(dist, tenth)
            for place in np.flatnonzero(each >= self.least).tolist():
                yield seq, int(others[place]), float(dist[place]), float(each[place])

    def _nearest(self, seqs: NDArray[np.int64]) -> list[Found]:
        queries = self.generation.features(seqs).astype(np.float32)
        return rank_each(self.generation, queries, seqs.tolist(), NEAREST, self.exclude)

    def _places(self, seqs: NDArray[np.int64]) -> NDArray[np.int64]:
        return places_among(seqs, self.generation.segments.seqs)
