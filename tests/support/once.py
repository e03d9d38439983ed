"""Makes what takes long once: for all processes of a run, or until its sources change."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

import pytest
from filelock import FileLock

from local.stack import ROOT

CACHE = ROOT / ".cache" / "tests"
KEY = 16  # hex digits
Make = Callable[[Path], None]  # fills an empty folder


def once(factory: pytest.TempPathFactory, name: str, make: Make) -> Path:
    """Returns a folder that the first process of this run makes; the others wait for it."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return _made(shared / name, make)


def kept(name: str, made_of: Iterable[str | Path], packages: Iterable[str], make: Make) -> Path:
    """Returns a folder that outlives the run, until its sources change.

    Args:
        name: the folder's, without its key.
        made_of: files, whose content is part of the key, and words.
        packages: installed packages, whose versions are part of the key.
        make: fills the folder.
    """
    key = hashlib.sha256()
    for each in made_of:
        key.update(each.read_bytes() if isinstance(each, Path) else each.encode())
        key.update(b"\0")
    for package in packages:
        key.update(f"{package}=={version(package)}".encode())

    def make_anew(folder: Path) -> None:
        for outdated in CACHE.glob(f"{name}-{'?' * KEY}"):
            shutil.rmtree(outdated)
        make(folder)

    return _made(CACHE / f"{name}-{key.hexdigest()[:KEY]}", make_anew)


def _made(folder: Path, make: Make) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            part = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
            part.mkdir()
            make(part)
            part.rename(folder)
    return folder
