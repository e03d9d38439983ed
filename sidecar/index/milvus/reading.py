"""Features as the catalogue has them: what Milvus finds is ranked by these."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Features, Models
from sidecar.index.ann import distances, widen
from sidecar.index.places import places_among
from sidecar.index.request import Found
from sidecar.index.segments import Chunk

AT_ONCE = 500  # rows of one look-up


@dataclass(frozen=True)
class Reader:
    """Reads the features of one model's images by their sequence numbers.

    Args:
        sha256: of the model.
    """

    stored: Features
    models: Models
    sha256: str
    dimension: int

    @cached_property
    def model(self) -> int:
        """The catalogue's key of the model. Raises ModelRefused: it has none."""
        return self.models.get(self.sha256).model

    def some(self, seqs: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
        """Reads the features of images, int64 [n], in one look-up for some hundreds.

        Returns:
            sequence numbers int64 [m] ascending of those that are not gone, and their features
            float16 [m, D].
        Raises:
            CatalogueDamaged: a row is not what was stored.
        """
        wanted = np.unique(seqs)
        pages = [
            self.stored.some(self.model, wanted[at : at + AT_ONCE].tolist())
            for at in range(0, len(wanted), AT_ONCE)
        ]
        found = [page for page in pages if page is not None]
        if not found:
            return np.empty(0, np.int64), np.empty((0, self.dimension), np.float16)
        return (
            np.concatenate([page.seqs for page in found]),
            np.concatenate([page.features for page in found]),
        )

    def features(self, seqs: NDArray[np.int64]) -> NDArray[np.float16]:
        """Reads the features of images in their order: float16 [n, D]; of one that has just gone
        these are zeros."""
        found, features = self.some(seqs)
        rows = np.zeros((len(seqs), self.dimension), np.float16)
        places = places_among(seqs, found)
        rows[places >= 0] = features[places[places >= 0]]
        return rows

    def compared(self, query: NDArray[np.float32], seqs: NDArray[np.int64]) -> Found:
        """Compares a query, float32 [D], with those of some images that are not gone."""
        found, features = self.some(seqs)
        return found, distances(query, features)


@dataclass(frozen=True)
class Rows:
    """The images of a draft, as `recall` reads them; as `segments.Rows` has it.

    Attributes:
        gone: the sequence numbers of those that were removed before they were read.
    """

    reader: Reader
    seqs: NDArray[np.int64]
    gone: set[int] = field(default_factory=set)

    def features(self, seqs: NDArray[np.int64]) -> NDArray[np.float16]:
        rows = self.reader.features(seqs)
        self.gone.update(seqs[~rows.any(axis=1)].tolist())
        return rows

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[Chunk]:
        part = self.seqs[start:stop]
        if not len(part):
            return
        span = int(part[0]) - 1, int(part[-1])
        for page in self.reader.stored.stream(self.reader.model, *span):
            here = places_among(page.seqs, part) >= 0
            if here.any():
                yield page.seqs[here], widen(page.features[here])
