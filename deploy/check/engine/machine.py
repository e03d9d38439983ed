"""Checks whether the machine can run the check, and finds what it left."""

import os
import platform
import shutil
import sys
import time
import zlib
from pathlib import Path

from deploy.check.progress import CannotRun, Failed
from local import namespaces

PROGRAMS = ("apt-get", "dpkg-deb", "unshare", "mount", "git")
CGROUPS = Path("/sys/fs/cgroup")
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
    if refusal := namespaces.refusal():
        raise CannotRun(f"no namespaces here: {refusal}")


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
