"""Sample queries out of the catalogue, with their true neighbours: what recall is measured against.

An exact search for a thousand queries among a million images takes as long as adding these to an
index, so its result goes on from generation to generation: an update compares the queries only with
what is new. Queries that were removed leave. New images become queries when a fifth of all came
after the last drawing or too few queries are left; only these are compared with all images.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import Device, Nearest, widen
from sidecar.index.nprob import NEAREST
from sidecar.index.segments import Rows

MOST_QUERIES, FEWEST_QUERIES = 1024, 1000  # or every image, where there are fewer
KEPT = 32  # neighbours of each: some may be removed before fewer than ten are left
TIE = 1e-5  # distances this near are the same
MOST_UNDRAWN = 0.2  # of all images: so many may have come after queries were last drawn
# How the fields of a truth are called in its file, which is as old as the first release.
NAMES = {
    "queries": "queries",
    "held_out": "tells",
    "labels": "labels",
    "dist": "dist",
    "horizon": "horizon",
    "drawn_up_to": "drawn_up_to",
}


@dataclass(frozen=True)
class GroundTruth:
    """Queries and their true neighbours.

    Args:
        queries: int64 [Q], sequence numbers.
        held_out: bool [Q], the half that measures the operating points; the others choose them.
        labels: int64 [Q, KEPT], sequence numbers of the nearest, nearest first; -1 where there are
            no more.
        dist: float32 [Q, KEPT], their squared L2 distances; infinite there.
        horizon: float32 [Q], the distance up to which all neighbours are known: that of the last
            one kept, even after it has gone.
        drawn_up_to: the largest sequence number when queries were last drawn.
    """

    queries: NDArray[np.int64]
    held_out: NDArray[np.bool_]
    labels: NDArray[np.int64]
    dist: NDArray[np.float32]
    horizon: NDArray[np.float32]
    drawn_up_to: int

    @classmethod
    def load(cls, path: Path) -> "GroundTruth":
        """Reads a file that `save` wrote, in this release or an older one."""
        with np.load(path) as file:
            fields = {field: file[name] for field, name in NAMES.items()}
        return cls(**fields | {"drawn_up_to": int(fields["drawn_up_to"])})

    def save(self, path: Path) -> None:
        """Writes a file; the same truth gives the same bytes."""
        with path.open("wb") as file:
            np.savez(file, **{name: getattr(self, field) for field, name in NAMES.items()})

    @property
    def limits(self) -> NDArray[np.float32]:
        """The distance, float32 [Q], up to which an image counts as one of the ten nearest."""
        tenth: NDArray[np.float32] = self.dist[:, NEAREST - 1] + np.float32(TIE)
        return tenth

    def part(self, which: NDArray[np.bool_]) -> "GroundTruth":
        """Returns some of the queries, bool [Q]."""
        return GroundTruth(
            self.queries[which],
            self.held_out[which],
            self.labels[which],
            self.dist[which],
            self.horizon[which],
            self.drawn_up_to,
        )

    def remaining(self, seqs: NDArray[np.int64]) -> "GroundTruth":
        """Returns what is still known where only these images, int64 [n] ascending, remain."""
        dist = np.where(np.isin(self.labels, seqs), self.dist, np.float32(np.inf))
        order = np.argsort(dist, axis=1, kind="stable")
        known = self.with_neighbours(
            np.take_along_axis(self.labels, order, axis=1),
            np.take_along_axis(dist, order, axis=1),
        )
        enough = np.isfinite(known.dist).sum(axis=1) >= min(NEAREST, len(seqs) - 1)
        return known.part(enough & np.isin(self.queries, seqs))

    def with_neighbours(
        self, labels: NDArray[np.int64], dist: NDArray[np.float32]
    ) -> "GroundTruth":
        """Returns the same queries with other neighbours, of which those within the horizon
        count."""
        within = dist <= self.horizon[:, None]
        return GroundTruth(
            self.queries,
            self.held_out,
            np.where(within & np.isfinite(dist), labels, -1),
            np.where(within, dist, np.float32(np.inf)),
            np.minimum(self.horizon, dist[:, -1]),
            self.drawn_up_to,
        )

    def joined(self, other: "GroundTruth") -> "GroundTruth":
        """Returns the queries of both."""
        return GroundTruth(
            np.concatenate([self.queries, other.queries]),
            np.concatenate([self.held_out, other.held_out]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.dist, other.dist]),
            np.concatenate([self.horizon, other.horizon]),
            max(self.drawn_up_to, other.drawn_up_to),
        )


class GroundTruthBuilder:
    """Makes the ground truth of a draft, in one or two walks over its rows.

    Standing queries keep their neighbours among the images of the generation before, and are
    compared only with what is new; fresh ones are compared with every image.
    """

    def __init__(
        self,
        segments: Rows,
        device: Device,
        before: GroundTruth | None = None,
        new_from: int = 0,
    ) -> None:
        """Chooses the queries.

        Args:
            before: the truth of the generation before, of which the rows up to `new_from` remain.
            new_from: the first row of the images that are new.
        """
        self._segments = segments
        self._new_from = new_from
        none = np.empty(0, np.int64)
        standing = before.remaining(segments.seqs[:new_from]) if before else _unknown(none, 0)
        if _outdated(standing, segments.seqs):
            standing = standing.part(_stay(standing, segments.seqs))
            fresh = _drawn(standing, segments.seqs)
        else:
            fresh = _unknown(none, 0)
        self._truths = [standing, fresh]
        self._walks = [self._walk(truth, device) for truth in self._truths]

    def compare(self, seqs: NDArray[np.int64], features: NDArray[np.float32]) -> None:
        """Compares all queries with new images: sequence numbers [n], features [n, D]."""
        for walk in self._walks:
            walk.compare(seqs, features)

    def finish(self) -> GroundTruth:
        """Compares the fresh queries with the old images, too, and returns all that is known."""
        if len(self._truths[1].queries):
            for seqs, features in self._segments.chunks(0, self._new_from):
                self._walks[1].compare(seqs, features)
        standing, fresh = (
            truth.with_neighbours(walk.labels, walk.dist)
            for truth, walk in zip(self._truths, self._walks, strict=True)
        )
        return standing.joined(fresh)

    def _walk(self, truth: GroundTruth, device: Device) -> Nearest:
        features = widen(self._segments.features(truth.queries))
        return Nearest(features, truth.queries, (truth.labels, truth.dist), device)


def _unknown(queries: NDArray[np.int64], drawn_up_to: int) -> GroundTruth:
    """Returns queries, int64 [Q], that were compared with nothing yet; every other one is held
    out."""
    labels = np.full((len(queries), KEPT), -1, np.int64)
    dist = np.full(labels.shape, np.inf, np.float32)
    held_out = np.arange(len(queries)) % 2 == 1
    return GroundTruth(queries, held_out, labels, dist, dist[:, -1], drawn_up_to)


def _outdated(truth: GroundTruth, seqs: NDArray[np.int64]) -> bool:
    """Whether too few queries are left, or too many images came after the last drawing."""
    undrawn = int(np.count_nonzero(seqs > truth.drawn_up_to))
    too_few = len(truth.queries) < min(FEWEST_QUERIES, len(seqs))
    return too_few or undrawn > MOST_UNDRAWN * len(seqs)


def _stay(truth: GroundTruth, seqs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Draws which queries stay, bool [Q]: of them, the share of the images that came after the last
    drawing gives way, so that older images do not outweigh these."""
    undrawn = np.count_nonzero(seqs > truth.drawn_up_to) / len(seqs)
    lot = np.random.default_rng(len(seqs)).random(len(truth.queries))
    stay: NDArray[np.bool_] = lot >= undrawn
    return stay


def _drawn(standing: GroundTruth, seqs: NDArray[np.int64]) -> GroundTruth:
    """Draws fresh queries beside those that stand: the images that came after the last drawing get
    their share of all, older ones fill up."""
    random = np.random.default_rng(len(seqs))
    size = min(MOST_QUERIES, len(seqs))
    free = max(0, size - len(standing.queries))
    undrawn = seqs[seqs > standing.drawn_up_to]
    others = np.setdiff1d(seqs[seqs <= standing.drawn_up_to], standing.queries)
    new = min(free, max(round(size * len(undrawn) / len(seqs)), free - len(others)))
    drawn = [random.choice(undrawn, new, False), random.choice(others, free - new, False)]
    return _unknown(random.permutation(np.concatenate(drawn)), int(seqs[-1]) if len(seqs) else 0)
