"""The checksum of a whole row: over its key and every column that never changes.

The checksum of a JPEG or of features says that these bytes are what was stored, not whose they are.
That of an image's row covers its sequence number, id, SHA-256, time, and the checksum of its JPEG.
"""

import zlib
from typing import Any

from sqlalchemy import Column

from sidecar.catalogue.schema import (
    duplicate_decisions,
    image_metadata,
    images,
    models,
    pictures,
    removals,
)

IMAGE: tuple[Column[Any], ...] = (
    images.c.seq,
    images.c.id,
    images.c.sha256,
    images.c.added_at,
    pictures.c.crc,
)
MODEL: tuple[Column[Any], ...] = (
    models.c.model,
    models.c.version,
    models.c.sha256,
    models.c.dimension,
)
REMOVAL: tuple[Column[Any], ...] = (removals.c.removal, removals.c.seq, removals.c.removed_at)
METADATA: tuple[Column[Any], ...] = (
    image_metadata.c.change,
    image_metadata.c.seq,
    image_metadata.c.document,
)
DECISION: tuple[Column[Any], ...] = (
    duplicate_decisions.c.change,
    duplicate_decisions.c.a,
    duplicate_decisions.c.b,
    duplicate_decisions.c.decision,
    duplicate_decisions.c.decided_at,
)


def checksum(*values: object) -> int:
    """Returns the CRC-32 of values as they stand in a row, in the order of one of the lists above:
    of their texts with a NUL between, which no text in the catalogue holds."""
    return zlib.crc32("\0".join(map(str, values)).encode())


def is_whole(stored: int | None, *values: object) -> bool:
    """Says whether a row is what was stored. One without a checksum counts as whole: a process of
    the release before wrote it while the newer one was starting."""
    return stored is None or checksum(*values) == stored
