"""Images by a keyword, the likeliest first, and which keywords there are."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import DIGITS
from sidecar.index import Generation, Place, Postings
from sidecar.index.ann import ExcludeIds
from sidecar.index.places import places_among
from sidecar.index.postings import MOST
from sidecar.index.request import Found
from sidecar.models.keywords import numbers_of
from sidecar.models.registry import ModelRegistry
from sidecar.search.by_image import Search
from sidecar.search.identification import Identification
from sidecar.search.view import View

AT_ONCE = 1024  # entries that are looked at


@dataclass(frozen=True)
class Cursor:
    """The last image of a page: its score, as it is kept, and its sequence number."""

    score: float
    seq: int


@dataclass(frozen=True)
class KeywordRequest:
    """What a client asks for.

    Args:
        keyword: one of the model's.
        least: the least score, 0..1.
        after: the last image of the page before; None for the first page.
        limit: images on a page.
    """

    keyword: str
    least: float
    after: Cursor | None
    limit: int


@dataclass(frozen=True)
class KeywordImages:
    """A page of images that have a keyword.

    Args:
        ids, scores: the highest score first; of equal ones, the image that was added first.
        last: where the next page goes on; None on the last page.
        view: in which they were found.
    """

    ids: list[str]
    scores: list[float]
    last: Cursor | None
    view: View


@dataclass(frozen=True)
class KeywordCounts:
    """Which keywords there are.

    Args:
        counts: of how many images each is, the most frequent first.
        unlabelled: how many images of the index have none because they were not made yet.
        view: in which they were counted.
    """

    counts: list[tuple[str, int]]
    unlabelled: int
    view: View


@dataclass(frozen=True)
class KeywordSearch:
    """Looks through the keywords of a generation, and of what came since."""

    search: Search
    identification: Identification
    models: ModelRegistry

    def images(self, request: KeywordRequest) -> KeywordImages:
        """Returns a page of the images that have a keyword by the model that is searched with.

        Pages neither repeat nor miss an image that is there all the time, whatever is added,
        removed or updated meanwhile; after an upgrade, begin again.

        Raises:
            WrongArguments: the model has no such keyword.
            NoIndex, IndexDamaged, FeaturesUnavailable, ModelRefused, CatalogueUnavailable.
        """

        def look(view: View) -> KeywordImages:
            labels = self.models.labels_by(view.sha256)
            [label] = numbers_of([request.keyword], labels, view.version)
            seen = self.identification.of(
                view, lambda view, gone: [_page(view, gone, label, request)]
            )
            seqs, scores = (each.tolist() for each in seen.found[0])
            there = [place for place, seq in enumerate(seqs) if seq in seen.ids]
            is_last = len(seqs) < request.limit
            return KeywordImages(
                [seen.ids[seqs[place]] for place in there],
                [round(scores[place], DIGITS) for place in there],
                None if is_last else Cursor(scores[-1], seqs[-1]),
                seen.view,
            )

        return self.search.in_an_intact_generation(look)

    def counts(self, prefix: str, limit: int) -> KeywordCounts:
        """Counts the images of each keyword that begins with `prefix`, in any case of letters;
        errors as `images`."""

        def look(view: View) -> KeywordCounts:
            labels, generation = self.models.labels_by(view.sha256), view.generation
            view = self.identification.views.read_on(view, removed=True)
            totals = np.zeros(len(labels), np.int64)
            unlabelled = 0
            if generation is not None:
                gone = _gone(self.identification.tombstones.refreshed(generation))
                _add(totals, _counted(generation, gone))
                unlabelled = int(np.isin(generation.unlabelled, gone, invert=True).sum())
            for block in view.recent.blocks if view.recent else ():
                _add(totals, block.keywords.counts)
            begins = prefix.casefold()
            counts = [
                (name, count)
                for name, count in zip(labels, totals.tolist(), strict=True)
                if count and name.casefold().startswith(begins)
            ]
            counts.sort(key=lambda each: (-each[1], each[0]))
            return KeywordCounts(counts[:limit], unlabelled, view)

        return self.search.in_an_intact_generation(look)


def _page(view: View, gone: ExcludeIds | None, label: int, request: KeywordRequest) -> Found:
    """Finds a page of the images that have a keyword: sequence numbers and scores."""
    parts = []
    if view.generation is not None:
        seqs, keywords = view.generation.segments.seqs, view.generation.keywords
        parts.append(_walk(seqs, keywords, label, request, _gone(gone)))
    for block in view.recent.blocks if view.recent else ():
        parts.append(_walk(block.seqs, block.keywords, label, request, _gone(None)))
    found = [*islice(merge(*parts), request.limit)]
    scores = np.array([-negative for negative, _ in found], np.float32)
    return np.array([seq for _, seq in found], np.int64), scores


def _walk(
    seqs: NDArray[np.int64],
    keywords: Postings,
    label: int,
    request: KeywordRequest,
    gone: NDArray[np.int64],
) -> Iterator[tuple[float, int]]:
    """Yields the negative score and the sequence number of each image that has a keyword, from
    where a request begins, in ascending order."""
    begin, after = Place(MOST, 0), request.after
    if after is not None:
        begin = Place(after.score, int(np.searchsorted(seqs, after.seq, "right")))
    while True:
        scores, rows = keywords.walk(label, request.least, begin, AT_ONCE)
        found = seqs[rows]
        there = np.isin(found, gone, invert=True)
        yield from zip((-scores[there]).tolist(), found[there].tolist(), strict=True)
        if len(rows) < AT_ONCE:
            return
        begin = Place(float(scores[-1]), int(rows[-1]) + 1)


def _gone(excluded: ExcludeIds | None) -> NDArray[np.int64]:
    return np.empty(0, np.int64) if excluded is None else excluded.labels


def _counted(generation: Generation, gone: NDArray[np.int64]) -> NDArray[np.int64]:
    rows = places_among(gone, generation.segments.seqs)
    return generation.keywords.counts - generation.keywords.counts_of(rows)


def _add(totals: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
    totals[: len(counts)] += counts
