"""How probable it is that two images are the same one, saved or scaled again.

A distance alone does not say: 0.2 is near among photos, and far among drawings of one hand. Beside
the distance of the tenth nearest it does, with the same two constants over three models and 481 to
13,426 photos.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The distance up to which two images are the same: float16 moves what a segment holds by at most
# 2^-11 of its norm of 1, 2.4e-7 in this measure, and another batch moves a query by a little.
SAME = 1e-5
TENTH = 10
COPIES = 10  # exact ones of a query, that may stand before its ten nearest


@dataclass(frozen=True)
class Constants:
    """The numbers of P(same image) = 1 / (1 + exp(b * dist / tenth - a))."""

    a: float
    b: float

    def probabilities(self, dist: NDArray[np.float32], tenth: float) -> NDArray[np.float64]:
        """Returns for each distance how probable it is that both images are the same one.

        Args:
            dist: squared L2 distances, float32 [n].
            tenth: that of the tenth nearest, the image itself and its exact copies left out.
        Returns:
            float64 [n], 0..1.
        """
        exponent = self.b * np.asarray(dist, np.float64) / max(tenth, 1e-9) - self.a
        return np.asarray(1 / (1 + np.exp(np.minimum(exponent, 700.0))))

    def farthest(self, tenth: float, least: float) -> float:
        """Returns the distance up to which an image is the same one with a probability of at least
        `least`, 0..1 without both ends; below 0 where none is."""
        return tenth * (self.a - math.log(least / (1 - least))) / self.b


# Fitted on made copies of photos that are not in this project.
GENERAL = Constants(6.96, 13.51)


def tenth_of(dist: NDArray[np.float32]) -> float | None:
    """Returns the distance of the tenth nearest that is no exact copy; None where there are fewer.
    `dist`: float32 [n] ascending."""
    others = dist[dist > SAME]
    return float(others[TENTH - 1]) if len(others) >= TENTH else None
