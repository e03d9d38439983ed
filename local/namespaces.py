"""Runs a part of a program in namespaces of its own: nothing that it starts or makes outlives it.

Needs root. Source: unshare(1), namespaces(7).
"""

import os
import subprocess
import sys

from local.descendants import are_stopped, below, die_with
from local.process import wait_until
from local.shared_memory import MEMORY

UNSHARE = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
PRIVATE = ("/run", str(MEMORY))


def refusal() -> str:
    """Returns why no namespaces can be made here, empty where they can."""
    tried = subprocess.run([*UNSHARE, "--net", "true"], capture_output=True, check=False)
    return tried.stderr.decode().strip() if tried.returncode else ""


def run_inside(words: list[str], network: bool) -> int:
    """Runs this Python in namespaces of its own; when it ends, all that it started has ended, too.

    A Ctrl-C is for the caller alone, which ends it.

    Args:
        words: the arguments of Python.
        network: whether it has the machine's network, or none but its own.
    Returns:
        its exit status.
    """
    own, parent = [] if network else ["--net"], os.getpid()
    process = subprocess.Popen(
        [*UNSHARE, *own, sys.executable, *words],
        start_new_session=True,
        preexec_fn=lambda: die_with(parent),
    )
    try:
        return process.wait()
    finally:
        inside = below(process.pid)
        process.kill()  # its first process dies with it, and with that one all of the namespace
        process.wait()
        wait_until(lambda: are_stopped(inside), lambda: f"{inside} have ended")


def private_folders() -> None:
    """Gives the namespace, in which this runs, an empty /run and an empty /dev/shm: what is written
    there ends with it, and no other program's is seen."""
    for folder in PRIVATE:
        command = ["mount", "-t", "tmpfs", "tmpfs", folder]
        subprocess.run(command, check=True)
