"""What an image shows, in the words of the model's own list."""

from dataclasses import dataclass

import numpy as np

from sidecar.images.codec import ImageRules, canonical
from sidecar.models.registry import ModelRegistry


@dataclass(frozen=True)
class Keyword:
    """A label with its probability."""

    name: str
    score: float


@dataclass(frozen=True)
class Keywords:
    """Ask the model in use for its keywords."""

    models: ModelRegistry
    rules: ImageRules

    def of(self, upload: bytes, top_k: int, threshold: float) -> tuple[list[Keyword], int]:
        """The likeliest keywords of an image, at most `top_k`, each of at least `threshold`.

        Returns:
            keywords, likeliest first, and the model version that gave them.
        Raises:
            ImageUnreadable, ImageTooLarge, FeaturesUnavailable, ModelRefused.
        """
        return self.of_stored(canonical(upload, self.rules), top_k, threshold)

    def of_stored(
        self, jpeg: bytes, top_k: int, threshold: float = 0.0
    ) -> tuple[list[Keyword], int]:
        """As `of`, for a canonical JPEG."""
        model = self.models.in_use()
        scores = model.keywords(jpeg)
        labels = self.models.labels(model.record.version)
        likeliest = np.argsort(-scores, kind="stable")[:top_k]
        found = [Keyword(labels[i], float(scores[i])) for i in likeliest if scores[i] >= threshold]
        return found, model.record.version
