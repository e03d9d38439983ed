"""Several looks and writes in one transaction: what a decision stands on, and what it writes."""

from sidecar.catalogue.database import Within
from sidecar.catalogue.features import Features, counted, lacking
from sidecar.catalogue.models import ModelRecord, Models, use
from sidecar.catalogue.suspects import strike_mended
from sidecar.catalogue.task_list import TaskList


class Transaction:
    """One open transaction; nobody else writes while one that writes is open.

    Its parts do what those of the catalogue do, all in this transaction.
    """

    def __init__(self, within: Within, tasks: TaskList) -> None:
        """Begin to hand out the parts.

        Args:
            within: of this package's modules alone.
            tasks: whose settings those of the transaction have.
        """
        self.within = within
        self.models = Models(within)
        self.vectors = Features(within)
        self.tasks = TaskList(within, tasks.lease_s, tasks.keep_days)

    def use(self, record: ModelRecord) -> None:
        """Take a model into use in place of the one before."""
        with self.within.writing() as connection:
            use(connection, record)

    def strike_mended(self) -> None:
        """Strike what has been mended off the list of features in doubt: the index follows."""
        with self.within.writing() as connection:
            strike_mended(connection)

    def lacks(self, record: ModelRecord, after: int) -> bool:
        """Whether an image with seq > `after` has no features of a model."""
        with self.within.reading() as connection:
            return lacking(connection, record.model, after)

    def count(self, record: ModelRecord, most: int) -> int:
        """How many images have features of a model, counted up to `most`."""
        with self.within.reading() as connection:
            return counted(connection, record.model, most)
