"""The nearest images of a collection, by the features that the catalogue has of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Marks
from sidecar.errors import IndexDamaged
from sidecar.index.ann import ExcludeIds
from sidecar.index.meta import Meta
from sidecar.index.milvus.among import MatchingKeys
from sidecar.index.milvus.kinds import Kind, named
from sidecar.index.milvus.reading import Reader
from sidecar.index.milvus.server import MOST_RESULTS, Server
from sidecar.index.places import places_among
from sidecar.index.request import Found, SearchRequest, the_nearest
from sidecar.index.segments import Segments

SAMPLE = 256  # rows that `verify` compares bit by bit
NAMED = 10  # of these, in a sentence


@dataclass(frozen=True, eq=False)
class MilvusSearch:
    """Searches a collection; as `engine.Searchable` has it.

    The catalogue is the judge of what is gone: what it has no features of is passed over, and where
    too few are left, twice as many are asked for.
    """

    server: Server
    reader: Reader
    meta: Meta
    collection: str
    segments: Segments
    kind: Kind

    @classmethod
    def open(cls, server: Server, reader: Reader, meta: Meta, segments: Segments) -> "MilvusSearch":
        """Opens a collection. Raises IndexDamaged: it is not there."""
        assert meta.collection is not None
        kind = named(server.kind(meta.collection))
        return cls(server, reader, meta, meta.collection, segments, kind)

    @property
    def size(self) -> int:
        return len(self.segments.seqs)

    def features(self, seqs: NDArray[np.int64]) -> NDArray[np.float16]:
        return self.reader.features(seqs)

    def rank_each(
        self,
        queries: NDArray[np.float32],
        own_seqs: Sequence[int | None],
        request: SearchRequest,
        exclude: ExcludeIds | None = None,
    ) -> list[Found]:
        excluded = np.empty(0, np.int64) if exclude is None else exclude.labels
        found: list[Found] = [(np.empty(0, np.int64), np.empty(0, np.float32))] * len(queries)
        left, wanted = list(range(len(queries))), request.depth + 1
        while left:
            limit = min(MOST_RESULTS, self.kind.spare * wanted)
            few = []
            hits = self._searched(queries[left], limit, request.nprob)
            for place, keys in zip(left, hits, strict=True):
                own = own_seqs[place]
                others = keys[~np.isin(keys, excluded)]
                seqs, dist = self.compared(queries[place], others[others != own])
                found[place] = the_nearest(seqs, dist, request)
                if len(seqs) < request.depth and len(keys) == limit < MOST_RESULTS:
                    few.append(place)
            left, wanted = few, 2 * wanted
        return found

    def matching(self, meets: NDArray[np.bool_]) -> MatchingKeys:
        return MatchingKeys(self.segments.seqs, meets, self.compared, self._among)

    def compared(self, query: NDArray[np.float32], seqs: NDArray[np.int64]) -> Found:
        """Compares a query, float32 [D], with those of some images that are this generation's, and
        not gone."""
        own = seqs[places_among(seqs, self.segments.seqs) >= 0]
        return self.reader.compared(query, own)

    def damage(self) -> Iterator[str]:
        """Compares all keys with the numbers of the generation, and the rows of a sample bit by bit
        with the catalogue's."""
        held, keys = self.segments.seqs, self.server.keys(self.collection)
        lacking = np.setdiff1d(held, keys)
        if self.server.mark(self.collection) == self.meta.mark:
            yield from _sentence(f"{self.collection} lacks images", lacking)
            strangers = np.setdiff1d(keys, held)
            yield from _sentence(f"{self.collection} has images of no generation", strangers)
        else:  # a later task has changed it: what was removed may have left
            yield from _sentence(f"{self.collection} lacks images", self.reader.some(lacking)[0])
        drawn = np.random.default_rng(0).choice(held, min(SAMPLE, len(held)), replace=False)
        seqs, features = self.reader.some(np.intersect1d(drawn, keys))
        rows = self.server.rows(self.collection, seqs)
        wrong = [
            seq
            for seq, row in zip(seqs.tolist(), features.astype(np.float32), strict=True)
            if seq in rows and not np.array_equal(rows[seq], row)
        ]
        what = f"{self.collection} has other features than the catalogue of images"
        yield from _sentence(what, np.array(wrong, np.int64))

    def _among(
        self, query: NDArray[np.float32], limit: int, nprob: int, among: NDArray[np.int64] | None
    ) -> NDArray[np.int64]:
        limit = min(MOST_RESULTS, limit * self.kind.spare)
        return self._searched(query[None], limit, nprob, among)[0]

    def _searched(
        self,
        queries: NDArray[np.float32],
        limit: int,
        nprob: int,
        among: NDArray[np.int64] | None = None,
    ) -> list[NDArray[np.int64]]:
        """Returns the keys that are nearest to each query, as far as a value of NPROB looks."""
        points = self.meta.quality.operating_points
        params = self.kind.params(points.search_params(nprob, 0).lists, limit)
        hits = self.server.search(self.collection, queries, limit, params, among)
        return [keys for keys, _ in hits]


def check_mark(server: Server, marks: Marks, meta: Meta) -> None:
    """Raises IndexDamaged where a task changed the collection that this catalogue knows nothing of:
    it went back, and rows that it has again may be missing."""
    assert meta.collection is not None
    mark = server.mark(meta.collection)
    if mark is not None and mark != meta.mark and not marks.has(mark):
        raise IndexDamaged(
            f"{meta.collection} was changed by a task that the catalogue does not know: train again"
        )


def _sentence(what: str, seqs: NDArray[np.int64]) -> Iterator[str]:
    if len(seqs):
        named = ", ".join(map(str, seqs[:NAMED]))
        yield f"{what}: {len(seqs)} (number {named}…)"
