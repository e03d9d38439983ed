"""The index of codes: pure, without files of its own or knowledge of ids. The one door to FAISS.

Vectors are split into lists around k-means centroids (IVF), and the residual of each is kept as a
product quantiser's 4-bit codes, 32 of which are scanned at once in registers. The codes only pick
candidates: `search` ranks these again by full-precision features.

Sources: Jégou, Douze, Schmid, "Product quantization for nearest neighbor search", 2011; André,
Kermarrec, Le Scouarnec, "Quicker ADC", 2019.
"""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# FAISS' threads spin while they wait for each other, 300,000 times by libgomp's default: with
# others at work on the same cores that made training 30 times slower. 300 is fast on idle cores,
# too. libgomp reads this once, when it is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "300")

import faiss

VALUES_PER_CODE = 8  # of a vector, for each 4-bit code
POINTS_PER_LIST = 39  # the fewest that k-means takes without complaint
SAMPLE_PER_LIST = 128  # of training vectors; more did not change recall
CANDIDATES = 320  # at least, and as many again at NPROB 100
LISTS_PER_NPROB = 4  # at least: small sets have few lists, and neighbours in many of them
FULL_SCAN_NPROB = 50  # from here on every list is visited


class Index:
    """FAISS' IVF with product-quantised codes; a vector's label is the number of its image."""

    def __init__(self, index: Any, dimension: int) -> None:
        self._index = index
        self.dimension = dimension

    @classmethod
    def train(cls, sample: NDArray[np.float32], size: int) -> "Index":
        """Make an empty index fit for `size` vectors.

        Args:
            sample: float32 [n, D], a random sample of them; `sample_size` tells how many do.
            size: how many vectors will be added, at least 1.
        """
        # A smaller sample than k-means takes is repeated.
        padded = _pad(np.resize(sample, (max(len(sample), POINTS_PER_LIST), sample.shape[1])))
        width = padded.shape[1]
        spec = f"IVF{lists_for(size)},PQ{width // VALUES_PER_CODE}x4fsr"
        index = faiss.index_factory(width, spec, faiss.METRIC_L2)
        index.train(padded)
        return cls(index, sample.shape[1])

    @classmethod
    def load(cls, path: Path, dimension: int) -> "Index":
        """Read an index into memory, to change it."""
        return cls(faiss.read_index(str(path)), dimension)

    @classmethod
    def map(cls, path: Path, dimension: int) -> "Index":
        """Map an index for searching: processes share its memory. It can't be changed."""
        return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC), dimension)

    def save(self, path: Path) -> None:
        faiss.write_index(self._index, str(path))

    @property
    def size(self) -> int:
        return int(self._index.ntotal)

    @property
    def lists(self) -> int:
        return int(self._index.nlist)

    def add(self, labels: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Append vectors, float32 [n, D], under labels, int64 [n]."""
        self._index.add_with_ids(_pad(vectors), np.ascontiguousarray(labels))

    def remove(self, labels: NDArray[np.int64]) -> None:
        """Take vectors out, with their codes."""
        self._index.remove_ids(np.ascontiguousarray(labels))

    def candidates(
        self, query: NDArray[np.float32], wanted: int, nprob: int, without: "Without | None" = None
    ) -> NDArray[np.int64]:
        """Labels of vectors that may be among the `wanted` nearest to `query`.

        Args:
            query: float32 [D].
            wanted: neighbours that the caller is after.
            nprob: 1..100, see `probes`.
            without: vectors to leave out.
        Returns:
            int64 [n], without order; several times `wanted`, as far as there are that many.
        """
        count = min(self.size, max(CANDIDATES * (100 + nprob) // 100, 4 * wanted))
        if not count:
            return np.empty(0, np.int64)
        parameters = faiss.SearchParametersIVF(  # type: ignore[call-arg]
            nprobe=probes(self.lists, nprob), sel=without.selector if without else None
        )
        _, found = self._index.search(_pad(query[None]), count, params=parameters)
        labels: NDArray[np.int64] = found[0][found[0] >= 0]
        return labels


class Without:
    """A set of labels that a search leaves out, made once for many searches."""

    def __init__(self, labels: NDArray[np.int64]) -> None:
        self.labels = labels
        chosen = faiss.IDSelectorBatch(np.ascontiguousarray(labels))
        self.selector = faiss.IDSelectorNot(chosen)


def lists_for(size: int) -> int:
    """How many lists split `size` vectors: the root of their number, each with enough to train."""
    return max(1, min(math.isqrt(size), size // POINTS_PER_LIST))


def sample_size(size: int) -> int:
    """How many of `size` vectors a training looks at."""
    return min(size, max(SAMPLE_PER_LIST * lists_for(size), 10_000))


def probes(lists: int, nprob: int) -> int:
    """How many lists a search visits: 2 % of them for each NPROB, and 4 at least.

    Measured at NPROB 5 on real features (lite0, int8), recall@10 was 0.99 with 1,000 images and
    0.97 with 2,060.
    """
    share = math.ceil(lists * nprob / FULL_SCAN_NPROB)
    return min(lists, max(share, LISTS_PER_NPROB * nprob))


def _pad(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Zeros up to a whole number of codes; they change no distance."""
    missing = -vectors.shape[1] % VALUES_PER_CODE
    padded = np.pad(vectors, ((0, 0), (0, missing))) if missing else vectors
    return np.ascontiguousarray(padded, np.float32)
