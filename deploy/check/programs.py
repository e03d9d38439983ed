"""Other programs, run with their output kept until it is needed."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.check.progress import Failed

MOST_TOLD = 3000  # characters of what a program said before it failed


def output(
    command: list[str], env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    """Run a program and give what it wrote to its standard output.

    Raises:
        Failed: it ended otherwise than with 0; the end of what it said is in the message.
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
        told = (done.stdout + done.stderr)[-MOST_TOLD:]
        raise Failed(f"{' '.join(command[:4])} ... ended with {done.returncode}:\n{told}")
    return done.stdout
