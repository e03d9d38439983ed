"""Where sequence numbers are among others."""

import numpy as np
from numpy.typing import NDArray


def places_among(seqs: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the place of each sequence number among others, int64 [n]; -1 where it is not there.

    Args:
        seqs: int64 [n].
        others: int64 [m] ascending.
    """
    places = np.searchsorted(others, seqs)
    inside = places < len(others)
    inside[inside] = others[places[inside]] == seqs[inside]
    return np.where(inside, places, -1)
