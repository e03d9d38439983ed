"""Reads photos to send: those of a folder, or crops of the photos that packages ship."""

import sys
from itertools import islice
from pathlib import Path

ENDINGS = {".jpg", ".jpeg", ".png"}
PACKAGED = 1000


def photos(folder: Path | None) -> list[bytes]:
    """Returns every photo of a folder; without one, `PACKAGED` crops of packaged photos."""
    if folder is None:
        from local import photos as packaged  # here: most processes of a bench never need it

        return [file for _, file in islice(packaged.variations(PACKAGED), PACKAGED)]
    return [path.read_bytes() for path in paths(folder)]


def paths(folder: Path) -> list[Path]:
    """Returns every photo in a folder and below; ends the command where there is none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    if not found:
        sys.exit(f"{folder} holds no photos")
    return found
