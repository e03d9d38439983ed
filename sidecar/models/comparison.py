"""Compares stored features with those that their model makes of the same image today."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import ModelRecord, StoredFeatures
from sidecar.errors import ModelReplaced
from sidecar.models.model import Model
from sidecar.models.registry import ModelRegistry


@dataclass(frozen=True)
class Compared:
    """A stored image whose stored features were compared with new ones.

    Args:
        image: with its stored features.
        features: float32 [D], as its model makes them now.
        distance: squared L2 distance of the two: 0 for the same, at most 4; infinite where the
            stored ones have another dimension.
        is_right: whether the stored ones are of this model.
    """

    image: StoredFeatures
    features: NDArray[np.float32]
    distance: float
    is_right: bool


@dataclass(frozen=True)
class Comparison:
    """Embeds stored images again, behind all live traffic, and compares."""

    models: ModelRegistry

    def of(self, record: ModelRecord, images: Sequence[StoredFeatures]) -> Iterator[Compared]:
        """Yields the images compared, a call to Triton at a time.

        Raises:
            FeaturesUnavailable: Triton is away, or does not serve the version.
            ModelRefused: it is not the model that the catalogue was made with.
            ModelReplaced: the catalogue no longer knows the model.
            ImageUnreadable: an image can't be decoded.
        """
        model = self.models.verified(record.version, record.sha256)
        if model.record != record:
            raise ModelReplaced(f"the catalogue no longer knows version {record.version}")
        for start in range(0, len(images), model.largest_call):
            call = images[start : start + model.largest_call]
            made = model.embed([image.jpeg for image in call])
            for image, features in zip(call, made, strict=True):
                distance = _distance(image.features, features)
                yield Compared(image, features, distance, distance <= _tolerance(model))


def _tolerance(model: Model) -> float:
    """Returns the largest squared distance between the features that one model makes of one image
    on two machines, or in two batches.

    The contract allows a server as much on the golden image: features of norm 1 and cosine c are
    2 (1 - c) apart. That is 0.002 for fp32 and 0.01 for int8; features of another model are 1 and
    more away.
    """
    return 2 * (1 - model.contract.golden_cosine)


def sentence(record: ModelRecord, compared: Compared) -> str:
    """Describes stored features that are not of their model."""
    return (
        f"the features of {compared.image.id} by version {record.version} are not its own: their "
        f"squared distance from those that the version makes of it is {compared.distance:.4f}"
    )


def _distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    if one.shape != other.shape:
        return float("inf")
    return float(((one - other) ** 2).sum())
