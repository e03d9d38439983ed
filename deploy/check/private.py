"""Runs the check where there is no engine: on Debian's, in namespaces that end with it."""

import shutil
from pathlib import Path

from deploy.check.engine import machine, packages
from deploy.check.engine.images import TAGS
from deploy.check.engine.packages import Home
from deploy.check.engines import Engine
from deploy.check.preparation import prepare
from deploy.check.progress import Failed, say
from deploy.check.stack import Stack
from local import namespaces

UNFINISHED = "unfinished"  # there while containers run: a later check clears what they left


def check(home: Home) -> None:
    """Builds and runs in namespaces, with stand-ins for the images of others.

    Raises:
        CannotRun: the machine lacks something for that.
        Failed: something is wrong.
    """
    machine.check()
    packages.fetch(home)
    machine.sweep(home.folder)  # after a run that was killed
    before = machine.traces(home.folder)
    copy = home.folder / "project"
    prepare(home, Stack(copy, engine(home)), TAGS)
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


def engine(home: Home, env: dict[str, str] | None = None) -> Engine:
    """Returns the engine of a folder, which runs in its namespaces alone."""
    return Engine("docker", (f"{home.tools}/bin/docker-compose",), env or home.environment())


def _run(home: Home, copy: Path, part: str) -> None:
    words = ["-m", "deploy.check.inside", part, str(home.folder), str(copy)]
    if namespaces.run_inside(words, network=part == "build"):
        raise Failed(f"the part {part!r} did not end well")
