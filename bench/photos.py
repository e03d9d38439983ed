"""Photos to send: those of a folder, or crops of the photos that packages ship."""

from itertools import islice
from pathlib import Path

from export import photos as packaged

ENDINGS = {".jpg", ".jpeg", ".png"}
PACKAGED = 1000


def photos(folder: Path | None) -> list[bytes]:
    """The files of every photo of a folder; without one, `PACKAGED` crops of packaged photos."""
    if folder is None:
        return [file for _, file in islice(packaged.variations(PACKAGED), PACKAGED)]
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    return [path.read_bytes() for path in paths]
