"""Kills hosts of a cluster and cuts them off at random, then counts what was lost.

    python -m campaigns.cluster --troubles 60 --seed 0
    python -m campaigns.cluster --troubles 0 --old v0.5.0

Ten hosts, each a network namespace: PostgreSQL, an S3 server, Redis, two Tritons, three sidecars
behind nginx, two workers. Clients add, overwrite, remove and search through nginx, while trainings,
updates, upgrades and rollbacks follow each other. First the sidecars and workers are released, host
by host, from the code of an earlier commit to this one: no request may fail. Then hosts are killed,
unplugged, or fall silent, and come back. In the end:

- every change that was acknowledged is there, and nothing that was never sent;
- every answer is wholly of the version of the model that it names;
- every host has served the newest generation within 10 seconds of its return;
- `python -m sidecar verify` finds nothing wrong on any host.

It needs root, PostgreSQL, nginx and iproute2, and leaves nothing behind.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from campaigns.cluster import rolling
from campaigns.cluster.models import exported
from campaigns.cluster.needs import missing
from local import namespaces
from local.process import sigterm_interrupts

CANNOT, INTERRUPTED = 2, 130


def main() -> int:
    """Runs a campaign; returns 1 where anything was wrong, 2 where this machine can't run it."""
    arguments = _parser().parse_args()
    if why := missing():
        print(f"campaigns.cluster: {why}", file=sys.stderr)
        return CANNOT
    sigterm_interrupts()
    plan: dict[str, object] = {
        "troubles": arguments.troubles,
        "seed": arguments.seed,
        "within_s": arguments.within,
    }
    plan["old"] = rolling.default() if arguments.old is None else arguments.old
    try:
        with tempfile.TemporaryDirectory(prefix="cluster-") as name:
            folder = Path(name)
            exported(folder)
            return run(folder, plan)
    except KeyboardInterrupt:
        return INTERRUPTED


def run(folder: Path, plan: Mapping[str, object]) -> int:
    """Runs a plan in namespaces of its own; returns its exit status.

    Args:
        folder: for everything that it writes; the models are there, as `exported` has them.
        plan: the fields of `Plan`, for JSON.
    """
    folder.chmod(0o711)  # PostgreSQL runs as another user
    words = ["-m", "campaigns.cluster.inside", str(folder), json.dumps(dict(plan))]
    return namespaces.run_inside(words, network=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m campaigns.cluster",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--troubles", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0, help="of the random moments and victims")
    parser.add_argument(
        "--old",
        metavar="COMMIT",
        help="which code is released from; '' for no release; default: the oldest commit with the"
        " catalogue's tables of today",
    )
    parser.add_argument(
        "--within", type=float, default=10.0, metavar="S", help="seconds that a host may take"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
