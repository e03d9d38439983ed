"""Compares stored features and keywords with those that their model makes of an image today."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import ModelRecord, StoredFeatures, TopKeywords
from sidecar.errors import ModelReplaced
from sidecar.models.model import Description, Model
from sidecar.models.registry import ModelRegistry

# Between the scores that one model gives one image on two machines. Two photos differ by 0.4. Where
# features are as far apart as the tolerance allows, we reckon with 0.1 (from int8 beside fp32).
WIDEST_GAP = 0.2


@dataclass(frozen=True)
class Compared:
    """A stored image whose stored features and keywords were compared with new ones.

    Args:
        image: with its stored features and keywords.
        made: both as its model makes them now.
        distance: squared L2 distance of the features: 0 for the same, at most 4; infinite where the
            stored ones have another dimension.
        gap: the largest difference of a keyword's two scores, 0..1; 0 where none are stored.
        has_features, has_keywords: whether the stored ones are of this model.
    """

    image: StoredFeatures
    made: Description
    distance: float
    gap: float
    has_features: bool
    has_keywords: bool

    @property
    def is_right(self) -> bool:
        """Whether all that is stored is of this model."""
        return self.has_features and self.has_keywords


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
            made = model.describe_all([image.jpeg for image in call])
            for image, each in zip(call, made, strict=True):
                distance, gap = _distance(image.features, each.features), _gap(image, each)
                is_near = distance <= _tolerance(model)
                yield Compared(image, each, distance, gap, is_near, gap <= WIDEST_GAP)


def _tolerance(model: Model) -> float:
    """Returns the largest squared distance between the features that one model makes of one image
    on two machines, or in two batches.

    The contract allows a server as much on the golden image: features of norm 1 and cosine c are
    2 (1 - c) apart. That is 0.002 for fp32 and 0.01 for int8; features of another model are 1 and
    more away.
    """
    return 2 * (1 - model.contract.golden_cosine)


def sentence(record: ModelRecord, compared: Compared) -> str:
    """Describes what is stored and is not of its model."""
    if compared.has_features:
        return (
            f"the keywords of {compared.image.id} by version {record.version} are not its own: a "
            f"score differs by {compared.gap:.2f} from the one that the version gives"
        )
    return (
        f"the features of {compared.image.id} by version {record.version} are not its own: their "
        f"squared distance from those that the version makes of it is {compared.distance:.4f}"
    )


def _gap(image: StoredFeatures, made: Description) -> float:
    """Returns by how much the two scores of a keyword differ at least, where they differ most."""
    if image.keywords is None:
        return 0.0
    stored, new = _scores(image.keywords), _scores(made.keywords)
    both = [abs(stored[label] - new[label]) for label in stored.keys() & new.keys()]
    gone = [stored[label] - made.keywords.floor for label in stored.keys() - new.keys()]
    come = [new[label] - image.keywords.floor for label in new.keys() - stored.keys()]
    return max([0.0, *both, *gone, *come])


def _scores(keywords: TopKeywords) -> dict[int, float]:
    """Returns scores by label."""
    return dict(zip(keywords.labels.tolist(), keywords.scores.tolist(), strict=True))


def _distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    if one.shape != other.shape:
        return float("inf")
    return float(((one - other) ** 2).sum())
