"""Which PICTURES_STORE the rows of a catalogue name, as a fact of it: without the store no image
could be read, so no process begins without one."""

from sqlalchemy import Connection, delete

from sidecar.catalogue.facts import find, put
from sidecar.catalogue.schema import facts
from sidecar.errors import SettingsError

NAME = "PICTURES_STORE"


def check(connection: Connection, url: str) -> None:
    """Raises SettingsError where rows may name objects, and PICTURES_STORE is empty."""
    noted = find(connection, NAME)
    if noted is not None and not url:
        raise SettingsError(
            f"PICTURES_STORE is empty, and images of this catalogue are in {noted}: set it; "
            "`python -m sidecar return-images` brings them back into the catalogue"
        )


def is_noted(connection: Connection, url: str) -> bool:
    """Says whether a store is the one that is noted; an empty one, whether none is."""
    return (find(connection, NAME) or "") == url


def note(connection: Connection, url: str) -> None:
    """Notes the store before any row names an object of it; with an empty one, that none does."""
    if not url:
        connection.execute(delete(facts).where(facts.c.name == NAME))
    else:
        put(connection, NAME, url)
