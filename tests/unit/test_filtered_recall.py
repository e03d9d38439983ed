"""A search among some images finds as many as are asked for, and the nearest; that is measured."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sidecar.index.ann import Device, Index, distances
from sidecar.index.ann.compact import unpacked
from sidecar.index.narrowed import FEW, ListLayout, Reach, narrowed
from sidecar.index.nprob import NEAREST, RECALL_TARGETS, OperatingPoints
from sidecar.index.recall.autotune import tune
from sidecar.index.recall.filtered import SHARES, UNMEASURED, FilteredQuality, measure
from sidecar.index.segments import Segments
from tests.support.vectors import unit_vectors
from tests.unit.test_quality import DIMENSION, compared, written

SIZE = 24_000
PROMISED = RECALL_TARGETS[5]


class Trained:
    """An index of many lists, with all that was measured of it."""

    def __init__(self, folder: Path) -> None:
        self.vectors = unit_vectors(SIZE, DIMENSION)
        self.seqs = 3 * np.arange(SIZE) + 1
        self.segments: Segments = written(folder / "x", self.seqs, self.vectors)
        self.index = Index.train(self.vectors, SIZE)
        self.index.add(self.seqs, self.vectors)
        self.truth = compared(self.segments)
        self.points: OperatingPoints = tune(self.index, self.truth, self.segments)
        self.layout = ListLayout.of(self.index, self.seqs)

    def recall(self, rows: NDArray[np.int64], reach: Reach) -> float:
        """The recall@10 of some queries among some rows, against all of these rows."""
        meets = np.isin(np.arange(SIZE), rows)
        among = narrowed(self.index, self.seqs, self.layout, meets, reach)
        params = self.points.search_params(5, NEAREST)
        found = []
        for query in self.vectors[:: SIZE // 60]:
            exact = np.sort(np.square(self.vectors[rows] - query).sum(axis=1))[:NEAREST]
            seqs = among.candidates(query, params, NEAREST)
            assert set(seqs) <= set(self.seqs[rows])
            assert len(seqs) >= min(NEAREST, len(rows))
            near = distances(query, self.segments.features(seqs)) <= exact[-1] + 1e-4
            found.append(min(len(exact), int(np.count_nonzero(near))) / len(exact))
        return float(np.mean(found))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(tmp_path_factory.mktemp("filtered"))


def rows_of(trained: Trained, number: int) -> NDArray[np.int32]:
    """Those that lie in a list."""
    layout = trained.layout
    return layout.rows[layout.starts[number] : layout.starts[number + 1]]


def test_the_list_of_each_row_is_that_of_its_code(trained: Trained) -> None:
    for number, labels in enumerate(trained.index.labels_by_list()):
        assert trained.seqs[rows_of(trained, number)].tolist() == labels.tolist()


@pytest.mark.parametrize("dimension", [8, 12, 24, 64, 102, 776])
def test_codes_are_copied_as_the_quantiser_makes_them(dimension: int) -> None:
    vectors = unit_vectors(3000, dimension)
    index = Index.train(vectors, len(vectors))
    index.add(np.arange(len(vectors)), vectors)
    inner = index._index
    padded = np.pad(vectors, ((0, 0), (0, inner.d - dimension)))
    for number, rows in enumerate(index.labels_by_list()):
        some = np.random.default_rng(number).permutation(len(rows))[: len(rows) // 2 + 1]
        found = unpacked(inner.invlists, number, some, inner.pq.M)
        assert np.array_equal(found, inner.pq.compute_codes(padded[rows[some]]))
    first = np.arange(len(index.labels_by_list()[0]))
    compact = index.compact([(0, first)])
    assert compact is not None
    assert set(index.candidates_in(compact, vectors[0], len(vectors))) == set(first)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.01, 0.0005])
def test_rows_at_random_are_found_as_well_as_promised(trained: Trained, share: float) -> None:
    rows = np.flatnonzero(np.random.default_rng(3).random(SIZE) < share)
    assert trained.recall(rows, UNMEASURED.reach) >= PROMISED - 0.02  # of sixty queries


def test_rows_far_from_the_queries_are_found_too(trained: Trained) -> None:
    """Those in a tenth of the lists: most queries lie elsewhere."""
    every = range(3, trained.index.lists, 10)
    rows = np.sort(np.concatenate([rows_of(trained, number) for number in every]))
    assert trained.recall(rows, UNMEASURED.reach) >= PROMISED - 0.02


def test_the_measured_recall_is_at_least_that_promised(trained: Trained) -> None:
    found = measure(trained.index, trained.truth, trained.segments, trained.points, Device())
    assert [each.share for each in found.recalls] == list(SHARES)
    assert all(PROMISED <= each.recall <= 1 for each in found.recalls)
    assert FilteredQuality.from_json(found.to_json()) == found
    earlier = {"widening": 0.75, "recalls": []}  # as a release before wrote it
    assert FilteredQuality.from_json(earlier).reach == Reach(0.75)
    assert SHARES[-1] * SIZE < FEW  # compared one by one
    assert found.recalls[-1].recall == 1.0
