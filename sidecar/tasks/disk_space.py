"""Whether the volume has room for an upgrade: better refused at once than failed after a day."""

import shutil
from dataclasses import dataclass

from sidecar.catalogue import Catalogue, ModelRecord
from sidecar.errors import StorageFull
from sidecar.index import GenerationStore

ROW_BYTES = 256  # of an image in catalogue or index, besides its features
SPARE = 1.1  # times what is needed: pages are never quite full


@dataclass(frozen=True)
class Needed:
    """What an upgrade writes: features of the images that lack them, and an index of all images."""

    features_bytes: int
    index_bytes: int


def needed(generations: GenerationStore, images: int, missing: int, dimension: int) -> Needed:
    """Returns what an upgrade writes.

    Args:
        generations: where there is none, the upgrade makes no index either.
        images: all that are stored.
        missing: those of them that lack features.
        dimension: D of the model.
    """
    row = SPARE * (2 * dimension + ROW_BYTES)
    indexed = images if generations.numbers() else 0
    indexed_row = SPARE * (generations.engine.row_bytes(dimension) + ROW_BYTES)
    return Needed(int(missing * row), int(indexed * indexed_row))


def check_room(catalogue: Catalogue, record: ModelRecord, generations: GenerationStore) -> None:
    """Checks that the volume has room for features and an index by a model.

    Raises:
        StorageFull: it has not.
    """
    images = catalogue.images.count()
    missing = images - catalogue.features.count(record.model)
    parts = needed(generations, images, missing, record.dimension)
    here = parts.index_bytes + (parts.features_bytes if catalogue.is_a_file else 0)
    free = free_bytes(generations)
    if here > free:
        raise StorageFull(
            f"the upgrade needs about {here / 1e6:.1f} MB, "
            f"and the volume of DATA_DIR has {free / 1e6:.1f} MB free"
        )


def free_bytes(generations: GenerationStore) -> int:
    """Returns what is free on the volume of the index."""
    return shutil.disk_usage(generations.folder).free
