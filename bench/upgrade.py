"""Measures how fast an upgrade embeds stored images, beside the most that is possible.

    python -m bench.upgrade --images FOLDER_OF_PHOTOS

It runs the whole stack without other requests; the ceiling is `bench.ceiling` with the same model
and the same photos, before and after. `python -m campaigns.switching` does it under load.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median
from typing import Any

from bench.ceiling import Offline
from bench.load import run
from bench.photos import photos
from bench.uploads import Uploads
from export.__main__ import main as export
from local.stack import Stack, running

CLIENTS = 50
CEILING_S = 10
POLL_S = 0.5
OLD, NEW = "efficientnet-lite0", "efficientnet-lite2"


def main() -> int:
    """Prints the table."""
    arguments = _parser().parse_args()
    files = photos(arguments.images)
    with tempfile.TemporaryDirectory() as name:
        models, data = Path(name) / "models", Path(name) / "data"
        data.mkdir()
        _export(models, 1, OLD, arguments.precision)
        with running(data, MODEL_REPOSITORY=f"{models}") as stack:
            adds = Uploads(files).adds(arguments.size)
            assert not run(int(stack.env["PORT"]), adds, CLIENTS).failures
            stack.run("train")
            _export(models, 2, NEW, arguments.precision)
            offline = Offline(models, files)
            print(
                "\n| round | ceiling, images/s | embedded again, images/s | part | all of it, s |"
            )
            print("|---|---|---|---|---|")
            parts = [_round(stack, models, offline, n) for n in range(arguments.rounds)]
    print(f"\nThe median: {median(parts):.2f} of the ceiling.")
    return 0


def _export(models: Path, version: int, architecture: str, precision: str) -> None:
    words = ["--arch", architecture, "--precision", precision, "--version", f"{version}"]
    assert export([*words, "--repository", f"{models}"]) == 0


def _round(stack: Stack, models: Path, offline: Offline, number: int) -> float:
    before = offline.measure(CEILING_S).images
    began = time.monotonic()
    rate = _switch(stack, "upgrade?version=2")
    took_s = time.monotonic() - began
    ceiling = mean((before, offline.measure(CEILING_S).images))
    print(f"| {number + 1} | {ceiling:.0f} | {rate:.0f} | {rate / ceiling:.2f} | {took_s:.0f} |")
    for call in ("rollback", "retire?version=2"):
        _switch(stack, call)
    (models / "retired" / "2").rename(models / "keywording" / "2")
    return rate / ceiling


def _switch(stack: Stack, call: str) -> float:
    """Returns how many images a second were embedded, from the first page to the last."""
    task_id = stack.post(f"/similarity/{call}").json()["task_id"]
    seen: list[tuple[float, int]] = []
    status: dict[str, Any] = {"status": "ongoing"}
    while status["status"] == "ongoing":
        time.sleep(POLL_S)
        status = stack.get(f"/similarity/status/{task_id}").json()
        if "embedded" in status and (not seen or status["embedded"] > seen[-1][1]):
            seen.append((time.monotonic(), status["embedded"]))
    assert status["status"] == "ok", status
    if len(seen) < 2:
        return 0.0
    (start, first), (end, last) = seen[0], seen[-1]
    return (last - first) / (end - start)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.upgrade",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="photos; else packaged ones")
    parser.add_argument("--precision", choices=("int8", "fp32"), default="int8")
    parser.add_argument("--size", type=int, default=4000, help="images that are stored")
    parser.add_argument("--rounds", type=int, default=3, help="the result is their median")
    return parser


if __name__ == "__main__":
    sys.exit(main())
