"""The mean recall of some queries, and how sure it is."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z = 1.645  # one-sided, 95 %


@dataclass(frozen=True)
class MeanRecall:
    """The mean recall of some queries, and its variance.

    Args:
        mean: 0..1.
        variance: of the mean.
        queries: how many there are.
    """

    mean: float
    variance: float
    queries: int

    @classmethod
    def of(cls, recalls: NDArray[np.float64]) -> "MeanRecall":
        """Takes the recall of each query, float64 [Q]."""
        if not len(recalls):  # in a set of one image or none
            return cls(1.0, 0.0, 1)
        return cls(float(recalls.mean()), float(recalls.var()) / len(recalls), len(recalls))

    def most_likely_meets(self, target: float) -> bool:
        """Whether as many other queries most likely meet the target as well."""
        return self.mean - Z * math.sqrt(2 * self.variance) >= target

    def at_least(self) -> float:
        """Returns the lower bound, one-sided, 95 %.

        Source: E. B. Wilson, "Probable inference, the law of succession, and statistical
        inference", 1927, with L. Kish's effective sample size, since the ten neighbours of a query
        go together.
        """
        spread = self.mean * (1 - self.mean)
        size = spread / self.variance if self.variance else self.queries
        centre = self.mean + Z**2 / (2 * size)
        half = Z * math.sqrt(spread / size + Z**2 / (4 * size**2))
        return (centre - half) / (1 + Z**2 / size)
