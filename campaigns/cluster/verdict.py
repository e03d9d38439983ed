"""What was wrong in the end: answers of no one version, images lost, hosts that came too late."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from campaigns.chaos import FIRST, PICTURES, features_of
from campaigns.cluster.traffic import Asked
from campaigns.switching import TOLERANCE
from local.stack import Stack


def mixed(front: Stack, pictures: list[bytes], answers: list[Asked]) -> Iterator[str]:
    """Yields a line for each answer that is not wholly of the version that it names.

    The distance of an image that nobody changes has to be that of the two pictures; one that may
    have been overwritten since has that of some picture.
    """
    versions = {answer.found.meta.model_version for answer in answers}
    apart = {version: _apart(front, pictures, version or 0) for version in versions}
    for answer in answers:
        row = apart[answer.found.meta.model_version][answer.picture]
        for dist, name in answer.found.pairs():
            expected = (
                row[int(name.removeprefix(FIRST)) % PICTURES] if name.startswith(FIRST) else row
            )
            if np.abs(expected - dist).min() > TOLERANCE:
                version = answer.found.meta.model_version
                yield f"picture {answer.picture} by version {version}: {name} is {dist:.4f} away"


def _apart(front: Stack, pictures: list[bytes], version: int) -> NDArray[np.float32]:
    """Returns the squared distances of all pictures, [n, n], by a version."""
    features = features_of(front, pictures, version)
    squares: NDArray[np.float32] = ((features[:, None] - features[None]) ** 2).sum(axis=2)
    return squares
