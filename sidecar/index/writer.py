"""Writes the files that a draft has with every engine, beside the published generations, where no
reader looks: the numbers of its images, their fields and keywords, and what was measured."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Task
from sidecar.fields import Columns
from sidecar.files import sha256_of, sync
from sidecar.index import field_file
from sidecar.index.engine import Commission, Sealed
from sidecar.index.meta import KEYWORDS, META, UNLABELLED, Meta
from sidecar.index.postings import Postings
from sidecar.index.recall.quality import Quality
from sidecar.index.segments import CRC, CRCS, SEQ, SEQS, mapped
from sidecar.objects import FileDigest

DRAFT = ".draft-"  # a reader of the folder looks at numbers only


class GenerationWriter:
    """Writes the files of one attempt at one task; nobody opens them before they are published.

    Drafts of engines derive from it; the arguments are those of `engine.Draft`.
    """

    def __init__(self, index_dir: Path, commission: Commission) -> None:
        """Begins a draft, and clears away what dead attempts have left."""
        for leftover in index_dir.glob(f"{DRAFT}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        self.folder = self.path(index_dir, commission.task)
        self.folder.mkdir(parents=True)
        for name in (SEQS, CRCS):
            (self.folder / name).touch()
        self.images = 0
        self._commission = commission
        self._segments: dict[str, int] = {}  # rows of each file of features
        self._digests: dict[str, FileDigest] = {}
        self._changes: int | None = None

    @staticmethod
    def path(index_dir: Path, task: Task) -> Path:
        """Returns the folder of an attempt's draft."""
        return index_dir / f"{DRAFT}{task.task_id}-{task.attempt}"

    @property
    def seqs(self) -> NDArray[np.int64]:
        """The sequence numbers of all images that are here by now, int64 [n] ascending."""
        return mapped(self.folder / SEQS, SEQ)

    def set_fields(self, columns: Columns, changes: int) -> None:
        """Writes the fields of all images, a row each, with the last change that they are of."""
        field_file.write(columns, self.folder / field_file.FIELDS)
        self._changes = changes

    def set_keywords(self, keywords: Postings, unlabelled: NDArray[np.int64]) -> None:
        """Writes the keywords of all images; arguments as the attributes of `Generation`."""
        keywords.save(self.folder / KEYWORDS)
        self._extend(UNLABELLED, unlabelled.astype(SEQ))

    def _seal(
        self, quality: Quality, removals: int, snapshot: int, collection: str | None = None
    ) -> Sealed:
        """Writes `meta.json`, and syncs everything to the disk; arguments as in `Meta`."""
        for path in sorted(self.folder.iterdir()):
            if path.name not in self._digests:
                self._digests[path.name] = synced(path)
        task, model = self._commission.task, self._commission.model
        meta = Meta(
            task_id=task.task_id,
            kind=task.kind,
            version=model.version,
            sha256=model.sha256,
            dimension=model.dimension,
            images=self.images,
            snapshot=snapshot,
            removals=removals,
            quality=quality,
            segments=self._segments,
            files=self._digests,
            catalogue=self._commission.catalogue,
            mark=task.mark,
            changes=self._changes,
            collection=collection,
        )
        meta.write(self.folder)
        for path in (self.folder / META, self.folder):
            sync(path)
        return Sealed(meta, self.folder)

    def _number(self, seqs: NDArray[np.int64], crcs: NDArray[np.uint32]) -> None:
        """Writes which images the next rows are, with the checksums of their features."""
        self.images += len(seqs)
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


def synced(path: Path) -> FileDigest:
    """Syncs a file to the disk and returns its digest."""
    sync(path)
    return FileDigest(path.stat().st_size, sha256_of(path))
