"""Finds the operating points of a generation: the cheapest search that meets each recall target.

Half of the queries of the ground truth choose the searches; the other half, held out from that,
measures what they find.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sidecar.index.ann import Index, SearchParams
from sidecar.index.nprob import (
    NEAREST,
    RECALL_TARGETS,
    OperatingPoint,
    OperatingPoints,
)
from sidecar.index.recall.ground_truth import GroundTruth
from sidecar.index.recall.mean_recall import MeanRecall
from sidecar.index.recall.sweep import Sweep, SweepHits, SweepRun
from sidecar.index.segments import Segments

FIRST_LISTS, FIRST_SHARE = 640, 3  # a sweep begins with so many lists, or one in so many
FIRST_CANDIDATES, MOST_CANDIDATES = 640, 5120
FEWEST_CANDIDATES = 2 * NEAREST
STEP = 1.2  # from one length to the next that is tried
# Microseconds of a search, measured at 512 and 1,280 dimensions; only their ratios count.
US_PER_CODE = 7e-5  # of each image in the lists that are visited
US_PER_LIST = 0.3
US_PER_CANDIDATE, US_PER_VALUE = 0.9, 5e-4  # that is compared, and of each of its values


@dataclass(frozen=True)
class _Option:
    """A search, its cost, and its recall on the queries that choose and on those held out."""

    params: SearchParams
    cost: float
    chosen: MeanRecall
    held_out: MeanRecall

    def meets(self, target: float) -> bool:
        """Whether the search may be reported as meeting the target.

        Both halves of the queries have to agree, since the ones held out may be harder: so the
        reported recall is never below the target while any option reaches it.
        """
        return self.chosen.most_likely_meets(target) and self.held_out.mean >= target

    def follows(self, other: "_Option | None") -> bool:
        """Whether it may stand for a larger NPROB: it looks no less far, and finds no less."""
        return other is None or (
            self.params.lists >= other.params.lists
            and self.params.candidates >= other.params.candidates
            and self.chosen.mean >= other.chosen.mean
            and self.held_out.mean >= other.held_out.mean
        )

    def point(self, nprob: int) -> OperatingPoint:
        """Makes it the operating point of a value of NPROB."""
        lists, candidates = self.params.lists, self.params.candidates
        recall = self.held_out
        return OperatingPoint(nprob, lists, candidates, recall.mean, recall.at_least())


def tune(
    index: Index, truth: GroundTruth, segments: Segments, first: SearchParams | None = None
) -> OperatingPoints:
    """Finds the cheapest search that meets each recall target.

    Args:
        index: of the rows of `segments`, all of them.
        first: how far to look at first; without it, into a third of many lists.
    Returns:
        a point for each target; one that can't be met gets the dearest search that was tried.
    """
    sweep = Sweep(index, truth, segments)
    lists = max(FIRST_LISTS, index.lists // FIRST_SHARE)
    run = _far_enough(sweep, index, first or SearchParams(lists, FIRST_CANDIDATES))
    options = sorted(_options(sweep, index, run), key=lambda option: option.cost)
    points: list[OperatingPoint] = []
    last: _Option | None = None
    for nprob, target in RECALL_TARGETS.items():
        fit = (option for option in options if option.meets(target) and option.follows(last))
        last = next(fit, options[-1])
        points.append(last.point(nprob))
    return OperatingPoints(tuple(points), options[-1].held_out.queries)


def _far_enough(sweep: Sweep, index: Index, first: SearchParams) -> SweepRun:
    """Looks farther until the highest target is met, or nothing is left to look at."""
    lists = min(first.lists, index.lists)
    candidates = max(1, min(first.candidates, index.size))
    while True:
        run = sweep.run(SearchParams(lists, candidates))
        if _option(run.params, run.hits(lists), 0.0).meets(max(RECALL_TARGETS.values())):
            return run
        if lists < index.lists:
            lists = index.lists
        elif candidates < min(index.size, MOST_CANDIDATES):
            candidates = min(2 * candidates, index.size)
        else:
            return run


def _options(sweep: Sweep, index: Index, run: SweepRun) -> Iterator[_Option]:
    """Yields every search that is no longer than the run, in steps."""
    for lists in _lengths(1, run.params.lists):
        hits, scanned = run.hits(lists), sweep.scanned(lists)
        for candidates in _lengths(FEWEST_CANDIDATES, run.params.candidates):
            params = SearchParams(lists, candidates)
            yield _option(params, hits, _cost(index, params, scanned))


def _cost(index: Index, params: SearchParams, scanned: float) -> float:
    """Returns what a search costs that scans so many images, microseconds."""
    candidate = US_PER_CANDIDATE + US_PER_VALUE * index.dimension
    scan = US_PER_CODE * index.codes_per_image * scanned
    return scan + US_PER_LIST * params.lists + candidate * params.candidates


def _option(params: SearchParams, hits: SweepHits, cost: float) -> _Option:
    """Returns what a search of this cost finds."""
    recalls = hits.recalls(params.candidates)
    chosen, held_out = recalls[~hits.held_out], recalls[hits.held_out]
    return _Option(params, cost, MeanRecall.of(chosen), MeanRecall.of(held_out))


def _lengths(first: int, last: int) -> Iterator[int]:
    """Yields lengths from the first to the last, each longer by a step than the one before."""
    length = first
    while length < last:
        yield length
        length = max(length + 1, round(length * STEP))
    yield last
