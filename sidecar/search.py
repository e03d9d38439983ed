"""A query image to the ids of its neighbours: the last step of the path of an image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Entries
from sidecar.generations import Generation, Generations
from sidecar.images import ImageRules, canonical
from sidecar.models import VerifiedModels


@dataclass(frozen=True)
class Wanted:
    """How many neighbours, how carefully (NPROB, 1..100), and how far away at most."""

    num_results: int
    nprob: int
    max_dist: float


@dataclass(frozen=True)
class Neighbours:
    """An answer: distances ascending, with the ids they belong to, and where it came from."""

    dist: list[float]
    result: list[str]
    version: int
    generation: int


@dataclass(frozen=True)
class Search:
    """Embed a query as the catalogue's images were, and look around it."""

    entries: Entries
    models: VerifiedModels
    generations: Generations
    rules: ImageRules

    def nearest(self, upload: bytes, wanted: Wanted) -> Neighbours:
        """Find the images most like an uploaded one.

        The distance is the squared L2 distance of unit features: 0 for the same image, at most 4.

        Raises:
            NoIndex, IndexDamaged, ImageUnreadable, ImageTooLarge, FeaturesUnavailable,
            ModelRefused, CatalogueUnavailable.
        """
        generation = self.generations.current()  # first: without an index no inference is due
        jpeg = canonical(upload, self.rules)
        model = self.models.verified(generation.meta.version, generation.meta.sha256)
        seqs, dist = rank(generation, model.features(jpeg), wanted)
        ids = self.entries.ids_of(seqs.tolist())
        found = [(d, ids[s]) for d, s in zip(dist.tolist(), seqs.tolist(), strict=True) if s in ids]
        return Neighbours(
            [d for d, _ in found], [i for _, i in found], generation.meta.version, generation.number
        )


def rank(
    generation: Generation, query: NDArray[np.float32], wanted: Wanted
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The nearest of a generation's candidates by their full features.

    Args:
        generation: to search in.
        query: float32 [D].
        wanted: how many, how carefully, how far.
    Returns:
        seqs int64 [n] and squared L2 distances float32 [n], ascending; ties by age.
    """
    positions = generation.index.candidates(query, wanted.num_results, wanted.nprob)
    dist = np.square(generation.features(positions) - query).sum(axis=1)
    nearest = np.lexsort((positions, dist))[: wanted.num_results]
    nearest = nearest[dist[nearest] <= wanted.max_dist]
    return generation.seqs[positions[nearest]], dist[nearest]
