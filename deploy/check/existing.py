"""Runs the check on the machine's own engine: with real images where they can be pulled.

It touches nothing that is another's: it uses free ports, and a Compose project, tags and a folder
of its own. Its containers, networks, volumes and its image of the sidecar are gone when it ends;
pulled images and stand-ins stay for the next time.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.check import course, project
from deploy.check.engine import machine, packages
from deploy.check.engine.images import TAGS, Builder
from deploy.check.engine.packages import Home
from deploy.check.engines import Engine
from deploy.check.preparation import prepare
from deploy.check.progress import Failed, say
from deploy.check.stack import Stack
from local.ports import free_ports

PULLED = ("triton", "redis", "prometheus", "grafana")
IMAGE_TAG = "check"  # of our own image: `latest` is the operator's
MOST_SHOWN = 300  # characters of why an image could not be pulled


def check(home: Home, engine: Engine) -> None:
    """Builds and runs on the engine.

    Raises:
        CannotRun: neither the images nor what stand-ins are made of can be had here.
        Failed: something is wrong.
    """
    say(f"this machine's own engine is used: {' '.join(engine.compose)}")
    packages.fetch_tools(home)
    with _copy(home) as copy:
        stack = Stack(copy, engine)
        prepare(home, stack, _settings())
        try:
            _get_images(home, stack)
            course.run(home.folder, stack)
        finally:
            stack.down()
            _remove_image(stack)
        if left := stack.left():
            raise Failed(f"left behind: {', '.join(left)}")
    say("all is taken down: no container, network, volume or image of ours is left")


def _settings() -> dict[str, str]:
    port, grafana_port = free_ports(2)
    values = {"PORT": f"{port}", "GRAFANA_PORT": f"{grafana_port}", "IMAGE_TAG": IMAGE_TAG}
    if (
        os.geteuid()
    ):  # without root the containers run as us: the models can't be given to another user
        values["RUN_AS"] = f"{os.geteuid()}:{os.getegid()}"
    return values


@contextmanager
def _copy(home: Home) -> Iterator[Path]:
    """Makes a place for the copy of the repository and removes it when the block ends."""
    with tempfile.TemporaryDirectory(prefix="project-", dir=home.folder) as folder:
        yield Path(folder, "similarity")


def _get_images(home: Home, stack: Stack) -> None:
    try:
        stack.call("pull", "--quiet", *PULLED)
    except Failed as error:
        say(f"stand-ins are built, as an image can't be had: {str(error)[-MOST_SHOWN:].strip()}")
        machine.check()
        packages.fetch(home)
        project.configure(stack.project, TAGS)
        Builder(home, stack.project, stack.engine).build(stack.images())
    else:
        stack.call("build", "--quiet", "sidecar")
        say("the real images are pulled, and ours is built on Docker's Python")


def _remove_image(stack: Stack) -> None:
    ours = stack.images()["sidecar"]
    if stack.engine.call("images", "--quiet", ours):
        stack.engine.call("image", "rm", "--force", ours)
