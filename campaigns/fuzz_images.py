"""Decodes damaged files of every format, and counts what does not end as it should.

    python -m campaigns.fuzz_images
    python -m campaigns.fuzz_images --count 100000 --seconds 3600 --seed 7
    python -m campaigns.fuzz_images --seed 7 --only 1234 --keep FOLDER

Each file ends in an image or in an error of ours, within a bound of processor time and memory. The
decoders run in a process of their own, whose death is seen; the next one goes on behind the file.
"""

import argparse
import ctypes
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TypedDict

from campaigns.damage import damaged
from campaigns.small_images import files
from sidecar.errors import ImageTooLarge, ImageUnreadable
from sidecar.images import BUDGET, ImageRules, canonical, pixels

MEBIBYTE = 1 << 20
RULES = ImageRules(canonical_size=64, max_pixels=4_000_000, max_decode_s=2.0)
BUDGET_BYTES = 64 * MEBIBYTE
MAX_BYTES = BUDGET_BYTES + 32 * MEBIBYTE  # with the file itself, and what is read of its metadata
MAX_S = 4.0  # of processor time: a piece of a file may be decoded past `max_decode_s`
HANG_S = 60
TRIM_EVERY = 100


class Report(TypedDict, total=False):
    """What a process says of a file: before it is decoded, its number alone."""

    file: int
    image: bool
    wrong: str


@dataclass(frozen=True)
class Run:
    """What is to be decoded.

    Args:
        first: number of a damaged file.
        end: number behind the last.
        seconds: after which no further one begins.
        seed: of the damage.
    """

    first: int
    end: int
    seconds: float
    seed: int


@dataclass(frozen=True)
class Result:
    """How many files were decoded, how many of them to an image, and what went wrong."""

    decoded: int
    images: int
    wrong: tuple[str, ...]


def fuzz(run: Run) -> Result:
    """Decodes damaged files in processes of their own."""
    until, following = time.monotonic() + run.seconds, run.first
    decoded = images = 0
    wrong: list[str] = []
    while following < run.end and time.monotonic() < until:
        left = Run(following, run.end, until - time.monotonic(), run.seed)
        reports, end = _in_a_process(left)
        decoded += len(reports)
        images += sum(report.get("image", False) for report in reports)
        wrong += [f"file {each['file']}: {each['wrong']}" for each in reports if "wrong" in each]
        following = reports[-1]["file"] + 1 if reports else following + 1
        if end == 0:
            break
        name = signal.Signals(-end).name if end < 0 else f"exit {end}"
        wrong.append(f"file {following - 1}: the process ended by {name}")
    return Result(decoded, images, tuple(wrong))


def _in_a_process(run: Run) -> tuple[list[Report], int]:
    """Returns what a process said of each file that it began, and how it ended."""
    numbers = [str(each) for each in (run.first, run.end, run.seconds, run.seed)]
    command = [sys.executable, "-m", "campaigns.fuzz_images", "--inside", *numbers]
    with TemporaryFile("w+") as stderr:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, check=False
        )
        stderr.seek(0)
        sys.stderr.write(stderr.read())
    reports: dict[int, Report] = {}
    for line in done.stdout.splitlines():
        report: Report = json.loads(line)
        reports[report["file"]] = report
    return list(reports.values()), done.returncode


def _inside(run: Run) -> int:
    """Decodes one file after the other, and says so before and after each."""
    BUDGET.limit(BUDGET_BYTES)
    warnings.simplefilter("ignore")  # the service logs what Python warns of, and what Pillow logs
    logging.disable()
    whole = list(files().values())
    for file in whole:  # what a format loads at first is no file's fault
        canonical(file, RULES)
    until = time.monotonic() + run.seconds
    for number in range(run.first, run.end):
        if time.monotonic() > until:
            break
        if number % TRIM_EVERY == 0:
            ctypes.CDLL(None).malloc_trim(0)
        print(json.dumps({"file": number}), flush=True)
        signal.alarm(HANG_S)  # nobody handles it: it ends the process, in a decoder too
        print(json.dumps(_report(number, damaged(whole, run.seed, number))), flush=True)
    return 0


def _report(number: int, upload: bytes) -> Report:
    """Decodes one file, and says whether it is an image, and what was wrong."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    before, began, written = _memory("VmRSS"), time.thread_time(), _written_to_stderr()
    try:
        is_image = pixels(canonical(upload, RULES), 32, 32).shape == (32, 32, 3)
    except (ImageUnreadable, ImageTooLarge):
        is_image = False
    except Exception as error:
        return {"file": number, "wrong": f"{type(error).__name__}: {error}"}
    spent_s, taken = time.thread_time() - began, _memory("VmHWM") - before
    if spent_s > MAX_S or taken > MAX_BYTES:
        return {"file": number, "wrong": f"{spent_s:.1f} s, {taken / MEBIBYTE:.0f} MiB"}
    if _written_to_stderr() > written:  # each line there shall be one of the log
        return {"file": number, "wrong": "a decoder wrote to stderr"}
    return {"file": number, "image": is_image}


def _written_to_stderr() -> int:
    """Returns how many bytes this process has written there, to a file."""
    return os.fstat(sys.stderr.fileno()).st_size


def _memory(name: str) -> int:
    found = re.search(name + r":\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) << 10


def main() -> int:
    """Runs the campaign; exits 1 if anything went wrong."""
    arguments = _parser().parse_args()
    if arguments.inside:
        first, end, seconds, seed = arguments.inside
        return _inside(Run(int(first), int(end), float(seconds), int(seed)))
    first, end = 0, arguments.count
    if arguments.only is not None:
        first, end = arguments.only, arguments.only + 1
    if arguments.keep:
        file = damaged(list(files().values()), arguments.seed, first)
        (arguments.keep / f"{arguments.seed}-{first}").write_bytes(file)
    result = fuzz(Run(first, end, arguments.seconds, arguments.seed))
    for line in result.wrong:
        print(line)
    print(f"{result.decoded:,} damaged files, {result.images:,} images, {len(result.wrong)} wrong")
    return 1 if result.wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m campaigns.fuzz_images", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="damaged files, at most")
    parser.add_argument("--seconds", type=float, default=600, help="of the whole run, at most")
    parser.add_argument("--seed", type=int, default=0, help="of the damage")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="decode one file alone")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where to write the first file")
    parser.add_argument("--inside", nargs=4, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
