"""A process that searches gives life signs to the others, where several hosts share an index."""

import logging
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from sidecar.catalogue import Reader, Readers
from sidecar.errors import SimilarityError
from sidecar.volume import host_name
from sidecar.warmup import Opened

log = logging.getLogger(__name__)

ROUND_S = 0.5  # between two looks whether there is something to say
EVERY_S = 3.0  # between two life signs that say the same


@dataclass
class Presence:
    """Notes in the catalogue what this process has open.

    Args:
        data_dir: the folder that all processes of this host have in common.
    """

    readers: Readers
    opened: Opened
    data_dir: Path
    _process: str = field(default_factory=lambda: str(uuid.uuid4()))
    _last: tuple[Reader | None, float] = (None, 0.0)

    def note(self) -> None:
        """Runs one round: writes where something has changed, or the last life sign is old."""
        host = host_name(self.data_dir)
        reader = Reader(self._process, host, self.opened.generation or 0, self.opened.draft)
        said, at = self._last
        if reader != said or time.monotonic() - at >= EVERY_S:
            self.readers.note(reader)
            self._last = (reader, time.monotonic())

    def end(self) -> None:
        """Strikes this process off, so that nobody waits for it."""
        try:
            self.readers.gone(self._process)
        except SimilarityError as error:  # it counts as gone some seconds later
            log.debug("%s", error)
