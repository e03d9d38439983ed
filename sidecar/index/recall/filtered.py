"""What a filtered search finds: measured at every training, with made filters."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import Device, Index, Nearest, SearchParams, distances, widen
from sidecar.index.narrowed import FEW, ListLayout, Reach, narrowed
from sidecar.index.nprob import NEAREST, RECALL_TARGETS, OperatingPoints
from sidecar.index.recall.ground_truth import TIE, GroundTruth
from sidecar.index.recall.mean_recall import MeanRecall
from sidecar.index.segments import Segments
from sidecar.settings import DEFAULT_NPROB

SHARES = (0.5, 0.1, 0.01)  # of the images that meet a made filter
BREADTHS = (1.0, 2.0, 4.0)  # of a `Reach`; the first that most likely finds enough is taken
QUERIES = 128
MIXED = np.uint64(0x9E3779B97F4A7C15)  # 2^64 by the golden ratio: spreads numbers evenly (Knuth)


@dataclass(frozen=True)
class FilteredRecall:
    """The recall@10 of a search among a share of all images, at the default NPROB."""

    share: float
    recall: float


@dataclass(frozen=True)
class FilteredQuality:
    """How far filtered searches look in a generation, and what they find.

    Args:
        reach: by which they were measured.
        recalls: for each of `SHARES`; none where an earlier release trained.
    """

    reach: Reach = field(default_factory=Reach)
    recalls: tuple[FilteredRecall, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Writes it as it stands in `meta.json`."""
        return {**asdict(self.reach), "recalls": [asdict(each) for each in self.recalls]}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "FilteredQuality":
        """Reads what `to_json` wrote."""
        recalls = tuple(FilteredRecall(**each) for each in fields["recalls"])
        # An earlier release has written no breadth: it tried several widenings instead.
        return cls(Reach(fields["widening"], fields.get("breadth", 1.0)), recalls)


UNMEASURED = FilteredQuality()


def measure(
    index: Index, truth: GroundTruth, segments: Segments, points: OperatingPoints, device: Device
) -> FilteredQuality:
    """Finds how far searches among a part of the images have to look, and what they find then.

    Args:
        index: of the rows of `segments`, all of them.
        truth: whose queries are asked.
        points: found for searches among all images.
    """
    meter = _Meter(index, truth, segments, points.search_params(DEFAULT_NPROB, NEAREST + 1), device)
    target = RECALL_TARGETS[DEFAULT_NPROB]
    for reach in (Reach(breadth=breadth) for breadth in BREADTHS):
        found = {}
        for share in SHARES:
            found[share] = meter.recall(share, reach)
            if not found[share].most_likely_meets(target) and reach.breadth < BREADTHS[-1]:
                break  # the next breadth, whatever the other shares find by this one
        else:
            break
    recalls = tuple(FilteredRecall(share, recall.mean) for share, recall in found.items())
    return FilteredQuality(reach, recalls)


class _Meter:
    """Asks some queries among the images that meet a made filter."""

    def __init__(
        self,
        index: Index,
        truth: GroundTruth,
        segments: Segments,
        params: SearchParams,
        device: Device,
    ) -> None:
        self._index = index
        self._segments = segments
        self._params = params
        self._seqs = truth.queries[truth.held_out][:QUERIES]
        self._queries = widen(segments.features(self._seqs))
        self._layout = ListLayout.of(index, segments.seqs)
        self._limits = self._true_limits(device)

    def recall(self, share: float, reach: Reach) -> MeanRecall:
        """Returns the recall@10."""
        meets = _meets(self._segments.seqs, share)
        limits = self._limits[share]
        if np.count_nonzero(meets) <= FEW:
            return MeanRecall.of(np.empty(0))  # every one is compared
        among = narrowed(self._index, self._segments.seqs, self._layout, meets, reach)
        found = np.zeros(len(limits))
        for place, (own, limit) in enumerate(zip(self._seqs, limits, strict=True)):
            query = self._queries[place]
            seqs = among.candidates(query, self._params, NEAREST + 1)
            seqs = seqs[seqs != own]
            near = distances(query, self._segments.features(seqs)) <= limit
            found[place] = min(NEAREST, int(np.count_nonzero(near)))
        return MeanRecall.of(found / NEAREST)

    def _true_limits(self, device: Device) -> dict[float, NDArray[np.float32]]:
        """Returns the distance of the tenth neighbour of each query, float32 [Q], among the images
        of each share, in one walk over all."""
        none = np.full((len(self._seqs), NEAREST), -1, np.int64)
        far = np.full(none.shape, np.inf, np.float32)
        walks = {share: Nearest(self._queries, self._seqs, (none, far), device) for share in SHARES}
        for seqs, features in self._segments.chunks():
            for share, walk in walks.items():
                meets = _meets(seqs, share)
                walk.compare(seqs[meets], features[meets])
        return {share: walk.dist[:, -1] + np.float32(TIE) for share, walk in walks.items()}


def _meets(seqs: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Returns which images meet a made filter: a share of them, spread evenly, bool [n]."""
    drawn = (seqs.astype(np.uint64) * MIXED) / np.float64(2**64)
    return np.asarray(drawn < share, np.bool_)
