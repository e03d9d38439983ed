"""What a host remembers of the versions in its model repository: which files they were found to be,
and which changes of the others' it has followed.

    DATA_DIR/versions.json    by number: the stamp of its files, their digest, the last change

Only a cache, but for the change: without it a version that was taken out, and is here again, is put
away once more; a person who wants it puts it back a second time.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sidecar.catalogue import SharedVersion

FILE = "versions.json"


@dataclass
class Known:
    """What is remembered of one version.

    Args:
        stamp: of its files when the digest was made.
        digest: the SHA-256 of its manifest.
        change: of the row that was followed last.
        followed: the digest of the files that were then those of all hosts.
    """

    stamp: list[Any] = field(default_factory=list)
    digest: str | None = None
    change: str | None = None
    followed: str | None = None

    def is_level(self, row: SharedVersion) -> None:
        """Notes that this host has a version as all hosts do."""
        self.change, self.followed = row.change, row.digest


@dataclass
class KnownVersions:
    """Reads and writes the file; only who has the host's lock writes it."""

    path: Path
    versions: dict[int, Known] = field(default_factory=dict)

    @classmethod
    def read(cls, data_dir: Path) -> "KnownVersions":
        """Returns what is remembered: nothing, where the file is missing or damaged."""
        path, found = data_dir / FILE, dict[int, Known]()
        with suppress(OSError, ValueError, TypeError, AttributeError):
            for number, known in json.loads(path.read_text()).items():
                found[int(number)] = Known(**known)
        return cls(path, found)

    def of(self, version: int) -> Known:
        """Returns what is remembered of a version, to be changed in place."""
        return self.versions.setdefault(version, Known())

    def write(self) -> None:
        """Writes all of it, in one step."""
        coming = self.path.with_name(f".{FILE}")
        text = {f"{number}": asdict(known) for number, known in sorted(self.versions.items())}
        coming.write_text(json.dumps(text))
        coming.rename(self.path)


def stamp_of(folder: Path) -> list[Any]:
    """Returns what changes with the files of a version: name, time of the last change and size of
    each."""
    return [*map(list, sorted(_stamps(folder)))]


def _stamps(folder: Path) -> Iterator[tuple[str, int, int]]:
    for path in folder.iterdir():
        status = path.stat()
        yield path.name, status.st_mtime_ns, status.st_size
