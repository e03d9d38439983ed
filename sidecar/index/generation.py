"""One generation of the index, open: what it holds, and whether that is what was written."""

from collections.abc import Iterator
from copy import copy
from pathlib import Path

from sidecar.errors import IndexDamaged
from sidecar.files import sha256_of
from sidecar.index.ann import Index, SearchParams
from sidecar.index.meta import LISTS, META, TRAINED, Meta
from sidecar.index.segments import Segments


class Generation:
    """An open generation: its codes and features are mapped, shared by all processes."""

    def __init__(self, folder: Path) -> None:
        """Open a folder. Codes and numbers are read and held against their SHA-256 now; of the
        features, which are many times larger, the sizes now, and each row when it is used.

        Raises:
            IndexDamaged: a file is missing or not what `meta.json` says.
        """
        try:
            self.folder = folder
            self.meta = Meta.read(folder)
            for name in self.meta.files:
                self._check(name, whole=name not in self.meta.segments)
            self.index = Index.map(folder / TRAINED, folder / LISTS, self.meta.dimension)
            self.segments = Segments(folder, self.meta.segments, self.meta.dimension)
        except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
            raise IndexDamaged(f"generation {folder.name} of the index: {error}") from error

    @property
    def number(self) -> int:
        """What it was published under; 0 for a draft."""
        return int(self.folder.name) if self.folder.name.isdecimal() else 0

    def search_params(self, nprob: int, results: int) -> SearchParams:
        """How far a search of this generation looks with a value of NPROB, 1..100, when it wants so
        many results. What NPROB stands for is a recall, so each generation has its own answer."""
        return self.meta.quality.dial.reach(nprob, results)

    @property
    def made_at(self) -> float:
        """Seconds since 1970."""
        return (self.folder / META).stat().st_mtime

    def published(self, folder: Path) -> "Generation":
        """The same draft, open as it is, now that its folder has its place."""
        moved = copy(self)
        moved.folder = folder
        return moved

    def damage(self) -> Iterator[str]:
        """Every file read through and held against its SHA-256: a sentence for each that fails."""
        for name in self.meta.files:
            try:
                self._check(name, whole=True)
            except (OSError, ValueError) as error:
                yield f"generation {self.folder.name} of the index: {error}"

    def _check(self, name: str, whole: bool) -> None:
        path, seal = self.folder / name, self.meta.files[name]
        if path.stat().st_size != seal.bytes:
            raise ValueError(f"{name} is not {seal.bytes} bytes long")
        if whole and sha256_of(path) != seal.sha256:
            raise ValueError(f"{name} is not what was written")
