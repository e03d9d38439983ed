"""The names of files in a batch: how they are read, which are passed over, and which id each
stands for."""

import re
from enum import StrEnum
from pathlib import PurePosixPath

from sidecar.errors import WrongArguments
from sidecar.images import ids

METADATA = "metadata.jsonl"  # what users say of the images that it comes with
# What systems put into folders and archives by themselves.
CLUTTER = ("__macosx", ".ds_store", "thumbs.db", "desktop.ini")
MAC_ATTRIBUTES = "._"  # how the name of a file with a Mac's attributes of another begins
BETWEEN_FOLDERS = ":"  # in an id: a slash ends a part of a URL, even as %2F
_NOT_LATIN = re.compile(rb"[\x80-\x9f]")


class IdFrom(StrEnum):
    """What of a file's name is its id: "cats/tom.jpg" is "tom" by its name, "cats:tom" by its
    path."""

    NAME = "name"
    PATH = "path"


def decode(raw: bytes) -> str:
    """Reads a name of which nobody says how it is written: UTF-8, or else what Windows wrote in
    Japan or in the west. It always gives some text, without halves of characters."""
    ways = ["utf-8"]
    if _NOT_LATIN.search(raw):  # Latin-1 has no letters there, and Shift-JIS hardly does without
        ways += ["cp932", "cp1252"]
    for way in ways:
        try:
            return raw.decode(way)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def is_clutter(name: str) -> bool:
    """Returns whether a system put this file there by itself: it is passed over."""
    parts = [part.lower() for part in _path(name).parts]
    return any(part in CLUTTER for part in parts) or any(
        part.startswith(MAC_ATTRIBUTES) for part in parts[-1:]
    )


def is_metadata(name: str) -> bool:
    """Returns whether a file holds what users say of images, and is none itself."""
    return _path(name).name.lower() == METADATA


def id_of(name: str, id_from: IdFrom = IdFrom.NAME) -> str:
    """Returns the id that a file's name stands for, without its ending, as `ids.known` does.

    Raises:
        WrongArguments: that is no id, or the name leads out of the folder that it was packed in.
    """
    path = _path(name)
    on_a_drive = any(part.endswith(":") for part in path.parts[:1])  # "." has no parts
    if path.is_absolute() or ".." in path.parts or on_a_drive:
        raise WrongArguments("the name leads out of its folder")
    folders = path.parts[:-1] if id_from is IdFrom.PATH else ()
    image_id = BETWEEN_FOLDERS.join([*folders, path.stem])
    ids.check(image_id)
    return ids.known(image_id)


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))
