"""The containers, proved: built, brought up, used, killed, taken down, in namespaces of their own.

Debian's Docker engine and the real Compose run the compose files as they are, with the image of
Dockerfile.sidecar. The images of Docker's Hub and of NVIDIA are stood in for under their names: by
Debian's Python, Redis and Prometheus, by Triton's server from a wheel, for Grafana by a few lines
that only look at what is mounted. How they are wired is proved, not what the real ones contain.
"""

import fcntl
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.check import machine, packages, project
from deploy.check.packages import Home
from deploy.check.programs import output
from deploy.check.progress import CannotRun, Failed, begin, say
from deploy.check.stack import FILES, Stack

HOME = ".venvs/engine"
PASSWORDS = ("REDIS_PASSWORD", "GRAFANA_PASSWORD")
UNFINISHED = "unfinished"  # there while containers run: what they leave if cut off is thrown away


def main() -> int:
    """Check; 0 where all is well, or where the machine can't run it."""
    begin()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    home = Home(Path(os.environ.get("CHECK_DEPLOY_HOME", HOME)).resolve())
    try:
        machine.check()
        with _alone(home):
            _check(home)
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
    """Wait until no other check uses the folder."""
    home.folder.parent.mkdir(parents=True, exist_ok=True)
    with home.folder.with_name(f"{home.folder.name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _check(home: Home) -> None:
    packages.fetch(home)
    machine.sweep(home.folder)  # after a run that was killed
    before = machine.traces(home.folder)
    copy = home.folder / "project"
    project.copy(copy)
    project.configure(copy, {name: secrets.token_hex(24) for name in PASSWORDS})
    project.version_2(home.folder)
    _lint(home, copy)
    mark = home.folder / UNFINISHED
    if mark.exists():
        shutil.rmtree(home.folder / "data", ignore_errors=True)
        mark.unlink()
    try:
        _run(home, copy, "build")
        mark.touch()
        _run(home, copy, "run")
    finally:
        machine.sweep(home.folder)
        left = machine.traces(home.folder) - before
        if left:
            raise Failed(f"left behind: {', '.join(sorted(left))}")
    mark.unlink()
    shutil.rmtree(copy)
    say("all is taken down: no process, mount, interface or control group is left")


def _run(home: Home, copy: Path, part: str) -> None:
    words = ["-m", "deploy.check.inside", part, str(home.folder), str(copy)]
    if machine.run_inside(words, network=part == "build"):
        raise Failed(f"the part {part!r} did not end well")


def _lint(home: Home, copy: Path) -> None:
    stand_ins = sorted((copy / "deploy/check/stand_ins").glob("*.Dockerfile"))
    files = [copy / "Dockerfile.sidecar", *stand_ins]
    output([str(home.tools / "bin/hadolint"), *map(str, files)])
    compose = str(home.tools / "bin/docker-compose")
    output([compose, "-f", FILES[0], "config", "--quiet"], home.environment(), copy)
    Stack(copy, Path(compose), home.environment()).call("config", "--quiet")
    say("hadolint and `docker-compose config` find nothing")


if __name__ == "__main__":
    sys.exit(main())
