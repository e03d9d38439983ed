"""A folder of photos to add, some of which are broken, each in a way of its own."""

import random
from collections.abc import Iterable
from pathlib import Path

from similarity_client import sha256_of


class Folder:
    """Photos in a folder, some of which are broken.

    Args:
        mark: what each name begins with.
        files: good ones, which this makes broken here and there.
    """

    def __init__(self, path: Path, mark: str, files: Iterable[bytes], broken: int) -> None:
        self.path = path
        path.mkdir(parents=True)
        content = list(files)
        which = range(len(content) // broken // 2, len(content), len(content) // broken)[:broken]
        self.broken = {f"{mark}{number:05}.jpg" for number in which}
        self.good: dict[str, str] = {}
        for number, file in enumerate(content):
            photo = path / f"{mark}{number:05}.jpg"
            photo.write_bytes(_broken(file, number) if photo.name in self.broken else file)
            if photo.name not in self.broken:
                self.good[photo.stem] = sha256_of(photo)

    def bytes_of(self, names: Iterable[str]) -> int:
        """Returns how many bytes some files have."""
        return sum((self.path / name).stat().st_size for name in names)


def _broken(file: bytes, number: int) -> bytes:
    """Returns what is no image, for each number another one."""
    chance = random.Random(number)  # noqa: S311  the same each time
    noise = chance.randbytes(100 + number)
    ways = [
        file[: 200 + number % 300],  # cut short
        noise,
        b"\x89PNG\r\n\x1a\n" + noise,
        b"GIF89a" + noise[:20],
        f"<html>page {number} was not found</html>".encode(),
        bytes(64 + number),
        noise[:60] + file[60:],  # without its head
        b"PK\x03\x04" + noise,
    ]
    return ways[chance.randrange(len(ways))]
