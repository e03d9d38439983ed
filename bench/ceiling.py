"""Measures the most that this machine can embed: photos to features with nothing around it.

One thread a core, each with an ONNX Runtime of one thread, makes canonical JPEGs out of its photos,
decodes them and runs them in batches; so decoding on one core overlaps with inference on another.
"""

import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from export.samples import RULES
from sidecar.images import canonical, pixels
from sidecar.models import contract

BATCH = 16


@dataclass(frozen=True)
class Ceiling:
    """Holds rates in images a second: all of it, decoding alone, inference alone."""

    images: float
    decoding: float
    inference: float


class Offline:
    """Runs a model over photos without the service."""

    def __init__(self, repository: Path, photos: Sequence[bytes]) -> None:
        self.contract = contract.read(repository, contract.versions(repository)[-1])
        folder = contract.folder(repository, self.contract.version)
        self.file = folder / contract.MODEL_FILE
        self._photos = photos
        self._sessions = [_open(self.file) for _ in range(os.cpu_count() or 1)]

    def measure(self, seconds: float) -> Ceiling:
        """Measures each rate for about this long."""
        return Ceiling(
            self._rate(seconds, self._decode_and_run),
            self._rate(seconds, self._decode),
            self._rate(seconds, self._run_only),
        )

    def decode(self, photo: bytes) -> NDArray[np.uint8]:
        """Decodes a photo as the model takes it, by way of its canonical JPEG: uint8 [S, S, 3]."""
        return pixels(canonical(photo, RULES), self.contract.resize, self.contract.crop)

    def _rate(self, seconds: float, work: "Callable[[int, list[bytes]], object]") -> float:
        lanes = len(self._sessions)
        ends = time.perf_counter() + seconds

        def lane(number: int) -> int:
            done = 0
            for batch in _batches(self._photos, number * len(self._photos) // lanes):
                work(number, batch)
                done += len(batch)
                if time.perf_counter() >= ends:
                    break
            return done

        began = time.perf_counter()
        with ThreadPoolExecutor(lanes) as pool:
            done = sum(pool.map(lane, range(lanes)))
        return done / (time.perf_counter() - began)

    def _decode(self, _lane: int, batch: list[bytes]) -> NDArray[np.uint8]:
        return np.stack([self.decode(photo) for photo in batch])

    def _decode_and_run(self, lane: int, batch: list[bytes]) -> None:
        self._infer(lane, self._decode(lane, batch))

    def _run_only(self, lane: int, batch: list[bytes]) -> None:
        side = self.contract.crop
        self._infer(lane, np.zeros((len(batch), side, side, 3), np.uint8))

    def _infer(self, lane: int, images: NDArray[np.uint8]) -> None:
        self._sessions[lane].run(["features"], {"image": images})


def _batches(photos: Sequence[bytes], start: int) -> Iterator[list[bytes]]:
    endless = itertools.islice(itertools.cycle(photos), start, None)
    while True:
        yield list(itertools.islice(endless, BATCH))


def _open(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
