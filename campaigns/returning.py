"""Retires versions and puts them back under load, then compares features with their model.

Versions are retired, put back, and put under another number, and upgrades are cancelled in every
phase, while clients add.

    python -m campaigns.returning
    python -m campaigns.returning --images 5000

It runs the versions of `campaigns.switching` on the real stack; `tests/stack/test_returns.py` does
it with small ones. In the end no request has failed, every acknowledged image is there, and its
features by each version are those that the version makes of it.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from campaigns.switching import TASK_TIMEOUT_S, Traffic, repository, switch
from local import photos
from local.stack import Stack, add_all, running
from sidecar.catalogue import Catalogue, ModelRecord, open_catalogue
from sidecar.images import pixels
from sidecar.models import contract
from sidecar.models.triton import TritonClient

PHASES = ("embedding", "catching up", "clustering", "adding", "measuring", "preloading")
OTHER = 0.02  # squared distance: one image's features on two machines are nearer
PAGE = 256
PAUSE_S = 0.3  # of a client, after each answer: in the end the whole catalogue is read


@dataclass
class Shelf:
    """Holds a stack with version 1 in use, a folder with versions 1 to 3, and what was found wrong
    on the way: features of a retired version are gone in the end.

    Args:
        every: 1 to compare every image with its model, 5 to compare a fifth.
    """

    stack: Stack
    models: Path
    folder: Path
    every: int = 1
    wrong: list[str] = field(default_factory=list)

    def put(self, version: int, number: int | None = None) -> None:
        """Puts a version into the repository in one step, under its number or another one."""
        number = number or version
        target, coming = self.models / "keywording" / f"{number}", self.models / "coming"
        if target.exists():
            return
        shutil.copytree(self.folder / f"{version}", coming)
        made = json.loads((coming / "contract.json").read_text()) | {"version": number}
        (coming / "contract.json").write_text(json.dumps(made))
        coming.rename(target)

    def upgrade(self, version: int) -> None:
        self._switch(f"upgrade?version={version}")

    def roll_back(self) -> None:
        self._switch("rollback")

    def retire(self, version: int) -> None:
        self._switch(f"retire?version={version}")

    def cancel_in(self, phase: str, version: int) -> str:
        """Requests an upgrade and cancels it in a phase; returns how it ended."""
        asked = self.stack.post(f"/similarity/upgrade?version={version}").json()
        path = f"/similarity/status/{asked['task_id']}"

        def has_come() -> bool:
            status = self.stack.get(path).json()
            return bool(status["status"] != "ongoing" or status["phase"] == phase)

        self.stack.wait(has_come, f"an upgrade is {phase}", TASK_TIMEOUT_S)
        self.stack.post("/similarity/upgrade/cancel")
        ended: str = self.stack.finish(asked["task_id"], TASK_TIMEOUT_S)["status"]
        if ended == "ok":  # its last phases are short
            self.roll_back()
        print(f"upgrade?version={version}, cancelled in {phase}: {ended}", flush=True)
        return ended

    def _switch(self, call: str) -> None:
        began = time.monotonic()
        switch(self.stack, call)
        print(f"{call}: {time.monotonic() - began:.0f} s", flush=True)


def go_and_return(
    shelf: Shelf, traffic: Traffic, phases: tuple[str, ...] = PHASES
) -> dict[str, str]:
    """Does everything that can happen to a version, while clients add.

    Version 1 is in use before and after. Returns how each cancelled upgrade ended, by phase.
    """
    with traffic.flowing(searchers=1, adders=2):
        shelf.put(3)
        shelf.upgrade(3)
        shelf.roll_back()
        shelf.retire(3)
        shelf.put(2)
        shelf.upgrade(2)
        shelf.put(3)
        ended = {phase: shelf.cancel_in(phase, 3) for phase in phases}
        shelf.wrong += strange(shelf)
        shelf.upgrade(3)
        shelf.retire(1)
        shelf.put(1)
        shelf.upgrade(1)  # under another key than every process remembers
        shelf.retire(3)
        shelf.put(3, number=4)
        shelf.upgrade(4)
        shelf.upgrade(1)
        shelf.retire(2)
        shelf.retire(4)
    return ended


def strange(shelf: Shelf) -> Iterator[str]:
    """Yields a sentence for each stored image whose features are not its model's.

    It asks Triton itself, past all that the service checks. Images that clients add meanwhile are
    left out: they may come as fast as it compares.
    """
    catalogue = open_catalogue(f"sqlite:///{shelf.stack.folder}/catalogue.sqlite", 30)
    triton = TritonClient(shelf.stack.env["TRITON_URL"], 30)
    try:
        for record in catalogue.models.all():
            yield from _strange_rows(catalogue, record, triton, shelf)
    finally:
        catalogue.close()


def _strange_rows(
    catalogue: Catalogue, record: ModelRecord, triton: TritonClient, shelf: Shelf
) -> Iterator[str]:
    made = contract.read(shelf.models, record.version)
    after, at_once = 0, triton.largest_batch(made)
    newest, _ = catalogue.images.last_added() or (0, 0.0)
    while after < newest and (page := catalogue.images.page(after, PAGE)):
        after = page[-1][0]
        stored = {
            name: catalogue.images.features(name, record.model) for _, name in page[:: shelf.every]
        }
        there = [name for name in stored if stored[name]]  # another version may be behind
        for start in range(0, len(there), at_once):
            names = there[start : start + at_once]
            jpegs = [catalogue.images.jpeg(name) for name in names]
            images = np.stack([pixels(jpeg, made.resize, made.crop) for jpeg in jpegs])
            for name, fresh in zip(names, triton.features(images, made), strict=True):
                found = stored[name]
                if found is None or found[1].shape != fresh.shape:
                    yield f"{name} by version {record.version} has a wrong length"
                elif (away := float(((found[1] - fresh) ** 2).sum())) > OTHER:
                    yield f"{name} by version {record.version} is {away:.4f} away from itself"


def main() -> int:
    """Runs the campaign and prints the outcome; returns 1 where anything was wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m campaigns.returning",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--images", type=int, default=1000, help="at the start, 1,000 at least")
    images = parser.parse_args().images
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = repository(folder, 1, 2, 3)
        shutil.copytree(models / "keywording", folder / "shelf")
        for later in ("2", "3"):
            shutil.rmtree(models / "keywording" / later)
        (folder / "stack").mkdir()
        with running(folder / "stack", MODEL_REPOSITORY=str(models)) as stack:
            return _campaign(Shelf(stack, models, folder / "shelf"), images)


def _campaign(shelf: Shelf, images: int) -> int:
    stored = dict(photos.variations(images))
    add_all(shelf.stack, stored)
    shelf.stack.run("train")
    traffic = Traffic(shelf.stack, [*stored.values()], stored, pause_s=PAUSE_S)
    go_and_return(shelf, traffic)
    print("comparing every image with its model", flush=True)
    wrong = [*shelf.wrong, *strange(shelf)]
    there = shelf.stack.get("/similarity/stats").json()["images"]
    gone = images + len(traffic.added) - there
    print(f"failed {len(traffic.failures)}, lost {gone}, with features of another {len(wrong)}")
    for sentence in (*traffic.failures[:5], *wrong[:5]):
        print(f"  {sentence}")
    return 1 if traffic.failures or gone or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
