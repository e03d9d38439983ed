"""The files of a generation, and `meta.json`, which says what they are."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

CODES = "codes.faiss"
SEQS = "seqs.i64"
META = "meta.json"
FEATURES = np.dtype("<f2")  # of a segment
SEQ = np.dtype("<i8")


@dataclass(frozen=True)
class Seal:
    """What a file was when it was written."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Meta:
    """What a generation is: `meta.json`.

    Args:
        task_id, kind: the task that made it, "train" or "update".
        version, sha256, dimension: the model that made its features.
        images: vectors in it.
        trained_on: images in it when its codes were trained.
        snapshot: every image up to this sequence number is in it.
        segments: rows of each file of features, in order of position.
        files: the seal of each file.
    """

    task_id: str
    kind: str
    version: int
    sha256: str
    dimension: int
    images: int
    trained_on: int
    snapshot: int
    segments: dict[str, int]
    files: dict[str, Seal]

    def write(self, folder: Path) -> None:
        (folder / META).write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Meta":
        fields = json.loads((folder / META).read_text())
        fields["files"] = {name: Seal(**seal) for name, seal in fields["files"].items()}
        return cls(**fields)
