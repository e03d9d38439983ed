"""Room on the volume that is kept for what has to work when it is full: removals, heartbeats, ends.

SQLite needs room even to delete: what it changes goes into the log first. So a file beside the
catalogue holds some. Whoever finds the volume full empties it; while it is empty nothing new is
stored, else adds would take the room at once.
"""

import logging
import os
from pathlib import Path

from sidecar.errors import StorageFull
from sidecar.files import in_units

log = logging.getLogger(__name__)

# As much as the log may hold between two checkpoints, since these may have to enlarge the file.
BYTES = 64 << 20
LARGEST_SHARE = 4  # at most a quarter of a small volume


class Reserve:
    """The file that holds the room; without a file no room is kept, and nothing is refused."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self) -> bool:
        """Fills the file, which is made where there is none; returns whether there was room."""
        volume = os.statvfs(self._path.parent)
        size = min(BYTES, volume.f_blocks * volume.f_frsize // LARGEST_SHARE)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(handle).st_size:
                return True
            if not self.has_room(size):
                return False
            os.posix_fallocate(handle, 0, size)
        except OSError as error:  # somebody else was faster
            log.warning("no room is kept for removals: %s", error)
            os.truncate(handle, 0)
            return False
        finally:
            os.close(handle)
        return True

    def has_room(self, size: int) -> bool:
        """Says whether the volume has so many bytes left."""
        volume = os.statvfs(self._path.parent)
        return volume.f_bavail * volume.f_frsize >= size

    def is_given_up(self) -> bool:
        """Says whether the room was given to what had to be written."""
        try:
            return self._path.stat().st_size == 0
        except FileNotFoundError:
            return False

    def give_up(self) -> bool:
        """Gives the room to whatever is written next; returns whether there was any."""
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return False
        os.truncate(self._path, 0)
        if size:
            log.warning("the volume is full: %s are given to removals and tasks", in_units(size))
        return size > 0

    def check(self) -> None:
        """Raises StorageFull where the room was given up and is still needed."""
        if self.is_given_up() and not self.keep():
            raise StorageFull(
                "the volume of the catalogue is full: what is left is kept for removals and tasks"
            )
