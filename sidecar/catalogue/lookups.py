"""Looks many stored images up in one transaction, by their ids."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, select

from sidecar.catalogue import contents
from sidecar.catalogue.features import feature_rows
from sidecar.catalogue.picture_objects import PictureObjects
from sidecar.catalogue.schema import features, images, pictures
from sidecar.errors import CatalogueDamaged
from sidecar.images import ids


@dataclass(frozen=True, eq=False)
class Stored:
    """A stored image, as one moment has it.

    Args:
        id: as it is stored, which may be another spelling than the one asked for.
        features: float32 [D] by the model that was asked for; None where it has made none.
        jpeg: the canonical JPEG, b"" where it was not asked for.
    """

    seq: int
    id: str
    features: NDArray[np.float32] | None
    jpeg: bytes


def look_up(
    connection: Connection, image_ids: Sequence[str], model: int, jpegs: bool
) -> dict[str, Any]:
    """Returns the rows of the images that are stored, for `stored`, by the ids asked for; an
    unknown id is left out.

    Args:
        model: the catalogue's key of the one whose features are read.
        jpegs: whether the canonical JPEGs are read, too.
    """
    spelt = {image_id: spellings(image_id) for image_id in image_ids}
    every = {spelling for each in spelt.values() for spelling in each}
    rows = {row.id: row for row in connection.execute(_query(every, model, jpegs))}
    found = {
        image_id: next((rows[name] for name in names if name in rows), None)
        for image_id, names in spelt.items()
    }
    return {image_id: row for image_id, row in found.items() if row is not None}


def stored(
    objects: PictureObjects, rows: Mapping[str, Any]
) -> dict[str, Stored | CatalogueDamaged]:
    """Returns the images of rows, or what is wrong with one; to be called after their transaction,
    since JPEGs may be objects. Raises PicturesStoreUnavailable."""
    with_jpeg = [image_id for image_id, row in rows.items() if hasattr(row, "jpeg")]
    found = contents.jpegs_of(objects, [rows[image_id] for image_id in with_jpeg])
    jpegs = dict(zip(with_jpeg, found, strict=True))
    return {image_id: _stored(row, jpegs.get(image_id)) for image_id, row in rows.items()}


def spellings(image_id: str) -> list[str]:
    """Returns under which ids an image may be stored that a database can be asked for (see
    `named`)."""
    return [spelling for spelling in ids.spellings(image_id) if "\0" not in spelling]


def _query(names: set[str], model: int, jpegs: bool) -> Select[Any]:
    of_model = (features.c.seq == images.c.seq) & (features.c.model == model)
    tables = images.outerjoin(features, of_model)
    columns: list[Any] = [images.c.seq, images.c.id, features.c.vector, features.c.crc]
    if jpegs:
        tables = tables.join(pictures, pictures.c.seq == images.c.seq)
        columns += contents.JPEG
    return select(*columns).select_from(tables).where(images.c.id.in_(names))


def _stored(row: Any, jpeg: bytes | None) -> Stored | CatalogueDamaged:
    vector = row.vector
    if vector is not None and zlib.crc32(vector) != row.crc:
        return CatalogueDamaged(f"the features of {row.id} are not what was stored")
    if hasattr(row, "jpeg"):
        wrong = contents.damage(f"the JPEG of {row.id}", jpeg, row.jpeg_crc)
        if wrong is not None:
            return CatalogueDamaged(wrong)
    made = None if vector is None else feature_rows.from_row(vector)
    return Stored(row.seq, row.id, made, jpeg or b"")
