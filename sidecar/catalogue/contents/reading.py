"""Canonical JPEGs as rows have them, read whole and checked.

A transaction reads the rows. Their bytes may be objects of PICTURES_STORE, which takes milliseconds
or is away: so they are asked for when the transaction has ended.
"""

import zlib
from collections.abc import Sequence
from typing import Any

from sidecar.catalogue.picture_objects import PictureObjects
from sidecar.catalogue.schema import pictures
from sidecar.errors import CatalogueDamaged

# What a query has to select of a row; `crc` of another table goes by another name.
JPEG = (pictures.c.jpeg, pictures.c.object, pictures.c.crc.label("jpeg_crc"))


def jpegs_of(objects: PictureObjects, rows: Sequence[Any]) -> list[bytes | None]:
    """Returns the JPEGs of rows that have the columns `JPEG`, in their order; None for each whose
    object is missing."""
    return objects.read_all([(row.jpeg, row.object) for row in rows])


def damage(what: str, jpeg: bytes | None, crc: int) -> str | None:
    """Says what is wrong with a JPEG, if anything is.

    Args:
        what: how the sentence begins: "the JPEG of cat".
        crc: as it was stored.
    """
    if jpeg is None:
        return missing(what)
    return f"{what} is not what was stored" if zlib.crc32(jpeg) != crc else None


def missing(what: str) -> str:
    """Says that the object of something is gone."""
    return f"{what} is missing from PICTURES_STORE"


def checked(image_id: str, jpeg: bytes | None, crc: int) -> bytes:
    """Returns the JPEG of an image. Raises CatalogueDamaged: it is missing, or not what was
    stored."""
    wrong = damage(f"the JPEG of {image_id}", jpeg, crc)
    if wrong is not None:
        raise CatalogueDamaged(wrong)
    assert jpeg is not None
    return jpeg


def whole(jpeg: bytes | None, crc: int) -> tuple[bytes, bool]:
    """Returns a JPEG, b"" where it is missing, and whether it is what was stored."""
    return jpeg or b"", jpeg is not None and zlib.crc32(jpeg) == crc
