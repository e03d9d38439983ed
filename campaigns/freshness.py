"""Checks after each acknowledged change that the next search knows of it, in whichever process.

    python -m campaigns.freshness
    python -m campaigns.freshness --seconds 600 --clients 40 --database postgresql

Clients add, overwrite and remove images of their own on the real stack, and search for each right
after its change was acknowledged, while updates, trainings, an upgrade and a rollback follow each
other. In the end:

- no search missed an image whose add was acknowledged, or found one whose removal was;
- none found an overwritten image as it was before, or missed it as it is;
- no request has failed, and every task has ended well.
"""

import argparse
import itertools
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from campaigns.switching import repository, switch
from local import photos
from local.postgres import postgres
from local.stack import Stack, add_all, running

PICTURES = 40
FIRST_IMAGES = 1000  # so that a training makes sense from the start
REMOVED, OVERWRITTEN = 0.2, 0.45  # of what a client does
SAME = 1e-3  # squared distance: an image is no farther from itself
TIMEOUT_S = 60


@dataclass
class Client(threading.Thread):
    """Changes images of its own, and searches for each after its change.

    Attributes:
        images: which picture each of its ids is.
        checks: how many searches it has made.
        violations: a sentence for each answer that knows less than was acknowledged.
    """

    stack: Stack
    number: int
    pictures: list[bytes]
    pause_s: float = 0.0
    images: dict[str, int] = field(default_factory=dict)
    checks: int = 0
    violations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(name=f"client-{self.number}")
        self.stopping = threading.Event()
        self._random = random.Random(self.number)  # noqa: S311  the same each time
        self._numbers = itertools.count()

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._act()
            except (requests.RequestException, KeyError) as error:
                self.violations.append(f"a request failed: {error!r}")
            time.sleep(self.pause_s)

    def _act(self) -> None:
        dice, known = self._random.random(), [*self.images]
        if known and dice < REMOVED:
            self._remove(self._random.choice(known))
        elif known and dice < OVERWRITTEN:
            self._put(self._random.choice(known))
        else:
            self._put(f"{self.name}-{next(self._numbers)}")

    def _put(self, image_id: str) -> None:
        """Adds an image or replaces it; the search must find it as it is now."""
        before, now = self.images.get(image_id), self._random.randrange(PICTURES)
        self._ask(f"add?id={image_id}&overwrite=true", self.pictures[now])
        self.images[image_id] = now
        self._check(image_id, now, True)
        if before not in (None, now):
            self._check(image_id, before, False)

    def _remove(self, image_id: str) -> None:
        self._ask(f"remove?id={image_id}")
        self._check(image_id, self.images.pop(image_id), False)

    def _check(self, image_id: str, picture: int | None, is_there: bool) -> None:
        assert picture is not None
        query = f"search?num_results=1000&nprob=100&max_dist={SAME}"
        answer = self._ask(query, self.pictures[picture])
        self.checks += 1
        if (image_id in answer.json()["result"]) != is_there:
            what = "is not found" if is_there else "is still found"
            source = {name: answer.headers.get(name) for name in HEADERS}
            self.violations.append(f"{image_id} {what} as picture {picture}: {source}")

    def _ask(self, call: str, file: bytes | None = None) -> requests.Response:
        answer = self.stack.post(f"/similarity/{call}", file)
        if answer.status_code != 200:
            self.violations.append(f"{call}: {answer.status_code} {answer.text}")
        return answer


HEADERS = ("X-Model-Version", "X-Generation", "X-Unindexed")


@contextmanager
def changing(clients: list[Client]) -> Iterator[None]:
    """Runs the clients as long as the block runs."""
    for client in clients:
        client.start()
    try:
        yield
    finally:
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.join(TIMEOUT_S)


def tasks_for(stack: Stack, seconds: float) -> int:
    """Has updates, trainings, an upgrade to version 2 and a rollback follow each other for so many
    seconds at least, each kind once; returns how many there were."""
    until, count = time.monotonic() + seconds, 0
    for call in itertools.cycle(("update", "upgrade?version=2", "update", "rollback", "train")):
        if "?" in call or call == "rollback":
            switch(stack, call)
        else:
            stack.run(call)
        count += 1
        if call == "train" and time.monotonic() > until:
            break
    return count


def main() -> int:
    """Runs the campaign and prints the outcome; returns 1 where anything was wrong."""
    arguments = _parser().parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as on_exit:
        folder = Path(name)
        settings = {"MODEL_REPOSITORY": str(repository(folder, 1, 2))}
        later = folder / "models" / "keywording" / "2"
        shutil.move(later, folder / "2")  # comes into the repository when version 1 is in use
        if arguments.database == "postgresql":
            settings["CATALOGUE_URL"] = on_exit.enter_context(postgres(durable=True))
        (folder / "stack").mkdir()
        stack = on_exit.enter_context(running(folder / "stack", **settings))
        add_all(stack, dict(photos.variations(FIRST_IMAGES)))
        stack.run("train")
        shutil.move(folder / "2", later)
        pictures = [picture for _, picture in photos.variations(PICTURES)]
        clients = [Client(stack, number, pictures) for number in range(arguments.clients)]
        with changing(clients):
            tasks = tasks_for(stack, arguments.seconds)
    return _verdict(clients, tasks)


def _verdict(clients: list[Client], tasks: int) -> int:
    violations = [each for client in clients for each in client.violations]
    checks = sum(client.checks for client in clients)
    print(f"{checks:,} checks during {tasks} tasks, {len(violations)} violations")
    for sentence in violations[:10]:
        print(f"  {sentence}")
    return 1 if violations or not checks else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m campaigns.freshness",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=180, help="at least")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    return parser


if __name__ == "__main__":
    sys.exit(main())
