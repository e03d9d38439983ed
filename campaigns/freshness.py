"""Checks after each acknowledged change that the next search knows of it, in whichever process.

    python -m campaigns.freshness
    python -m campaigns.freshness --seconds 600 --clients 40 --database postgresql

Clients add, overwrite, describe anew and remove images of their own on the real stack, and search
for each right after its change was acknowledged: plainly, filtered, by id, in pages and in groups,
while updates, trainings, an upgrade and a rollback follow each other. In the end:

- no search missed an image whose add was acknowledged, or found one whose removal was;
- none found an overwritten image as it was before, or missed it as it is;
- each filter has found all images that meet it by their last metadata, and no others;
- pages of one generation have missed no image and repeated none;
- each image was found by its likeliest keyword;
- no request has failed, and every task has ended well.
"""

import argparse
import itertools
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from campaigns.fresh_client import PICTURES, Client
from campaigns.switching import repository, switch
from local import photos
from local.postgres import postgres
from local.stack import Stack, add_all, running

FIRST_IMAGES = 1000  # so that a training makes sense from the start
TIMEOUT_S = 60


@contextmanager
def changing(clients: list[Client]) -> Iterator[None]:
    """Runs the clients as long as the block runs."""
    for client in clients:
        client.start()
    try:
        yield
    finally:
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.join(TIMEOUT_S)


def tasks_for(stack: Stack, seconds: float) -> int:
    """Has updates, trainings, an upgrade to version 2 and a rollback follow each other for so many
    seconds at least, each kind once; returns how many there were."""
    until, count = time.monotonic() + seconds, 0
    for call in itertools.cycle(("update", "upgrade?version=2", "update", "rollback", "train")):
        if "?" in call or call == "rollback":
            switch(stack, call)
        else:
            stack.run(call)
        count += 1
        if call == "train" and time.monotonic() > until:
            break
    return count


def main() -> int:
    """Runs the campaign and prints the outcome; returns 1 where anything was wrong."""
    arguments = _parser().parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as on_exit:
        folder = Path(name)
        settings = {"MODEL_REPOSITORY": str(repository(folder, 1, 2))}
        later = folder / "models" / "keywording" / "2"
        shutil.move(later, folder / "2")  # comes into the repository when version 1 is in use
        if arguments.database == "postgresql":
            settings["CATALOGUE_URL"] = on_exit.enter_context(postgres(durable=True))
        (folder / "stack").mkdir()
        stack = on_exit.enter_context(running(folder / "stack", **settings))
        add_all(stack, dict(photos.variations(FIRST_IMAGES)))
        stack.run("train")
        shutil.move(folder / "2", later)
        pictures = [picture for _, picture in photos.variations(PICTURES)]
        clients = [Client(stack, number, pictures) for number in range(arguments.clients)]
        with changing(clients):
            tasks = tasks_for(stack, arguments.seconds)
    return _verdict(clients, tasks)


def _verdict(clients: list[Client], tasks: int) -> int:
    violations = [each for client in clients for each in client.violations]
    checks = sum(client.checks for client in clients)
    print(f"{checks:,} checks during {tasks} tasks, {len(violations)} violations")
    for sentence in violations[:10]:
        print(f"  {sentence}")
    return 1 if violations or not checks else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m campaigns.freshness",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=180, help="at least")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    return parser


if __name__ == "__main__":
    sys.exit(main())
