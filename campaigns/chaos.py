"""Sends kill -9 at random moments under load, then counts whether anything was lost.

    python -m campaigns.chaos --kills 100
    python -m campaigns.chaos --kills 100 --database postgresql --seed 7

Fifty clients add images, and now and then remove or overwrite one of theirs, while trainings and
updates follow each other. Meanwhile sidecar, worker, Redis and Triton are killed, one at a time or
several at once, and started again as a supervisor would. In the end:

- every add that was acknowledged is there, with the features of its own picture;
- nothing is there that was never sent, or whose removal was acknowledged;
- every process that was started has stayed up, every task has ended;
- `python -m sidecar verify` finds nothing wrong.
"""

import argparse
import io
import random
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from similarity_client import SimilarityError, Task
from similarity_client.errors import UnknownImageId

from local.postgres import postgres
from local.stack import COMMANDS, ROOT, Stack, running
from sidecar.catalogue import open_catalogue
from sidecar.images import ImageRules, canonical, pixels
from sidecar.models import contract
from sidecar.models.triton import TritonClient
from sidecar.settings import from_environment

CLIENTS = 50
PICTURES = 24
BATCH = 100
FIRST, FIRST_IMAGES = "first-", 1000  # so that a training makes sense from the start
REMOVED, OVERWRITTEN = 0.04, 0.08  # of what a client does
LONGEST_PAUSE_S = 1.5
PAUSE_S = 0.1  # of a worker to whom the sidecar is away, or a task goes on
SEVERAL = 0.3  # of the waves of kills hit more than one process
SETTINGS = {"TASK_LEASE_S": "8", "TRITON_TIMEOUT_S": "5"}
FEATURE_TOLERANCE = 1e-3  # a batch's size in Triton can change the last bit of float16


@dataclass(frozen=True)
class Plan:
    """Says what a campaign does, and where.

    Args:
        kills: how many processes are killed.
        seed: of the random moments and victims.
        url: of the catalogue, which is empty.
        settings: of the stack, besides.
        backup: what it begins with; without one, images are added and trained first.
        clients: how many add at the same time.
    """

    kills: int
    seed: int
    url: str
    settings: Mapping[str, str] = field(default_factory=dict)
    backup: Path | None = None
    clients: int = CLIENTS


@dataclass
class Fate:
    """Says what may be stored under an id: the pictures that were sent, None for a removal.

    Args:
        acknowledged: the last acknowledged one; what was sent before it no longer counts.
        pending: sent since, and not acknowledged: each may have happened or not.
    """

    acknowledged: int | None = None
    pending: list[int | None] = field(default_factory=list)


class Worker(threading.Thread, ABC):
    """Runs on a thread until `stopping` is set."""

    def __init__(self, stack: Stack, name: str) -> None:
        super().__init__(name=name)
        self.stopping = False
        self.failures: list[str] = []
        self._client = stack.client()

    def run(self) -> None:
        """Works until it has to stop."""
        with self._client:
            while not self.stopping:
                try:
                    self.work()
                except SimilarityError as error:  # what was sent is pending
                    self.failures.append(f"{self.name}: {error.status} {error}")
                    time.sleep(PAUSE_S)

    @abstractmethod
    def work(self) -> None:
        """Does one thing; may raise SimilarityError."""


class Client(Worker):
    """Adds images under ids of its own, one request after the other, whatever comes back."""

    def __init__(self, stack: Stack, number: int, pictures: list[bytes]) -> None:
        super().__init__(stack, f"client-{number}")
        self.fates: dict[str, Fate] = {}
        self.acknowledged = 0
        self._random = random.Random(number)  # noqa: S311  the same each time
        self._pictures = pictures

    def work(self) -> None:
        dice, known = self._random.random(), list(self.fates)
        if known and dice < REMOVED:
            self._send(self._random.choice(known), None)
        elif known and dice < OVERWRITTEN:
            self._send(self._random.choice(known), self._random.randrange(PICTURES))
        else:
            self._send(f"{self.name}-{len(known)}", self._random.randrange(PICTURES))

    def _send(self, image_id: str, picture: int | None) -> None:
        fate = self.fates.setdefault(image_id, Fate())
        fate.pending.append(picture)
        if picture is None:
            with suppress(UnknownImageId):  # it is gone by now, or never came
                self._client.remove(image_id)
        else:
            self._client.add(self._pictures[picture], image_id, overwrite=True)
        fate.acknowledged, fate.pending = picture, []
        self.acknowledged += 1


class Asker(Worker):
    """Requests a training or an update as soon as the one before has ended."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack, "asker")
        self.asked: list[str] = []

    def ask(self) -> Task:
        """Requests the next task."""
        return self._client.train() if len(self.asked) % 3 == 1 else self._client.update()

    def work(self) -> None:
        task = self.ask()
        self.asked.append(task.task_id)
        while not self.stopping and not task.status().ended:
            time.sleep(PAUSE_S)


def kill_at_random(stack: Stack, kills: int, seed: int) -> None:
    """Kills processes and starts them again until `kills` have been killed."""
    chance = random.Random(seed)  # noqa: S311  the same each time
    done = 0
    while done < kills:
        time.sleep(chance.uniform(0, LONGEST_PAUSE_S))
        if chance.random() < 0.2:
            stack.wait_ready()  # now and then it works undisturbed
        several = chance.random() < SEVERAL
        victims = chance.sample(list(COMMANDS), chance.randint(2, 4) if several else 1)
        for name in victims:
            assert not stack.ended(name), f"{name} has ended by itself\n{stack.log(name)[-3000:]}"
            stack.kill_all(name)
        done += len(victims)
        time.sleep(chance.uniform(0, 0.3))
        stack.start(*chance.sample(victims, len(victims)))
        print(f"{done:4} of {kills} killed: {', '.join(victims)}", flush=True)
    stack.wait_ready()


def ids_in(url: str) -> set[str]:
    """Returns every id in a catalogue."""
    catalogue = open_catalogue(url, 30)
    try:
        return {name for _, name in catalogue.images.page(0, 10**9)}
    finally:
        catalogue.close()


def losses(
    stack: Stack, clients: list[Client], pictures: list[bytes], first: set[str], version: int = 1
) -> Iterator[str]:
    """Yields a line for each image that is not as it was acknowledged.

    Args:
        version: in use, by whose features a picture is known.
    """
    expected = features_of(stack, pictures, version)
    url = stack.env["CATALOGUE_URL"]
    fates = {name: fate for client in clients for name, fate in client.fates.items()}
    stored = ids_in(url)
    yield from (f"{name} was never sent" for name in stored - set(fates) - first)
    yield from (f"{name} is gone" for name in first - stored)
    catalogue = open_catalogue(url, 30)
    keys = {record.version: record.model for record in catalogue.models.all()}
    for name, fate in fates.items():
        possible = {fate.acknowledged, *fate.pending}
        features = catalogue.images.features(name, keys[version]) if name in stored else None
        found = None if features is None else picture_of(features[1], expected)
        if found not in possible:
            yield f"{name} is picture {found}; it should be one of {possible}"
    catalogue.close()


def picture_of(stored: NDArray[np.float32], expected: NDArray[np.float32]) -> int:
    """Returns which picture, of [n, D], has these features, [D]; -1 for none or several."""
    same = np.flatnonzero(np.abs(expected - stored).max(axis=1) < FEATURE_TOLERANCE)
    return int(same[0]) if len(same) == 1 else -1


def features_of(stack: Stack, pictures: list[bytes], version: int = 1) -> NDArray[np.float32]:
    """Returns the features of each picture, float32 [n, D], straight from Triton."""
    made = contract.read(ROOT / stack.env.get("MODEL_REPOSITORY", "model_repository"), version)
    settings = from_environment()
    rules = ImageRules(settings.canonical_size, settings.max_image_pixels)
    jpegs = [canonical(file, rules) for file in pictures]
    triton = TritonClient(stack.env["TRITON_URL"], 10)
    alone = [pixels(jpeg, made.resize, made.crop)[None] for jpeg in jpegs]
    return np.concatenate([triton.features(image, made) for image in alone])


def draw_pictures() -> list[bytes]:
    """Draws small PNGs, all different."""
    pictures = []
    for seed in range(PICTURES):
        out = io.BytesIO()
        noise = np.random.default_rng(seed).integers(0, 255, (5, 5, 3), np.uint8)
        Image.fromarray(noise).resize((96, 96), Image.Resampling.BICUBIC).save(out, "PNG")
        pictures.append(out.getvalue())
    return pictures


def campaign(folder: Path, plan: Plan) -> None:
    """Runs one campaign on an empty catalogue; its AssertionError says what was lost."""
    settings = {**SETTINGS, **plan.settings, "CATALOGUE_URL": plan.url}
    if plan.backup:
        Stack(folder, **settings).command("restore", str(plan.backup))
    with running(folder, **settings) as stack:
        pictures = draw_pictures()
        if not plan.backup:
            add_first(stack, pictures)
        first = ids_in(plan.url)
        with load(stack, pictures, plan.clients) as (clients, asker):
            kill_at_random(stack, plan.kills, plan.seed)
        adds = sum(fate.acknowledged is not None for c in clients for fate in c.fates.values())
        ended = [stack.finish(task_id)["status"] for task_id in asker.asked]
        stack.run("update")
        wrong = list(losses(stack, clients, pictures, first))
        print(
            f"{adds} images acknowledged, {len(ended)} tasks ended, {ended.count('ok')} of them ok"
        )
        assert adds > 0
        assert "ok" in ended
        assert wrong == [], "\n".join(wrong)
        stack.command("verify")


def first_id(number: int) -> str:
    """Returns the id of an image that no client changes; it is picture `number` % PICTURES."""
    return f"{FIRST}{number}"


def add_first(stack: Stack, pictures: list[bytes]) -> None:
    """Adds as many images as a training needs, and trains."""
    with stack.client() as client:
        for begin in range(0, FIRST_IMAGES, BATCH):
            batch = range(begin, min(begin + BATCH, FIRST_IMAGES))
            added = client.add_batch({first_id(n): pictures[n % PICTURES] for n in batch})
            assert not added.failed, added.failed
        client.train().wait()


@contextmanager
def load(stack: Stack, pictures: list[bytes], number: int) -> Iterator[tuple[list[Client], Asker]]:
    """Runs the clients and an asker until the block ends."""
    clients = [Client(stack, n, pictures) for n in range(number)]
    asker = Asker(stack)
    with at_work([*clients, asker]):
        yield clients, asker


@contextmanager
def at_work(workers: Sequence[Worker]) -> Iterator[None]:
    """Runs workers until the block ends."""
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.stopping = True
        for worker in workers:
            worker.join()


def main() -> int:
    """Runs a campaign in a folder of its own."""
    parser = argparse.ArgumentParser(
        prog="python -m campaigns.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="of the random moments and victims")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    arguments = parser.parse_args()
    with ExitStack() as parts:
        folder = parts.enter_context(tempfile.TemporaryDirectory(prefix="chaos-"))
        url = f"sqlite:///{folder}/catalogue.sqlite"
        if arguments.database == "postgresql":
            url = parts.enter_context(postgres())
        campaign(Path(folder), Plan(arguments.kills, arguments.seed, url))
    print("nothing was lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
