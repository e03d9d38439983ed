"""The index of a draft, made of its features: afresh, or out of the one before.

Codes, the true neighbours of sample queries, and the dial that these set: in one walk over the rows
that are new.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import Device, Index, Wish, sample_size
from sidecar.index.generation import Generation
from sidecar.index.meta import LISTS, TRAINED, TRUTH
from sidecar.index.recall.autotune import tune
from sidecar.index.recall.ground_truth import GroundTruth, GroundTruthBuilder
from sidecar.index.recall.quality import Quality, Shape
from sidecar.index.segments import Segments
from sidecar.settings import MOST_NPROB, Settings

Report = Callable[[str, float], None]


@dataclass(frozen=True)
class BuildRules:
    """How builds are made.

    Args:
        exact_max: up to so many images, a search compares every one.
        device: where the heavy work is done, "auto", "cpu" or "gpu".
    """

    exact_max: int
    device: Wish

    @classmethod
    def of(cls, settings: Settings) -> "BuildRules":
        """Those that the environment asks for."""
        return cls(settings.exact_search_max, settings.faiss_device)


@dataclass(frozen=True)
class Build:
    """What a generation holds beside its features."""

    index: Index
    truth: GroundTruth
    quality: Quality


class Builder:
    """Builds, for one task."""

    def __init__(self, rules: BuildRules, report: Report) -> None:
        """Begin.

        Args:
            report: is told the phase and the progress, 0..1; raises TaskLost to stop the work.
        Raises:
            DeviceUnavailable: a GPU is wished for and there is none.
        """
        self._device = Device(rules.device)
        self._exact_max = rules.exact_max
        self._report = report

    def afresh(self, segments: Segments) -> Build:
        """Train on all images."""
        size = len(segments.seqs)
        self._clustering(0.0)
        if size <= self._exact_max:
            index = Index.exact(segments.dimension)
        else:
            sample = segments.sample(sample_size(size))
            index = Index.train(sample, size, self._device, self._clustering)
            del sample  # more than a gigabyte, with a million images
        truth = self._fill(index, segments, 0, GroundTruthBuilder(segments, self._device))
        dial = tune(index, truth, segments)
        return Build(index, truth, Quality.of_training(dial, Shape.of(index, segments)))

    def onwards(
        self, previous: Generation, gone: NDArray[np.int64], segments: Segments, start: int
    ) -> Build:
        """Keep what was trained, take out the images that are gone, and add the new ones.

        Args:
            gone: int64 [n], their sequence numbers.
            segments: what stays of the previous generation, and the new images from row `start` on.
        """
        index = Index.load(previous.folder / TRAINED, previous.folder / LISTS, segments.dimension)
        index.remove(gone)
        known = GroundTruth.load(previous.folder / TRUTH)
        truth = self._fill(
            index, segments, start, GroundTruthBuilder(segments, self._device, known, start)
        )
        before = previous.meta.quality
        dial = tune(index, truth, segments, previous.search_params(MOST_NPROB, results=0))
        return Build(index, truth, before.after(dial, Shape.of(index, segments, start)))

    def _clustering(self, share: float) -> None:
        self._report("clustering", 0.1 + 0.4 * share)

    def _fill(
        self, index: Index, segments: Segments, start: int, survey: GroundTruthBuilder
    ) -> GroundTruth:
        """Add the rows from `start` on, and compare them with the queries."""
        done, size = start, len(segments.seqs)
        for seqs, vectors in segments.chunks(start):
            index.add(seqs, vectors, self._device)
            survey.look(seqs, vectors)
            done += len(seqs)
            self._report("adding", 0.5 + 0.4 * (done - start) / (size - start))
        self._report("measuring", 0.9)
        return survey.finish()
