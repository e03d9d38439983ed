"""What a line of `add` names: images one by one, however many there are.

    path ──► folders | one file | zips | tars | standard_input ──► entries of an upload

What can't be read is an entry that fails, so that the others go on.
"""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from similarity_client.cli.sources import folders, standard_input, tars, zips
from similarity_client.cli.sources.damage import failing
from similarity_client.cli.sources.kinds import HEAD_BYTES, Kind, kind_of
from similarity_client.cli.sources.part import Archive
from similarity_client.cli.sources.room import Room
from similarity_client.cli.sources.wanted import Wanted
from similarity_client.errors import SimilarityError
from similarity_client.upload import Entry, of_path

__all__ = ["Chosen", "Wanted", "entries"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is chosen.

    Args:
        paths: as they were named; "-" is what comes through a pipe.
        recursive: whether folders are looked into that are in a folder.
    """

    paths: Iterable[Path]
    wanted: Wanted
    recursive: bool


def entries(
    chosen: Chosen, stopped: threading.Event, say: Callable[[str], None]
) -> Iterator[Entry]:
    """Yields all images.

    Args:
        stopped: ends the waiting for room in memory.
        say: is called with what a person should know.
    """
    room = Room(stopped)
    for path in chosen.paths:
        try:
            yield from _of(path, chosen, room, say)
        except (OSError, SimilarityError) as error:
            yield failing(path, error)


def _of(path: Path, chosen: Chosen, room: Room, say: Callable[[str], None]) -> Iterator[Entry]:
    if path == standard_input.PATH:
        yield from standard_input.entries(sys.stdin.buffer, chosen.wanted, room)
    elif path.is_dir():
        if not chosen.recursive and folders.has_only_folders(path):
            say(f"{path} has no files, only folders: --recursive goes into them")
        yield from folders.entries(path, chosen.wanted, chosen.recursive)
    elif path.exists() and not path.is_file():
        raise OSError(f"{path} is no file: - reads a pipe")
    else:
        yield from _of_file(path, chosen.wanted, room)


def _of_file(path: Path, wanted: Wanted, room: Room) -> Iterator[Entry]:
    """Yields a file itself, or what is in it."""
    with path.open("rb") as file:
        kind = kind_of(file.read(HEAD_BYTES))
        if kind is Kind.ZIP or (kind is Kind.IMAGE and path.suffix.lower() == ".zip"):
            yield from zips.entries(Archive(path), path.stat().st_size, wanted)
        elif kind is Kind.TAR or (kind is Kind.IMAGE and path.suffix.lower() == ".tar"):
            yield from tars.entries(path, wanted)
        elif kind is Kind.STREAM:
            file.seek(0)
            yield from tars.streamed(path, file, wanted, room)
        else:
            yield of_path(path, Path(path.name))
