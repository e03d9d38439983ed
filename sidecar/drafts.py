"""A generation in the making: written beside the published ones, where no reader looks."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import ModelRecord, Page, Task
from sidecar.contract import sha256_of
from sidecar.generation import Generation
from sidecar.generations import sync
from sidecar.index import Index
from sidecar.meta import CODES, CRC, CRCS, FEATURES, META, SEQ, SEQS, Meta, Seal

DRAFT = ".draft-"  # a reader looks at numbers only
SEGMENT_ROWS = 65_536  # at most, or a page more: an image that leaves rewrites its segment
ROWS_AT_ONCE = 8192


class Draft:
    """The files of one attempt at one task; as long as it is not published, nobody opens them."""

    def __init__(self, index_dir: Path, task: Task, model: ModelRecord) -> None:
        """Begin, and clear away what dead attempts have left."""
        for left in index_dir.glob(f"{DRAFT}*"):
            shutil.rmtree(left, ignore_errors=True)
        self.folder = self.path(index_dir, task)
        self.folder.mkdir(parents=True)
        for name in (SEQS, CRCS):
            (self.folder / name).touch()
        self._task = task
        self._model = model
        self._segments: dict[str, int] = {}
        self._seals: dict[str, Seal] = {}
        self._new: list[str] = []  # the segments that `append` has written

    @staticmethod
    def path(index_dir: Path, task: Task) -> Path:
        """Where an attempt at a task keeps its draft."""
        return index_dir / f"{DRAFT}{task.task_id}-{task.attempt}"

    @property
    def images(self) -> int:
        return sum(self._segments.values())

    @property
    def added(self) -> int:
        """How many images `append` has written."""
        return sum(self._segments[name] for name in self._new)

    def continue_from(self, generation: Generation, removed: NDArray[np.int64]) -> None:
        """Begin with the images of a published generation but for those `removed`, int64 [n].

        A segment that loses none is linked, not written.

        Raises:
            IndexDamaged: features that have to be written again are not what was stored.
        """
        stays = ~np.isin(generation.seqs, removed)
        first = 0
        for name, rows in generation.meta.segments.items():
            part = slice(first, first + rows)
            seqs, crcs = generation.seqs[part][stays[part]], generation.crcs[part][stays[part]]
            first += rows
            if len(seqs) == rows:
                self._link(generation, name)
                self._number(name, seqs, crcs)
            elif len(seqs):
                self._write(f"features-{seqs[0]}.f16", Page(seqs, generation.features(seqs), crcs))

    def append(self, pages: Iterable[Page], report: Callable[[int], None]) -> None:
        """Write more images, in segments of their own.

        Args:
            pages: sequence numbers ascending, all above those that are here already.
            report: is told how many images have been written, after each page.
        """
        for page in pages:
            if not self._new or self._segments[self._new[-1]] >= SEGMENT_ROWS:
                self._new.append(f"features-{page.seqs[0]}.f16")
            self._write(self._new[-1], page)
            report(self.added)

    def chunks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """What `append` has written: sequence numbers, int64 [n], and features, float32 [n, D]."""
        for seqs, segment in self._appended():
            for start in range(0, len(seqs), ROWS_AT_ONCE):
                part = slice(start, start + ROWS_AT_ONCE)
                yield seqs[part], segment[part].astype(np.float32)

    def sample(self, count: int) -> NDArray[np.float32]:
        """`count` vectors of what `append` has written, drawn without replacement, always the same.

        Returns:
            float32 [count, D].
        """
        drawn = np.sort(np.random.default_rng(0).choice(self.added, count, replace=False))
        parts, first = [], 0
        for seqs, segment in self._appended():
            own = drawn[(drawn >= first) & (drawn < first + len(seqs))] - first
            parts.append(segment[own].astype(np.float32))
            first += len(seqs)
        return np.concatenate(parts)

    def seal(self, index: Index, removals: int, snapshot: int, trained_on: int) -> Path:
        """Write the codes and `meta.json`, and have everything on the disk.

        Args:
            index: the codes of all images here.
            removals, snapshot, trained_on: as in `Meta`.
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
            snapshot=snapshot,
            removals=removals,
            segments=self._segments,
            files=self._seals,
        )
        meta.write(self.folder)
        for path in (self.folder / META, self.folder):
            sync(path)
        return self.folder

    def _link(self, generation: Generation, name: str) -> None:
        os.link(generation.folder / name, self.folder / name)
        self._seals[name] = generation.meta.files[name]

    def _write(self, name: str, page: Page) -> None:
        self._extend(name, page.features.astype(FEATURES))
        self._number(name, page.seqs, page.crcs)

    def _number(self, name: str, seqs: NDArray[np.int64], crcs: NDArray[np.uint32]) -> None:
        """Note which images the next rows of a segment are, with their checksums."""
        self._segments[name] = self._segments.get(name, 0) + len(seqs)
        self._extend(SEQS, seqs.astype(SEQ))
        self._extend(CRCS, crcs.astype(CRC))

    def _extend(self, name: str, values: NDArray[np.generic]) -> None:
        with (self.folder / name).open("ab") as file:
            file.write(values.tobytes())

    def _appended(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """Each new segment, mapped, with its sequence numbers."""
        seqs = np.fromfile(self.folder / SEQS, SEQ)[self.images - self.added :]
        first = 0
        for name in self._new:
            shape = (self._segments[name], self._model.dimension)
            segment = np.memmap(self.folder / name, FEATURES, "r", shape=shape)
            yield seqs[first : first + len(segment)], segment
            first += len(segment)
