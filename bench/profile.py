"""Draws a flame graph of a process of the sidecar while fifty clients add: by Python's stacks.

    python -m bench.profile --images FOLDER_OF_PHOTOS --chart profile.svg

py-spy takes samples from outside; stacks that wait are left out where py-spy sees that they do.
"""

import argparse
import subprocess
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path

import psutil

from bench.load import photo, run
from bench.photos import photos
from local.stack import running

CLIENTS = 50
WARM = 200  # adds before
SECONDS = 20
PER_S = 40  # samples; more would take a core of two


def main() -> int:
    """Writes the graph."""
    arguments = _parser().parse_args()
    files = photos(arguments.images)
    adds = (photo(f"/similarity/add?id=profile-{n}", file) for n, file in enumerate(cycle(files)))
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as stack:
        port = int(stack.env["PORT"])
        run(port, list(islice(adds, WARM)), CLIENTS)
        child = psutil.Process(stack.pid("sidecar")).children()[0]
        command = ["py-spy", "record", "--pid", str(child.pid), "--duration", str(SECONDS)]
        command += ["--rate", str(PER_S), "--output", str(arguments.chart)]
        with subprocess.Popen(command):
            run(port, list(islice(adds, 500 * SECONDS)), CLIENTS, SECONDS + 2)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="photos; else packaged ones")
    parser.add_argument("--chart", type=Path, default=Path("profile.svg"), help="where it goes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
