"""Compares requests by a key that has a rate with requests by one that has none.

    python -m bench.rates
    python -m bench.rates --requests 50 --rounds 400

By turns in one run, on the real sidecar of two processes, by a call that does next to nothing (a
check of no images): what a limit costs shows nowhere more. The rate is one that nobody reaches.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import psutil

from bench.load import Request, run
from local.stack import Stack
from sidecar.http.guards import api_keys

CALL, BODY = "/similarity/images/check", b"[]"
RATE = "rate=100000/1000000"
CLIENTS = (1, 8)


@dataclass(frozen=True)
class Turn:
    """What requests by a key took: median milliseconds, and milliseconds of the sidecar's processor
    time each."""

    p50: float
    cost: float


def main() -> int:
    """Prints a table: medians of the rounds and of their ratios; processor time over all rounds."""
    arguments = _parser().parse_args()
    with _sidecar() as sidecar:
        for key in sidecar.keys:
            sidecar.turn(key, 500, 4)
        print("clients  p50 without, ms    with  ratio  processor without, ms    with  ratio")
        for clients in CLIENTS:
            rounds = [
                [sidecar.turn(key, arguments.requests, clients) for key in sidecar.keys]
                for _ in range(arguments.rounds)
            ]
            p50 = [median(each[k].p50 for each in rounds) for k in (0, 1)]
            ratio = median(limited.p50 / without.p50 for without, limited in rounds)
            cost = [mean(each[k].cost for each in rounds) for k in (0, 1)]
            row = [clients, *p50, ratio, *cost, cost[1] / cost[0]]
            print("{:7}  {:15.3f}  {:6.3f}  {:5.3f}  {:21.3f}  {:6.3f}  {:5.3f}".format(*row))
    return 0


class Sidecar:
    """A sidecar, and two keys: one without a rate, one with."""

    def __init__(self, stack: Stack, keys: list[str]) -> None:
        self.keys = keys
        self._port = int(stack.env["PORT"])
        self._processes = psutil.Process(stack.pid("sidecar")).children()

    def turn(self, key: str, count: int, clients: int) -> Turn:
        """Sends requests by a key."""
        before = self._cpu_s()
        done = run(self._port, [Request(CALL, BODY, key)] * count, clients)
        assert not done.failures
        return Turn(done.percentile_ms(0.5), 1000 * (self._cpu_s() - before) / count)

    def _cpu_s(self) -> float:
        times = [each.cpu_times() for each in self._processes]
        return sum(each.user + each.system for each in times)


@contextmanager
def _sidecar() -> Iterator[Sidecar]:
    drawn = [api_keys.draw("bench", "read", rate) for rate in ("", RATE)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "keys"
        file.write_text("".join(f"{key}\n" for _, key in drawn))
        stack = Stack(Path(folder), API_KEYS_FILE=str(file), HTTP_PROCESSES="2")
        try:
            stack.start("sidecar")
            stack.wait(lambda: stack.get("/health/live").ok, "the sidecar answers")
            yield Sidecar(stack, [secret for secret, _ in drawn])
        finally:
            stack.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.rates",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--requests", type=int, default=50, help="of each kind and round")
    parser.add_argument("--rounds", type=int, default=200, help="the table shows their medians")
    return parser


if __name__ == "__main__":
    sys.exit(main())
