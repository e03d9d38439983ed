"""Takes a version out of what Triton loads, and keeps its folder.

model_repository/rejected/2    did not load, or did not keep its contract
model_repository/retired/1     was in use once
"""

import logging
import time
from pathlib import Path

from sidecar.errors import ModelRefused
from sidecar.models import contract as contracts

log = logging.getLogger(__name__)

REJECTED, RETIRED = "rejected", "retired"


def put_away(repository: Path, version: int, where: str) -> None:
    """Moves a version out of the repository, if it is there. Raises ModelRefused: the repository
    can't be written."""
    source = contracts.folder(repository, version)
    if not source.exists():
        return
    target = repository / where / f"{version}"
    if target.exists():  # an earlier one of this number
        target = target.with_name(f"{version}-{time.time_ns()}")
    try:
        target.parent.mkdir(exist_ok=True)
        source.rename(target)
    except OSError as error:
        raise ModelRefused(
            f"version {version} can't be moved out of the repository; move it by hand "
            f"before Triton starts again: {error}"
        ) from error
    log.warning("moved version %d to %s", version, target)
