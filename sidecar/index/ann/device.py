"""Where the heavy work of a training is done: on the CPU, or on the GPUs where there are any.

A search always runs on the CPU, where all processes share one mapped index.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import faiss
import numpy as np
from numpy.typing import NDArray

from sidecar.errors import DeviceUnavailable

DeviceName = Literal["auto", "cpu", "gpu"]

# From so many queries on, exact search multiplies matrices. FAISS' own 128,000 made it six times
# slower for 91 queries of 1,280 dimensions.
faiss.cvar.distance_compute_blas_threshold = 20


class Device:
    """Does clustering, assignment and exact search on the CPU, or on all GPUs that FAISS sees."""

    def __init__(self, name: DeviceName = "cpu") -> None:
        """Finds the GPUs; "auto" takes them where there are any.

        Raises:
            DeviceUnavailable: "gpu" was asked for, and FAISS sees none.
        """
        self.gpus = 0 if name == "cpu" else int(faiss.get_num_gpus())
        if name == "gpu" and not self.gpus:
            raise DeviceUnavailable("FAISS_DEVICE is gpu, but FAISS finds no GPU")
        self._resources: Any = faiss.StandardGpuResources() if self.gpus else None

    def flat(self, dimension: int) -> Any:
        """Makes an empty flat index, for k-means."""
        return self._moved(faiss.IndexFlatL2(dimension))

    @contextmanager
    def assigning(self, index: Any) -> Iterator[None]:
        """Assigns the features that are added to `index` within the block to lists here."""
        if not self.gpus:
            yield
            return
        own = index.quantizer
        index.quantizer = moved = self._moved(own)
        try:
            yield
        finally:
            index.quantizer = own
            del moved

    def knn(
        self, queries: NDArray[np.float32], features: NDArray[np.float32], count: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Finds the `count` nearest of `features`, float32 [m, D], to each query, float32 [n, D].

        Returns:
            squared L2 distances float32 [n, count], ascending, and positions int64 [n, count].
        """
        if self.gpus:
            dist, found = faiss.knn_gpu(self._resources, queries, features, count)
        else:
            dist, found = faiss.knn(queries, features, count)
        return dist, found

    def _moved(self, flat: Any) -> Any:
        return faiss.index_cpu_to_all_gpus(flat) if self.gpus else flat
