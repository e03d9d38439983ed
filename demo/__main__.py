"""Starts everything, adds photos, trains, searches, adds more, updates, searches, stops everything.

python -m demo [--images FOLDER]
"""

import argparse
import re
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from similarity_client import Similarity, SimilarityError, Task, TaskFailed
from similarity_client.errors import ImageReadingError, ImageTooLarge

from local import environment, photos
from local.process import ROOT, NotReady, Start, running
from local.readiness import is_ready

STATE = ROOT / "var" / "demo"
FIRST, LATER = 1200, 100  # images before the training, and before the update
CLIENTS = 32
NOT_IN_IDS = re.compile(r"[^\w.:-]")
ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}

Photo = tuple[str, bytes]  # id and file


def main() -> int:
    """Runs the demo; every process that it started has ended when it returns."""
    folder = _arguments().images
    print("== photos")
    collection = list(_collection(folder))
    first, later = collection[:-LATER], collection[-LATER:]
    print(f"   {len(first)} to begin with, {len(later)} for later")
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir(parents=True)
    with _stack() as url, Similarity(url) as similarity:
        try:
            _show(similarity, first, later)
        except SimilarityError as error:
            sys.exit(f"the demo ends here: {error}")
    print("== everything is stopped. `make up` serves on port 5000 until Ctrl-C.")
    return 0


def _show(similarity: Similarity, first: list[Photo], later: list[Photo]) -> None:
    _add(similarity, first)
    _wait("train", similarity.train())
    # The cat, if it is there: everybody can judge what a search finds for it.
    name, file = next((photo for photo in later if photo[0].startswith("chelsea")), later[-1])
    _search(similarity, f"a photo that is not in the index yet ({name})", file)
    _add(similarity, later)
    _wait("update", similarity.update())
    _search(similarity, f"the same photo, now that it is ({name})", file)
    print(f"== POST /predict/concepts?top_k=5: the keywords of {name}")
    for keyword in similarity.concepts(file, top_k=5).concepts:
        print(f"   {keyword.score:.4f}  {keyword.name}")


def _add(similarity: Similarity, collection: list[Photo]) -> None:
    def add(photo: Photo) -> None:
        name, file = photo
        try:
            similarity.add(file, id=name)
        except (ImageReadingError, ImageTooLarge) as error:
            print(f"   {name} is left out: {error}")

    print(f"== POST /similarity/add, {len(collection)} times")
    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        for count, _ in enumerate(pool.map(add, collection), start=1):
            if count % 200 == 0 or count == len(collection):
                rate = count / (time.monotonic() - began)
                print(f"   {count} of {len(collection)} images, {rate:.0f} a second", flush=True)


def _wait(kind: str, task: Task) -> None:
    print(f"== POST /similarity/{kind}: task {task.task_id}", flush=True)
    try:
        ended = task.wait()
    except TaskFailed as error:
        sys.exit(f"the {kind} failed: {error}")
    print(f"   generation {ended.generation} of the index, {ended.images} images", flush=True)


def _search(similarity: Similarity, what: str, file: bytes) -> None:
    print(f"== POST /similarity/search: {what}")
    for distance, image_id in similarity.search(file, num_results=5).pairs():
        print(f"   {distance:.4f}  {image_id}", flush=True)


@contextmanager
def _stack() -> Iterator[str]:
    """Runs the stack of the Procfile on free ports, yields its URL, and stops it at the end."""
    env = environment.private(STATE)
    log = STATE / "stack.log"
    print(f"== starting Triton, Redis, a worker and the sidecar (log: {log})", flush=True)
    command = [sys.executable, "-m", "honcho", "start", "--no-colour"]
    url, begun = f"http://127.0.0.1:{env['PORT']}", time.monotonic()
    try:
        with running(Start(command, log, lambda: is_ready(url), env)):
            print(f"   ready after {time.monotonic() - begun:.0f} s", flush=True)
            yield url
    except NotReady as error:
        sys.exit(f"the stack did not start: {error}")


def _collection(folder: Path | None) -> Iterator[Photo]:
    """Yields the photos of a folder, then crops of packaged photos while there are too few."""
    given = 0
    for path in sorted(folder.rglob("*")) if folder else []:
        if path.suffix.lower() in ENDINGS:
            given += 1
            yield f"{given}-{NOT_IN_IDS.sub('_', path.stem)}"[:255], path.read_bytes()
    missing = FIRST + LATER - given
    if missing > 0:
        if folder:
            print(f"   {given} photos in {folder}; {missing} packaged ones are added to them")
        yield from islice(photos.variations(missing), missing)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="photos to use instead")
    arguments = parser.parse_args()
    if arguments.images and not arguments.images.is_dir():
        parser.error(f"{arguments.images} is not a folder")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
