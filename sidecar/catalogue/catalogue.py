"""The catalogue as a whole: its parts, its transactions, its life from open to close."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sidecar.catalogue import last_backup
from sidecar.catalogue.adds import Adds
from sidecar.catalogue.audit import problems
from sidecar.catalogue.claimed_tasks import Tasks
from sidecar.catalogue.contents.moves import Moves
from sidecar.catalogue.contents.unnamed import Unnamed, bytes_named
from sidecar.catalogue.copies import OnProgress, copying
from sidecar.catalogue.database import Database, OpenTransaction
from sidecar.catalogue.duplicates.decisions import Decisions
from sidecar.catalogue.duplicates.pairs import Duplicates
from sidecar.catalogue.features.bulk import Features
from sidecar.catalogue.features.since import NewFeatures
from sidecar.catalogue.hosts.generations import Generations
from sidecar.catalogue.hosts.readers import Readers
from sidecar.catalogue.hosts.versions import SharedVersions
from sidecar.catalogue.images import Images
from sidecar.catalogue.last_backup import BackupMade
from sidecar.catalogue.marks import Marks
from sidecar.catalogue.metadata import Metadata
from sidecar.catalogue.models import Models
from sidecar.catalogue.picture_objects import PictureObjects
from sidecar.catalogue.pinned_settings import Pinned
from sidecar.catalogue.removals import Removals
from sidecar.catalogue.summary import Summary
from sidecar.catalogue.suspects import Suspects
from sidecar.catalogue.transaction import Transaction

KEEP_TASKS_DAYS = 30.0


@dataclass(frozen=True)
class Catalogue:
    """The parts of one database. `database` is for this package, its tests and its bench."""

    database: Database
    adds: Adds
    images: Images
    features: Features
    new_features: NewFeatures
    metadata: Metadata
    suspects: Suspects
    removals: Removals
    models: Models
    tasks: Tasks
    summary: Summary
    marks: Marks
    pinned: Pinned
    duplicates: Duplicates
    decisions: Decisions
    generations: Generations
    readers: Readers
    shared_versions: SharedVersions
    unnamed: Unnamed
    moves: Moves

    @property
    def is_a_file(self) -> bool:
        """Whether it is a file on the volume that the index is on."""
        return self.database.dialect.is_a_file

    @property
    def objects(self) -> PictureObjects:
        """The objects of PICTURES_STORE."""
        return self.database.objects

    def open(self, to_read: bool = False, changes_store: bool = False) -> None:
        """Connects, and makes the tables or brings them up to date; arguments and errors as
        `Database.open`, and as `Database.take_store`."""
        self.database.open(to_read)
        try:
            self.database.take_store(changes_store)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the connections."""
        self.database.close()

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Holds one moment for several reads. Keep it short: it holds back checkpoints and
        vacuuming."""
        with self.database.reading() as connection:
            opened = OpenTransaction(self.database, connection, writes=False)
            yield Transaction(opened, self.tasks)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """Holds several reads and writes together, while nobody else writes. They are committed
        when the block ends without an error.

        Raises:
            StorageFull, CatalogueUnavailable: nothing was written.
        """
        with self.database.writing() as connection:
            opened = OpenTransaction(self.database, connection, writes=True)
            yield Transaction(opened, self.tasks)

    def check_writes(self, timeout_s: float) -> None:
        """Raises CatalogueUnavailable where no write has got its turn for so many seconds."""
        self.database.check_writes(timeout_s)

    def keep_reserve(self) -> None:
        """Keeps some room on the catalogue's volume for removals and the ends of tasks. Errors of
        the file system are OSErrors."""
        self.database.dialect.keep_reserve()

    @contextmanager
    def filling(self, moment: Transaction, report: OnProgress) -> Iterator[None]:
        """Fills this catalogue, an empty one, from another's `moment`. The copy is committed when
        the block ends without an error. Errors as `copying`."""
        with copying(moment.connections, self.database, report):
            yield

    def note_backup(self, made: BackupMade) -> None:
        """Notes a backup as the last one, for `Summary.totals`."""
        with self.database.writing() as connection:
            last_backup.note(connection, made)

    def problems(self) -> Iterator[str]:
        """Reads everything, and yields a sentence for each thing that is wrong."""
        yield from problems(self.database)

    def bytes_used(self) -> int:
        """Returns the bytes on the disk."""
        return self.database.bytes_used()

    def bytes_in_store(self) -> int:
        """Returns the bytes of all objects that rows name."""
        return bytes_named(self.database)

    def release_space(self) -> None:
        """Gives back the space of removed rows, and overwrites their last traces."""
        self.database.release_space()


def migrate_catalogue(url: str) -> None:
    """Makes the tables at an SQLAlchemy URL, or brings them up to date, and needs nothing besides.
    Errors as `Database.open`."""
    database = Database(url)
    database.open()
    database.close()


def open_catalogue(
    url: str,
    lease_s: float,
    keep_days: float = KEEP_TASKS_DAYS,
    to_read: bool = False,
    pictures_store: str = "",
    changes_store: bool = False,
) -> Catalogue:
    """Opens the catalogue at an SQLAlchemy URL; arguments and errors as `catalogue_at` and
    `Catalogue.open`."""
    catalogue = catalogue_at(url, lease_s, keep_days, pictures_store)
    catalogue.open(to_read, changes_store)
    return catalogue


def catalogue_at(
    url: str, lease_s: float, keep_days: float = KEEP_TASKS_DAYS, pictures_store: str = ""
) -> Catalogue:
    """Makes the catalogue at an SQLAlchemy URL, which has yet to be opened.

    Args:
        url: for example `sqlite:////var/lib/similarity/catalogue.sqlite`.
        lease_s: seconds after which a silent running task counts as abandoned.
        keep_days: for which a finished task is kept.
        pictures_store: where new JPEGs and uploads go, as PICTURES_STORE has it; empty is into the
            database.
    Raises:
        CatalogueUnavailable: `url` names no supported kind of database.
    """
    database = Database(url, pictures_store)
    return Catalogue(
        database,
        Adds(database),
        Images(database),
        Features(database),
        NewFeatures(database),
        Metadata(database),
        Suspects(database),
        Removals(database),
        Models(database),
        Tasks(database, lease_s, keep_days),
        Summary(database),
        Marks(database),
        Pinned(database),
        Duplicates(database),
        Decisions(database),
        Generations(database),
        Readers(database),
        SharedVersions(database),
        Unnamed(database),
        Moves(database),
    )
