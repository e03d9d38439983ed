"""A generation in the making: written beside the published ones, where no reader looks."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import ModelRecord, Task
from sidecar.contract import sha256_of
from sidecar.generations import Generation, sync
from sidecar.index import Index
from sidecar.meta import CODES, FEATURES, SEQ, SEQS, Meta, Seal

DRAFT = ".draft-"  # a reader looks at numbers only
ROWS_AT_ONCE = 8192

Pages = Iterable[tuple[NDArray[np.int64], NDArray[np.float16]]]


class Draft:
    """The files of one attempt at one task; as long as it is not published, nobody opens them."""

    def __init__(self, index_dir: Path, task: Task, model: ModelRecord) -> None:
        """Begin, and clear away what dead attempts have left."""
        for left in index_dir.glob(f"{DRAFT}*"):
            shutil.rmtree(left, ignore_errors=True)
        self.folder = self.path(index_dir, task)
        self.folder.mkdir(parents=True)
        (self.folder / SEQS).touch()
        self._task = task
        self._model = model
        self._segments: dict[str, int] = {}
        self._seals: dict[str, Seal] = {}

    @staticmethod
    def path(index_dir: Path, task: Task) -> Path:
        """Where an attempt at a task keeps its draft."""
        return index_dir / f"{DRAFT}{task.task_id}-{task.attempt}"

    @property
    def images(self) -> int:
        return sum(self._segments.values())

    def continue_from(self, generation: Generation) -> None:
        """Begin with a published generation's images: its features are linked, not written."""
        for name in generation.meta.segments:
            os.link(generation.folder / name, self.folder / name)
            self._seals[name] = generation.meta.files[name]
        self._segments |= generation.meta.segments
        shutil.copyfile(generation.folder / SEQS, self.folder / SEQS)

    def append(self, pages: Pages, report: Callable[[int], None]) -> NDArray[np.float16]:
        """Write one more segment.

        Args:
            pages: seqs int64 [n] and features float16 [n, D] at a time.
            report: is told how many images have been written, after each page.
        Returns:
            the segment, float16 [images, D], mapped.
        """
        part = self.folder / "features.part"
        first, rows = None, 0
        with part.open("xb") as features_file, (self.folder / SEQS).open("ab") as seqs_file:
            for seqs, features in pages:
                first = int(seqs[0]) if first is None else first
                features_file.write(features.astype(FEATURES).tobytes())
                seqs_file.write(seqs.astype(SEQ).tobytes())
                rows += len(seqs)
                report(rows)
        if first is None:
            part.unlink()
            return np.empty((0, self._model.dimension), np.float16)
        name = f"features-{first}.f16"
        self._segments[name] = rows
        shape = (rows, self._model.dimension)
        return np.memmap(part.rename(self.folder / name), FEATURES, "r", shape=shape)

    def seal(self, index: Index, trained_on: int) -> Path:
        """Write the codes and `meta.json`, and have everything on the disk.

        Returns:
            the folder, fit for `Generations.publish`.
        """
        index.save(self.folder / CODES)
        for path in sorted(self.folder.iterdir()):
            if path.name not in self._seals:
                sync(path)
                self._seals[path.name] = Seal(path.stat().st_size, sha256_of(path))
        meta = Meta(
            task_id=self._task.task_id,
            kind=self._task.kind,
            version=self._model.version,
            sha256=self._model.sha256,
            dimension=self._model.dimension,
            images=self.images,
            trained_on=trained_on,
            snapshot=self._task.snapshot or 0,
            segments=self._segments,
            files=self._seals,
        )
        meta.write(self.folder)
        sync(self.folder)
        return self.folder


def chunks(segment: NDArray[np.float16]) -> Iterator[NDArray[np.float32]]:
    """A segment in pieces of at most `ROWS_AT_ONCE` vectors, float32 [n, D]."""
    for start in range(0, len(segment), ROWS_AT_ONCE):
        yield segment[start : start + ROWS_AT_ONCE].astype(np.float32)


def sample(segment: NDArray[np.float16], count: int) -> NDArray[np.float32]:
    """`count` vectors of a segment, drawn without replacement and always the same."""
    drawn = np.random.default_rng(0).choice(len(segment), count, replace=False)
    return segment[np.sort(drawn)].astype(np.float32)
