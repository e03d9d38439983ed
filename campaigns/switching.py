"""Changes models under load, then counts failed requests, mixed answers and lost images.

    python -m campaigns.switching
    python -m campaigns.switching --images 5000 --searchers 32

It runs real versions on the real stack: lite0 INT8, an upgrade to lite2 INT8, back again, and on to
a third one with other sizes (D, S and K), while clients search and add all the time. In the end:

- no request has failed;
- every answer is wholly of the version that its header names: each distance is that of this
  version's features in the catalogue;
- every image that was added is found, as its own nearest neighbour, by the version then in use.
"""

import argparse
import itertools
import math
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from similarity_client import SimilarityError
from similarity_client.answers import Found

from local import photos
from local.stack import Stack, add_all, running
from sidecar.catalogue import Catalogue, open_catalogue

TOLERANCE = 2e-3  # of a squared distance, for the last bits of float16 and the size of a batch
ITSELF = 1e-3  # squared distance: an image is no farther from itself
TASK_TIMEOUT_S = 1800
LABELS = 10  # of the third version
VERSIONS = {
    1: ("--arch", "efficientnet-lite0", "--precision", "int8"),
    2: ("--arch", "efficientnet-lite2", "--precision", "int8"),
    3: ("--module", "campaigns.networks:projected", "--resize", "220", "--crop", "192"),
}


@dataclass(frozen=True)
class Answer:
    """Holds an answer to a search: its time (monotonic seconds) and duration."""

    query: str
    at: float
    took_s: float
    found: Found

    @property
    def version(self) -> int:
        """The version of the model that answered."""
        version = self.found.meta.model_version
        assert version is not None
        return version


@dataclass
class Traffic:
    """Runs clients that search and add until the block of `flowing` ends."""

    stack: Stack
    pictures: list[bytes]
    stored: dict[str, bytes]
    pause_s: float = 0.0  # of each client, after each answer
    answers: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    added: dict[str, bytes] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def flowing(self, searchers: int, adders: int) -> Iterator[None]:
        """Runs the clients as long as the block runs."""
        clients = [threading.Thread(target=self._search, args=(n,)) for n in range(searchers)]
        clients += [threading.Thread(target=self._add, args=(n,)) for n in range(adders)]
        for client in clients:
            client.start()
        try:
            yield
        finally:
            self._stopping.set()
            for client in clients:
                client.join()

    def _search(self, number: int) -> None:
        names, random = [*self.stored], np.random.default_rng(number)
        with self.stack.client() as client:
            while not self._stopping.is_set():
                name = names[random.integers(len(names))]
                began = time.monotonic()
                try:
                    found = client.search(self.stored[name])
                except SimilarityError as error:
                    self.failures.append(f"search: {error.status} {error}")
                else:
                    self.answers.append(Answer(name, began, time.monotonic() - began, found))
                time.sleep(self.pause_s)

    def _add(self, number: int) -> None:
        with self.stack.client() as client:
            for count in itertools.count():
                if self._stopping.is_set():
                    return
                name = f"live-{number}-{count}"
                picture = self.pictures[(number * 7919 + count) % len(self.pictures)]
                try:
                    client.add(picture, name)
                except SimilarityError as error:
                    self.failures.append(f"add: {error.status} {error}")
                else:
                    self.added[name] = picture
                time.sleep(self.pause_s)


def mixed_answers(catalogue: Catalogue, answers: list[Answer]) -> list[str]:
    """Returns a sentence for each answer that is not wholly of the version that it names."""
    keys = {record.version: record.model for record in catalogue.models.all()}
    known: dict[tuple[str, int], Any] = {}

    def features(name: str, version: int) -> Any:
        if (name, version) not in known:
            found = catalogue.images.features(name, keys[version])
            assert found is not None, f"version {version} has no features of {name}"
            known[name, version] = found[1]
        return known[name, version]

    wrong = []
    for answer in answers:
        query = features(answer.query, answer.version)
        rows = np.stack([features(name, answer.version) for name in answer.found.result])
        away = np.abs(((rows - query) ** 2).sum(axis=1) - answer.found.dist).max()
        if away > TOLERANCE:
            wrong.append(f"{answer.query} by version {answer.version}: {away:.4f} away")
    return wrong


def strangers(answers: list[Answer]) -> list[str]:
    """Returns a sentence for each answer whose nearest image is not the query itself."""
    return [
        f"{a.query} by version {a.version}: the nearest is {a.found.dist[0]:.4f} away"
        for a in answers
        if a.found.dist[0] > ITSELF
    ]


def lost(stack: Stack, images: dict[str, bytes]) -> list[str]:
    """Returns the images that are not their own nearest neighbours."""

    def is_lost(item: tuple[str, bytes]) -> bool:
        name, picture = item
        found = client.search(picture, nprob=100, num_results=100, max_dist=ITSELF)
        return name not in found.result

    with stack.client() as client, ThreadPoolExecutor(16) as pool:
        return [
            n for n, gone in zip(images, pool.map(is_lost, images.items()), strict=True) if gone
        ]


def switch(stack: Stack, call: str) -> dict[str, Any]:
    """Requests an upgrade or a rollback and waits for it; it must end well."""
    answer = stack.post(f"/similarity/{call}").json()
    assert answer["status"] == "ongoing", answer
    return stack.finish_well(answer["task_id"], TASK_TIMEOUT_S)


def repository(folder: Path, *numbers: int) -> Path:
    """Exports these versions into a model repository."""
    from export.__main__ import main as export  # here: the traffic alone needs no torch

    labels = folder / "labels.txt"
    labels.write_text("".join(f"keyword {n}\n" for n in range(LABELS)))
    made = folder / "models"
    for number in numbers:
        words = [*VERSIONS[number], "--version", f"{number}", "--repository", f"{made}"]
        if number == 3:
            words += ["--labels", f"{labels}", "--precision", "int8"]
        assert export(words) == 0
    return made


def percentile_ms(answers: list[Answer], share: float) -> float:
    """Returns the milliseconds within which this share of the answers came."""
    times = sorted(answer.took_s for answer in answers)
    return 1000 * times[min(len(times) - 1, math.floor(share * len(times)))] if times else 0.0


def main() -> int:
    """Runs the campaign and prints the outcome; returns 1 where anything was wrong."""
    arguments = _parser().parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = repository(folder, 1, 2, 3)
        for later in ("2", "3"):  # each comes into the repository when it is wanted
            shutil.move(models / "keywording" / later, folder / later)
        (folder / "stack").mkdir()
        with running(folder / "stack", MODEL_REPOSITORY=str(models)) as stack:
            return _campaign(stack, folder, models, arguments)


def _campaign(stack: Stack, folder: Path, models: Path, arguments: argparse.Namespace) -> int:
    stored = dict(photos.variations(arguments.images))
    add_all(stack, stored)
    stack.run("train")
    traffic = Traffic(stack, [*stored.values()], stored)
    moments: dict[str, tuple[float, float]] = {}
    with traffic.flowing(arguments.searchers, arguments.adders):
        began = time.monotonic()
        time.sleep(arguments.before_s)
        moments["before"] = began, time.monotonic()
        for call in ("upgrade?version=2", "rollback", "upgrade?version=3"):
            if "=" in call:
                number = call[-1]
                shutil.move(folder / number, models / "keywording" / number)
            began = time.monotonic()
            task = switch(stack, call)
            moments[call] = began, time.monotonic()
            share = task.get("agreement_at_10")
            print(f"{call}: {moments[call][1] - began:.0f} s, agreement at 10 {share:.2f}")
    stack.run("update")
    return _verdict(stack, traffic, moments)


def _verdict(stack: Stack, traffic: Traffic, moments: dict[str, tuple[float, float]]) -> int:
    for name, (began, ended) in moments.items():
        during = [a for a in traffic.answers if began <= a.at < ended]
        p50, p99 = (percentile_ms(during, share) for share in (0.5, 0.99))
        print(f"{name}: {len(during)} searches, p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    catalogue = open_catalogue(f"sqlite:///{stack.folder}/catalogue.sqlite", 30)
    mixed = mixed_answers(catalogue, traffic.answers) + strangers(traffic.answers)
    gone = lost(stack, {**traffic.stored, **traffic.added})
    catalogue.close()
    versions = Counter(answer.version for answer in traffic.answers)
    print(f"answers by version: {dict(sorted(versions.items()))}; {len(traffic.added)} added")
    print(f"failed {len(traffic.failures)}, mixed {len(mixed)}, lost {len(gone)}")
    for sentence in (*traffic.failures[:5], *mixed[:5], *gone[:5]):
        print(f"  {sentence}")
    return 1 if traffic.failures or mixed or gone else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m campaigns.switching",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--images", type=int, default=2000, help="stored at the start, 1,000 at least"
    )
    parser.add_argument("--searchers", type=int, default=16)
    parser.add_argument("--adders", type=int, default=4)
    parser.add_argument("--before-s", type=float, default=20, help="of searches to compare with")
    return parser


if __name__ == "__main__":
    sys.exit(main())
