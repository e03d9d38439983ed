"""The last look before an image is stored that must be unlike all others: at what was added since
it was compared.

Its search saw what was there when it looked. Two adds of one image at the same instant see neither
of them; but only one transaction writes at a time, and the later one finds what the earlier wrote.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from sidecar.catalogue.features import feature_rows
from sidecar.catalogue.model_rows import ModelRecord
from sidecar.catalogue.schema import features, images


@dataclass(frozen=True)
class Unlike:
    """What an image must be unlike to be stored: all that was added since it was compared.

    Args:
        after: the largest sequence number of what it was compared with.
        model: whose features are compared.
        farthest: the squared L2 distance up to which two images are the same.
    """

    after: int
    model: ModelRecord
    farthest: float


@dataclass(frozen=True, eq=False)
class Newcomer:
    """An image that was just added, or is about to be.

    Args:
        seq: None where it has none yet.
        sha256: of its upload, hex.
        features: float32 [D] by the keys of models.
    """

    seq: int | None
    id: str
    sha256: str
    features: Mapping[int, NDArray[np.float32]]


class Newcomers:
    """Holds what was added since the images of a batch were compared."""

    def __init__(self, connection: Connection, batch: Sequence[Unlike]) -> None:
        """Reads within a transaction; nothing, where no image has to be unlike others."""
        self._found = _added(connection, batch) if batch else []

    def alike(self, image: Newcomer, unlike: Unlike) -> tuple[str, float] | None:
        """Returns id and distance of the nearest that is the same as an image; None where none is.
        One with its own id is no other."""
        near = [
            (dist, each.id)
            for each in self._found
            if each.id != image.id and (each.seq is None or each.seq > unlike.after)
            if (dist := _distance(each, image, unlike)) is not None
        ]
        if not near:
            return None
        dist, image_id = min(near)
        return image_id, dist

    def add(self, image: Newcomer) -> None:
        """Counts an image in that is going to be stored."""
        self._found.append(image)


def _distance(one: Newcomer, other: Newcomer, unlike: Unlike) -> float | None:
    """Returns the distance of two images that are the same; None where they are not."""
    a, b = (each.features.get(unlike.model.model) for each in (one, other))
    dist = None
    if a is not None and b is not None and a.shape == b.shape:
        dist = float(np.square(a - b).sum())
    if one.sha256 == other.sha256:
        return dist or 0.0
    return dist if dist is not None and dist <= unlike.farthest else None


def _added(connection: Connection, batch: Sequence[Unlike]) -> list[Newcomer]:
    """Returns what was added since the first of a batch was compared: few, whatever the catalogue
    holds."""
    after = min(each.after for each in batch)
    asked = {each.model.model for each in batch}
    columns = (images.c.seq, images.c.id, images.c.sha256, features.c.model, features.c.vector)
    by_model = (features.c.seq == images.c.seq) & features.c.model.in_(asked)
    query = select(*columns).select_from(images.outerjoin(features, by_model))
    found: dict[int, Newcomer] = {}
    for row in connection.execute(query.where(images.c.seq > after)):
        made = {} if row.vector is None else {row.model: feature_rows.from_row(row.vector)}
        before = found[row.seq].features if row.seq in found else {}
        found[row.seq] = Newcomer(row.seq, row.id, row.sha256, {**before, **made})
    return [*found.values()]
