"""The versions of the model that the cluster changes between: small, so that an inference is little
of the work."""

from pathlib import Path

from export.__main__ import main as export
from sidecar.models import contract

LABELS = ("sea", "sky", "sand")
SIZE = ("--resize", "40", "--crop", "32", "--precision", "fp32")
MODELS, NEWER = "models", "newer"
NETWORKS = {1: "tiny", 2: "tiny_other"}


def exported(folder: Path) -> None:
    """Exports version 1 into the repository `models` below a folder, and version 2 into one of its
    own, `newer`: a service that begins takes the newest version that is there."""
    labels = folder / "labels.txt"
    labels.write_text("".join(f"{label}\n" for label in LABELS))
    for (version, name), repository in zip(NETWORKS.items(), (MODELS, NEWER), strict=True):
        words = ["--module", f"campaigns.networks:{name}", *SIZE, "--labels", str(labels)]
        words += ["--version", str(version), "--repository", str(folder / repository)]
        assert export([*words, "--processes", "1"]) == 0, f"version {version} is exported"


def bring_newer(folder: Path) -> None:
    """Moves version 2 to version 1."""
    coming = folder / NEWER / contract.MODEL / "2"
    coming.rename(folder / MODELS / contract.MODEL / "2")
