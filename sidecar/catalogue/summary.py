"""Totals of one moment: figures that have to add up are read in one transaction."""

from dataclasses import dataclass

from sqlalchemy import func, select

from sidecar.catalogue import last_backup
from sidecar.catalogue.database import Database
from sidecar.catalogue.images import count_images
from sidecar.catalogue.last_backup import BackupMade
from sidecar.catalogue.model_rows import COLUMNS, ModelRecord
from sidecar.catalogue.schema import features, models, tasks
from sidecar.catalogue.task import Task
from sidecar.catalogue.task_rows import newest, running

_PUBLISHED = select(func.coalesce(func.max(tasks.c.generation), 0))


@dataclass(frozen=True)
class Totals:
    """How much there is.

    Args:
        images: all of them.
        waiting: those above the sequence number in question.
        bytes: on the disk.
        last_task: the newest, if there is one.
        running: the task that runs, if one does.
        published: the number of the newest generation that a task has published; 0 for none.
        last_backup: if there has been one.
    """

    images: int
    waiting: int
    bytes: int
    last_task: Task | None
    running: Task | None
    published: int
    last_backup: BackupMade | None


@dataclass(frozen=True)
class KnownModel:
    """A model that the catalogue knows: whether it is in use, and how many images have features of
    it."""

    record: ModelRecord
    in_use: bool
    features: int


class Summary:
    """Sums the catalogue up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def totals(self, after: int) -> Totals:
        """Counts all images and those above `after`; takes milliseconds with a million of them."""
        with self._database.reading() as connection:
            return Totals(
                count_images(connection),
                count_images(connection, after),
                self._database.dialect.bytes_used(connection),
                next(iter(newest(connection, 1)), None),
                running(connection),
                connection.execute(_PUBLISHED).scalar_one(),
                last_backup.find(connection),
            )

    def models(self) -> list[KnownModel]:
        """Returns every model that the catalogue knows, by version."""
        images_of_it = (
            select(func.count()).where(features.c.model == models.c.model).scalar_subquery()
        )
        query = select(models.c.in_use, images_of_it, *COLUMNS).order_by(models.c.version)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [KnownModel(ModelRecord(*record), in_use, count) for in_use, count, *record in rows]
