"""Marks: how a catalogue knows whether it has all that a generation of the index was made of.

A task that looks at the catalogue leaves a mark there, a word that is drawn at random, in the same
commit. Commits are in one order: a catalogue that has the mark has every image and every removal
from before it, under the same numbers. One that was replaced by an older copy (a failover to a
replica that lagged, a file from yesterday) lacks it for ever, however many images are added later.
"""

import uuid

from sqlalchemy import Connection, delete, func, insert, select

from sidecar.catalogue import facts
from sidecar.catalogue.database import Connections
from sidecar.catalogue.schema import images, marks, removals, tasks


class Marks:
    """Compares moments of the past with what the catalogue holds."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    def identity(self) -> str:
        """Returns the catalogue's name for itself, drawn when it was first opened. A copy and a
        restored backup keep it; "" where it was never opened for writing."""
        with self._database.reading() as connection:
            return facts.find(connection, facts.IDENTITY) or ""

    def has(self, mark: str) -> bool:
        """Says whether the catalogue has all that was there when this mark was left."""
        with self._database.reading() as connection:
            row = connection.execute(select(marks.c.mark).where(marks.c.mark == mark)).first()
        return row is not None

    def last_number(self) -> int:
        """Returns the largest sequence number of an image."""
        with self._database.reading() as connection:
            return int(
                connection.execute(select(func.coalesce(func.max(images.c.seq), 0))).scalar_one()
            )

    def may_have_reached(self, snapshot: int, removal: int) -> bool:
        """Says whether a moment without a mark, of an earlier release, may be in the past of this
        catalogue: a task has looked as far, and as many removals were numbered."""
        largest = select(func.coalesce(func.max(tasks.c.snapshot), 0))
        dialect = self._database.dialect
        with self._database.reading() as connection:
            seen = int(connection.execute(largest).scalar_one())
            numbered = dialect.last_number(connection, removals.c.removal)
        return snapshot <= seen and removal <= numbered

    def forget_before(self, kept: list[str]) -> None:
        """Deletes the marks older than all of those that generations still have."""
        oldest = select(func.min(marks.c.number)).where(marks.c.mark.in_(kept)).scalar_subquery()
        with self._database.writing() as connection:
            connection.execute(delete(marks).where(marks.c.number < oldest))


def leave(connection: Connection) -> str:
    """Leaves a new mark, within a transaction, and returns it."""
    mark = str(uuid.uuid4())
    connection.execute(insert(marks).values(mark=mark))
    return mark
