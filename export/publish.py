"""Publishes a finished version: staged beside the repository's versions, then renamed whole.

<repository>/keywording/.staging-…/      Triton takes no such folder for a version
<repository>/keywording/<version>/       model.onnx, labels.txt, contract.json
<repository>/keywording/config.pbtxt     one for all versions, kept once changed by hand
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from export.errors import ExportRefused
from sidecar.files import sync
from sidecar.models.contract import MODEL

CONFIG_FILE = "config.pbtxt"


def check_free(repository: Path, version: int, force: bool) -> None:
    """Refuses a number that is in use, before an hour of work is put into another version.

    Raises:
        ExportRefused: the version exists, and `force` is not set.
    """
    folder = repository / MODEL / str(version)
    if folder.exists() and not force:
        raise ExportRefused(f"{folder} exists; take another --version, or --force to replace it")


@contextmanager
def staging(repository: Path, version: int) -> Iterator[Path]:
    """Makes an empty folder beside the versions and removes it when the block ends.

    Raises:
        ExportRefused: the repository can't be written.
    """
    folder = repository / MODEL / f".staging-{version}-{os.getpid()}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise ExportRefused(f"{repository} can't be written: {error}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        for parent in (repository / MODEL, repository):
            if not any(parent.iterdir()):
                parent.rmdir()


def publish(staged: Path, repository: Path, version: int, force: bool, config: str | None) -> Path:
    """Moves a staged version to its place in one step.

    Args:
        staged: a folder from `staging` that holds a folder `version` with all its files.
        repository: the model repository.
        version: its number.
        force: whether it may replace a version of the same number.
        config: the text of config.pbtxt; None leaves what is there.
    Returns:
        The version's folder.
    Raises:
        ExportRefused: the version exists, and `force` is not set.
    """
    check_free(repository, version, force)
    model = repository / MODEL
    if config is not None:
        write_config(repository, config)
    _sync(staged / "version")
    target = model / str(version)
    if target.exists():
        target.rename(staged / "replaced")
    try:
        (staged / "version").rename(target)
    except OSError:
        if (staged / "replaced").exists():
            (staged / "replaced").rename(target)
        raise
    sync(model)
    return target


def write_config(repository: Path, text: str) -> bool:
    """Replaces config.pbtxt in one step; returns False where it has this text already.

    Triton loads every version anew when the file has changed, even by nothing but its date.
    """
    path = repository / MODEL / CONFIG_FILE
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    fresh = path.with_name(f".{CONFIG_FILE}-{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.rename(path)
    sync(path.parent)
    return True


def _sync(folder: Path) -> None:
    """Syncs a folder and its files, so that a power cut leaves no half a version."""
    for path in folder.iterdir():
        sync(path)
    sync(folder)
