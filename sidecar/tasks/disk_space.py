"""Whether the volume has room for an upgrade: better refused at once than failed after a day."""

import shutil
from pathlib import Path

from sidecar.catalogue import Catalogue, ModelRecord
from sidecar.errors import StorageFull

ROW_BYTES = 256  # of an image in catalogue or index, besides its features
SPARE = 1.1  # times what is needed: pages are never quite full


def check_room(catalogue: Catalogue, record: ModelRecord, folder: Path) -> None:
    """Checks that the volume has room for features and an index by a model.

    Args:
        folder: of the index.
    Raises:
        StorageFull: it has not.
    """
    images = catalogue.images.count()
    missing = images - catalogue.features.count(record.model)
    rows = images + (missing if catalogue.is_a_file else 0)
    needed = int(SPARE * rows * (2 * record.dimension + ROW_BYTES))
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StorageFull(
            f"the upgrade needs about {needed / 1e6:.1f} MB, "
            f"and the volume of DATA_DIR has {free / 1e6:.1f} MB free"
        )
