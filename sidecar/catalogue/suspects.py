"""Features that are in doubt: which ones, what their images look like, and how the doubt ends.

A model's key was once given to another model, so features could end up under a model that had not
made them. `mend` embeds the images of all suspects again. Those that were right are struck off;
those that were wrong are put right, and stay on the list until the index has followed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, update

from sidecar.catalogue import contents
from sidecar.catalogue.database import Database
from sidecar.catalogue.duplicates import pair_rows
from sidecar.catalogue.features import feature_rows, keyword_rows
from sidecar.catalogue.features.keyword_rows import NO_KEYWORDS, TopKeywords
from sidecar.catalogue.model_rows import ModelRecord, check_known
from sidecar.catalogue.schema import features, images, pictures, suspects


@dataclass(frozen=True)
class StoredFeatures:
    """The features of an image by a model, with what to compare them with.

    Args:
        seq, id: of the image.
        jpeg: its canonical JPEG.
        is_whole: whether the JPEG is what was stored.
        features: float32 [n], of any length where they are another model's.
        keywords: None where they were not made yet, or are not what was stored.
    """

    seq: int
    id: str
    jpeg: bytes
    is_whole: bool
    features: NDArray[np.float32]
    keywords: TopKeywords | None


class Suspects:
    """The list of features in doubt."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self) -> int:
        """Counts the suspects, those that have been mended among them."""
        with self._database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(suspects)).scalar_one())

    def add_all(self, record: ModelRecord) -> None:
        """Lists all features of a model; those that are listed stay as they are. Errors as
        `check_known`."""
        of_model = select(features.c.seq, features.c.model).where(features.c.model == record.model)
        new = of_model.where(~select(suspects.c.seq).where(_is_listed()).exists())
        with self._database.writing() as connection:
            check_known(connection, record)
            connection.execute(insert(suspects).from_select(["seq", "model"], new))

    def page(self, record: ModelRecord, limit: int) -> list[StoredFeatures]:
        """Returns at most `limit` suspects of a model that have yet to be compared, in order of
        seq."""
        query = _features_of(record).join(suspects, _is_listed()).where(~suspects.c.mended)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(features.c.seq).limit(limit)).all()
        return self._read(rows)

    def sample(self, record: ModelRecord, size: int) -> list[StoredFeatures]:
        """Returns features of a model: of the newest image, and of others spread evenly over
        all."""
        with self._database.reading() as connection:
            span = select(func.min(images.c.seq), func.max(images.c.seq))
            first, last = connection.execute(span).one()
            if first is None:
                return []
            newest = _features_of(record).order_by(features.c.seq.desc()).limit(1)
            rows = [*connection.execute(newest)]
            starts = np.linspace(first, last, size - 1, endpoint=False, dtype=np.int64)
            for start in np.unique(starts).tolist():  # few images have fewer starts than asked
                after = _features_of(record).where(features.c.seq >= start)
                rows += [*connection.execute(after.order_by(features.c.seq).limit(1))]
        return self._read([*{row.seq: row for row in rows}.values()])

    def settle(
        self,
        record: ModelRecord,
        right: Collection[int],
        wrong: Mapping[int, NDArray[np.float32]],
        keywords: Mapping[int, TopKeywords] = NO_KEYWORDS,
    ) -> None:
        """Strikes off what was right, and puts right what was wrong. Images that are gone meanwhile
        are left alone.

        Args:
            right: sequence numbers.
            wrong: the right features, float32 [D] by sequence number.
            keywords: those that were wrong or missing, as they are right, by sequence number.
        Raises:
            ModelReplaced: the catalogue no longer knows the model, just as the record has it.
            ModelRefused: the length of the features is not the model's.
        """
        feature_rows.check_length(record, wrong)
        with self._database.writing() as connection:
            check_known(connection, record)
            connection.execute(delete(suspects).where(_of(record, right)))
            if wrong:  # what was found by them may be wrong: all are compared again
                pair_rows.forget(connection, record.model)
            for seq, each in wrong.items():
                row = feature_rows.to_row(seq, record.model, each)
                mended = {"vector": row["vector"], "crc": row["crc"]}
                connection.execute(update(features).where(_row(record, seq)).values(mended))
            for seq, found in keywords.items():
                column = keyword_rows.to_column(seq, record.model, found)
                connection.execute(
                    update(features).where(_row(record, seq)).values(keywords=column)
                )
            listed = _of(record, wrong.keys())
            connection.execute(update(suspects).where(listed).values(mended=True))

    def drop(self, record: ModelRecord, limit: int) -> int:
        """Deletes suspect features of a model that is not in use: an upgrade to it or a rollback
        embeds the images again. Returns of how many images, at most `limit`."""
        some = select(suspects.c.seq).where(suspects.c.model == record.model, ~suspects.c.mended)
        with self._database.writing() as connection:
            check_known(connection, record)
            seqs = connection.execute(some.limit(limit)).scalars().all()
            which = (features.c.model == record.model) & features.c.seq.in_(seqs)
            connection.execute(delete(features).where(which))
            connection.execute(update(suspects).where(_of(record, seqs)).values(mended=True))
        return len(seqs)

    def strike_gone(self) -> None:
        """Strikes off features that are gone, with their image or with their model."""
        gone = ~select(features.c.seq).where(_is_listed()).exists()
        with self._database.writing() as connection:
            connection.execute(delete(suspects).where(gone & ~suspects.c.mended))

    def mended(self) -> dict[int, int]:
        """Counts the suspects that have been mended while the index has yet to follow, by the key
        of their model."""
        query = select(suspects.c.model, func.count()).where(suspects.c.mended)
        with self._database.reading() as connection:
            rows = connection.execute(query.group_by(suspects.c.model)).all()
        return {row[0]: row[1] for row in rows}

    def _read(self, rows: Sequence[Any]) -> list[StoredFeatures]:
        jpegs = contents.jpegs_of(self._database.objects, rows)
        return [_stored(row, jpeg) for row, jpeg in zip(rows, jpegs, strict=True)]


def strike_mended(connection: Connection) -> None:
    """Strikes off what has been mended, within the transaction in which the index follows."""
    connection.execute(delete(suspects).where(suspects.c.mended))


def _is_listed() -> ColumnElement[bool]:
    """Holds of a suspect and the features that it is about."""
    return (suspects.c.seq == features.c.seq) & (suspects.c.model == features.c.model)


def _row(record: ModelRecord, seq: int) -> ColumnElement[bool]:
    """Holds of the features of an image by a model."""
    return (features.c.seq == seq) & (features.c.model == record.model)


def _of(record: ModelRecord, seqs: Collection[int]) -> ColumnElement[bool]:
    """Holds of the suspects of a model with these sequence numbers."""
    return (suspects.c.model == record.model) & suspects.c.seq.in_(seqs)


def _features_of(record: ModelRecord) -> Select[Any]:
    made = (features.c.model, features.c.vector, features.c.keywords)
    columns = (features.c.seq, images.c.id, *contents.JPEG, *made)
    joined = features.join(images, images.c.seq == features.c.seq)
    joined = joined.join(pictures, pictures.c.seq == features.c.seq)
    return select(*columns).select_from(joined).where(features.c.model == record.model)


def _stored(row: Any, jpeg: bytes | None) -> StoredFeatures:
    content, is_whole = contents.whole(jpeg, row.jpeg_crc)
    stored = feature_rows.from_row(row.vector)
    keywords = keyword_rows.from_column(row.seq, row.model, row.keywords)
    return StoredFeatures(row.seq, row.id, content, is_whole, stored, keywords)
