"""Finds the memory that a process may take: what its container is limited to, or all there is.

Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
"""

import os
from collections.abc import Iterator
from pathlib import Path

PROCESS = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")
# The folder and the file of the limit, by the controllers that a line of `PROCESS` names.
LIMITS = {"": (".", "memory.max"), "memory": ("memory", "memory.limit_in_bytes")}


def memory_limit(process: Path = PROCESS, cgroups: Path = CGROUPS) -> int:
    """Returns the memory limit of the container, bytes; without one, the memory of the machine."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_cgroup_limits(process, cgroups)])


def _cgroup_limits(process: Path, cgroups: Path) -> Iterator[int]:
    """Yields the limits of the cgroups that the process is in, and of those that these are in."""
    lines = process.read_text().splitlines() if process.exists() else []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in LIMITS:
            folder, name = LIMITS[controllers]
            own = cgroups / folder / path.lstrip("/")
            for each in (own, *own.parents):  # a container sees its own as the topmost
                if each.is_relative_to(cgroups) and (each / name).exists():
                    yield from _number((each / name).read_text())


def _number(text: str) -> Iterator[int]:
    if text.strip().isdecimal():  # else "max"
        yield int(text)
