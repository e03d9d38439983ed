"""The campaign within its namespaces: `python -m campaigns.cluster.inside FOLDER PLAN`."""

import json
import os
import sys
import tempfile
from pathlib import Path

from campaigns.cluster.campaign import Plan, campaign
from local import namespaces

MOST_SHOWN = 20


def main() -> int:
    """Runs a plan, given as JSON; returns 1 where anything was wrong."""
    folder, words = Path(sys.argv[1]), json.loads(sys.argv[2])
    namespaces.private_folders()
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    wrong = campaign(folder, Plan(**words))
    for line in wrong[:MOST_SHOWN]:
        print(f"  {line}")
    print(f"{len(wrong)} things were wrong" if wrong else "nothing was lost")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
