"""The images in a folder, in the order of their names."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from similarity_client.cli.sources.damage import failing
from similarity_client.cli.sources.wanted import Wanted
from similarity_client.upload import Entry, of_path


def entries(folder: Path, wanted: Wanted, recursive: bool) -> Iterator[Entry]:
    """Yields the images in a folder, and with `recursive` below it, a folder after its files. The
    names of one folder at a time are in memory; links to folders are not followed.

    Raises:
        OSError: the folder can't be read; one below it is an entry that fails.
    """
    yield from _within(folder, PurePosixPath(), wanted, recursive)


def has_only_folders(folder: Path) -> bool:
    """Says whether there are folders in a folder, and no files. Raises OSError."""
    with os.scandir(folder) as found:
        kinds = {
            each.is_dir(follow_symlinks=False) for each in found if not each.name.startswith(".")
        }
    return kinds == {True}


def _within(folder: Path, place: PurePosixPath, wanted: Wanted, recursive: bool) -> Iterator[Entry]:
    names, folders = _listed(folder)
    for name in names:
        inner = place / name
        if wanted.takes(inner):
            yield of_path(folder / name, inner)
    for name in folders if recursive else ():
        if wanted.enters(place / name):
            try:
                yield from _within(folder / name, place / name, wanted, recursive)
            except OSError as error:
                yield failing(folder / name, error)


def _listed(folder: Path) -> tuple[list[str], list[str]]:
    """Returns the names of the files in a folder, and those of its folders."""
    names, folders = [], []
    with os.scandir(folder) as found:
        for each in found:
            if each.is_dir(follow_symlinks=False):
                folders.append(each.name)
            elif _is_file(each):
                names.append(each.name)
    return sorted(names), sorted(folders)


def _is_file(found: os.DirEntry[str]) -> bool:
    """Says whether it is a file, or a link that leads nowhere: that fails when it is read."""
    try:
        return found.is_file() or (found.is_symlink() and not Path(found.path).exists())
    except OSError:
        return True
