"""Looks for made twins among photos: precision and recall by kind of twin, and the time it takes.

    python -m bench.duplicates --images photos --count 2000 --twins 0.1
    python -m bench.duplicates --images photos --count 20000 --tiles 3 --hashes

On the real stack: photos are added with twins of a share of them, an index is trained, and a run
looks for duplicates; then a hundredth as many twins come with an update, and another run follows.
Everything but a made twin counts as wrong, so look at what is found among the photos themselves:
some hold one photo twice. `--tiles N` adds the N x N parts of each photo, none of which overlap:
other images, so that a few thousand photos are enough for a large collection. `--hashes` looks for
the same twins by perceptual hashes, as `bench.hashes` says.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from io import BytesIO
from itertools import combinations, product
from pathlib import Path

from PIL import Image
from similarity_client import Similarity
from similarity_client.answers import DuplicateGroup

from bench.photos import photos
from local.stack import Stack, add_all, running
from sidecar.images.twins import CHANGES, saved, twin

CLASSES = ("same", "similar")  # each with those before it
FEWEST = 1000  # images that a training takes

Pair = frozenset[str]


def twins_of(images: dict[str, bytes], count: int, first: int = 0) -> dict[str, bytes]:
    """Returns twins of some images, kind by kind in turn; the id of each says of what it is one."""
    kinds, names = [*CHANGES], [*images]
    made = {}
    for number in range(first, first + count):
        kind, name = kinds[number % len(kinds)], names[number % len(names)]
        made[f"{name}.{kind}"] = twin(images[name], kind)
    return made


def pairs_of(groups: Iterable[DuplicateGroup]) -> set[Pair]:
    """Returns all pairs of the images of groups."""
    each = ([image.id for image in group.images] for group in groups)
    return {frozenset(pair) for ids in each for pair in combinations(ids, 2)}


def run(client: Similarity) -> tuple[float, int]:
    """Looks for duplicates; returns the seconds it took, and how many images were compared."""
    began = time.monotonic()
    done = client.find_duplicates().wait()
    return time.monotonic() - began, int(done.report["compared"])


def report(client: Similarity, wanted: dict[Pair, str]) -> None:
    """Prints precision and recall, by class and by kind of twin."""
    groups = client.duplicate_lines().groups
    found = set[Pair]()
    print("found by           pairs  precision  recall  " + "  ".join(CHANGES))
    for name in CLASSES:
        found |= pairs_of(group for group in groups if group.kind == name)
        print(line(name if name == CLASSES[0] else f"and {name}", found, wanted))


def line(name: str, found: set[Pair], wanted: dict[Pair, str]) -> str:
    """Returns a line of the table: pairs that were found beside those that should be."""
    total = Counter(wanted.values())
    right = Counter(kind for pair, kind in wanted.items() if pair in found)
    share = right.total() / max(1, len(found)), right.total() / max(1, len(wanted))
    by_kind = (f"{right[k] / max(1, total[k]):{len(k)}.2f}" for k in CHANGES)
    return f"{name:16} {len(found):7,}  {share[0]:9.3f}  {share[1]:6.3f}  {'  '.join(by_kind)}"


def wanted_pairs(twins: Iterable[str]) -> dict[Pair, str]:
    """Returns the pairs of twins and their photos, with the kind of each, by the ids of twins."""
    parts = {name: name.rpartition(".") for name in twins}
    return {frozenset((name, photo)): kind for name, (photo, _, kind) in parts.items()}


def tiles(file: bytes, side: int) -> list[bytes]:
    """Cuts a photo into `side` x `side` parts, row by row."""
    with Image.open(BytesIO(file)) as image:
        photo = image.convert("RGB")
    width, height = photo.width // side, photo.height // side
    corners = product(range(0, side * height, height), range(0, side * width, width))
    boxes = ((left, upper, left + width, upper + height) for upper, left in corners)
    return [saved(photo.crop(box), 90) for box in boxes]


def measure(stack: Stack, images: dict[str, bytes], share: float) -> dict[str, bytes]:
    """Adds photos and twins, looks for these twice, prints what was found, and returns all."""
    count = max(1, round(share * len(images)))
    first = twins_of(images, count)
    more = twins_of(images, max(1, len(images) // 100), first=count)
    with Similarity(stack.url) as client:
        add_all(stack, images | first)
        stack.run("train")
        took_s, compared = run(client)
        print(f"first run: {compared:,} images in {took_s:.1f} s")
        add_all(stack, more)
        stack.run("update")
        took_s, compared = run(client)
        print(f"after an update: {compared:,} images in {took_s:.1f} s")
        report(client, wanted_pairs([*first, *more]))
    return images | first | more


def compare_hashes(images: dict[str, bytes]) -> None:
    """Prints what perceptual hashes find among the same images."""
    from bench.hashes import peers  # here: imagehash loads scipy

    wanted = wanted_pairs(name for name in images if "." in name)
    for peer in peers(images):
        print(f"{line(peer.name, peer.pairs, wanted)}  in {peer.took_s:.1f} s")


def main() -> None:
    """Prints two tables' worth of figures."""
    arguments = _parser().parse_args()
    files = photos(arguments.images)
    if arguments.tiles > 1:
        files += [part for file in files for part in tiles(file, arguments.tiles)]
    files = files[: arguments.count]
    images = {f"{number:06}": file for number, file in enumerate(files)}
    if len(images) * (1 + arguments.twins) < FEWEST:
        raise SystemExit(f"a training takes {FEWEST:,} images, twins among them")
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as stack:
        everything = measure(stack, images, arguments.twins)
    if arguments.hashes:
        compare_hashes(everything)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.duplicates", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--images", type=Path, help="a folder of photos; crops of packaged ones")
    parser.add_argument("--count", type=int, default=2000, help="photos at most")
    parser.add_argument("--twins", type=float, default=0.1, help="for each photo")
    parser.add_argument("--tiles", type=int, default=1, help="parts of a photo's side")
    parser.add_argument("--hashes", action="store_true", help="compare perceptual hashes")
    return parser


if __name__ == "__main__":
    main()
