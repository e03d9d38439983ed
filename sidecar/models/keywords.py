"""What the model in use makes of an image: keywords by its labels, and features."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import DIGITS, Described, TopKeywords
from sidecar.errors import WrongArguments
from sidecar.images import Box, ImageRules, canonical, part
from sidecar.models import lanes
from sidecar.models.registry import ModelRegistry


@dataclass(frozen=True)
class Keyword:
    """A label and its probability."""

    name: str
    score: float


@dataclass(frozen=True)
class Keywords:
    """Finds the keywords of images by the model in use."""

    models: ModelRegistry
    rules: ImageRules

    def of(
        self, upload: bytes, top_k: int, threshold: float, box: Box | None = None
    ) -> tuple[list[Keyword], int]:
        """Returns the likeliest keywords of an upload.

        Args:
            upload: the bytes of an image file.
            top_k: how many keywords, at most.
            threshold: the least probability of each.
            box: the part of the image that counts; None is the whole.

        Returns:
            keywords, likeliest first, and the version of the model that gave them.
        Raises:
            ImageUnreadable, ImageTooLarge, FeaturesUnavailable, ModelRefused.
        """
        return self.of_stored(part(canonical(upload, self.rules), box), top_k, threshold)

    def features(self, upload: bytes, box: Box | None = None) -> tuple[NDArray[np.float32], int]:
        """Returns the features of an upload, or of a part of it, float32 [D] of norm 1, and the
        version of the model that made them; errors as `of`."""
        model = self.models.in_use()
        jpeg = part(canonical(upload, self.rules), box)
        return model.features(jpeg, lanes.SEARCH), model.record.version

    def of_image(self, stored: Described, top_k: int, threshold: float = 0.0) -> list[Keyword]:
        """Returns what `of_stored` does, without an inference where what the catalogue keeps of a
        stored image is enough to know it; errors as that."""
        model, kept = stored.model, stored.keywords
        if model is None or kept is None or not _is_enough(kept, top_k, threshold):
            return self.of_stored(stored.jpeg, top_k, threshold)[0]
        labels = self.models.labels_of(model)
        likeliest = named(labels, kept.labels, kept.scores)[:top_k]
        return [keyword for keyword in likeliest if keyword.score >= threshold]

    def of_stored(
        self, jpeg: bytes, top_k: int, threshold: float = 0.0
    ) -> tuple[list[Keyword], int]:
        """Does as `of` for a canonical JPEG."""
        model = self.models.in_use()
        scores = model.keywords(jpeg)
        labels = model.files.labels
        likeliest = np.argsort(-scores, kind="stable")[:top_k]
        found = [Keyword(labels[i], float(scores[i])) for i in likeliest if scores[i] >= threshold]
        return found, model.record.version


def named(
    names: Sequence[str], labels: NDArray[np.uint16], scores: NDArray[np.float16]
) -> list[Keyword]:
    """Returns stored keywords with the names of their labels."""
    pairs = zip(labels.tolist(), scores.tolist(), strict=True)
    return [Keyword(names[label], round(score, DIGITS)) for label, score in pairs]


def numbers_of(names: Sequence[str], labels: Sequence[str], version: int) -> list[int]:
    """Returns the place of each keyword among the labels of a version.

    Raises:
        WrongArguments: it has none of this name.
    """
    for name in names:
        if name not in labels:
            raise WrongArguments(
                f"version {version} has no keyword {name!r}: GET /similarity/keywords lists them"
            )
    return [labels.index(name) for name in names]


def _is_enough(kept: TopKeywords, top_k: int, threshold: float) -> bool:
    """Says whether none that was not kept can be among the likeliest `top_k` over a threshold."""
    return len(kept) >= top_k or threshold >= kept.floor
