"""The features of the catalogue in bulk: for trainings, and for comparing the index with them."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, delete, func, insert, select

from sidecar.catalogue import contents
from sidecar.catalogue.features import feature_rows
from sidecar.catalogue.features.keyword_rows import NO_KEYWORDS, TopKeywords
from sidecar.catalogue.features.keywords import StoredKeywords
from sidecar.catalogue.model_rows import ModelRecord, check_known
from sidecar.catalogue.schema import features, images, pictures
from sidecar.errors import CatalogueDamaged


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


class Features(StoredKeywords):
    """Reads the features of a model, whole and checked; adds and deletes them in bulk, with the
    keywords that stand beside them."""

    def count(self, model: int, up_to: int | None = None) -> int:
        """Counts the images with features of `model`, up to a sequence number if one is given."""
        query = select(func.count()).where(features.c.model == model)
        if up_to is not None:
            query = query.where(features.c.seq <= up_to)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def missing(self, model: int, after: int, up_to: int, limit: int) -> list[StoredImage]:
        """Returns images that have no features of `model`, with `after` < seq <= `up_to`, in order
        of seq.

        Raises:
            CatalogueDamaged: a JPEG is missing, or not what was stored; the text names its image.
            PicturesStoreUnavailable: it can't be read just now.
        """
        query = (
            _without_features(model, after)
            .add_columns(images.c.id, *contents.JPEG)
            .join(pictures, pictures.c.seq == images.c.seq)
            .where(images.c.seq <= up_to)
            .order_by(images.c.seq)
            .limit(limit)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        read = zip(rows, contents.jpegs_of(self._database.objects, rows), strict=True)
        found = [(row, *contents.whole(jpeg, row.jpeg_crc)) for row, jpeg in read]
        damaged = [row.id for row, _, is_whole in found if not is_whole]
        if damaged:
            raise CatalogueDamaged(
                f"the JPEGs of {', '.join(damaged[:10])} are not what was stored: add these images "
                "again with overwrite=1, or remove them"
            )
        return [StoredImage(row.seq, row.id, jpeg) for row, jpeg, _ in found]

    def store(
        self,
        record: ModelRecord,
        made: dict[int, NDArray[np.float32]],
        keywords: Mapping[int, TopKeywords] = NO_KEYWORDS,
    ) -> None:
        """Stores what a model has made of images that lack its features. Images that are gone
        meanwhile are left out.

        Args:
            made: the features, float32 [D] by sequence number.
            keywords: those that it gave with them, by sequence number.
        Raises:
            ModelReplaced: the catalogue no longer knows the model, just as the record has it.
            ModelRefused: their length is not the model's.
            StorageFull, CatalogueUnavailable: nothing was stored.
        """
        feature_rows.check_length(record, made)
        self._database.dialect.check_room()
        with self._database.writing() as connection:
            check_known(connection, record)
            lacking = _without_features(record.model, 0).where(images.c.seq.in_(made))
            rows = [
                feature_rows.to_row(seq, record.model, made[seq], keywords.get(seq))
                for seq in connection.execute(lacking).scalars()
            ]
            if rows:
                connection.execute(insert(features), rows)

    def discard(self, model: int, limit: int) -> int:
        """Deletes the features of at most `limit` images by a model; returns of how many."""
        return self._database.even_when_full(lambda: self._discard(model, limit))

    def some(self, model: int, seqs: Sequence[int]) -> Page | None:
        """Reads the features of some images by a model, in order of their sequence numbers; those
        that are gone are left out, and None is of none.

        Raises:
            CatalogueDamaged: a row is not what was stored; the text names it.
        """
        columns = (features.c.seq, features.c.crc, features.c.vector)
        which = (features.c.model == model) & features.c.seq.in_(seqs)
        with self._database.reading() as connection:
            found = select(*columns).where(which).order_by(features.c.seq)
            rows = connection.execute(found).all()
        return _checked([tuple(row) for row in rows]) if rows else None

    def _discard(self, model: int, limit: int) -> int:
        some = select(features.c.seq).where(features.c.model == model).limit(limit)
        with self._database.writing() as connection:
            seqs = connection.execute(some).scalars().all()
            which = (features.c.model == model) & features.c.seq.in_(seqs)
            connection.execute(delete(features).where(which))
        return len(seqs)

    def checksums(self, model: int, up_to: int) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Returns sequence numbers, int64 [n] ascending, and the CRC-32 of the features of each,
        uint32 [n], with seq <= `up_to`."""
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
        """Reads the features of `model` with `after` < seq <= `up_to`, in order of seq.

        Each page is a transaction of its own, so that a long walk holds back no checkpoint.

        Args:
            page: rows at a time; without it as many as this kind of database is fastest with.
        Raises:
            CatalogueDamaged: a row is not what was stored; the text names it.
        """
        dialect = self._database.dialect
        while True:
            with self._database.reading() as connection:
                limit = page or dialect.page_rows
                rows = list(dialect.read_features(connection, model, after, up_to, limit))
            if not rows:
                return
            yield _checked(rows)
            after = rows[-1][0]


def _checked(rows: list[tuple[int, int, bytes]]) -> Page:
    """Returns rows as a page; raises CatalogueDamaged where one is not what was stored."""
    seqs, stored, vectors = zip(*rows, strict=True)
    found = tuple(map(zlib.crc32, vectors))
    if found != stored or len({len(vector) for vector in vectors}) > 1:
        damaged = [row[0] for row, crc in zip(rows, found, strict=True) if row[1] != crc]
        raise CatalogueDamaged(
            f"the features of the images number {damaged[:10]} are not what was stored: "
            "python -m sidecar verify names them"
        )
    table = np.frombuffer(b"".join(vectors), feature_rows.DTYPE).reshape(len(rows), -1)
    return Page(np.array(seqs, np.int64), table, np.array(stored, np.uint32))


def any_lacks_features(connection: Connection, model: int, after: int) -> bool:
    """Says whether an image with seq > `after` has no features of `model`, in a transaction."""
    return connection.execute(_without_features(model, after).limit(1)).first() is not None


def count_features(connection: Connection, model: int, most: int) -> int:
    """Counts the images with features of `model`, up to `most`, within a transaction."""
    some = select(features.c.seq).where(features.c.model == model).limit(most).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def _without_features(model: int, after: int) -> Select[Any]:
    """Selects the sequence numbers above `after` of images without features of `model`."""
    of_model = (features.c.seq == images.c.seq) & (features.c.model == model)
    query = select(images.c.seq).select_from(images.outerjoin(features, of_model))
    return query.where(features.c.seq.is_(None), images.c.seq > after)
