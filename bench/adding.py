"""Compares `similarity add` with the load generator of the benches, which makes the same adds.

    python -m bench.adding --images FOLDER_OF_PHOTOS
    python -m bench.adding --rounds 5 --adds 3000

By turns in one run on the real stack, from fifty clients each. The command reads its files, hashes
them, asks which are stored, and sends them; the load generator has its requests made beforehand.
The processor time of an image is that of the command's process, without its start and without the
SHA-256 of the files, which are measured alone.
"""

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from bench.http import apart
from bench.photos import photos
from bench.uploads import Uploads
from local.stack import ROOT, running

CLIENTS = 50
WARM = 500


@dataclass(frozen=True)
class Turn:
    """What a turn came to.

    Args:
        took_s: from the first image to the last.
        client_s: processor time of the client's process, less its start.
    """

    took_s: float
    client_s: float


def main() -> int:
    """Prints a table: medians of the rounds, and of the ratios of a round."""
    arguments = _parser().parse_args()
    files = list(islice(cycle(photos(arguments.images)), arguments.adds))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "stack").mkdir()
        _write(folder / "photos", files)
        with running(folder / "stack") as stack:
            port, uploads = int(stack.env["PORT"]), Uploads(files)
            apart(port, uploads.adds(WARM), CLIENTS)
            start_s = median(_start_s(stack.url, folder / "photos", n) for n in range(5))
            rounds = []
            for number in range(arguments.rounds):
                run = apart(port, uploads.adds(len(files)), CLIENTS)
                assert not run.failures
                generator = Turn(run.took_s, run.client_s)
                command = _turn(stack.url, folder / "photos", f"{number}-{{stem}}", start_s)
                rounds.append((generator, command))
                _print(f"round {number + 1}", [rounds[-1]], files)
    _print("median", rounds, files)
    return 0


def _start_s(url: str, folder: Path, number: int) -> float:
    """Returns what adding a single image takes, mostly the start of the process."""
    photo = next(iter(folder.iterdir()))
    words = ["add", str(photo), "--parallel", f"{CLIENTS}", "--id-from", f"s{number}-{{stem}}"]
    return _command_s(url, words)[0]


def _turn(url: str, folder: Path, rule: str, start_s: float) -> Turn:
    words = ["add", str(folder), "--parallel", str(CLIENTS), "--id-from", rule, "--json"]
    cpu_s, out = _command_s(url, words)
    summary = json.loads(out.splitlines()[-1])
    assert summary["failed"] == summary["same"] == 0
    return Turn(summary["seconds"], cpu_s - start_s)


def _command_s(url: str, words: list[str]) -> tuple[float, str]:
    """Runs a line of the command; returns its processor time in seconds, and its stdout."""
    before = _children_s()
    command = [sys.executable, "-m", "similarity_client.cli", *words]
    env = os.environ | {"SIMILARITY_URL": url}
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    return _children_s() - before, done.stdout


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _write(folder: Path, files: list[bytes]) -> None:
    folder.mkdir()
    for number, file in enumerate(files):
        (folder / f"{number}.jpg").write_bytes(file)


def _hashing_s(files: list[bytes]) -> float:
    began = time.process_time()
    for file in files:
        hashlib.sha256(file).hexdigest()
    return time.process_time() - began


def _print(what: str, rounds: list[tuple[Turn, Turn]], files: list[bytes]) -> None:
    count = len(files)
    generator = median(count / one.took_s for one, _ in rounds)
    command = median(count / other.took_s for _, other in rounds)
    ratio = median(one.took_s / other.took_s for one, other in rounds)
    hashing_ms = 1000 * _hashing_s(files) / count
    cost = [1000 * median(pair[which].client_s for pair in rounds) / count for which in (0, 1)]
    print(
        f"{what}: load generator {generator:.0f} adds/s, command {command:.0f} adds/s, ratio "
        f"{ratio:.3f}; processor time of an add: load generator {cost[0]:.2f} ms, command "
        f"{cost[1] - hashing_ms:.2f} ms besides {hashing_ms:.2f} ms of hashing",
        flush=True,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.adding",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="photos; else packaged ones")
    parser.add_argument("--rounds", type=int, default=5, help="the last line has their medians")
    parser.add_argument("--adds", type=int, default=2000, help="of a turn")
    return parser


if __name__ == "__main__":
    sys.exit(main())
