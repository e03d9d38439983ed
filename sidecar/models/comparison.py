"""Stored features held against those that their model makes of the same image today."""

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
    """A stored image, its features as its model makes them now, float32 [D], and the squared
    distance between these and the stored ones: 0 for the same, at most 4; infinite where the stored
    ones have another length."""

    image: StoredFeatures
    features: NDArray[np.float32]
    distance: float
    is_right: bool


@dataclass(frozen=True)
class Comparison:
    """Asks Triton, behind all live traffic."""

    models: ModelRegistry

    def of(self, record: ModelRecord, images: Sequence[StoredFeatures]) -> Iterator[Compared]:
        """Embed images again and compare, call by call.

        Raises:
            FeaturesUnavailable: Triton is away, or does not serve the version.
            ModelRefused: it is not the model that the catalogue was made with.
            ModelReplaced: the catalogue no longer knows the model.
            ImageUnreadable: a picture can't be decoded.
        """
        model = self.models.verified(record.version, record.sha256)
        if model.record != record:
            raise ModelReplaced(f"the catalogue no longer knows version {record.version}")
        for start in range(0, len(images), model.largest_call):
            some = images[start : start + model.largest_call]
            made = model.embed([image.jpeg for image in some])
            for image, features in zip(some, made, strict=True):
                distance = _distance(image.features, features)
                yield Compared(image, features, distance, distance <= farthest(model))


def farthest(model: Model) -> float:
    """The squared distance at most between the features that one model makes of one image on two
    machines, or in two batches.

    It is what the contract allows a server on the golden image: for unit vectors, twice of what
    their cosine lacks to 1. That is 0.002 for fp32 and 0.01 for int8; features of another model are
    at 1 and more.
    """
    return 2 * (1 - model.contract.golden_cosine)


def sentence(record: ModelRecord, compared: Compared) -> str:
    """What is wrong with features that are not those of their model."""
    return (
        f"the features of {compared.image.id} by version {record.version} are not its own: "
        f"{compared.distance:.4f} (squared distance) from those that the version makes of it"
    )


def _distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    if one.shape != other.shape:
        return float("inf")
    return float(((one - other) ** 2).sum())
