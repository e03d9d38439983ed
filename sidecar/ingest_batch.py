"""Many images in one request, each added as if it came alone."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath

from sidecar.errors import SimilarityError, WrongArguments
from sidecar.images import ids
from sidecar.images.archives import File
from sidecar.ingest import Ingest
from sidecar.models.model import Lane
from sidecar.telemetry import request_ids

AT_ONCE = 32  # of a process: enough for a batch in Triton to fill, few enough to hold in memory


@dataclass(frozen=True)
class Outcome:
    """What became of a file: its id, or the error."""

    name: str
    id: str | None
    error: SimilarityError | None


class IngestBatch:
    """Adds the files of a request side by side, by threads that `close` ends."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._threads = ThreadPoolExecutor(AT_ONCE, "batch")

    def add(self, files: Iterable[File], overwrite: bool) -> Iterator[Outcome]:
        """Add files as they come, at most `AT_ONCE` ahead of the one that is answered.

        Args:
            overwrite: as in `Ingest.add`.
        Yields:
            an outcome a file, in their order. One that fails leaves the others alone.
        """
        under_way: deque[tuple[str, Future[Outcome]]] = deque()
        request_id = request_ids.current()
        for file in files:
            stem = _path(file.name).stem
            # Of two with the same id it is the first that is added.
            while len(under_way) == AT_ONCE or (stem and stem in {name for name, _ in under_way}):
                yield under_way.popleft()[1].result()
            under_way.append((stem, self._threads.submit(self._add, file, overwrite, request_id)))
        while under_way:
            yield under_way.popleft()[1].result()

    def close(self) -> None:
        """Ends the threads; what has not begun is not added."""
        self._threads.shutdown(cancel_futures=True)

    def _add(self, file: File, overwrite: bool, request_id: str) -> Outcome:
        request_ids.begin(request_id)
        try:
            if isinstance(file.content, Exception):
                raise file.content
            image_id = id_of(file.name) if file.name else None
            added = self._ingest.add(file.content, image_id, overwrite, Lane.BATCH)
            return Outcome(file.name, added, None)
        except SimilarityError as error:
            return Outcome(file.name, None, error)


def id_of(name: str) -> str:
    """A file's name without its folders and its ending: "cats/tom.jpg" is "tom".

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
