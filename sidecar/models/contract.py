"""The contract of a version: its sizes and its golden features, in `contract.json` beside it.

`export/` writes it; the sidecar reads it and knows no size and no label of its own:

    model_repository/keywording/<version>/{model.onnx, labels.txt, contract.json}

The graph takes `image` uint8 [N, S, S, 3] RGB and gives `features` float32 [N, D], each row of L2
norm 1, and `keywords` float32 [N, K], probabilities.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.errors import FeaturesUnavailable, ModelRefused

MODEL = "keywording"
MODEL_FILE = "model.onnx"
LABELS_FILE = "labels.txt"
CONTRACT_FILE = "contract.json"


@dataclass(frozen=True)
class Contract:
    """States what one version of the model takes and gives.

    Args:
        version: its number in the model repository.
        architecture: of the network that was exported, for people.
        precision: "fp32" or "int8".
        resize: short side R to which an image is scaled, pixels.
        crop: side S of the centre crop that the graph takes, pixels.
        dimension: D, numbers in the features of an image.
        keywords: K, number of labels.
        sha256: of `model.onnx`, hex.
        golden_features: D numbers for `golden_image(crop)`, from ONNX Runtime at export.
        golden_cosine: the least cosine with them that shows that a server runs this very model.
    """

    version: int
    architecture: str
    precision: str
    resize: int
    crop: int
    dimension: int
    keywords: int
    sha256: str
    golden_features: tuple[float, ...]
    golden_cosine: float

    def accepts(self, features: NDArray[np.float32]) -> bool:
        """Returns whether these features [D] of the golden image are those of this model."""
        golden = np.asarray(self.golden_features, np.float32)
        return features.shape == golden.shape and float(features @ golden) >= self.golden_cosine


def golden_image(crop: int) -> NDArray[np.uint8]:
    """Draws an image that is the same on every machine: triangle waves in whole numbers.

    Returns:
        uint8 [crop, crop, 3], RGB.
    """
    y, x, channel = np.ogrid[:crop, :crop, :3]
    wave = (3 * x + 5 * y + 7 * channel * (x - y)) % 510
    return np.asarray(np.abs(wave - 255), np.uint8)


def versions(repository: Path) -> list[int]:
    """Returns the versions in a model repository that have a contract, ascending."""
    return [v for v in numbers(repository) if (folder(repository, v) / CONTRACT_FILE).exists()]


def numbers(repository: Path) -> list[int]:
    """Returns the versions in a model repository, with a contract or without, ascending."""
    names = (path.name for path in (repository / MODEL).glob("[1-9]*"))
    return sorted(int(name) for name in names if name.isdecimal())


def folder(repository: Path, version: int) -> Path:
    """Returns the folder of a version in a model repository."""
    return repository / MODEL / str(version)


def read(repository: Path, version: int) -> Contract:
    """Reads the contract of a version.

    Raises:
        FeaturesUnavailable: the repository has no such version.
        ModelRefused: its `contract.json` is missing or damaged.
    """
    path = folder(repository, version) / CONTRACT_FILE
    try:
        fields: dict[str, Any] = json.loads(path.read_text())
        return Contract(**{**fields, "golden_features": tuple(fields["golden_features"])})
    except OSError as error:
        if path.parent.exists():
            raise ModelRefused(f"{path} is missing; `python -m export` writes it") from error
        raise FeaturesUnavailable(f"no version {version} in the model repository") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ModelRefused(f"{path} is damaged: {error}") from error


def write(into: Path, contract: Contract) -> None:
    """Writes `contract.json` into the folder of a version."""
    (into / CONTRACT_FILE).write_text(json.dumps(asdict(contract), indent=1) + "\n")


def labels(repository: Path, version: int) -> list[str]:
    """Reads the K labels of a version, in the order of its scores.

    Raises:
        FeaturesUnavailable: the repository lacks the version or its labels.
    """
    path = folder(repository, version) / LABELS_FILE
    try:
        return path.read_text().splitlines()
    except OSError as error:
        raise FeaturesUnavailable(f"version {version} has no {LABELS_FILE}") from error
