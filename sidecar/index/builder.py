"""The index of a draft, made of its features: trained on all, or from the generation before.

Codes and the true neighbours of sample queries come from one walk over the rows that are new; the
operating points are then found with both.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import Device, Index, sample_size
from sidecar.index.engine import BuildRules, Published, Report
from sidecar.index.meta import LISTS, TRAINED, TRUTH
from sidecar.index.recall.autotune import tune
from sidecar.index.recall.filtered import measure
from sidecar.index.recall.ground_truth import GroundTruth, GroundTruthBuilder
from sidecar.index.recall.quality import Quality, Shape
from sidecar.index.segments import Segments
from sidecar.settings import MOST_NPROB


@dataclass(frozen=True)
class Build:
    """What a generation holds beside its features."""

    index: Index
    truth: GroundTruth
    quality: Quality


class Builder:
    """Builds the index of one task's draft."""

    def __init__(self, rules: BuildRules, report: Report) -> None:
        """Chooses the device.

        Args:
            report: called with the phase and the progress, 0..1; raises TaskLost to stop the work.
        Raises:
            DeviceUnavailable: a GPU was asked for and there is none.
        """
        self._device = Device(rules.device)
        self._exact_max = rules.exact_max
        self._report = report

    def train(self, segments: Segments) -> Build:
        """Trains on all images."""
        size = len(segments.seqs)
        self._clustering(0.0)
        if size <= self._exact_max:
            index = Index.exact(segments.dimension)
        else:
            sample = segments.sample(sample_size(size))
            index = Index.train(sample, size, self._device, self._clustering)
            del sample  # more than a gigabyte, with a million images
        truth = self._fill(index, segments, 0, GroundTruthBuilder(segments, self._device))
        points = tune(index, truth, segments)
        filtered = measure(index, truth, segments, points, self._device)
        shape = Shape.of(index, segments)
        return Build(index, truth, Quality.of_training(points, shape, filtered))

    def update(
        self, previous: Published, gone: NDArray[np.int64], segments: Segments, start: int
    ) -> Build:
        """Keeps what was trained, takes out the images that are gone, and adds the new ones.

        Args:
            gone: int64 [n], their sequence numbers.
            segments: what stays of the previous generation, and the new images from row `start` on.
        """
        index = Index.load(previous.folder / TRAINED, previous.folder / LISTS, segments.dimension)
        index.remove(gone)
        before = GroundTruth.load(previous.folder / TRUTH)
        truths = GroundTruthBuilder(segments, self._device, before, start)
        truth = self._fill(index, segments, start, truths)
        before_points = previous.meta.quality.operating_points
        points = tune(index, truth, segments, before_points.search_params(MOST_NPROB, 0))
        shape = Shape.of(index, segments, start)
        return Build(index, truth, previous.meta.quality.after_update(points, shape))

    def _clustering(self, share: float) -> None:
        self._report("clustering", 0.1 + 0.4 * share)

    def _fill(
        self, index: Index, segments: Segments, start: int, truths: GroundTruthBuilder
    ) -> GroundTruth:
        """Adds the rows from `start` on to the index, and compares the queries with them."""
        done, size = start, len(segments.seqs)
        for seqs, features in segments.chunks(start):
            index.add(seqs, features, self._device)
            truths.compare(seqs, features)
            done += len(seqs)
            self._report("adding", 0.5 + 0.4 * (done - start) / (size - start))
        self._report("measuring", 0.9)
        return truths.finish()
