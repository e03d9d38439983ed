"""An image that is about to be stored, with all that is stored of it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue.features.keyword_rows import TopKeywords
from sidecar.catalogue.model_rows import ModelRecord
from sidecar.catalogue.newcomers import Newcomer, Unlike
from sidecar.catalogue.picture_objects import names_of


@dataclass(frozen=True)
class NewImage:
    """An image on its way in.

    Args:
        id: as the client knows it.
        sha256: of the upload, hex.
        jpeg: the canonical JPEG.
        features: float32 [D] by the model that made them, as its caller knows it.
        original: the upload, where it is to be kept and is not the canonical JPEG itself.
        overwrite: whether it takes the place of an image with the same id.
        document: its metadata, in JSON, if it comes with any.
        keywords: by the models that gave them with its features.
        unlike: what it must be unlike, where it is to be the only one.
        jpeg_object, original_object: names of the objects that have `jpeg` and `original`; None
            keeps these in rows.
    """

    id: str
    sha256: str
    jpeg: bytes
    features: dict[ModelRecord, NDArray[np.float32]]
    original: bytes | None = None
    overwrite: bool = False
    document: str | None = None
    keywords: dict[ModelRecord, TopKeywords] = field(default_factory=dict)
    unlike: Unlike | None = None
    jpeg_object: str | None = None
    original_object: str | None = None

    @property
    def objects(self) -> list[str]:
        """Returns the names of its objects."""
        return names_of((self.jpeg_object, self.original_object))

    @property
    def newcomer(self) -> Newcomer:
        """Returns what others are compared with."""
        made = {record.model: each for record, each in self.features.items()}
        return Newcomer(None, self.id, self.sha256, made)
