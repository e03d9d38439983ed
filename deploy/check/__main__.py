"""Proves the containers: builds, brings up, uses, kills, and takes them down.

The compose files run as they are, with the image of Dockerfile.sidecar:

- on the Docker or Podman of this machine, where one answers and has Compose, with the real images
  if they can be pulled;
- else on Debian's engine and the real Compose, in namespaces of their own, as root.

Where the images of Docker's Hub and of NVIDIA can't be had, stand-ins take their names: Debian's
Python, Redis and Prometheus, Triton's server from a wheel, and for Grafana a few lines that only
look at what is mounted. Then the check proves how they are wired, not what the real ones contain.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.check import engines, existing, private
from deploy.check.engine.packages import Home
from deploy.check.progress import CannotRun, Failed, begin
from local.process import sigterm_interrupts

HOME = ".venvs/engine"


def main() -> int:
    """Runs the check; returns 0 where all is well, or where the machine can't run it."""
    begin()
    sigterm_interrupts()
    home = Home(Path(os.environ.get("CHECK_DEPLOY_HOME", HOME)).resolve())
    try:
        with _alone(home):
            engine = engines.find()
            if engine is None:
                private.check(home)
            else:
                existing.check(home, engine)
    except CannotRun as reason:
        loud = "!! SKIPPED, THE CONTAINERS ARE NOT CHECKED" if os.environ.get("CI") else "skipped"
        print(f"check-deploy: {loud}: {reason}")
        return 0
    except Failed as error:
        print(f"check-deploy: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Waits until no other check uses the folder."""
    home.folder.parent.mkdir(parents=True, exist_ok=True)
    with home.folder.with_name(f"{home.folder.name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
