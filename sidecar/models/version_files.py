"""What stands in a version's folder, read and held against its contract."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from sidecar.errors import ModelRefused
from sidecar.files import sha256_of
from sidecar.models import contract as contracts
from sidecar.models.contract import CONTRACT_FILE, LABELS_FILE, MODEL_FILE, Contract

log = logging.getLogger(__name__)

FILES = (CONTRACT_FILE, LABELS_FILE, MODEL_FILE)
Stamp = tuple[tuple[int, int, int] | None, ...]  # of each file; None where it is missing


@dataclass(frozen=True)
class VersionFiles:
    """Holds what was read of a version that keeps its contract.

    Args:
        folder: of the version.
        contract: of the version.
        labels: the K keywords, in the order of the scores.
        stamp: of the files, taken before they were read.
    """

    folder: Path
    contract: Contract
    labels: tuple[str, ...]
    stamp: Stamp

    def is_unchanged(self) -> bool:
        """Returns whether the files are those that were read. A version whose whole folder is gone
        counts as unchanged: Triton goes on serving it."""
        unchanged = self.stamp == _stamp(self.folder) or not self.folder.exists()
        if not unchanged:
            log.warning("the files in %s have changed: they are checked again", self.folder)
        return unchanged


def read(repository: Path, version: int) -> VersionFiles:
    """Reads a version and checks each of its files.

    Raises:
        FeaturesUnavailable: the repository has no such version.
        ModelRefused: a file is missing, damaged, or not the one that the contract names.
    """
    folder = contracts.folder(repository, version)
    stamp = _stamp(folder)
    contract, labels = described(repository, version)
    try:
        sha256 = sha256_of(folder / MODEL_FILE)
    except OSError as error:
        raise ModelRefused(f"version {version} has no {MODEL_FILE} that can be read") from error
    if sha256 != contract.sha256:
        raise ModelRefused(f"version {version}: {MODEL_FILE} is not the model of its contract")
    return VersionFiles(folder, contract, labels, stamp)


def described(repository: Path, version: int) -> tuple[Contract, tuple[str, ...]]:
    """Reads the contract and the labels of a version, and not its model; errors as `read`."""
    contract = contracts.read(repository, version)
    if contract.version != version:
        raise ModelRefused(f"the contract of version {version} says {contract.version}")
    return contract, _labels(contracts.folder(repository, version) / LABELS_FILE, contract)


def _labels(path: Path, contract: Contract) -> tuple[str, ...]:
    try:
        content = path.read_bytes()
        labels = tuple(content.decode().splitlines())
    except OSError as error:
        raise ModelRefused(f"{path} is missing; `python -m export` writes it") from error
    except UnicodeDecodeError as error:
        raise ModelRefused(f"{path} is damaged: {error}") from error
    if contract.labels_sha256 not in (None, hashlib.sha256(content).hexdigest()):
        raise ModelRefused(f"{path} was changed after the export: its checksum is another")
    if len(labels) != contract.keywords:
        raise ModelRefused(
            f"{path} has {len(labels)} labels, where the contract has {contract.keywords}"
        )
    if not all(label.strip() for label in labels):
        raise ModelRefused(f"{path} has an empty label")
    return labels


def _stamp(folder: Path) -> Stamp:
    """Returns what changes with the files: the time of the last change, size and number of each."""
    found: list[tuple[int, int, int] | None] = []
    for name in FILES:
        try:
            status = (folder / name).stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)
