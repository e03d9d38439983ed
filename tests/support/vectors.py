"""Makes features without a model."""

import numpy as np
from numpy.typing import NDArray


def unit_vectors(count: int, dimension: int, seed: int = 0) -> NDArray[np.float32]:
    """Draws points around 40 centres on the sphere, as features of photos of 40 kinds lie.

    Returns:
        float32 [count, dimension], each value exact in float16, as stored features are.
    """
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(40, dimension))
    spread = random.normal(size=(count, dimension)) * 0.7
    points = centres[random.integers(0, 40, count)] + spread
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    rounded: NDArray[np.float32] = unit.astype(np.float16).astype(np.float32)
    return rounded
