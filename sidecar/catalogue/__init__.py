"""The catalogue: every image, its features, and every task, in one durable database.

This package is the one door to SQLAlchemy.
"""

from dataclasses import dataclass

from sidecar.catalogue.database import Database
from sidecar.catalogue.entries import Entries, NewImage
from sidecar.catalogue.models import ModelRecord, Models
from sidecar.catalogue.tasks import Published, Task, Tasks

__all__ = [
    "Catalogue",
    "Entries",
    "ModelRecord",
    "Models",
    "NewImage",
    "Published",
    "Task",
    "Tasks",
    "open_catalogue",
]


@dataclass(frozen=True)
class Catalogue:
    """The three parts of one database."""

    database: Database
    entries: Entries
    models: Models
    tasks: Tasks


def open_catalogue(url: str, lease_s: float) -> Catalogue:
    """Open the catalogue at an SQLAlchemy URL, and make its tables where there are none.

    Args:
        url: for example `sqlite:////var/lib/similarity/catalogue.sqlite`.
        lease_s: seconds after which a silent running task counts as abandoned.
    Raises:
        CatalogueUnavailable: the database can't be opened.
    """
    database = Database(url)
    return Catalogue(database, Entries(database), Models(database), Tasks(database, lease_s))
