"""Which id each file of an upload gets."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

from similarity_client.photo import sha256_of

IdFrom: TypeAlias = Literal["name", "path", "sha256"] | Callable[[Path], str]


def id_of(path: Path, id_from: IdFrom, sha256: str | None) -> str:
    """Returns the id of a file: "cats/tom.jpg" is "tom" by its name, "cats:tom" by its path.

    Args:
        sha256: of the file, if it is known.
    Raises:
        OSError: it can't be read.
        ValueError: its path leads upwards, or there is no such rule.
    """
    if callable(id_from):
        return id_from(path)
    if id_from == "name":
        return path.stem
    if id_from == "sha256":
        return sha256 or sha256_of(path)
    if id_from != "path":
        raise ValueError(f"id_from is name, path, sha256 or a function, not {id_from!r}")
    folders = path.parts[1:-1] if path.anchor else path.parts[:-1]
    if ".." in folders:
        raise ValueError(f"{path} leads out of its folder: no id is made of it")
    return ":".join([*folders, path.stem])
