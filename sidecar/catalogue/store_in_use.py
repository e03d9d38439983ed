"""Which PICTURES_STORE the rows of a catalogue name, and in which folder of it, as facts.

Without the store no image could be read, so no process begins without one. The folder is the
catalogue's alone: a copy of it, restored beside it, draws another one, and takes nothing from it.
"""

import secrets

from sqlalchemy import Connection, delete

from sidecar.catalogue.facts import find, put
from sidecar.catalogue.schema import facts
from sidecar.errors import SettingsError

STORE, FOLDER = "PICTURES_STORE", "pictures_folder"
WORD_BYTES = 4


def check(connection: Connection, url: str) -> None:
    """Raises SettingsError where rows may name objects, and PICTURES_STORE is empty."""
    noted = find(connection, STORE)
    if noted is not None and not url:
        raise SettingsError(
            f"PICTURES_STORE is empty, and images of this catalogue are in {noted}: set it; "
            "`python -m sidecar return-images` brings them back into the catalogue"
        )


def folder(connection: Connection, url: str) -> str | None:
    """Returns the folder of the catalogue in a store; None where this store is not noted yet."""
    return find(connection, FOLDER) if find(connection, STORE) == url else None


def take(connection: Connection, url: str) -> str:
    """Notes a store before any row names an object of it; returns the folder of the catalogue."""
    drawn = find(connection, FOLDER) or secrets.token_hex(WORD_BYTES)
    note(connection, url, drawn)
    return drawn


def note(connection: Connection, url: str, drawn: str) -> None:
    """Notes a store and a folder; with an empty store, that no row names an object."""
    connection.execute(delete(facts).where(facts.c.name.in_((STORE, FOLDER))))
    if url:
        put(connection, STORE, url)
        put(connection, FOLDER, drawn)
