"""The keywords of the catalogue in bulk: read for filters, and stored where there were none yet."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, func, select, update

from sidecar.catalogue import contents
from sidecar.catalogue.database import Connections
from sidecar.catalogue.features import keyword_rows
from sidecar.catalogue.features.keyword_pages import KeywordPage
from sidecar.catalogue.features.keyword_rows import TopKeywords
from sidecar.catalogue.model_rows import ModelRecord, check_known
from sidecar.catalogue.schema import features, images, pictures

PAGE = 4096  # rows, some 60 KB of keywords


@dataclass(frozen=True)
class Unlabelled:
    """An image whose keywords by a model were not made yet.

    Args:
        seq, id: of the image.
        jpeg: its canonical JPEG.
        is_whole: whether that is what was stored.
    """

    seq: int
    id: str
    jpeg: bytes
    is_whole: bool


class StoredKeywords:
    """Reads the keywords of a model, checked, and stores those that were missing."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    def keywords(
        self, model: int, after: int, up_to: int, page: int = PAGE
    ) -> Iterator[KeywordPage]:
        """Reads the keywords by `model` of images with `after` < seq <= `up_to`, in order of seq.

        Each page is a transaction of its own, as in `Features.stream`. A row that is damaged is
        logged, and counts as not made yet.

        Args:
            page: rows at a time.
        """
        query = _rows_of(model).where(features.c.seq <= up_to).limit(page)
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query.where(features.c.seq > after)).all()
            if not rows:
                return
            yield KeywordPage.of(model, rows)
            after = rows[-1].seq

    def keywords_of(self, model: int, seqs: Collection[int]) -> KeywordPage:
        """Reads the keywords by `model` of a few images, as `keywords`; those that are gone, or
        have no features of it, are left out.

        Args:
            seqs: sequence numbers, a few hundred at most.
        """
        with self._database.reading() as connection:
            query = _rows_of(model).where(features.c.seq.in_(seqs))
            return KeywordPage.of(model, connection.execute(query).all())

    def count_unlabelled(self, model: int) -> int:
        """Counts the images whose keywords by a model were not made yet."""
        query = select(func.count()).select_from(features).where(*_unlabelled(model))
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def unlabelled_seqs(self, model: int) -> NDArray[np.int64]:
        """Returns the sequence numbers of the images whose keywords by a model were not made yet:
        int64 [n], ascending."""
        query = select(features.c.seq).where(*_unlabelled(model)).order_by(features.c.seq)
        with self._database.reading() as connection:
            return np.fromiter(connection.execute(query).scalars(), np.int64)

    def unlabelled(self, model: int, after: int, limit: int) -> list[Unlabelled]:
        """Returns at most `limit` images with seq > `after` whose keywords by a model were not made
        yet, in order of seq."""
        columns = (features.c.seq, images.c.id, *contents.JPEG)
        joined = features.join(images, images.c.seq == features.c.seq)
        joined = joined.join(pictures, pictures.c.seq == features.c.seq)
        query = select(*columns).select_from(joined)
        query = query.where(*_unlabelled(model), features.c.seq > after)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(features.c.seq).limit(limit)).all()
        jpegs = contents.jpegs_of(self._database.objects, rows)
        return [
            Unlabelled(row.seq, row.id, *contents.whole(jpeg, row.jpeg_crc))
            for row, jpeg in zip(rows, jpegs, strict=True)
        ]

    def label(self, record: ModelRecord, made: dict[int, TopKeywords]) -> None:
        """Stores keywords by a model of images that have none yet, by sequence number. Images that
        are gone meanwhile are left out.

        Raises:
            ModelReplaced: the catalogue no longer knows the model, just as the record has it.
            StorageFull, CatalogueUnavailable: nothing was stored.
        """
        self._database.dialect.check_room()
        with self._database.writing() as connection:
            check_known(connection, record)
            for seq, each in made.items():
                column = keyword_rows.to_column(seq, record.model, each)
                row = (*_unlabelled(record.model), features.c.seq == seq)
                connection.execute(update(features).where(*row).values(keywords=column))


def _unlabelled(model: int) -> tuple[Any, Any]:
    """Holds of the features of a model without keywords; an index has just these."""
    return features.c.model == model, features.c.keywords.is_(None)


def _rows_of(model: int) -> Select[Any]:
    columns = (features.c.seq, features.c.keywords)
    return select(*columns).where(features.c.model == model).order_by(features.c.seq)
