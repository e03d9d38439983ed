"""The commands beside the service, as an operator runs them."""

import os
import subprocess
import sys
from pathlib import Path

from local.stack import ROOT


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs `python -m sidecar` on a volume."""
    return subprocess.run(
        [sys.executable, "-m", "sidecar", *words],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
