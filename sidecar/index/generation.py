"""One generation of the index, open: what it holds, and whether that is what was written."""

from collections.abc import Iterator
from copy import copy
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidecar.errors import IndexDamaged
from sidecar.fields import Columns
from sidecar.files import sha256_of
from sidecar.index import field_file
from sidecar.index.ann import SearchParams
from sidecar.index.engine import Engine
from sidecar.index.meta import KEYWORDS, META, UNLABELLED, Meta, digest_of
from sidecar.index.postings import Postings
from sidecar.index.segments import SEQ, Segments, mapped


class Generation:
    """An open generation: its files are mapped, shared by all processes.

    Attributes:
        segments: its sequence numbers.
        searchable: its features, where its engine keeps them.
        fields: of its images; None where there are none.
        keywords: of its images, by its model.
        digest: the SHA-256 of its `meta.json`, by which it is known in an object store.
        unlabelled: int64 [n] ascending, the sequence numbers of those whose keywords had not been
            made when it was.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        """Opens a folder.

        The SHA-256 of codes and numbers are checked now. Features are many times larger: their
        sizes are checked now, and each row when it is used.

        Raises:
            IndexDamaged: a file is missing or not what `meta.json` says.
        """
        self.folder = folder
        self.digest = digest_of(folder)
        self.meta = self.meta_of(folder)
        try:
            for name in self.meta.files:
                self._check(name, whole=name not in self.meta.segments)
            self.segments = Segments(folder, self.meta.segments, self.meta.dimension)
            self.searchable = engine.open(folder, self.meta, self.segments)
            self.fields: Columns | None = None
            if field_file.FIELDS in self.meta.files:
                self.fields = field_file.read(folder / field_file.FIELDS)
            self.keywords, self.unlabelled = Postings.none(), self.segments.seqs
            if self.has_keywords:
                self.keywords = Postings.map(folder / KEYWORDS)
                self.unlabelled = mapped(folder / UNLABELLED, SEQ)
        except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
            raise _damaged(folder, error) from error

    @staticmethod
    def meta_of(folder: Path) -> Meta:
        """Returns what a generation says of itself. Raises IndexDamaged."""
        try:
            return Meta.read(folder)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise _damaged(folder, error) from error

    @property
    def number(self) -> int:
        """The number that it was published under; 0 for a draft."""
        return int(self.folder.name) if self.folder.name.isdecimal() else 0

    @property
    def has_keywords(self) -> bool:
        """Whether it has the keywords of its images; earlier releases made none."""
        return KEYWORDS in self.meta.files

    @property
    def made_at(self) -> float:
        """When it was made, in seconds since 1970."""
        return (self.folder / META).stat().st_mtime

    def features(self, seqs: NDArray[np.int64]) -> NDArray[np.float16]:
        """Looks up the features of images that it holds; all as `Searchable.features`."""
        return self.searchable.features(seqs)

    def search_params(self, nprob: int, results: int) -> SearchParams:
        """Returns how far a search looks with a value of NPROB, 1..100, for so many results.

        NPROB stands for a recall, so each generation has its own answer.
        """
        return self.meta.quality.operating_points.search_params(nprob, results)

    def is_at(self, folder: Path) -> bool:
        """Says whether a folder holds the same still: what was measured of a draft may be written
        after it was opened."""
        return self.folder == folder and self.digest == digest_of(folder)

    def moved_to(self, folder: Path) -> "Generation":
        """Returns the same draft, open as it is, under the folder that it was published as."""
        moved = copy(self)
        moved.folder = folder
        return moved

    def damage(self) -> Iterator[str]:
        """Reads every file through and yields a sentence for each whose SHA-256 is another, and for
        what is wrong elsewhere."""
        for name in self.meta.files:
            try:
                self._check(name, whole=True)
            except (OSError, ValueError) as error:
                yield f"generation {self.folder.name} of the index: {error}"
        for problem in self.searchable.damage():
            yield f"generation {self.folder.name} of the index: {problem}"

    def _check(self, name: str, whole: bool) -> None:
        """Raises OSError or ValueError where a file, or only its size, is not what was written."""
        path, digest = self.folder / name, self.meta.files[name]
        size = path.stat().st_size
        if size != digest.bytes:
            raise ValueError(f"{name} is {size} bytes long, not {digest.bytes}")
        if whole and sha256_of(path) != digest.sha256:
            raise ValueError(f"{name} is not what was written")


def _damaged(folder: Path, error: Exception) -> IndexDamaged:
    return IndexDamaged(f"generation {folder.name} of the index: {error}")
