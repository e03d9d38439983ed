"""Compares the HTTP path with the most that the machine can do, and with the peer.

    python -m bench.http --images FOLDER_OF_PHOTOS
    python -m bench.http --precisions int8 --rounds 1

Everything is measured by turns in one run, so that the figures can be compared; the rates are
medians of the rounds. The clients are on the same cores: their processor time is measured and
subtracted, as `bench.load.Run.rate` says. The peer is `bench.afternoon`.
"""

import argparse
import itertools
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests

from bench.ceiling import Ceiling, Offline
from bench.direct import parts_of_a_search
from bench.features import mixed, real
from bench.filling import blank, fill
from bench.http_report import Figures, print_tables
from bench.load import Request, Run, run
from bench.photos import photos
from bench.uploads import ARCHIVE, Uploads
from local import process
from local.ports import free_ports
from local.process import Start
from local.stack import COMMANDS, ROOT, Stack, running
from sidecar.catalogue import open_catalogue

PRECISIONS = ("int8", "fp32")
CLIENTS = 50
SEARCHERS = (1, 8, 32)
FEW = 1_000  # images where the cost of an add is measured first
LEASE_S = 3600
CEILING_S = 8
MIXED_S = 20
MOST_ADDS = 6000  # more than a machine adds meanwhile
ARCHITECTURE = "efficientnet-lite0"


def main() -> int:
    """Prints the tables of each precision."""
    arguments = _parser().parse_args()
    files = photos(arguments.images)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for precision in arguments.precisions:
            own = Path(folder) / precision
            repository = _export(own / "models", precision)
            print_tables(precision, Bench(own, repository, files, arguments).measure())
    return 0


class Bench:
    """Measures one precision: the real stack and the peer, by turns."""

    def __init__(
        self, folder: Path, repository: Path, files: list[bytes], arguments: argparse.Namespace
    ) -> None:
        self._folder = folder
        self._repository = repository
        self._photos = files
        self._rounds: int = arguments.rounds
        self._adds: int = arguments.adds
        self._images: int = arguments.size
        self._soak: int = arguments.soak
        self._offline = Offline(repository, files)
        self._base = real(None, repository)
        self._uploads = Uploads(files)

    def measure(self) -> Figures:
        """Measures everything, in the order of the tables."""
        figures: Figures = {"archive": ARCHIVE}
        data = self._folder / "data"
        data.mkdir()
        settings = {"MODEL_REPOSITORY": str(self._repository)}
        with running(data, **settings) as stack, self._afternoon() as peer:
            port = int(stack.env["PORT"])
            self._note("warming up")
            figures["rest"] = _memory(stack)
            for server in (port, peer):
                apart(server, self._uploads.adds(self._adds // 4), CLIENTS)
            self._fill(stack, FEW)
            figures["adding"] = self._adding(stack, port, peer)
            figures["peer searches"] = apart(peer, self._uploads.searches(self._adds // 4), 1)
            self._note(f"{self._images} images")
            self._fill(stack, self._images)
            stack.run("train")
            figures["grown"] = self._grown(port)
            figures["direct"] = parts_of_a_search(stack.env, self._offline, self._photos)
            figures["searching"] = self._searching(port)
            self._note("searches while others add")
            figures["mixed"] = self._mixed(port)
            figures["end"] = _memory(stack)
            if self._soak:
                self._note(f"{self._soak} requests")
                apart(port, self._uploads.adds(self._soak), CLIENTS)
                figures["soaked"] = _memory(stack)
        return figures

    def _adding(self, stack: Stack, port: int, peer: int) -> list[dict[str, Any]]:
        rounds = []
        for number in range(self._rounds):
            self._note(f"adds, round {number + 1}")
            before = stack.inferences()
            single = apart(port, self._uploads.adds(self._adds), CLIENTS)
            made, runs = (after - b for after, b in zip(stack.inferences(), before, strict=True))
            rounds.append(
                {
                    "ceiling": self._ceiling(),
                    "single": single,
                    "mean batch": made / runs,
                    "batch": apart(port, self._uploads.archives(self._adds), 1),
                    "peer": apart(peer, self._uploads.adds(self._adds), CLIENTS),
                }
            )
        return rounds

    def _grown(self, port: int) -> list[dict[str, Any]]:
        """Measures adds where there are many images already."""
        return [
            {
                "ceiling": self._ceiling(),
                "single": apart(port, self._uploads.adds(self._adds), CLIENTS),
            }
            for _ in range(self._rounds)
        ]

    def _searching(self, port: int) -> dict[int, list[Run]]:
        counts = {clients: self._adds // (4 if clients == 1 else 1) for clients in SEARCHERS}
        return {
            clients: [
                apart(port, self._uploads.searches(count), clients) for _ in range(self._rounds)
            ]
            for clients, count in counts.items()
        }

    def _mixed(self, port: int) -> dict[str, Run]:
        """Measures one client that searches while fifty add."""
        with _pool() as adders, _pool() as searcher:
            adding = adders.submit(run, port, self._uploads.adds(MOST_ADDS), CLIENTS, MIXED_S + 8)
            time.sleep(6)  # for the requests to have come to their process
            searching = searcher.submit(run, port, self._uploads.searches(self._adds), 1, MIXED_S)
            return {"search": searching.result(), "add": adding.result()}

    def _ceiling(self) -> Ceiling:
        return self._offline.measure(CEILING_S)

    # -- the stacks

    def _fill(self, stack: Stack, images: int) -> None:
        """Fills the catalogue to about this many images past HTTP: mixed features, no photos."""
        catalogue = open_catalogue(f"sqlite:///{stack.folder}/catalogue.sqlite", LEASE_S)
        record = catalogue.models.in_use()
        assert record is not None
        missing = images - stack.get("/similarity/stats").json()["images"]
        rows = itertools.chain.from_iterable(mixed(self._base, max(0, missing), seed=images))
        fill(catalogue, (blank(f"{images}-{n}", record, row) for n, row in enumerate(rows)))
        catalogue.close()

    @contextmanager
    def _afternoon(self) -> Iterator[int]:
        """Runs the peer on a port of its own."""
        folder = self._folder / "afternoon"
        folder.mkdir()
        [port] = free_ports(1)
        command = [sys.executable, "-m", "uvicorn", "bench.afternoon:app", "--port", str(port)]
        version = self._offline.file
        env = psutil.Process().environ() | {"DATA_DIR": str(folder), "MODEL_FILE": str(version)}
        quiet = [*command, "--log-level", "warning"]
        with process.running(Start(quiet, folder / "log", lambda: _answers(port), env)):
            yield port

    @staticmethod
    def _note(what: str) -> None:
        print(f"   {what}…", file=sys.stderr, flush=True)


def apart(port: int, sent: list[Request], clients: int) -> Run:
    """Runs the clients in a process of their own, so that their processor time can be measured."""
    with _pool() as pool:
        return pool.submit(run, port, sent, clients).result()


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def _memory(stack: Stack) -> dict[str, int]:
    """Returns bytes of each process of the stack; shared memory is split between them."""
    found: dict[str, int] = {}
    for name in COMMANDS:
        first = psutil.Process(stack.pid(name))
        processes = [first, *first.children(recursive=True)]
        found[name] = sum(process.memory_full_info().pss for process in processes)
    return found


def _export(repository: Path, precision: str) -> Path:
    command = [sys.executable, "-m", "export", "--arch", ARCHITECTURE, "--version", "1"]
    command += ["--precision", precision, "--repository", str(repository)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return repository


def _answers(port: int) -> bool:
    try:
        requests.get(f"http://127.0.0.1:{port}/docs", timeout=1)
    except (requests.ConnectionError, requests.Timeout):
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.http",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="photos; else packaged ones")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--rounds", type=int, default=3, help="the tables show their medians")
    parser.add_argument("--adds", type=int, default=1500, help="of a round")
    parser.add_argument("--size", type=int, default=100_000, help="images where searches look")
    parser.add_argument("--soak", type=int, default=0, help="adds before memory is measured again")
    parser.add_argument("--folder", type=Path, help="where the stack keeps its state")
    return parser


if __name__ == "__main__":
    sys.exit(main())
