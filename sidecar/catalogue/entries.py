"""The images of the catalogue with their features.

Concurrent adds share a commit: whoever comes first becomes the leader and writes for all that have
queued up behind it, since one sync of the disk costs the same for fifty rows as for one (group
commit, DeWitt et al. 1984).
"""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, insert, select

from sidecar.catalogue.database import Database
from sidecar.catalogue.schema import features, images, pictures
from sidecar.errors import DuplicateId

STORED = np.dtype("<f2")
LARGEST_COMMIT = 256  # images


@dataclass(frozen=True)
class NewImage:
    """An image on its way in.

    Args:
        id: as the client knows it.
        sha256: of the upload, hex.
        jpeg: the canonical JPEG.
        model: the catalogue's key of the model that made the features.
        features: float32 [D].
    """

    id: str
    sha256: str
    jpeg: bytes
    model: int
    features: NDArray[np.float32]


class Entries:
    """Add images, look them up, and read their features back in bulk."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queued: list[tuple[NewImage, Future[int]]] = []
        self._queue = threading.Lock()
        self._leader = threading.Lock()

    def check_free(self, image_id: str, sha256: str) -> None:
        """Spare an upload its inference when its id is in use already.

        Raises:
            DuplicateId: it is; `identical` tells whether by an upload of this SHA-256.
        """
        with self._database.reading() as connection:
            _check_free(connection, image_id, sha256)

    def add(self, image: NewImage) -> int:
        """Store an image; when this returns it is on the disk.

        Returns:
            its sequence number.
        Raises:
            DuplicateId: the id is in use; nothing was changed.
            StorageFull, CatalogueUnavailable: nothing was stored.
        """
        answer: Future[int] = Future()
        with self._queue:
            self._queued.append((image, answer))
        with self._leader:
            if not answer.done():
                self._commit_queued()
        return answer.result()

    def _commit_queued(self) -> None:
        with self._queue:
            batch = self._queued[:LARGEST_COMMIT]
            del self._queued[:LARGEST_COMMIT]
        try:
            with self._database.writing() as connection:
                outcomes = [_insert(connection, image) for image, _ in batch]
        except BaseException as error:
            for _, answer in batch:
                answer.set_exception(error)
            return
        for (_, answer), outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, DuplicateId):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

    def ids_of(self, seqs: Sequence[int]) -> dict[int, str]:
        """The ids behind sequence numbers; a number that is gone is left out."""
        query = select(images.c.seq, images.c.id).where(images.c.seq.in_(seqs))
        with self._database.reading() as connection:
            return {row.seq: row.id for row in connection.execute(query)}

    def count(self, model: int, up_to: int | None = None) -> int:
        """How many images have features of `model`, up to a sequence number if one is given."""
        query = select(func.count()).where(features.c.model == model)
        if up_to is not None:
            query = query.where(features.c.seq <= up_to)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def last_added(self) -> tuple[int, float] | None:
        """Sequence number and time (seconds since 1970) of the newest image, if there is one."""
        query = select(images.c.seq, images.c.added_at).order_by(images.c.seq.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.seq, row.added_at)

    def jpeg(self, image_id: str) -> bytes | None:
        """The canonical JPEG of an image, or None where there is no such id."""
        query = select(pictures.c.jpeg).join(images).where(images.c.id == image_id)
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one_or_none()

    def stream(
        self, model: int, after: int, up_to: int, page: int = 2048
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """Read the features of `model` with `after` < seq <= `up_to`, in order of seq.

        Each page is a transaction of its own, so that a long walk holds back no checkpoint.

        Yields:
            seqs int64 [n] and features float16 [n, D], 1 <= n <= page.
        """
        while True:
            query = (
                select(features.c.seq, features.c.vector)
                .where(features.c.model == model, features.c.seq > after, features.c.seq <= up_to)
                .order_by(features.c.seq)
                .limit(page)
            )
            with self._database.reading() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            seqs = np.array([row.seq for row in rows], np.int64)
            vectors = np.frombuffer(b"".join(row.vector for row in rows), STORED)
            yield seqs, vectors.reshape(len(rows), -1)
            after = int(seqs[-1])


def _check_free(connection: Connection, image_id: str, sha256: str) -> None:
    query = select(images.c.sha256).where(images.c.id == image_id)
    stored = connection.execute(query).scalar_one_or_none()
    if stored is not None:
        what = "the same image" if stored == sha256 else "another image"
        raise DuplicateId(f"the id {image_id} is in use by {what}", identical=stored == sha256)


def _insert(connection: Connection, image: NewImage) -> int | DuplicateId:
    """One image within a shared commit; a clash of ids is its own affair, not its neighbours'."""
    try:
        _check_free(connection, image.id, image.sha256)
    except DuplicateId as error:
        return error
    row = {"id": image.id, "sha256": image.sha256, "added_at": time.time()}
    seq = int(connection.execute(insert(images).values(row).returning(images.c.seq)).scalar_one())
    connection.execute(insert(pictures), {"seq": seq, "jpeg": image.jpeg})
    vector = image.features.astype(STORED).tobytes()
    connection.execute(insert(features), {"model": image.model, "seq": seq, "vector": vector})
    return seq
