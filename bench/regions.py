"""Measures whether the map of a match shows what it shares with the query.

    python -m bench.regions FOLDER

FOLDER has photos with labels, as `bench.quality` wants them. No box says where in them things are,
so matches are made: a photo of the query's label, scaled to a square, lies somewhere on a photo of
another label. A map is right where its largest number is in that square. What that is worth, say
two rules that know nothing: any place of the map, and the middle of it.

The newest version in the model repository is taken, exported with `--explain` or not.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench import labelled
from docs.tables.markdown import table
from export import regions, runtime
from export.samples import RULES
from local.stack import ROOT
from sidecar.images import canonical, pixels
from sidecar.images.twins import saved
from sidecar.models import contract

GROUND = 320  # pixels: both sides of a made match
MARGIN = 20  # pixels between what was put there and the edge, of which most is cut off
QUALITY = 95
SEED = 11


@dataclass(frozen=True)
class Made:
    """A made match.

    Args:
        query, match: the files of both.
        left, top, side: of what was put there, pixels of GROUND.
    """

    query: bytes
    match: bytes
    left: int
    top: int
    side: int

    def inside(self, shape: tuple[int, int], seen: float) -> NDArray[np.bool_]:
        """Returns which places of a map have their middle in it.

        Args:
            shape: of the map.
            seen: the share of the side that a model sees.
        """
        rows, columns = (
            GROUND * (((np.arange(count) + 0.5) / count - 0.5) * seen + 0.5) for count in shape
        )
        down = (rows >= self.top) & (rows < self.top + self.side)
        return np.outer(down, (columns >= self.left) & (columns < self.left + self.side))


def matches(folder: Path, count: int, side: int) -> Iterator[Made]:
    """Makes matches, the same each time."""
    files, labels = labelled.read(folder)
    asked, draw = labelled.asked_with(labels), np.random.default_rng(SEED)
    for place in draw.choice(asked, count):
        same = np.flatnonzero(labels == labels[place])
        other = files[draw.choice(same[same != place])]
        ground = files[draw.choice(np.flatnonzero(labels != labels[place]))]
        left, top = draw.integers(MARGIN, GROUND - side - MARGIN + 1, 2).tolist()
        with Image.open(ground) as below, Image.open(other) as above:
            made = below.convert("RGB").resize((GROUND, GROUND))
            made.paste(above.convert("RGB").resize((side, side)), (left, top))
        yield Made(files[place].read_bytes(), saved(made, QUALITY), left, top, side)


def measured(made: Iterator[Made], repository: Path) -> NDArray[np.float64]:
    """Returns for each match the share of the places that are in it, whether the middle is and
    whether the largest number is, and the similarity: float64 [n, 4]."""
    said = contract.read(repository, contract.versions(repository)[-1])
    model, every = contract.folder(repository, said.version) / contract.MODEL_FILE, [*made]
    files = [file for each in every for file in (each.query, each.match)]
    images = np.stack([pixels(canonical(file, RULES), said.resize, said.crop) for file in files])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / contract.REGIONS_FILE
        regions.write(model, path)
        shares = runtime.regions(path, images)
    found = []
    for each, asked, match in zip(every, shares[::2], shares[1::2], strict=True):
        of_places = match @ asked.sum((0, 1))
        rows, columns = of_places.shape
        inside = each.inside((rows, columns), said.crop / said.resize)
        peak = inside.flat[of_places.argmax()]
        middle = inside[rows // 2, columns // 2]
        found.append([inside.mean(), middle, peak, of_places.sum()])
    return np.array(found, np.float64)


def main() -> int:
    """Prints a table: a row for each size of what was put there."""
    arguments = _parser().parse_args()
    rows = []
    for side in arguments.sides:
        made = matches(arguments.folder, arguments.count, side)
        shares = measured(made, arguments.repository)
        likely = shares[:, 3] >= np.median(shares[:, 3])
        values = [*shares.mean(axis=0)[:3], shares[likely, 2].mean()]
        rows.append([f"{side} of {GROUND}", *(f"{value:.3f}" for value in values)])
    head = ["pixels", "any place", "the middle", "the peak", "that of the more similar half"]
    print(table(head, rows))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.regions",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument("--count", type=int, default=200, help="matches of each size")
    parser.add_argument("--sides", type=int, nargs="+", default=[150, 110], help="pixels of 320")
    return parser


if __name__ == "__main__":
    sys.exit(main())
