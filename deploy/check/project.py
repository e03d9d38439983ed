"""Copies the repository as an operator does, and takes the steps that the README asks for."""

import os
import shutil
import sys
from pathlib import Path

from deploy.check.engine.packages import once
from deploy.check.programs import output
from local import photos

ROOT = Path(__file__).parents[2]
USER = 10_001  # of the containers; the worker moves versions about
SMALL = (
    "--module",
    "campaigns.networks:small",
    "--precision",
    "fp32",
    "--resize",
    "40",
    "--crop",
    "32",
)


def copy(target: Path) -> None:
    """Copies all files that git tracks or would add, and the exported version 1."""
    shutil.rmtree(target, ignore_errors=True)
    listed = output(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    models = target / "model_repository/keywording"
    shutil.copytree(ROOT / "model_repository/keywording/1", models / "1")
    shutil.copy2(ROOT / "model_repository/keywording/config.pbtxt", models)
    give(target / "model_repository")


def give(folder: Path) -> None:
    """Gives a folder to the containers' user, as the README does; without root they run as us."""
    if os.geteuid():
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, USER, USER)


def configure(project: Path, values: dict[str, str]) -> None:
    """Fills in some lines of `.env`, which begins as a copy of the example; other lines stay."""
    file = project / ".env"
    source = file if file.exists() else project / ".env.example"
    lines = source.read_text().splitlines()
    for name, value in values.items():
        [at] = [n for n, line in enumerate(lines) if line.lstrip("# ").startswith(f"{name}=")]
        lines[at] = f"{name}={value}"
    file.write_text("\n".join([*lines, ""]))


def version_2(folder: Path) -> Path:
    """Exports another version of the model, small and quickly made."""

    def export(part: Path) -> None:
        labels = folder / "labels.txt"
        labels.write_text("cat\ndog\nfox\n")
        words = [*SMALL, "--version", "2", "--labels", str(labels), "--repository", str(part)]
        output([sys.executable, "-m", "export", *words], cwd=ROOT)

    once(folder / "exported", export)
    return folder / "exported/keywording/2"


def pictures(folder: Path, count: int) -> list[tuple[str, bytes]]:
    """Returns photos by their ids, the same each time; made once, as that takes a while."""

    def make(part: Path) -> None:
        part.mkdir()
        for name, content in photos.variations(count):
            (part / name).write_bytes(content)

    kept = folder / f"photos-{count}"
    once(kept, make)
    return [(path.name, path.read_bytes()) for path in sorted(kept.iterdir())]
