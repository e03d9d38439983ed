"""What is true of a catalogue as a whole: a value for each name, read and written in a
transaction."""

import uuid

from sqlalchemy import Connection, delete, insert, select

from sidecar.catalogue.schema import facts

IDENTITY = "identity"


def find(connection: Connection, name: str) -> str | None:
    """Returns the value of a fact, None where there is none."""
    query = select(facts.c.value).where(facts.c.name == name)
    return connection.execute(query).scalar_one_or_none()


def put(connection: Connection, name: str, value: str) -> None:
    """Sets the value of a fact."""
    connection.execute(delete(facts).where(facts.c.name == name))
    connection.execute(insert(facts).values(name=name, value=value))


def identify(connection: Connection) -> None:
    """Gives a catalogue that has no identity yet one of its own."""
    if find(connection, IDENTITY) is None:
        put(connection, IDENTITY, str(uuid.uuid4()))
