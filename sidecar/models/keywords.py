"""What the model in use makes of an image: keywords by its labels, and features."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.images import ImageRules, canonical
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

    def of(self, upload: bytes, top_k: int, threshold: float) -> tuple[list[Keyword], int]:
        """Returns the likeliest keywords of an upload.

        Args:
            upload: the bytes of an image file.
            top_k: how many keywords, at most.
            threshold: the least probability of each.

        Returns:
            keywords, likeliest first, and the version of the model that gave them.
        Raises:
            ImageUnreadable, ImageTooLarge, FeaturesUnavailable, ModelRefused.
        """
        return self.of_stored(canonical(upload, self.rules), top_k, threshold)

    def features(self, upload: bytes) -> tuple[NDArray[np.float32], int]:
        """Returns the features of an upload, float32 [D] of norm 1, and the version of the model
        that made them; errors as `of`."""
        model = self.models.in_use()
        return model.features(canonical(upload, self.rules), lanes.SEARCH), model.record.version

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
