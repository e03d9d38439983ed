"""Starts everything, adds photos, trains, searches, adds more, updates, searches, stops everything.

python -m demo [--images FOLDER]
"""

import argparse
import json
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from demo.client import Client, Photo
from local import environment, photos
from local.process import ROOT, NotReady, Start, running

STATE = ROOT / "var" / "demo"
FIRST, LATER = 1200, 100  # images before the training, and before the update
NOT_IN_IDS = re.compile(r"[^\w.:-]")
ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}


def main() -> int:
    """Runs the demo; every process that it started has ended when it returns."""
    folder = _arguments().images
    print("== photos")
    collection = list(_collection(folder))
    first, later = collection[:-LATER], collection[-LATER:]
    print(f"   {len(first)} to begin with, {len(later)} for later")
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir(parents=True)
    with _stack() as client:
        _show(client, first, later)
    print("== everything is stopped. `make up` serves on port 5000 until Ctrl-C.")
    return 0


def _show(client: Client, first: list[Photo], later: list[Photo]) -> None:
    _add(client, first)
    _run(client, "train")
    # The cat, if it is there: everybody can judge what a search finds for it.
    name, file = next((photo for photo in later if photo[0].startswith("chelsea")), later[-1])
    _search(client, f"a photo that is not in the index yet ({name})", file)
    _add(client, later)
    _run(client, "update")
    _search(client, f"the same photo, now that it is ({name})", file)
    print(f"== POST /predict/concepts?top_k=5: the keywords of {name}")
    print(json.dumps(client.post("/predict/concepts?top_k=5", file), indent=1))


def _add(client: Client, collection: list[Photo]) -> None:
    print(f"== POST /similarity/add, {len(collection)} times")
    began = time.monotonic()
    for count, answer in enumerate(client.add_all(collection), start=1):
        if answer["status"] == "error":
            print(f"   {collection[count - 1][0]} is left out: {answer['detail']}")
        if count % 200 == 0 or count == len(collection):
            rate = count / (time.monotonic() - began)
            print(f"   {count} of {len(collection)} images, {rate:.0f} a second", flush=True)


def _run(client: Client, kind: str) -> None:
    print(f"== GET /similarity/{kind}")
    answer = client.run(kind, lambda line: print(line, flush=True))
    print(json.dumps(answer), flush=True)
    if answer["status"] == "error":
        sys.exit(f"the {kind} failed: {answer['message']}")


def _search(client: Client, what: str, file: bytes) -> None:
    print(f"== POST /similarity/search: {what}")
    print(json.dumps(client.post("/similarity/search?num_results=5", file), indent=1), flush=True)


@contextmanager
def _stack() -> Iterator[Client]:
    """Runs the stack of the Procfile on free ports and always stops it at the end."""
    env = environment.private(STATE)
    log = STATE / "stack.log"
    print(f"== starting Triton, Redis, a worker and the sidecar (log: {log})", flush=True)
    command = [sys.executable, "-m", "honcho", "start", "--no-colour"]
    client, begun = Client(f"http://127.0.0.1:{env['PORT']}"), time.monotonic()
    try:
        with running(Start(command, log, client.is_ready, env)):
            print(f"   ready after {time.monotonic() - begun:.0f} s", flush=True)
            yield client
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
