"""A version on trial: Triton serves it, and the catalogue need not know it. What it makes of images
is measured and thrown away, since features of no record belong nowhere."""

from dataclasses import dataclass
from pathlib import Path

from sidecar.catalogue import ModelRecord
from sidecar.models import version_files
from sidecar.models.contract import Contract
from sidecar.models.model import Model
from sidecar.models.triton import TritonClient

NO_KEY = 0  # the catalogue's keys of models begin at 1


@dataclass(frozen=True)
class Trial:
    """Hands out one version, as a `ModelRegistry` hands out those of the catalogue."""

    model: Model

    def verified(self, _version: int, _sha256: str) -> Model:
        """Returns the version on trial."""
        return self.model


def on_trial(repository: Path, triton: TritonClient, version: int) -> Trial:
    """Verifies a version that Triton serves as an upgrade does, and records nothing.

    Raises:
        FeaturesUnavailable: the repository or Triton lacks it, or Triton is away.
        ModelRefused: it does not keep its contract.
    """
    files = version_files.read(repository, version)
    contract = files.contract
    triton.prove(contract, lasting=False)
    record = ModelRecord(NO_KEY, version, contract.sha256, contract.dimension)
    return Trial(Model(record, files, triton, triton.largest_batch(contract), lambda: None))


def loaded(
    repository: Path, triton: TritonClient, contract: Contract, in_use: ModelRecord | None
) -> int | None:
    """Returns the version that shows what an image costs by a contract: its own, where Triton
    serves it, or else the one in use, where that is the same network with other weights.

    Raises:
        FeaturesUnavailable: Triton is away, or the one in use is gone from the repository.
        ModelRefused: the one in use does not keep its contract.
    """
    if triton.is_ready(contract.version):
        return contract.version
    if in_use is None:
        return None
    other, _ = version_files.described(repository, in_use.version)
    return in_use.version if _network(other) == _network(contract) else None


def _network(contract: Contract) -> tuple[object, ...]:
    """Returns what the cost of an image depends on."""
    return (contract.architecture, contract.precision, contract.resize, contract.crop)
