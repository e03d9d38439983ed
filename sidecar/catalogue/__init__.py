"""The catalogue: every image, its features, and every task, in one durable database.

This package is the one door to SQLAlchemy, Alembic and psycopg.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sidecar.catalogue.adds import Adds, NewImage
from sidecar.catalogue.audit import Audit
from sidecar.catalogue.copies import Report, copying
from sidecar.catalogue.database import Database, Within
from sidecar.catalogue.features import Features, Page, StoredImage
from sidecar.catalogue.images import ImageRecord, Images, Upload
from sidecar.catalogue.models import ModelRecord, Models
from sidecar.catalogue.removals import Removals, Removed
from sidecar.catalogue.reports import (
    Agreement,
    EmbeddingProgress,
    IndexReport,
    MendingProgress,
    MendingReport,
    Progress,
    RetirementReport,
    SwitchReport,
    to_json,
)
from sidecar.catalogue.summary import KnownModel, Summary, Totals
from sidecar.catalogue.suspects import Embedded, Suspects
from sidecar.catalogue.task import (
    OF_VERSIONS,
    SHORT,
    SWITCHES,
    UNFINISHED,
    Task,
    TaskKind,
    TaskState,
)
from sidecar.catalogue.tasks import Publication, Tasks
from sidecar.catalogue.transaction import Transaction

__all__ = [
    "OF_VERSIONS",
    "SHORT",
    "SWITCHES",
    "UNFINISHED",
    "Adds",
    "Agreement",
    "Audit",
    "Catalogue",
    "Embedded",
    "EmbeddingProgress",
    "Features",
    "ImageRecord",
    "Images",
    "IndexReport",
    "KnownModel",
    "MendingProgress",
    "MendingReport",
    "ModelRecord",
    "Models",
    "NewImage",
    "Page",
    "Progress",
    "Publication",
    "Removals",
    "Removed",
    "RetirementReport",
    "StoredImage",
    "Summary",
    "Suspects",
    "SwitchReport",
    "Task",
    "TaskKind",
    "TaskState",
    "Tasks",
    "Totals",
    "Transaction",
    "Upload",
    "catalogue_at",
    "open_catalogue",
    "to_json",
]

KEEP_TASKS_DAYS = 30.0


@dataclass(frozen=True)
class Catalogue:
    """The parts of one database."""

    database: Database
    adds: Adds
    images: Images
    features: Features
    suspects: Suspects
    removals: Removals
    models: Models
    tasks: Tasks
    summary: Summary

    @property
    def is_a_file(self) -> bool:
        """Whether it is a file on the volume that the index is on."""
        return self.database.kind.is_a_file

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Several looks at one moment. Keep it short: it holds back checkpoints and vacuuming."""
        with self.database.reading() as connection:
            yield Transaction(Within(self.database.kind, connection, writes=False), self.tasks)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """Several looks and writes that count when the block ends well; nobody else writes.

        Raises:
            StorageFull, CatalogueUnavailable: nothing was written.
        """
        with self.database.writing() as connection:
            yield Transaction(Within(self.database.kind, connection, writes=True), self.tasks)

    @contextmanager
    def filling(self, moment: Transaction, report: Report) -> Iterator[None]:
        """Fill this catalogue, an empty one, from another's `moment`; it counts when the block
        ends well. Errors as `copying`."""
        with copying(moment.within, self.database, report):
            yield

    def release_space(self) -> None:
        """Have the room of what was removed given back, and its last traces overwritten."""
        self.database.release_space()

    def close(self) -> None:
        """Close its connections."""
        self.database.close()


def open_catalogue(url: str, lease_s: float, keep_days: float = KEEP_TASKS_DAYS) -> Catalogue:
    """Open the catalogue at an SQLAlchemy URL; its tables are made or brought up to date.

    Args:
        url: for example `sqlite:////var/lib/similarity/catalogue.sqlite`.
        lease_s: seconds after which a silent running task counts as abandoned.
        keep_days: for which a finished task is kept.
    Raises:
        CatalogueUnavailable: the database can't be opened, or a newer release made it.
    """
    catalogue = catalogue_at(url, lease_s)
    catalogue.database.open()
    return catalogue


def catalogue_at(url: str, lease_s: float, keep_days: float = KEEP_TASKS_DAYS) -> Catalogue:
    """The catalogue that is open from `database.open` to `database.close`; arguments as above.

    Raises:
        CatalogueUnavailable: `url` names no kind of database that is known here.
    """
    database = Database(url)
    return Catalogue(
        database,
        Adds(database),
        Images(database),
        Features(database),
        Suspects(database),
        Removals(database),
        Models(database),
        Tasks(database, lease_s, keep_days),
        Summary(database),
    )
