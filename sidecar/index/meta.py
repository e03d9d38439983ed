"""The files of a generation, and `meta.json`, which says what they are."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sidecar.files import sha256_of
from sidecar.index.recall.quality import Quality
from sidecar.objects import FileDigest

TRAINED = "trained.faiss"
LISTS = "lists.ivf"
TRUTH = "truth.npz"
KEYWORDS = "keywords.u64"
UNLABELLED = "unlabelled.i64"
META = "meta.json"


@dataclass(frozen=True)
class Meta:
    """What a generation is: `meta.json`, which also holds a SHA-256 of this.

    Args:
        task_id, kind: the task that made it, "train" or "update" for example.
        version, sha256, dimension: the model that made its features.
        images: in it.
        snapshot: every image up to this sequence number is in it, unless it was removed.
        removals: no image is in it that was removed up to this removal.
        quality: what was measured of it.
        segments: rows of each file of features, in order of position.
        files: the digest of each file.
        catalogue: the identity of the one that it was made of; None in earlier releases.
        mark: of the moment when its task looked at the catalogue; None in earlier releases.
        changes: the last change of metadata that it holds the fields of; None where it holds none.
        collection: what Milvus has its features in; None where they are in its files.
    """

    task_id: str
    kind: str
    version: int
    sha256: str
    dimension: int
    images: int
    snapshot: int
    removals: int
    quality: Quality
    segments: dict[str, int]
    files: dict[str, FileDigest]
    catalogue: str | None = None
    mark: str | None = None
    changes: int | None = None
    collection: str | None = None

    @property
    def last_change(self) -> int:
        """The last change of metadata that it holds the fields of, 0 where it holds none."""
        return self.changes or 0

    def write(self, folder: Path) -> None:
        """Writes `meta.json`; the order of the fields counts: the SHA-256 is of their text."""
        fields = {
            **{name: each for name, each in vars(self).items() if each is not None},
            "quality": self.quality.to_json(),
            "files": {name: asdict(digest) for name, digest in self.files.items()},
        }
        document = {"meta": fields, "sha256": _digest(fields)}
        (folder / META).write_text(json.dumps(document, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Meta":
        """Reads `meta.json`.

        Raises:
            OSError, ValueError: the file is missing or not what was written.
        """
        return cls.parse((folder / META).read_text())

    @classmethod
    def parse(cls, text: str | bytes) -> "Meta":
        """Reads the text of a `meta.json`. Raises ValueError: it is not what was written."""
        document = json.loads(text)
        fields = document.get("meta", {}) if isinstance(document, dict) else {}
        if "quality" not in fields:
            raise ValueError(f"{META} has the form of an earlier release: train again")
        if document.get("sha256") != _digest(fields):
            raise ValueError(f"{META} is not what was written")
        quality = Quality.from_json(fields["quality"])
        files = {name: FileDigest(**digest) for name, digest in fields["files"].items()}
        return cls(**fields | {"quality": quality, "files": files})


def digest_of(folder: Path) -> str | None:
    """Returns the SHA-256 of a folder's `meta.json`, which says what each of its files is; None
    where there is none."""
    try:
        return sha256_of(folder / META)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _digest(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()
