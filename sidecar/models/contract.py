"""The contract of a version: its sizes and its golden features, in `contract.json` beside it.

`export/` writes it; the sidecar reads it and knows no size and no label of its own:

    model_repository/keywording/<version>/{model.onnx, labels.txt, contract.json}

The graph takes `image` uint8 [N, S, S, 3] RGB and gives `features` float32 [N, D], each row of L2
norm 1, and `keywords` float32 [N, K], probabilities.

A contract of an earlier release lacks the checksums and the golden photo, and stays valid. One of
a version that was exported with `--explain` names a file more: see `regions`.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from sidecar.errors import FeaturesUnavailable, ModelRefused

MODEL = "keywording"
MODEL_FILE = "model.onnx"
LABELS_FILE = "labels.txt"
CONTRACT_FILE = "contract.json"
REGIONS_FILE = "regions.onnx"

Pixels = Annotated[int, Field(ge=1, le=8192)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Labels = Annotated[int, Field(ge=1, le=1 << 16)]  # see keyword_rows.py
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Vector = tuple[Annotated[float, Field(ge=-1.01, le=1.01)], ...]


@dataclass(frozen=True)
class SameImage:
    """The constants of P(same image) = 1 / (1 + exp(b * d² / d10² - a)), by a version's features.

    Args:
        ece: the calibration error that was measured, on photos that it was not fitted by, 0..1.
        photos: by how many it was fitted, a made twin of each.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    a: Annotated[float, Field(ge=-100, le=100)]
    b: Annotated[float, Field(gt=0, le=1000)]
    ece: Annotated[float, Field(ge=0, le=1)]
    photos: Count


@dataclass(frozen=True)
class Contract:
    """States what one version of the model takes and gives.

    Args:
        version: its number in the model repository.
        architecture: of the network that was exported, for people.
        precision: "fp32" or "int8".
        resize: short side R to which an image is scaled, pixels.
        crop: side S of the centre crop that the graph takes, pixels; at most R.
        dimension: D, numbers in the features of an image.
        keywords: K, number of labels; the catalogue keeps the place of each in 16 bits.
        sha256: of `model.onnx`, hex.
        golden_features: D numbers for `golden_image(crop)`, from ONNX Runtime at export.
        golden_cosine: the least cosine with them that shows that a server runs this very model.
        golden_photo: D numbers for `golden.photo(resize, crop)`, which went through the same
            preprocessing as a stored image.
        labels_sha256: of `labels.txt`, hex.
        same_image: the constants of the version's own; None takes the general ones.
        contract_sha256: of all that stands here, hex; see `checksum`.
        regions: H and W: how many regions `regions.onnx` has; None without that file.
        regions_sha256: of `regions.onnx`, hex.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    version: Annotated[int, Field(ge=1)]
    architecture: str
    precision: Annotated[str, Field(pattern="^(fp32|int8)$")]
    resize: Pixels
    crop: Pixels
    dimension: Count
    keywords: Labels
    sha256: Sha256
    golden_features: Vector
    golden_cosine: Annotated[float, Field(gt=0, le=1)]
    golden_photo: Vector | None = None
    labels_sha256: Sha256 | None = None
    contract_sha256: Sha256 | None = None
    same_image: SameImage | None = None
    regions: tuple[Count, Count] | None = None
    regions_sha256: Sha256 | None = None

    def accepts(self, features: NDArray[np.float32]) -> bool:
        """Returns whether these features [D] of the golden image are those of this model."""
        return self._near(features, self.golden_features)

    def accepts_photo(self, features: NDArray[np.float32]) -> bool:
        """Returns whether these features [D] of the golden photo are those of this model, after the
        preprocessing that its contract names."""
        return self.golden_photo is None or self._near(features, self.golden_photo)

    def _near(self, features: NDArray[np.float32], recorded: tuple[float, ...]) -> bool:
        golden = np.asarray(recorded, np.float32)
        return features.shape == golden.shape and float(features @ golden) >= self.golden_cosine


_SCHEMA = TypeAdapter(Contract)
# Left out where they are None, as by the releases before them.
_LATER = ("same_image", "regions", "regions_sha256")


def checksum(contract: Contract) -> str:
    """Returns the SHA-256 of what a contract says, hex.

    The version's number is left out: that of the folder shows whether it is right, and who puts a
    version back under another number changes it by hand.
    """
    said = asdict(replace(contract, contract_sha256=None))
    del said["version"]
    said = {name: value for name, value in said.items() if name not in _LATER or value is not None}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


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
    """Reads the contract of a version and checks it against itself.

    Raises:
        FeaturesUnavailable: the repository has no such version.
        ModelRefused: its `contract.json` is missing, damaged, or breaks the schema.
    """
    path = folder(repository, version) / CONTRACT_FILE
    try:
        contract = _SCHEMA.validate_json(path.read_bytes())
        _check(contract)
    except OSError as error:
        if path.parent.exists():
            raise ModelRefused(f"{path} is missing; `python -m export` writes it") from error
        raise FeaturesUnavailable(f"no version {version} in the model repository") from error
    except ValueError as error:
        raise ModelRefused(f"{path} is damaged: {_in_a_line(error)}") from error
    return contract


def _check(contract: Contract) -> None:
    """Raises ValueError where the parts of a contract contradict each other."""
    if contract.crop > contract.resize:
        raise ValueError(f"crop {contract.crop} is more than resize {contract.resize}")
    for golden in (contract.golden_features, contract.golden_photo):
        if golden is not None and len(golden) != contract.dimension:
            raise ValueError(
                f"{len(golden)} golden features, where dimension is {contract.dimension}"
            )
    if (contract.regions is None) != (contract.regions_sha256 is None):
        raise ValueError("regions and regions_sha256 go together")
    later = (contract.golden_photo, contract.labels_sha256, contract.contract_sha256)
    if (any(later) or contract.same_image) and contract.contract_sha256 != checksum(contract):
        raise ValueError("it was changed after the export: its checksum is another")


def _in_a_line(error: ValueError) -> str:
    """Returns the first thing that is wrong; a schema's error would list each golden feature."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]


def write(into: Path, contract: Contract) -> None:
    """Writes `contract.json`, with its checksum, into the folder of a version.

    A contract without the checksum of its labels is written as an earlier release did.
    """
    if contract.labels_sha256 is not None:
        contract = replace(contract, contract_sha256=checksum(contract))
    said = {name: value for name, value in asdict(contract).items() if value is not None}
    (into / CONTRACT_FILE).write_text(json.dumps(said, indent=1) + "\n")
