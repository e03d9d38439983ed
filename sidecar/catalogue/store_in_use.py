"""Which PICTURES_STORE the rows of a catalogue name, and in which folder of it, as facts.

Without the store no image could be read, so no process begins without one, nor with another one:
some images would be in this and some in that. The folder is the catalogue's alone: a copy of it,
restored beside it, draws another one, and takes nothing from it.
"""

import secrets

from sqlalchemy import Connection, delete, select

from sidecar.catalogue.facts import find, put
from sidecar.catalogue.picture_objects import PictureObjects
from sidecar.catalogue.schema import facts, pictures
from sidecar.errors import SettingsError

STORE, FOLDER = "PICTURES_STORE", "pictures_folder"
WORD_BYTES = 4


def check(connection: Connection, url: str, changes: bool) -> list[str]:
    """Says whether PICTURES_STORE may be that of the catalogue.

    Args:
        changes: whether it may be another one than before.
    Returns:
        names that `check_has` is to look for, where it is another one.
    Raises:
        SettingsError: rows name objects, and it is empty, or another one.
    """
    noted = find(connection, STORE)
    if noted in (None, url):
        return []
    if not url:
        raise SettingsError(
            f"PICTURES_STORE is empty, and images of this catalogue are in {noted}: set it; "
            "`python -m sidecar return-images` brings them back into the catalogue"
        )
    names = _some_names(connection)
    if names and not changes:
        raise SettingsError(
            f"PICTURES_STORE={url}, and images of this catalogue are in {noted}: stop services, "
            "copy all of that store there, and run `python -m sidecar move-images` once"
        )
    return names


def check_has(objects: PictureObjects, names: list[str]) -> None:
    """Raises SettingsError where PICTURES_STORE lacks one of these objects, and
    PicturesStoreUnavailable where that can't be seen."""
    heads = objects.heads([(b"", name) for name in names], 1)
    lacking = [name for name, head in zip(names, heads, strict=True) if not head]
    if lacking:
        raise SettingsError(f"PICTURES_STORE={objects.url} lacks {lacking[0]}: copy it there first")


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


def _some_names(connection: Connection) -> list[str]:
    """Returns the names of the objects of the oldest image that has one and of the newest."""
    named = select(pictures.c.object).where(pictures.c.object.is_not(None)).limit(1)
    orders = (pictures.c.seq, pictures.c.seq.desc())
    found = [connection.execute(named.order_by(each)).scalar() for each in orders]
    return [name for name in found if name is not None]
