"""Says what an upgrade of the model would take; with --go begins it, and shows how it goes.

python examples/watch_upgrade.py 2 --go

Ctrl-C ends the watching alone: the upgrade goes on.
"""

import argparse
import sys

from similarity_client import Similarity, TaskFailed
from similarity_client.answers import Estimate, TaskState


def sentence(estimate: Estimate) -> str:
    """Puts an estimate into words."""
    hours = estimate.trouble if estimate.hours is None else f"{estimate.hours:.2f} hours"
    sizes = f"{estimate.bytes / 1e6:,.1f} MB of {estimate.free_bytes / 1e6:,.0f} MB free"
    return f"version {estimate.version}: {estimate.images:,} images, {sizes}, {hours}"


def show(task: TaskState) -> None:
    """Prints how far the upgrade is."""
    embedded, left_s = task.report.get("embedded"), task.report.get("eta_s")
    more = "" if embedded is None else f", {embedded:,} embedded, {left_s} s left"
    print(f"{task.progress or 0:4.0%}  {task.phase or task.status}{more}")


def main() -> int:
    """Returns 1 where the upgrade has failed; everything is as it was then."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", type=int)
    parser.add_argument("--go", action="store_true")
    given = parser.parse_args()
    with Similarity() as similarity:
        print(sentence(similarity.upgrade_estimate(given.version)))
        if not given.go:
            return 0
        try:
            ended = similarity.upgrade(given.version).wait(progress=show)
        except TaskFailed as failed:
            print(failed, file=sys.stderr)
            return 1
        previous, agreement = ended.report["previous"], ended.report.get("agreement_at_10")
        print(f"version {given.version} is in use; its searches agree with version {previous}'s")
        print(f"in {agreement} of the nearest ten. similarity.rollback() goes back")
        return 0


if __name__ == "__main__":
    sys.exit(main())
