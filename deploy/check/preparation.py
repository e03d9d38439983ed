"""Prepares every check: a copy of the repository, its settings, another model, a lint."""

import secrets
from collections.abc import Mapping

from deploy.check import project
from deploy.check.engine.packages import Home
from deploy.check.programs import output
from deploy.check.progress import say
from deploy.check.stack import FILES, Stack

PASSWORDS = ("REDIS_PASSWORD", "GRAFANA_PASSWORD")


def prepare(home: Home, stack: Stack, values: Mapping[str, str]) -> None:
    """Makes the copy as an operator would, with some lines of its `.env`."""
    copy = stack.project
    project.copy(copy)
    drawn = {name: secrets.token_hex(24) for name in PASSWORDS}
    project.configure(copy, {**drawn, **values})
    project.version_2(home.folder)
    _lint(home, stack)


def _lint(home: Home, stack: Stack) -> None:
    copy, engine = stack.project, stack.engine
    stand_ins = sorted((copy / "deploy/check/stand_ins").glob("*.Dockerfile"))
    files = [copy / "Dockerfile.sidecar", *stand_ins]
    output([str(home.tools / "bin/hadolint"), *map(str, files)])
    output([*engine.compose, "-f", FILES[0], "config", "--quiet"], engine.env, copy)
    stack.call("config", "--quiet")
    say("hadolint and Compose's own check find nothing")
