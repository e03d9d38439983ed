"""Measures top-1 of the keywords through the whole running service, beside torch's own.

FOLDER holds labels.csv with the columns `file`, `source` and `imagenet_idx` (the acceptable
ImageNet classes of a photo, separated by spaces); rows without one, or whose source does not start
with "imagenet", are passed over. The service must run a model with ImageNet's labels.
"""

import argparse
import csv
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from similarity_client import Similarity

from export import networks, pipeline

CLIENTS = 16

Photo = tuple[Path, set[int]]  # a file and its acceptable classes


def main() -> int:
    """Prints both shares of photos whose likeliest keyword is an acceptable one."""
    arguments = _parser().parse_args()
    photos = _photos(arguments.folder)
    with Similarity(arguments.url) as similarity:
        right = _through_service(photos, similarity)
    _print_share("through the service", right)
    if arguments.torch:
        reference = _in_torch(photos, arguments.torch)
        _print_share(f"torch, {arguments.torch}", reference)
        print(f"difference {np.mean(right) - np.mean(reference):+.3f}")
    return 0


def _through_service(photos: list[Photo], similarity: Similarity) -> list[bool]:
    labels = pipeline.read_labels(pipeline.IMAGENET_LABELS)

    def is_right(photo: Photo) -> bool:
        file, classes = photo
        [first] = similarity.concepts(file, top_k=1).concepts
        return first.name in {labels[number] for number in classes}

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(is_right, photos))


def _in_torch(photos: list[Photo], arch: str) -> list[bool]:
    """Computes the reference: the photo itself, short side resized, centre cut out, fp32."""
    network = networks.named(arch, None)

    def is_right(photo: Photo) -> bool:
        image = _reference_pixels(photo[0], network.resize, network.crop)
        _, keywords = networks.run(network, image[None])
        return int(keywords[0].argmax()) in photo[1]

    return [is_right(photo) for photo in photos]


def _reference_pixels(file: Path, resize: int, crop: int) -> NDArray[np.uint8]:
    with Image.open(file) as image:
        rgb = image.convert("RGB")
    scale = resize / min(rgb.size)
    size = (round(rgb.width * scale), round(rgb.height * scale))
    left, top = (size[0] - crop) // 2, (size[1] - crop) // 2
    resized = rgb.resize(size, Image.Resampling.BICUBIC)
    return np.array(resized.crop((left, top, left + crop, top + crop)))


def _photos(folder: Path) -> list[Photo]:
    with (folder / "labels.csv").open() as file:
        return [
            (folder / row["file"], {int(number) for number in row["imagenet_idx"].split()})
            for row in csv.DictReader(file)
            if row["imagenet_idx"] and row["source"].startswith("imagenet")
        ]


def _print_share(what: str, right: list[bool]) -> None:
    share = float(np.mean(right))
    error = (share * (1 - share) / len(right)) ** 0.5
    print(f"{what}: top-1 {share:.3f} ± {error:.3f} over {len(right)} photos", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.accuracy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:5000")
    parser.add_argument("--torch", metavar="ARCH", help="measure this architecture in torch, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
