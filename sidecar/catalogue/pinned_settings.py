"""The settings that shape features, as they were when the first image came: features of two
settings do not compare."""

from sqlalchemy import Connection, select

from sidecar.catalogue import facts
from sidecar.catalogue.database import Connections
from sidecar.catalogue.schema import images, pictures

CANONICAL_SIZE = "CANONICAL_SIZE"
SAMPLE = 64  # images of a catalogue that an older release made


class Pinned:
    """The pinned settings of a catalogue."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    def canonical_size(self, wanted: int) -> int:
        """Returns the short side at which the images of this catalogue are kept, pixels.

        A catalogue without images takes the one that is wanted. So does one that an older release
        made, unless its newest images show that it was larger.
        """
        with self._database.writing() as connection:
            is_empty = connection.execute(select(images.c.seq).limit(1)).first() is None
            value = facts.find(connection, CANONICAL_SIZE)
            if value is not None and not is_empty:
                return int(value)
            size = max(wanted, _largest_short_side(connection))
            facts.put(connection, CANONICAL_SIZE, str(size))
            return size


def _largest_short_side(connection: Connection) -> int:
    # Imported here: it loads the decoders, and only a first start needs it.
    from sidecar.images import jpeg

    in_rows = pictures.c.object.is_(None)  # as all are that an older release has stored
    newest = select(pictures.c.jpeg).where(in_rows).order_by(pictures.c.seq.desc()).limit(SAMPLE)
    containers = [jpeg.read(bytes(each)) for each in connection.execute(newest).scalars()]
    frames = [each.frame for each in containers if each is not None]
    return max((min(frame.size) for frame in frames if frame is not None), default=0)
