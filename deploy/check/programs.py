"""Runs other programs and keeps their output until it is needed."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.check.progress import Failed

MOST_SHOWN = 3000  # characters of a failed program's output


def output(
    command: list[str], env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    """Runs a program and returns its standard output.

    Raises:
        Failed: its exit status is not 0; the message has the end of its output.
    """
    done = subprocess.run(
        command,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stdout + done.stderr)[-MOST_SHOWN:]
        raise Failed(f"{' '.join(command[:4])} ... ended with {done.returncode}:\n{last}")
    return done.stdout
