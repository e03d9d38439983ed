"""Measures what the sidecar itself takes of a processor: how many cores keep a GPU busy.

    python -m bench.feeding --images FOLDER_OF_PHOTOS

Triton is `bench.instant`, which answers at once and is a process of its own. Processor time is that
of all the sidecar's processes, between the first request of a round and the last answer; the
clients', Redis' and Triton's are not in it. Adds of small photos and of such as phones take, and
searches among `--size` images; medians of the rounds.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
import psutil

from bench.features import mixed
from bench.filling import blank, fill
from bench.http import LEASE_S, apart
from bench.load import Request
from bench.phones import phone_photos
from bench.photos import photos
from bench.uploads import Uploads
from docs.tables.markdown import table
from local import process
from local.ports import free_ports
from local.process import Start
from local.stack import ROOT, Stack
from sidecar.catalogue import open_catalogue
from sidecar.errors import FeaturesUnavailable
from sidecar.models.triton import TritonClient

CLIENTS = 50
ROUNDS = 5
BASE = 500  # random features of which those that searches look among are mixed
GPU_RATES = (500, 1000, 2000, 5000)  # images a second


def main() -> int:
    """Prints the tables."""
    arguments = _parser().parse_args()
    small, large = photos(arguments.images), phone_photos(arguments.phones)
    kinds: dict[str, tuple[Callable[[int], list[Request]], int]] = {
        "search, small photos": (Uploads(small).searches, arguments.requests),
        "add, small photos": (Uploads(small).adds, arguments.requests),
        "add, photos of phones": (Uploads(large, "phone").adds, arguments.requests // 10),
    }
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder, _stack(Path(folder)) as stack:
        for make, count in kinds.values():
            apart(int(stack.env["PORT"]), make(count // 2), CLIENTS)
        _fill(stack, arguments.size)
        stack.run("train")
        rounds: list[dict[str, float]] = []
        for _ in range(arguments.rounds):
            rounds.append({})
            for name, (make, count) in kinds.items():
                rounds[-1][name] = _cost_ms(stack, make(count))
            stack.run("update")  # or searches would compare what was added, one by one
    _print(
        {name: [each[name] for each in rounds] for name in kinds},
        {"small photos": small, "photos of phones": large},
    )
    return 0


def _cost_ms(stack: Stack, requests: list[Request]) -> float:
    """Returns milliseconds of the sidecar's processor time for each request; all must go well."""
    before = _cpu_s(stack)
    done = apart(int(stack.env["PORT"]), requests, CLIENTS)
    assert not done.failures, f"{done.failures} of {len(requests)} requests failed"
    return 1000 * (_cpu_s(stack) - before) / len(requests)


def _cpu_s(stack: Stack) -> float:
    first = psutil.Process(stack.pid("sidecar"))
    times = [each.cpu_times() for each in (first, *first.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def _print(costs: dict[str, list[float]], files: dict[str, list[bytes]]) -> None:
    for name, each in files.items():
        size = sum(map(len, each)) / len(each) / 1000
        print(f"{name}: {len(each)}, of {size:,.0f} kB on average")
    rows = []
    for name, of_rounds in costs.items():
        cost = median(of_rounds)
        cores = [f"{rate * cost / 1000:.1f}" for rate in GPU_RATES]
        spread = f"{min(of_rounds):.2f} to {max(of_rounds):.2f}"
        rows.append([name, f"{cost:.2f}", spread, *cores])
    heads = ["", "ms of processor time", "rounds", *(f"cores for {n:,}/s" for n in GPU_RATES)]
    print(table(heads, rows))


@contextmanager
def _stack(folder: Path) -> Iterator[Stack]:
    """Runs a stack whose Triton answers at once."""
    stack = Stack(folder)
    [port] = free_ports(1)
    stack.env["TRITON_URL"] = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "bench.instant", "--port", str(port)]
    command += ["--repository", stack.env.get("MODEL_REPOSITORY", str(ROOT / "model_repository"))]
    with process.running(Start(command, folder / "instant.log", lambda: _answers(port))):
        try:
            stack.start("redis", "worker", "sidecar")
            stack.wait_ready()
            yield stack
        finally:
            stack.stop()


def _answers(port: int) -> bool:
    try:
        return TritonClient(f"127.0.0.1:{port}", timeout_s=1).is_ready(1)
    except FeaturesUnavailable:
        return False


def _fill(stack: Stack, images: int) -> None:
    """Fills the catalogue to about this many images past HTTP."""
    catalogue = open_catalogue(f"sqlite:///{stack.folder}/catalogue.sqlite", LEASE_S)
    record = catalogue.models.in_use()
    assert record is not None
    base = np.random.default_rng(0).standard_normal((BASE, record.dimension), np.float32)
    base /= np.linalg.norm(base, axis=1, keepdims=True)
    rows = (row for block in mixed(base, images, seed=1) for row in block)
    fill(catalogue, (blank(f"filled-{n}", record, row) for n, row in enumerate(rows)))
    catalogue.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.feeding",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="photos; else packaged ones")
    parser.add_argument("--requests", type=int, default=1500, help="of a kind in a round")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="the table shows medians")
    parser.add_argument("--phones", type=int, metavar="COUNT", help="of these photos; else all 19")
    parser.add_argument("--size", type=int, default=10_000, help="images where searches look")
    parser.add_argument("--folder", type=Path, help="where the stack keeps its state")
    return parser


if __name__ == "__main__":
    sys.exit(main())
