"""The folder of a host whose index follows the catalogue: who may change it, what files it has, and
what leaves it."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from sidecar.files import locked, sha256_of
from sidecar.index.current_file import CURRENT
from sidecar.index.meta import Meta, digest_of
from sidecar.index.store import OLD, GenerationStore
from sidecar.index.writer import DRAFT

LOCK = "fetching.lock"
FETCHED = f"{DRAFT}fetched-"  # drafts of other hosts
COMING = ".fetching-"


@contextmanager
def alone(folder: Path, wait: bool) -> Iterator[bool]:
    """Keeps the other processes of this host off during the block, by a lock that ends with the
    process; gives whether it does."""
    with locked(folder / LOCK, wait) as is_alone:
        yield is_alone


def files_of(generations: GenerationStore) -> dict[str, Path]:
    """Returns the files of all generations of this host, by their SHA-256."""
    found: dict[str, Path] = {}
    for number in generations.numbers():
        folder = generations.path(number)
        with suppress(OSError, ValueError):
            files = Meta.read(folder).files.items()
            found |= {digest.sha256: folder / name for name, digest in files}
    return found


def sound_files(folder: Path) -> dict[str, Path]:
    """Reads a generation through, and returns those of its files that are what was written, by
    their SHA-256."""
    files = {digest.sha256: folder / name for name, digest in Meta.read(folder).files.items()}
    there = {sha256: path for sha256, path in files.items() if path.exists()}
    return {sha256: path for sha256, path in there.items() if sha256_of(path) == sha256}


def drop(generations: GenerationStore, up_to: int) -> None:
    """Deletes the index, as the catalogue says that there is none."""
    (generations.folder / CURRENT).unlink(missing_ok=True)
    for number in generations.numbers():
        if number <= up_to:
            shutil.rmtree(generations.path(number))


def trim(
    generations: GenerationStore,
    current: int,
    digests: Mapping[int, str | None],
    stays: Path | None,
) -> None:
    """Deletes what the catalogue no longer names, and what dead processes have left.

    Args:
        current: the number of the generation that is searched; newer ones may be about to be.
        digests: of the generations that the catalogue names, by number.
        stays: the draft that was fetched and is not published yet, if there is one.
    """
    for number in generations.numbers():
        path = generations.path(number)
        if number < current and digests.get(number) != digest_of(path):
            shutil.rmtree(path)
    for pattern in (f"{COMING}*", f"{FETCHED}*", f"{OLD}*"):
        for left in generations.folder.glob(pattern):
            if left != stays:
                shutil.rmtree(left, ignore_errors=True)
