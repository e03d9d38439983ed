"""Runs the two parts of the check that need namespaces: `python -m deploy.check.inside PART`.

build    the machine's network: what a Dockerfile installs comes from the registries
run      no network but the engine's own: its ports, names and addresses meet no others
"""

import sys
from pathlib import Path

from deploy.check import course, private
from deploy.check.engine import daemon
from deploy.check.engine.images import Builder
from deploy.check.engine.packages import Home
from deploy.check.progress import Failed
from deploy.check.stack import Stack


def main() -> int:
    """Runs a part; returns 1 where something is wrong."""
    part, home, copy = sys.argv[1], Home(Path(sys.argv[2])), Path(sys.argv[3])
    try:
        with daemon.running(home, network=part == "run") as env:
            stack = Stack(copy, private.engine(home, env))
            if part == "build":
                Builder(home, copy, stack.engine).build(stack.images())
            else:
                course.run(home.folder, stack)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
