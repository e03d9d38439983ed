"""The address and the key that `similarity login` keeps in a file which only its owner can read."""

import json
from dataclasses import dataclass
from pathlib import Path

import click


@dataclass(frozen=True, slots=True)
class Saved:
    """What the file has; None where it has nothing."""

    url: str | None = None
    key: str | None = None


def file() -> Path:
    """Returns the path of the file, which need not be there."""
    return Path(click.get_app_dir("similarity", force_posix=False)) / "login.json"


def read() -> Saved:
    """Returns what was saved.

    Raises:
        click.ClickException: the file can't be read, or is not what `save` writes.
    """
    try:
        found = json.loads(file().read_text())
        return Saved(found.get("url"), found.get("key"))
    except FileNotFoundError:
        return Saved()
    except (OSError, ValueError, AttributeError) as error:
        raise click.ClickException(
            f"{file()} can't be read ({error}): run similarity login again"
        ) from error


def save(saved: Saved) -> None:
    """Writes the file anew, whole or not at all; its mode is 600. Raises OSError."""
    path = file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    with new.open("w") as target:
        json.dump({"url": saved.url, "key": saved.key}, target)
    new.replace(path)


def forget() -> bool:
    """Removes the file; returns whether there was one. Raises OSError."""
    try:
        file().unlink()
    except FileNotFoundError:
        return False
    return True
