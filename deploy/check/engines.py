"""Finds the machine's own Docker or Podman, and calls any engine."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.check.programs import output

# What to ask each with `info`, and what its answer has when it runs without root: then users in
# containers are others outside, and the mounted model repository could not be written.
QUESTIONS = {
    "docker": ("{{json .SecurityOptions}}", "name=rootless"),
    "podman": ("rootless={{.Host.Security.Rootless}}", "rootless=true"),
}
ANSWER_TIMEOUT_S = 20


@dataclass(frozen=True)
class Engine:
    """Calls an engine that answers.

    Args:
        program: its command line, `docker` or `podman`.
        compose: the words that call Compose for it.
        env: variables with which both find it.
    """

    program: str
    compose: tuple[str, ...]
    env: Mapping[str, str]

    def call(self, *words: str) -> str:
        """Runs the engine's command line and returns its output."""
        return output([self.program, *words], self.env)


def find() -> Engine | None:
    """Returns the first engine of this machine that answers and has Compose."""
    for program, (question, rootless) in QUESTIONS.items():
        said = _answer([program, "info", "--format", question])
        if said is None or rootless in said:
            continue
        for compose in ((program, "compose"), (f"{program}-compose",)):
            if _answer([*compose, "version"]) is not None:
                return Engine(program, compose, os.environ)
    return None


def _answer(command: list[str]) -> str | None:
    """Returns what a program prints; None where it is not there, fails, or hangs."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=ANSWER_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout
