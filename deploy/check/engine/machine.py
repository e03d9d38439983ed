"""Checks whether the machine can run the check, makes its namespaces, and finds what it left."""

import ctypes
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

from deploy.check.progress import CannotRun, Failed

PROGRAMS = ("apt-get", "dpkg-deb", "unshare", "mount", "git")
UNSHARE = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
CGROUPS = Path("/sys/fs/cgroup")
PR_SET_PDEATHSIG = 1  # prctl(2)
GONE_TIMEOUT_S = 10


def check() -> None:
    """Checks that this machine has all that the check needs.

    Raises:
        CannotRun: something is missing.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise CannotRun("it needs Linux on x86-64")
    if os.geteuid() != 0:
        raise CannotRun("it needs root, for namespaces of its own")
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        raise CannotRun(f"it needs {', '.join(missing)}: a Debian with util-linux and git")
    tried = subprocess.run([*UNSHARE, "--net", "true"], capture_output=True, check=False)
    if tried.returncode:
        raise CannotRun(f"no namespaces here: {tried.stderr.decode().strip()}")


def run_inside(words: list[str], network: bool) -> int:
    """Runs this Python in namespaces of its own; when it ends, all that it started has ended, too.

    Args:
        words: the arguments of Python.
        network: whether it has the machine's network, or none but its own.
    Returns:
        its exit status.
    """
    own = [] if network else ["--net"]
    process = subprocess.Popen(
        [*UNSHARE, *own, sys.executable, *words],
        start_new_session=True,  # a Ctrl-C is for us alone; we end it
        preexec_fn=_die_with_parent,
    )
    try:
        return process.wait()
    finally:
        process.kill()  # its first process dies with it, and with that one all of the namespace
        process.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def group(home: Path) -> str:
    """Returns the name of the control group of a folder's containers; each folder has its own."""
    return f"similarity-check-{zlib.crc32(bytes(home)):08x}"


def sweep(home: Path) -> None:
    """Removes the control groups of containers that were killed with their namespace."""
    deadline = time.monotonic() + GONE_TIMEOUT_S
    while groups := _groups(home):
        for each in groups:
            try:
                each.rmdir()
            except OSError:  # its last process is still on its way out
                time.sleep(0.05)
        if time.monotonic() > deadline:
            raise Failed(f"control groups are left: {groups}")


def _groups(home: Path) -> list[Path]:
    """Returns our control groups in every hierarchy, the innermost first."""
    tops = [CGROUPS / group(home), *CGROUPS.glob(f"*/{group(home)}")]
    found = [path for top in tops if top.is_dir() for path in (top, *top.rglob("*/"))]
    return sorted((path for path in found if path.is_dir()), key=lambda p: -len(p.parts))


def traces(home: Path) -> set[str]:
    """Returns what is left of a run: processes, mounts, interfaces, control groups."""
    mounts = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    found = {f"mount {path}" for path in mounts if Path(path).is_relative_to(home)}
    found |= {f"interface {path.name}" for path in Path("/sys/class/net").iterdir()}
    found |= {f"control group {path}" for path in _groups(home)}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            program = (folder / "exe").readlink()
        except OSError:
            continue  # it has just ended, or is the kernel's
        if program.is_relative_to(home):
            found.add(f"process {folder.name} {program}")
    return found
