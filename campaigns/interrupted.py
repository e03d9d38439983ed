"""Kills `similarity add` at a third and the sidecar at two thirds, and looks what is there then.

    python -m campaigns.interrupted
    python -m campaigns.interrupted --photos 500 --broken 10

A folder of photos, some of which are broken, each in a way of its own, is added to the real stack
by the command. It is killed -9 at a third; the same line is run again, and the sidecar killed -9 at
two thirds and started again; the same line is run until it comes to its end. Then:

- every good photo is there exactly once, under its id, with the SHA-256 of its file;
- less than 1 % of their bytes were sent twice;
- the exit code is 1, and `--errors` names the broken ones and no others.
"""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from similarity_client import Similarity

from campaigns.broken_photos import Folder
from campaigns.killed_runs import Runs
from local import photos
from local.process import settled
from local.stack import Stack, running

MOST_TWICE = 0.01
SETTINGS = {"LOG_FORMAT": "json"}
GROUP = 1000  # that are asked for in one call


@dataclass(frozen=True)
class Outcome:
    """What has come of a campaign.

    Args:
        wrong: a sentence on each thing that is not as it must be.
        twice: the share of the good photos' bytes that was sent more often than once.
        codes: how each run of the command ended, -9 where it was killed.
    """

    wrong: list[str]
    twice: float
    codes: list[int]


def interrupt(stack: Stack, folder: Folder) -> Outcome:
    """Kills this and that while a folder is added; the stack has to log in JSON."""
    before, runs = _received(stack), Runs(stack, folder)
    count = len(folder.good) + len(folder.broken)
    runs.killed_at(count // 3)
    # What was in flight comes to its end in the sidecar.
    sent = settled(lambda: _received(stack)) - before
    sent += runs.with_a_restart_at(2 * count // 3)
    sent += runs.to_its_end()
    # Broken ones are sent in each run, since nothing of them is kept.
    names = [f"{name}.jpg" for name in folder.good]
    wanted = folder.bytes_of(names) + len(runs.codes) * folder.bytes_of(folder.broken)
    twice = max(0, sent - wanted) / folder.bytes_of(names)
    return Outcome([*_wrong(runs, folder), *_lost(stack, folder)], twice, runs.codes)


def _wrong(runs: Runs, folder: Folder) -> Iterable[str]:
    if runs.codes[0] != -signal.SIGKILL:
        yield f"the first run ended with {runs.codes[0]} before it was killed"
    if runs.codes[-1] != 1:
        yield f"the last run ended with {runs.codes[-1]}, not 1"
    named = [Path(json.loads(line)["path"]).name for line in runs.errors.read_text().splitlines()]
    if sorted(named) != sorted(folder.broken):
        yield f"--errors names {sorted(set(named) ^ folder.broken)} wrongly, or one twice"


def _lost(stack: Stack, folder: Folder) -> Iterable[str]:
    with Similarity(stack.url, check_version=False) as similarity:
        ours = {*folder.good, *(Path(name).stem for name in folder.broken)}
        listed = sorted(image.id for image in similarity.images() if image.id in ours)
        if listed != sorted(folder.good):
            yield f"{len(listed)} are listed, not {len(folder.good)}"
        left = iter(folder.good.items())
        while group := dict(islice(left, GROUP)):
            states = similarity.check(group)
            yield from (f"{name} is not as its file" for name in states.of("other"))
            yield from (f"{name} is lost" for name in states.of("missing"))


def _received(stack: Stack) -> int:
    """Returns the bytes of all adds in the sidecar's log."""
    found = [json.loads(line) for line in stack.log("sidecar").splitlines() if line[:1] == "{"]
    return sum(each["bytes"] for each in found if each.get("route") == "/similarity/add")


def main() -> int:
    """Runs the campaign and prints the outcome; returns 1 where anything was wrong."""
    arguments = _parser().parse_args()
    with tempfile.TemporaryDirectory() as name:
        files = (file for _, file in photos.variations(arguments.photos))
        folder = Folder(Path(name) / "photos", "photo-", files, arguments.broken)
        (Path(name) / "stack").mkdir()
        with running(Path(name) / "stack", **SETTINGS) as stack:
            outcome = interrupt(stack, folder)
    if outcome.twice >= MOST_TWICE:
        outcome.wrong.append(f"{outcome.twice:.2%} of the bytes were sent twice")
    print(f"{len(folder.good)} good photos, {len(folder.broken)} broken, runs {outcome.codes}")
    print(f"{outcome.twice:.3%} of the bytes sent twice, {len(outcome.wrong)} things wrong")
    for sentence in outcome.wrong[:10]:
        print(f"  {sentence}")
    return 1 if outcome.wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m campaigns.interrupted",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--broken", type=int, default=40)
    return parser


if __name__ == "__main__":
    sys.exit(main())
