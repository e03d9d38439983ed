"""Adds the many images of one request, each as if it came alone."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath

from sidecar.errors import SimilarityError, WrongArguments
from sidecar.images import File, ids
from sidecar.ingest import Ingest
from sidecar.models import lanes
from sidecar.telemetry import request_ids

AT_ONCE = 32  # images of a process: enough to fill Triton's batches, few enough for the memory


@dataclass(frozen=True)
class Outcome:
    """The outcome of a file: its id, or its error."""

    name: str
    id: str | None
    error: SimilarityError | None


class IngestBatch:
    """Adds the files of a request side by side, in threads that `close` ends."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._threads = ThreadPoolExecutor(AT_ONCE, "batch")

    def add(self, files: Iterable[File], overwrite: bool) -> Iterator[Outcome]:
        """Adds files as they come, at most `AT_ONCE` ahead of the one that is answered.

        Args:
            overwrite: as in `Ingest.add`.
        Yields:
            an outcome for each file, in their order; a file that fails leaves the others alone.
        """
        in_flight: deque[tuple[str, Future[Outcome]]] = deque()
        request_id = request_ids.current()
        for file in files:
            stem = _path(file.name).stem
            # Files of one id are added in their order, never side by side.
            while len(in_flight) == AT_ONCE or (stem and stem in {name for name, _ in in_flight}):
                yield in_flight.popleft()[1].result()
            in_flight.append((stem, self._threads.submit(self._add, file, overwrite, request_id)))
        while in_flight:
            yield in_flight.popleft()[1].result()

    def close(self) -> None:
        """Ends the threads; files that have not begun are not added."""
        self._threads.shutdown(cancel_futures=True)

    def _add(self, file: File, overwrite: bool, request_id: str) -> Outcome:
        request_ids.begin(request_id)
        try:
            if isinstance(file.content, Exception):
                raise file.content
            image_id = id_of(file.name) if file.name else None
            added = self._ingest.add(file.content, image_id, overwrite, lanes.BATCH)
            return Outcome(file.name, added, None)
        except SimilarityError as error:
            return Outcome(file.name, None, error)


def id_of(name: str) -> str:
    """Returns the id that a file's name stands for, without folders and ending: "cats/tom.jpg" is
    "tom".

    Raises:
        WrongArguments: that is no id, or the name leads out of the folder that it was packed in.
    """
    path = _path(name)
    on_a_drive = any(part.endswith(":") for part in path.parts[:1])  # "." has no parts
    if path.is_absolute() or ".." in path.parts or on_a_drive:
        raise WrongArguments("the name leads out of its folder")
    return ids.check(path.stem)


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))
