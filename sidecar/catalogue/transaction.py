"""Several reads and writes in one transaction: what a decision stands on, and what it writes."""

from sidecar.catalogue import model_rows
from sidecar.catalogue.database import OpenTransaction
from sidecar.catalogue.duplicates.pairs import Duplicates
from sidecar.catalogue.features.bulk import Features, any_lacks_features, count_features
from sidecar.catalogue.hosts.generations import Generations
from sidecar.catalogue.hosts.versions import SharedVersions
from sidecar.catalogue.marks import Marks
from sidecar.catalogue.model_rows import ModelRecord
from sidecar.catalogue.models import Models
from sidecar.catalogue.suspects import strike_mended
from sidecar.catalogue.task_requests import TaskList


class Transaction:
    """One open transaction; nobody else writes while one that writes is open.

    Its parts do what those of the catalogue do, all in this transaction.
    """

    def __init__(self, connections: OpenTransaction, tasks: TaskList) -> None:
        """Makes the parts.

        Args:
            connections: for this package's modules alone.
            tasks: whose settings those of the transaction have.
        """
        self.connections = connections
        self.models = Models(connections)
        self.features = Features(connections)
        self.marks = Marks(connections)
        self.duplicates = Duplicates(connections)
        self.generations = Generations(connections)
        self.shared_versions = SharedVersions(connections)
        self.tasks = TaskList(connections, tasks.lease_s, tasks.keep_days)

    def use(self, record: ModelRecord) -> None:
        """Takes a model into use in place of the one before."""
        with self.connections.writing() as connection:
            model_rows.use(connection, record)

    def strike_mended(self) -> None:
        """Strikes mended features off the list of features in doubt, since the index follows in
        this transaction."""
        with self.connections.writing() as connection:
            strike_mended(connection)

    def lacks(self, record: ModelRecord, after: int) -> bool:
        """Says whether an image with seq > `after` has no features of a model."""
        with self.connections.reading() as connection:
            return any_lacks_features(connection, record.model, after)

    def count(self, record: ModelRecord, most: int) -> int:
        """Counts the images with features of a model, up to `most`."""
        with self.connections.reading() as connection:
            return count_features(connection, record.model, most)
