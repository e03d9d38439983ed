"""Checks how well the probability of the same image holds in a new index.

Made twins of a few stored images are searched for in it.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Images, Stored
from sidecar.errors import SimilarityError
from sidecar.images.twins import CHANGES, twin
from sidecar.index import Generation, rank_each
from sidecar.index.calibration import Calibration, pairs_of
from sidecar.index.lookalikes import NPROB
from sidecar.models.model import Model
from sidecar.models.registry import ModelRegistry
from sidecar.search.likeness import around, constants_of

log = logging.getLogger(__name__)

IMAGES = 100
MOST_S = 4.0  # after which it makes do with the twins that it has
TRITON_TIMEOUT_S = 2.0  # of a call
FEWEST = 20  # twins, below which nothing is said

Row = NDArray[np.float32]  # [D]


@dataclass(frozen=True)
class TwinCheck:
    """Checks a draft of the index; where Triton does not answer, nothing is known of it.

    Args:
        models: by whose features twins are made, with a timeout that is short.
    """

    images: Images
    models: ModelRegistry

    def of(self, generation: Generation) -> Calibration | None:
        """Returns how well the probability holds; None where too few twins could be made, for
        whatever reason."""
        try:
            return self._measured(generation)
        except (SimilarityError, ValueError, OSError) as error:  # a JPEG may be damaged
            log.warning("the probability of the same image was not checked: %s", error)
            return None

    def _measured(self, generation: Generation) -> Calibration | None:
        ends, meta = time.monotonic() + MOST_S, generation.meta
        model = self.models.verified(meta.version, meta.sha256)
        made = [*self._twins(generation, model, ends)]
        if len(made) < FEWEST:
            log.warning("the probability of the same image was not checked: %d twins", len(made))
            return None
        queries = np.stack([row for _, row in made])
        ranked = rank_each(generation, queries, [None] * len(made), around(NPROB))
        found = []
        for (seq, _), (seqs, dist) in zip(made, ranked, strict=True):
            [place] = np.nonzero(seqs == seq)
            found.append((dist, int(place[0]) if len(place) else None))
        constants = constants_of(self.models, meta.sha256)
        return pairs_of(found).measured(constants)

    def _twins(
        self, generation: Generation, model: Model, ends: float
    ) -> Iterator[tuple[int, Row]]:
        """Yields sequence numbers of images with the features of a twin, until the time is up."""
        kinds, seqs = [*CHANGES], generation.segments.seqs
        chance = np.random.default_rng(generation.meta.snapshot)
        drawn = chance.choice(seqs, min(IMAGES, len(seqs)), replace=False)
        ids = self.images.ids_of(drawn.tolist())
        names = [*ids.values()]
        key = self.models.key_of(generation.meta.sha256)
        for start in range(0, len(names), model.largest_call):
            some = self.images.stored(names[start : start + model.largest_call], key, jpegs=True)
            there = [each for each in some.values() if isinstance(each, Stored)]
            jpegs = [
                twin(each.jpeg, kinds[(start + place) % len(kinds)])
                for place, each in enumerate(there)
            ]
            if jpegs:
                for each, made in zip(there, model.describe_all(jpegs), strict=True):
                    yield each.seq, made.features
            if time.monotonic() > ends:
                return
