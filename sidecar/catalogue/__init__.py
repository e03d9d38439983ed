"""The catalogue: every image, its features, and every task, in one durable database.

This package is the one door to SQLAlchemy, Alembic and psycopg.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from sidecar.catalogue.adds import Adds, NewImage
from sidecar.catalogue.audit import Audit
from sidecar.catalogue.copies import copy, started
from sidecar.catalogue.database import Database
from sidecar.catalogue.entries import Entries, Entry, Upload
from sidecar.catalogue.models import SWITCHES, ModelRecord, Models, use
from sidecar.catalogue.removals import Removals, Removed
from sidecar.catalogue.summary import KnownModel, Summary, Totals
from sidecar.catalogue.suspects import Embedded, Suspects, strike_mended
from sidecar.catalogue.tasks import KINDS, SHORT, Published, Task, Tasks
from sidecar.catalogue.vectors import Page, Picture, Vectors, lacking

__all__ = [
    "KINDS",
    "SHORT",
    "SWITCHES",
    "Adds",
    "Audit",
    "Catalogue",
    "Connection",
    "Embedded",
    "Entries",
    "Entry",
    "KnownModel",
    "ModelRecord",
    "Models",
    "NewImage",
    "Page",
    "Picture",
    "Published",
    "Removals",
    "Removed",
    "Summary",
    "Suspects",
    "Task",
    "Tasks",
    "Totals",
    "Upload",
    "Vectors",
    "catalogue_at",
    "copy",
    "lacking",
    "open_catalogue",
    "started",
    "strike_mended",
    "use",
]


@dataclass(frozen=True)
class Catalogue:
    """The parts of one database."""

    database: Database
    adds: Adds
    entries: Entries
    vectors: Vectors
    suspects: Suspects
    removals: Removals
    models: Models
    tasks: Tasks
    summary: Summary


def open_catalogue(url: str, lease_s: float) -> Catalogue:
    """Open the catalogue at an SQLAlchemy URL; its tables are made or brought up to date.

    Args:
        url: for example `sqlite:////var/lib/similarity/catalogue.sqlite`.
        lease_s: seconds after which a silent running task counts as abandoned.
    Raises:
        CatalogueUnavailable: the database can't be opened, or a newer release made it.
    """
    catalogue = catalogue_at(url, lease_s)
    catalogue.database.open()
    return catalogue


def catalogue_at(url: str, lease_s: float) -> Catalogue:
    """The catalogue that is open from `database.open` to `database.close`; arguments as above.

    Raises:
        CatalogueUnavailable: `url` names no kind of database that is known here.
    """
    database = Database(url)
    return Catalogue(
        database,
        Adds(database),
        Entries(database),
        Vectors(database),
        Suspects(database),
        Removals(database),
        Models(database),
        Tasks(database, lease_s),
        Summary(database),
    )
