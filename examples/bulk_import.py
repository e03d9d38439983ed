"""Adds all photos of a folder, many at once. Stopped half-way, it goes on where it ended.

python examples/bulk_import.py photos
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from similarity_client import Progress, Similarity, UploadStopped

KINDS = {".jpg", ".jpeg", ".png", ".webp"}


def about(path: Path) -> dict[str, Any]:
    """Returns what is said of a photo: the name of its folder."""
    return {"folder": path.parent.name}


def show(progress: Progress) -> None:
    """Prints each failure, and a line for every hundred files."""
    if progress.error:
        print(f"{progress.path}: {progress.error}", file=sys.stderr)
    if progress.done % 100 == 0:
        print(f"{progress.done:,} done, {progress.sent_bytes / 1e6:,.1f} MB sent")


def main() -> int:
    """Uploads what the service does not have yet; returns 1 where a file could not be added."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    # Paths are read while the upload goes on: a folder of millions takes no more memory.
    photos = (path for path in folder.rglob("*") if path.suffix.lower() in KINDS)
    with Similarity() as similarity:
        try:
            report = similarity.upload(photos, id_from="sha256", metadata=about, progress=show)
        except UploadStopped as stopped:  # the service is away or full
            print(stopped, file=sys.stderr)
            return 1
    print(report)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
