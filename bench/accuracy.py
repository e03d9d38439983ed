"""Top-1 of the keywords through the whole running service: `python -m bench.accuracy FOLDER`.

FOLDER holds labels.csv with the columns `file` and `imagenet_idx` (the acceptable ImageNet classes
of a photo, separated by spaces; rows without one, and rows whose `source` does not start with
"imagenet", are passed over). The labels of the version in use must be ImageNet's, in its order.
"""

import argparse
import csv
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from demo.client import Client

CLIENTS = 16


def main() -> int:
    """Print the share of photos whose likeliest keyword is an acceptable one."""
    arguments = _parser().parse_args()
    labels = arguments.labels.read_text().splitlines()
    client = Client(arguments.url)
    photos = list(_photos(arguments.folder))

    def is_right(photo: tuple[Path, set[str]]) -> bool:
        file, classes = photo
        [first] = client.post("/predict/concepts?top_k=1", file.read_bytes())["concepts"]
        return first["name"] in {labels[int(number)] for number in classes}

    with ThreadPoolExecutor(CLIENTS) as pool:
        right = sum(pool.map(is_right, photos))
    error = (right * (len(photos) - right) / len(photos) ** 3) ** 0.5
    print(f"top-1 {right / len(photos):.3f} ± {error:.3f} over {len(photos)} photos")
    return 0


def _photos(folder: Path) -> list[tuple[Path, set[str]]]:
    with (folder / "labels.csv").open() as file:
        return [
            (folder / row["file"], set(row["imagenet_idx"].split()))
            for row in csv.DictReader(file)
            if row["imagenet_idx"] and row["source"].startswith("imagenet")
        ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:5000")
    parser.add_argument(
        "--labels", type=Path, default=Path("model_repository/keywording/1/labels.txt")
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
