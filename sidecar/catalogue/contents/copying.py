"""The bytes of images on their way from one catalogue to another, either of which may have them in
rows or as objects of a store."""

import logging
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from sidecar.catalogue.contents.reading import missing
from sidecar.catalogue.contents.walk import KINDS
from sidecar.catalogue.picture_objects import PictureObjects

log = logging.getLogger(__name__)

BLOBS = {kind.table.name: (kind.blob.name, kind.what) for kind in KINDS}


@dataclass(frozen=True)
class CopiedContents:
    """Reads bytes where the source has them, and puts them where the target keeps new ones."""

    source: PictureObjects
    target: PictureObjects

    def copied(self, table: Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Returns rows of a table as the target is to have them. Bytes that are damaged stay so;
        where an object is missing there are none.

        Raises:
            PicturesStoreUnavailable.
        """
        if table.name not in BLOBS:
            return rows
        blob, what = BLOBS[table.name]
        found = self.source.read_all([(row[blob], row["object"]) for row in rows])
        for row, content in zip(rows, found, strict=True):
            if content is None:
                log.warning("%s", missing(f"{what} of the image number {row['seq']}"))
            row |= {blob: content or b"", "object": None, "bytes": None}
        if self.target.is_used:
            self._put(table.name, blob, [row for row in rows if row[blob]])
        return rows

    def _put(self, kind: str, blob: str, rows: list[dict[str, Any]]) -> None:
        names = self.target.put_all([(kind, row[blob]) for row in rows])
        for row, name in zip(rows, names, strict=True):
            row |= {"object": name, "bytes": len(row[blob]), blob: b""}
