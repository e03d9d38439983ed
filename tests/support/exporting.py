"""The export's command line, in this process: torch is loaded by the tests that export something,
and by no process that runs others."""

from pathlib import Path

LITE = ("--arch", "efficientnet-lite0")
SMALL = ("--module", "campaigns.networks:small", "--resize", "40", "--crop", "32")
SHORT = ("--precision", "fp32", "--version", "1")


def run(words: list[str]) -> int:
    """Runs `python -m export`; returns its exit status."""
    from export.__main__ import main

    return main(words)


def export(repository: Path, *arguments: str) -> int:
    """Runs it with a repository; returns its exit status."""
    return run(["--repository", str(repository), *arguments])


def model(repository: Path, version: int) -> Path:
    return repository / "keywording" / str(version) / "model.onnx"
