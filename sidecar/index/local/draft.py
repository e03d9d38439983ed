"""A draft whose features lie on this host, in files beside its others."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Page
from sidecar.index.builder import Build, Builder
from sidecar.index.engine import Commission, Published, Sealed
from sidecar.index.local.compaction import Part, compacted
from sidecar.index.meta import LISTS, TRAINED, TRUTH
from sidecar.index.segments import FEATURES, Segments
from sidecar.index.writer import GenerationWriter, synced
from sidecar.objects import FileDigest

SEGMENT_ROWS = 32_768  # at most, or a page more: an image that leaves rewrites its segment


class LocalDraft(GenerationWriter):
    """Writes features into segments, and makes codes of them; as `engine.Draft` has it."""

    def __init__(self, index_dir: Path, commission: Commission) -> None:
        """Begins a draft. Raises DeviceUnavailable."""
        self._builder = Builder(commission.rules, commission.report)
        super().__init__(index_dir, commission)
        self._new: list[str] = []  # the segments that `append` has written
        self._before: tuple[Published, NDArray[np.int64], int] | None = None
        self._build: Build | None = None

    def continue_from(self, previous: Published, removed: NDArray[np.int64]) -> None:
        """As `engine.Draft` has it. A segment that loses no image is linked, not written, unless it
        is one of the small last ones that many updates leave: these are joined."""
        for group in compacted(previous.segments, removed, SEGMENT_ROWS):
            if len(group) == 1 and group[0].whole:
                self._link(previous, group[0])
                continue
            name = f"features-{group[0].seqs[0]}.f16"
            for part in group:
                features = previous.segments.features(part.seqs)
                self._write(name, Page(part.seqs, features, part.crcs))
        self._before = previous, removed, self.images

    def append(self, pages: Iterable[Page], report: Callable[[int], None]) -> None:
        digests: dict[str, Future[FileDigest]] = {}
        before = self.images
        # A full segment is synced and hashed while the next one is read.
        with ThreadPoolExecutor(1, "syncing") as syncing:
            for page in pages:
                if not self._new or self._segments[self._new[-1]] >= SEGMENT_ROWS:
                    self._new.append(f"features-{page.seqs[0]}.f16")
                name = self._new[-1]
                self._write(name, page)
                report(self.images - before)
                if self._segments[name] >= SEGMENT_ROWS:
                    digests[name] = syncing.submit(synced, self.folder / name)
        self._digests |= {name: digest.result() for name, digest in digests.items()}

    def build(self) -> None:
        if self._before is None:
            self._build = self._builder.train(self.segments())
        else:
            previous, removed, stayed = self._before
            self._build = self._builder.update(previous, removed, self.segments(), stayed)

    def seal(self, removals: int, snapshot: int) -> Sealed:
        assert self._build is not None
        self._build.index.save(self.folder / TRAINED, self.folder / LISTS)
        self._build.truth.save(self.folder / TRUTH)
        return self._seal(self._build.quality, removals, snapshot)

    def segments(self) -> Segments:
        """Opens the features of all images that are here by now, to be read."""
        return Segments(self.folder, self._segments, self._commission.model.dimension)

    def _link(self, previous: Published, part: Part) -> None:
        os.link(previous.folder / part.name, self.folder / part.name)
        self._digests[part.name] = previous.meta.files[part.name]
        self._number_in(part.name, part.seqs, part.crcs)

    def _write(self, name: str, page: Page) -> None:
        self._extend(name, page.features.astype(FEATURES))
        self._number_in(name, page.seqs, page.crcs)

    def _number_in(self, name: str, seqs: NDArray[np.int64], crcs: NDArray[np.uint32]) -> None:
        self._segments[name] = self._segments.get(name, 0) + len(seqs)
        self._number(seqs, crcs)
