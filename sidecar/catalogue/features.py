"""The features of the catalogue in bulk: for trainings, and for holding the index against them."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, delete, func, insert, select

from sidecar.catalogue.adds import STORED, feature_row, fits
from sidecar.catalogue.database import Connections
from sidecar.catalogue.models import ModelRecord, check_known
from sidecar.catalogue.schema import features, images, pictures
from sidecar.errors import CatalogueDamaged, ModelRefused


@dataclass(frozen=True)
class Page:
    """Rows in order of their sequence numbers.

    Args:
        seqs: int64 [n].
        features: float16 [n, D].
        crcs: uint32 [n], the CRC-32 of each row of features as it was when it was added.
    """

    seqs: NDArray[np.int64]
    features: NDArray[np.float16]
    crcs: NDArray[np.uint32]


@dataclass(frozen=True)
class StoredImage:
    """A stored image: its sequence number, its id, its canonical JPEG."""

    seq: int
    id: str
    jpeg: bytes


class Features:
    """Read the features of a model, whole and checked."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    def count(self, model: int, up_to: int | None = None) -> int:
        """How many images have features of `model`, up to a sequence number if one is given."""
        query = select(func.count()).where(features.c.model == model)
        if up_to is not None:
            query = query.where(features.c.seq <= up_to)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def missing(self, model: int, after: int, up_to: int, limit: int) -> list[StoredImage]:
        """Images that have no features of `model`, with `after` < seq <= `up_to`, in order of seq.

        Raises:
            CatalogueDamaged: a picture is not what was stored; the text names it.
        """
        query = (
            _unseen(model, after)
            .add_columns(images.c.id, pictures.c.jpeg, pictures.c.crc)
            .join(pictures, pictures.c.seq == images.c.seq)
            .where(images.c.seq <= up_to)
            .order_by(images.c.seq)
            .limit(limit)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        bad = [row.id for row in rows if zlib.crc32(row.jpeg) != row.crc]
        if bad:
            raise CatalogueDamaged(
                f"the pictures of {', '.join(bad[:10])} are not what was stored: add these images "
                "again with overwrite=1, or remove them"
            )
        return [StoredImage(row.seq, row.id, row.jpeg) for row in rows]

    def store(self, record: ModelRecord, made: dict[int, NDArray[np.float32]]) -> None:
        """Keep features, float32 [D] by sequence number, of images that lack them; of images that
        are gone meanwhile, none.

        Raises:
            ModelReplaced: the catalogue no longer knows the model, just as the record has it.
            ModelRefused: their length is not the model's.
            StorageFull, CatalogueUnavailable: nothing was stored.
        """
        check_length(record, made)
        with self._database.writing() as connection:
            check_known(connection, record)
            lacking = _unseen(record.model, 0).where(images.c.seq.in_(made))
            rows = [
                feature_row(seq, record.model, made[seq])
                for seq in connection.execute(lacking).scalars()
            ]
            if rows:
                connection.execute(insert(features), rows)

    def discard(self, model: int, limit: int) -> int:
        """Drop the features of at most so many images by a model; returns of how many."""
        some = select(features.c.seq).where(features.c.model == model).limit(limit)
        with self._database.writing() as connection:
            seqs = connection.execute(some).scalars().all()
            which = (features.c.model == model) & features.c.seq.in_(seqs)
            connection.execute(delete(features).where(which))
        return len(seqs)

    def checksums(self, model: int, up_to: int) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Sequence numbers, int64 [n] ascending, and the CRC-32 of each one's features, uint32 [n],
        with seq <= `up_to`."""
        query = (
            select(features.c.seq, features.c.crc)
            .where(features.c.model == model, features.c.seq <= up_to)
            .order_by(features.c.seq)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        table = np.array([tuple(row) for row in rows], np.int64).reshape(-1, 2)
        return table[:, 0], table[:, 1].astype(np.uint32)

    def stream(self, model: int, after: int, up_to: int, page: int = 0) -> Iterator[Page]:
        """Read the features of `model` with `after` < seq <= `up_to`, in order of seq.

        Each page is a transaction of its own, so that a long walk holds back no checkpoint.

        Args:
            page: rows at a time; without it as many as this kind of database is fastest with.
        Raises:
            CatalogueDamaged: a row is not what was stored; the text names it.
        """
        kind = self._database.kind
        while True:
            with self._database.reading() as connection:
                limit = page or kind.page_rows
                rows = list(kind.read_features(connection, model, after, up_to, limit))
            if not rows:
                return
            yield _checked(rows)
            after = rows[-1][0]


def check_length(record: ModelRecord, made: dict[int, NDArray[np.float32]]) -> None:
    """Raises ModelRefused unless all of these features are as long as the model's."""
    if not all(fits(record, each) for each in made.values()):
        raise ModelRefused(
            f"version {record.version} gave features of another length than the "
            f"{record.dimension} values that the catalogue has of an image by it"
        )


def _checked(rows: list[tuple[int, int, bytes]]) -> Page:
    seqs, crcs, vectors = zip(*rows, strict=True)
    lengths = {len(vector) for vector in vectors}
    found = tuple(map(zlib.crc32, vectors))
    if found != crcs or len(lengths) > 1:
        bad = [seq for seq, made, stored in zip(seqs, found, crcs, strict=True) if made != stored]
        raise CatalogueDamaged(
            f"the features of the images number {bad[:10]} are not what was stored: "
            "python -m sidecar verify names them"
        )
    values = np.frombuffer(b"".join(vectors), STORED).reshape(len(rows), -1)
    return Page(np.array(seqs, np.int64), values, np.array(crcs, np.uint32))


def lacking(connection: Connection, model: int, after: int) -> bool:
    """Whether an image with seq > `after` has no features of `model`, within a transaction."""
    return connection.execute(_unseen(model, after).limit(1)).first() is not None


def counted(connection: Connection, model: int, most: int) -> int:
    """How many images have features of `model`, counted up to `most`, within a transaction."""
    some = select(features.c.seq).where(features.c.model == model).limit(most).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def _unseen(model: int, after: int) -> Select[Any]:
    """The sequence numbers above `after` of images without features of `model`."""
    made = (features.c.seq == images.c.seq) & (features.c.model == model)
    query = select(images.c.seq).select_from(images.outerjoin(features, made))
    return query.where(features.c.seq.is_(None), images.c.seq > after)
