"""What may be given as an image, and its bytes."""

import hashlib
import io
import mimetypes
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias, runtime_checkable

PIECE_BYTES = 1 << 16
# What a PNG can hold; an image in any other mode is converted.
PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")


@runtime_checkable
class PilImage(Protocol):
    """An image of Pillow, which need not be installed."""

    @property
    def mode(self) -> str: ...
    def save(self, fp: Any, format: str | None = None, **params: Any) -> None: ...  # noqa: A002
    def convert(self, mode: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of an image, which may be read again and again.

    Args:
        name: of its file; "" where it has none.
        size: in bytes.
        open: opens it at its beginning.
    """

    name: str
    size: int
    open: Callable[[], BinaryIO]

    @property
    def kind(self) -> str:
        """Its Content-Type by its name; the service looks at the bytes themselves."""
        return _kind_of(self.name.rpartition(".")[2])

    def read(self) -> bytes:
        """Returns all bytes. Raises OSError."""
        with self.open() as file:
            return file.read()

    def pieces(self) -> Iterator[bytes]:
        """Yields as many bytes as `size` says.

        Raises:
            OSError: it can't be read, or has become shorter.
        """
        left = self.size
        with self.open() as file:
            while left:
                piece = file.read(min(left, PIECE_BYTES))
                if not piece:
                    raise OSError(f"{self.name or 'an image'} became shorter while it was sent")
                left -= len(piece)
                yield piece


Photo: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO | PilImage | Source


@lru_cache(256)
def _kind_of(ending: str) -> str:
    guessed = mimetypes.guess_type(f"x.{ending}")[0] or ""
    return guessed if guessed.startswith("image/") else "image/jpeg"


def source(photo: Photo) -> Source:
    """Returns the bytes of a path, of bytes, of a file from where it is, or of Pillow's image.

    Raises:
        OSError: there is no such file.
        TypeError: it is none of these.
    """
    if isinstance(photo, str | os.PathLike):
        path = photo if isinstance(photo, Path) else Path(photo)
        return Source(str(path), path.stat().st_size, lambda: path.open("rb"))
    if isinstance(photo, bytes | bytearray | memoryview):
        return of_bytes(bytes(photo))
    if isinstance(photo, Source):
        return photo
    if hasattr(photo, "read"):
        name = getattr(photo, "name", "")
        return of_bytes(photo.read(), name if isinstance(name, str) else "")
    if isinstance(photo, PilImage):
        return of_bytes(_png(photo))
    raise TypeError(f"an image is a path, bytes, a file or an image of Pillow, not {photo!r:.40}")


def sha256_of(photo: Photo) -> str:
    """Returns the SHA-256 of an image's bytes, as `check` takes it; errors as `source`."""
    with source(photo).open() as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def of_bytes(content: bytes, name: str = "") -> Source:
    """Returns bytes as those of a file with a name."""
    return Source(name, len(content), lambda: io.BytesIO(content))


def _png(image: PilImage) -> bytes:
    """Returns an image without a loss; a file that it came from may be smaller."""
    kept = image if image.mode in PNG_MODES else image.convert("RGB")
    file = io.BytesIO()
    kept.save(file, format="PNG", compress_level=1)
    return file.getvalue()
