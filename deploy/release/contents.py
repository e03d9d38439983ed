"""Compares the two archives with the repository."""

import tarfile
import zipfile
from pathlib import Path

PACKAGE = "sidecar"
CLIENT = "similarity_client"
CLIENT_FOLDER = Path("client") / "src"
BESIDE = ("pyproject.toml", "README.md", "LICENSE", "NOTICE")  # of the code, in an sdist


def of_wheel(wheel: Path, root: Path) -> list[str]:
    """Returns a sentence for each file that a wheel lacks or should not have."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    code = {name for name in names if ".dist-info/" not in name}
    licences = {name.rpartition("/")[2] for name in names - code}
    problems = [f"{wheel.name} lacks {name}" for name in sorted(sources(root) - code)]
    problems += [f"{wheel.name} has {name}" for name in sorted(code - sources(root))]
    lacking = {"LICENSE", "NOTICE"} - licences
    return problems + [f"{wheel.name} lacks {name}" for name in sorted(lacking)]


def of_client(wheel: Path, root: Path) -> list[str]:
    """Returns a sentence for each file that the client's wheel lacks or should not have."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    code = {name for name in names if ".dist-info/" not in name}
    wanted = sources(root / CLIENT_FOLDER, CLIENT)
    problems = [f"{wheel.name} lacks {name}" for name in sorted(wanted - code)]
    problems += [f"{wheel.name} has {name}" for name in sorted(code - wanted)]
    licensed = any(name.endswith("/LICENSE") for name in names - code)
    return problems if licensed else [*problems, f"{wheel.name} lacks LICENSE"]


def of_sdist(sdist: Path, root: Path) -> list[str]:
    """Returns a sentence for each file that an sdist lacks or should not have."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = sources(root) | set(BESIDE)
    code = {name for name in names if name.endswith(".py") and name != "setup.py"}
    problems = [f"{sdist.name} lacks {name}" for name in sorted(wanted - names)]
    return problems + [f"{sdist.name} has {name}" for name in sorted(code - sources(root))]


def sources(root: Path, package: str = PACKAGE) -> set[str]:
    """Returns the path of every file of a package that is code or that its code reads."""
    files = (path for path in (root / package).rglob("*") if path.is_file())
    return {
        path.relative_to(root).as_posix()
        for path in files
        if "__pycache__" not in path.parts and not path.name.startswith(".")
    }
