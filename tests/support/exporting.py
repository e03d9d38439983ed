"""The command line of the export, in this process, which has torch loaded."""

from pathlib import Path

from export.__main__ import main

LITE = ("--arch", "efficientnet-lite0")
SMALL = ("--module", "campaigns.networks:small", "--resize", "40", "--crop", "32")
SHORT = ("--precision", "fp32", "--version", "1")


def export(repository: Path, *arguments: str) -> int:
    """Runs it, and returns its exit status."""
    return main(["--repository", str(repository), *arguments])


def model(repository: Path, version: int) -> Path:
    return repository / "keywording" / str(version) / "model.onnx"
