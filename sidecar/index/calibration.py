"""How well the probability of the same image holds, by made twins: it is compared with what is so.

Each twin is a query, and of its ten nearest one is the image that it was made of, or none.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.index.probability import TENTH, Constants, tenth_of

BINS = 10  # of probabilities, between which and the shares that are true the error is measured
CERTAIN = 0.9


@dataclass(frozen=True)
class Calibration:
    """How well a probability holds.

    Args:
        ece: the expected calibration error: how far probabilities are from the shares that are
            true, mean over ten bins weighted by their pairs, 0..1.
        precision: of the pairs with a probability of at least 0.9, how many are the same, 0..1;
            None where there are none.
        recall: of the twins, how many are found with at least 0.9, 0..1.
        twins: how many there were.
    """

    ece: float
    precision: float | None
    recall: float
    twins: int


@dataclass(frozen=True)
class Pairs:
    """Twins beside their ten nearest.

    Args:
        dist: each distance as a share of that of the tenth nearest, float64 [n].
        same: whether it is the image that the twin was made of, bool [n].
        twins: how many there were, those without ten others among them.
    """

    dist: NDArray[np.float64]
    same: NDArray[np.bool_]
    twins: int

    def measured(self, constants: Constants) -> Calibration:
        """Measures how well a probability by these constants holds. Raises ValueError: there are no
        pairs."""
        if not len(self.dist):
            raise ValueError("no twin has ten others")
        likely = constants.probabilities(self.dist.astype(np.float32), 1.0)
        bins = np.minimum((likely * BINS).astype(int), BINS - 1)
        count = np.bincount(bins, minlength=BINS)
        apart = np.bincount(bins, likely, BINS) - np.bincount(bins, self.same, BINS)
        right, certain = self.same[likely >= CERTAIN].sum(), (likely >= CERTAIN).sum()
        return Calibration(
            float(np.abs(apart).sum() / count.sum()),
            float(right / certain) if certain else None,
            float(right / self.twins),
            self.twins,
        )


def pairs_of(found: list[tuple[NDArray[np.float32], int | None]]) -> Pairs:
    """Returns the pairs of twins with their nearest.

    Args:
        found: of each twin the distances of its nearest, float32 [n] ascending, and the place of
            its image among them; None where that was not found.
    """
    dist, true = [np.empty(0)], [np.empty(0, np.bool_)]
    for near, place in found:
        tenth = tenth_of(near)
        if tenth is not None:
            dist.append(near[:TENTH].astype(np.float64) / tenth)
            true.append(np.arange(min(TENTH, len(near))) == (-1 if place is None else place))
    return Pairs(np.concatenate(dist), np.concatenate(true), len(found))
