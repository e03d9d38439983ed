"""Shared memory that local Tritons have left: one that was killed removes none of its regions."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108
REGIONS = "triton_*_shm_region_*"  # as Triton's Python backend names them
YOUNG_S = 60.0  # a server may have made a region and not mapped it yet


def sweep(memory: Path = MEMORY, young_s: float = YOUNG_S) -> list[Path]:
    """Removes the regions that no process has mapped, and returns them.

    Only our own user's are looked at, since only of our own processes is known what they have
    mapped; and only old ones.
    """
    mapped, before = set(_mapped(memory)), time.time() - young_s
    swept = []
    for region in memory.glob(REGIONS):
        with suppress(FileNotFoundError):  # its server, or another launcher, was faster
            status = region.stat()
            if status.st_uid == os.getuid() and status.st_mtime < before and region not in mapped:
                region.unlink()
                swept.append(region)
    return swept


def _mapped(memory: Path) -> Iterator[Path]:
    """Yields the files of a folder that processes have mapped. Source: Linux proc(5)."""
    pattern = re.compile(rf"^\S+ \S+ \S+ \S+ \S+ +({re.escape(str(memory))}/.*)$", re.MULTILINE)
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with suppress(OSError):  # it has ended, or is another user's
            yield from map(Path, pattern.findall(maps.read_text(errors="replace")))
