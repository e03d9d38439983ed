"""How probable it is that two images are the same one, saved or scaled again.

A distance alone does not say: 0.2 is near among photos, and far among drawings of one hand. Beside
the distance of the tenth nearest it does, with the same two constants over three models and 481 to
13,426 photos.
"""

import numpy as np
from numpy.typing import NDArray

TENTH = 10
# Fitted on made copies of photos that are not in this project.
A, B = 6.96, 13.51


def probabilities(dist: NDArray[np.float32], tenth: float) -> NDArray[np.float64]:
    """Returns for each distance how probable it is that both images are the same one.

    Args:
        dist: squared L2 distances, float32 [n].
        tenth: that of the tenth nearest, the image itself and its exact copies left out.
    Returns:
        float64 [n], 0..1: 1 / (1 + exp(B * dist / tenth - A)).
    """
    exponent = np.minimum(B * np.asarray(dist, np.float64) / max(tenth, 1e-9) - A, 700.0)
    return np.asarray(1 / (1 + np.exp(exponent)))


def tenth_of(dist: NDArray[np.float32], same: float) -> float | None:
    """Returns the distance of the tenth nearest that is farther than `same`, the largest distance
    of an exact copy; None where there are fewer. `dist`: float32 [n] ascending."""
    others = dist[dist > same]
    return float(others[TENTH - 1]) if len(others) >= TENTH else None
