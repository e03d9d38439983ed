"""Writes a draft: a generation in the making, beside the published ones, where no reader looks."""

import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import ModelRecord, Page, Task
from sidecar.fields import Columns
from sidecar.files import sha256_of, sync
from sidecar.index import field_file
from sidecar.index.builder import Build
from sidecar.index.compaction import Part, compacted
from sidecar.index.generation import Generation
from sidecar.index.meta import KEYWORDS, LISTS, META, TRAINED, TRUTH, UNLABELLED, FileDigest, Meta
from sidecar.index.postings import Postings
from sidecar.index.recall.quality import Quality
from sidecar.index.segments import CRC, CRCS, FEATURES, SEQ, SEQS, Segments
from sidecar.index.store import DRAFT

SEGMENT_ROWS = 32_768  # at most, or a page more: an image that leaves rewrites its segment


@dataclass(frozen=True)
class Sealed:
    """A draft that is whole and on the disk, fit for `GenerationStore.publish`."""

    meta: Meta
    folder: Path


class GenerationWriter:
    """Writes the files of one attempt at one task; nobody opens them before they are published."""

    def __init__(
        self, index_dir: Path, task: Task, model: ModelRecord, catalogue: str | None = None
    ) -> None:
        """Begins a draft, and clears away what dead attempts have left.

        Args:
            catalogue: the identity of the one that the features come from.
        """
        for leftover in index_dir.glob(f"{DRAFT}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        self.folder = self.path(index_dir, task)
        self.folder.mkdir(parents=True)
        for name in (SEQS, CRCS):
            (self.folder / name).touch()
        self._task = task
        self._model = model
        self._catalogue = catalogue
        self._segments: dict[str, int] = {}
        self._digests: dict[str, FileDigest] = {}
        self._new: list[str] = []  # the segments that `append` has written
        self._changes: int | None = None

    @staticmethod
    def path(index_dir: Path, task: Task) -> Path:
        """Returns the folder of an attempt's draft."""
        return index_dir / f"{DRAFT}{task.task_id}-{task.attempt}"

    @property
    def images(self) -> int:
        """How many images it holds by now."""
        return sum(self._segments.values())

    @property
    def added(self) -> int:
        """How many images `append` has written."""
        return sum(self._segments[name] for name in self._new)

    def continue_from(self, generation: Generation, removed: NDArray[np.int64]) -> None:
        """Takes over the images of a published generation but for those `removed`, int64 [n].

        A segment that loses none is linked, not written, unless it is one of the small last ones
        that many updates leave: these are joined.

        Raises:
            IndexDamaged: features that have to be written again are not what was stored.
        """
        for group in compacted(generation.segments, removed, SEGMENT_ROWS):
            if len(group) == 1 and group[0].whole:
                self._link(generation, group[0])
                continue
            name = f"features-{group[0].seqs[0]}.f16"
            for part in group:
                features = generation.segments.features(part.seqs)
                self._write(name, Page(part.seqs, features, part.crcs))

    def append(self, pages: Iterable[Page], report: Callable[[int], None]) -> None:
        """Writes more images, in segments of their own.

        Args:
            pages: sequence numbers ascending, all above those that are here already.
            report: called after each page with the number of images written so far.
        """
        digests: dict[str, Future[FileDigest]] = {}
        # A full segment is synced and hashed while the next one is read.
        with ThreadPoolExecutor(1, "syncing") as syncing:
            for page in pages:
                if not self._new or self._segments[self._new[-1]] >= SEGMENT_ROWS:
                    self._new.append(f"features-{page.seqs[0]}.f16")
                name = self._new[-1]
                self._write(name, page)
                report(self.added)
                if self._segments[name] >= SEGMENT_ROWS:
                    digests[name] = syncing.submit(_synced, self.folder / name)
        self._digests |= {name: digest.result() for name, digest in digests.items()}

    def segments(self) -> Segments:
        """Opens the features of all images that are here by now, to be read."""
        return Segments(self.folder, self._segments, self._model.dimension)

    def set_fields(self, columns: Columns, changes: int) -> None:
        """Writes the fields of all images, a row each, with the last change that they are of."""
        field_file.write(columns, self.folder / field_file.FIELDS)
        self._changes = changes

    def set_keywords(self, keywords: Postings, unlabelled: NDArray[np.int64]) -> None:
        """Writes the keywords of all images; arguments as the attributes of `Generation`."""
        keywords.save(self.folder / KEYWORDS)
        self._extend(UNLABELLED, unlabelled.astype(SEQ))

    def seal(self, build: Build, removals: int, snapshot: int) -> Sealed:
        """Writes what was built and `meta.json`, and syncs everything to the disk.

        Args:
            removals, snapshot: as in `Meta`.
        """
        build.index.save(self.folder / TRAINED, self.folder / LISTS)
        build.truth.save(self.folder / TRUTH)
        for path in sorted(self.folder.iterdir()):
            if path.name not in self._digests:
                self._digests[path.name] = _synced(path)
        meta = Meta(
            task_id=self._task.task_id,
            kind=self._task.kind,
            version=self._model.version,
            sha256=self._model.sha256,
            dimension=self._model.dimension,
            images=self.images,
            snapshot=snapshot,
            removals=removals,
            quality=build.quality,
            segments=self._segments,
            files=self._digests,
            catalogue=self._catalogue,
            mark=self._task.mark,
            changes=self._changes,
        )
        meta.write(self.folder)
        for path in (self.folder / META, self.folder):
            sync(path)
        return Sealed(meta, self.folder)

    def _link(self, generation: Generation, part: Part) -> None:
        os.link(generation.folder / part.name, self.folder / part.name)
        self._digests[part.name] = generation.meta.files[part.name]
        self._number(part.name, part.seqs, part.crcs)

    def _write(self, name: str, page: Page) -> None:
        self._extend(name, page.features.astype(FEATURES))
        self._number(name, page.seqs, page.crcs)

    def _number(self, name: str, seqs: NDArray[np.int64], crcs: NDArray[np.uint32]) -> None:
        """Writes which images the next rows of a segment are, with their checksums."""
        self._segments[name] = self._segments.get(name, 0) + len(seqs)
        self._extend(SEQS, seqs.astype(SEQ))
        self._extend(CRCS, crcs.astype(CRC))

    def _extend(self, name: str, values: NDArray[np.generic]) -> None:
        with (self.folder / name).open("ab") as file:
            file.write(values.tobytes())


def measured(sealed: Sealed, quality: Quality) -> Sealed:
    """Writes what was measured of a draft after it was sealed."""
    meta = replace(sealed.meta, quality=quality)
    meta.write(sealed.folder)
    sync(sealed.folder / META)
    return replace(sealed, meta=meta)


def _synced(path: Path) -> FileDigest:
    """Syncs a file to the disk and returns its digest."""
    sync(path)
    return FileDigest(path.stat().st_size, sha256_of(path))
