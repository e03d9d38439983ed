"""Makes the requests of a bench's clients: photos to add, to search with, and in archives."""

import io
import itertools
import tarfile
from collections.abc import Iterable, Sequence

from bench.load import Request, photo

ARCHIVE = 500  # photos in an add_batch


class Uploads:
    """Makes requests of the same photos over and over, each add with an id of its own."""

    def __init__(self, photos: Sequence[bytes], name: str = "bench") -> None:
        self._photos = photos
        self._begins = name
        self._numbers = itertools.count()

    def adds(self, count: int) -> list[Request]:
        return [photo(f"/similarity/add?id={self._name()}", file) for file in self._take(count)]

    def searches(self, count: int) -> list[Request]:
        return [photo("/similarity/search", file) for file in self._take(count)]

    def archives(self, count: int) -> list[Request]:
        """Returns tars of `ARCHIVE` photos, together about this many photos; at least one tar."""
        return [
            photo("/similarity/add_batch", self._archive(self._take(ARCHIVE)))
            for _ in range(max(1, count // ARCHIVE))
        ]

    def _take(self, count: int) -> Iterable[bytes]:
        return itertools.islice(itertools.cycle(self._photos), count)

    def _archive(self, files: Iterable[bytes]) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for file in files:
                member = tarfile.TarInfo(f"{self._name()}.jpg")
                member.size = len(file)
                archive.addfile(member, io.BytesIO(file))
        return out.getvalue()

    def _name(self) -> str:
        return f"{self._begins}-{next(self._numbers)}"
