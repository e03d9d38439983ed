"""When the last backup was made, as the catalogue that it is of knows it; a copy knows of none."""

import json
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete

from sidecar.catalogue.facts import find as find_fact
from sidecar.catalogue.facts import put
from sidecar.catalogue.schema import facts

NAME = "last_backup"


@dataclass(frozen=True)
class BackupMade:
    """A backup that ended well.

    Args:
        at: the moment that it holds, in seconds since 1970: later adds are not in it.
        images: that it has.
    """

    at: float
    images: int


def find(connection: Connection) -> BackupMade | None:
    """Returns the last one that was noted, if there is one."""
    value = find_fact(connection, NAME)
    return None if value is None else BackupMade(**json.loads(value))


def note(connection: Connection, made: BackupMade) -> None:
    """Notes a backup as the last one."""
    put(connection, NAME, json.dumps(asdict(made)))


def forget(connection: Connection) -> None:
    """Forgets it: of a copy there has been no backup."""
    connection.execute(delete(facts).where(facts.c.name == NAME))
