"""Compares searches while images wait for an update with searches where none does.

    python -m bench.search
    python -m bench.search --waiting 5000 20000 --rounds 5

By turns in one run, on the real stack: after an update nothing waits; then so many images are put
into the catalogue, past HTTP. Between the turns the index grows by them, for both alike.
"""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.features import mixed, real
from bench.filling import blank, fill
from bench.http import apart
from bench.photos import photos
from bench.uploads import Uploads
from local.stack import ROOT, Stack, running
from sidecar.catalogue import open_catalogue

FIRST_IMAGES = 10_000
CLIENTS = (1, 32)
LEASE_S = 30.0


class Bench:
    """A stack, and what is sent to it."""

    def __init__(self, stack: Stack, repository: Path, images: Path | None) -> None:
        self._stack = stack
        self._base = real(images, repository)
        self._uploads = Uploads(photos(images))
        self._seeds = itertools.count()

    def fill(self, count: int) -> None:
        """Puts images into the catalogue."""
        seed = next(self._seeds)
        catalogue = open_catalogue(f"sqlite:///{self._stack.folder}/catalogue.sqlite", LEASE_S)
        record = catalogue.models.in_use()
        assert record is not None
        rows = itertools.chain.from_iterable(mixed(self._base, count, seed))
        fill(catalogue, (blank(f"{seed}-{n}", record, row) for n, row in enumerate(rows)))
        catalogue.close()

    def begin(self) -> None:
        """Has the catalogue adopt a model, and trains."""
        apart(int(self._stack.env["PORT"]), self._uploads.adds(10), 1)
        self.fill(FIRST_IMAGES)
        self._stack.run("train")

    def turn(self, waiting: int, searches: int) -> dict[int, tuple[float, float]]:
        """Returns median milliseconds and searches a second, by the number of clients."""
        self._stack.run("update")
        self.fill(waiting)
        port = int(self._stack.env["PORT"])
        apart(port, self._uploads.searches(searches // 4), 4)  # each process reads what waits
        found = {}
        for clients in CLIENTS:
            run = apart(port, self._uploads.searches(searches), clients)
            assert not run.failures
            found[clients] = run.percentile_ms(0.5), run.rate()
        return found


def main() -> int:
    """Prints a table: the medians of the rounds, and their ratios to searches with none waiting."""
    arguments = _parser().parse_args()
    with _stack() as stack:
        bench = Bench(stack, ROOT / "model_repository", arguments.images)
        bench.begin()
        amounts = [0, *arguments.waiting]
        turns = [
            {amount: bench.turn(amount, arguments.searches) for amount in amounts}
            for _ in range(arguments.rounds)
        ]
    print("waiting  clients  p50, ms  searches/s  p50 to none")
    for amount, clients in itertools.product(amounts, CLIENTS):
        p50, rate = (median(turn[amount][clients][k] for turn in turns) for k in (0, 1))
        ratio = median(turn[amount][clients][0] / turn[0][clients][0] for turn in turns)
        print(f"{amount:7,}  {clients:7}  {p50:7.1f}  {rate:10.0f}  {ratio:11.2f}")
    return 0


@contextmanager
def _stack() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as stack:
        yield stack


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.search",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="photos; else packaged ones")
    parser.add_argument("--waiting", type=int, nargs="+", default=[5000], help="images that wait")
    parser.add_argument("--rounds", type=int, default=5, help="the table shows their medians")
    parser.add_argument("--searches", type=int, default=400, help="of each kind and round")
    return parser


if __name__ == "__main__":
    sys.exit(main())
