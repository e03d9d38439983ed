"""Checks the version, which stands in several files and in git."""

import re
import subprocess
import tomllib
from pathlib import Path

from deploy.release.errors import ReleaseRefused

NUMBER = r"\d+\.\d+\.\d+\w*"
RELEASED = re.compile(rf"^## ({NUMBER}), \d{{4}}-\d\d-\d\d$", re.M)
# How else a release is named: `similarity:1.2.3`, `similarity==1.2.3`, `VERSION: "1.2.3"`.
NAMED = re.compile(rf"""(?:\bsimilarity(?::|==|-)|\bVERSION: ?"?|\bVERSION=|\btag/v)({NUMBER})""")
NAMING = ("README.md", "docker-compose.yml", "docker-compose.cpu.yml", "Dockerfile.sidecar")
MUST_NAME = "docker-compose.yml"  # the label of the image that it builds


def of_project(root: Path) -> str:
    """Returns the version in pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def disagreements(root: Path) -> list[str]:
    """Returns a sentence for each file that names another version than pyproject.toml, or none."""
    version = of_project(root)
    released = RELEASED.search((root / "CHANGELOG.md").read_text())
    found = [("CHANGELOG.md", released[1] if released else "no release with a date")]
    for name in NAMING:
        named = NAMED.findall((root / name).read_text())
        if not named and name == MUST_NAME:
            named = ["no version"]
        found += [(name, each) for each in named]
    return [f"{name} has {is_}, pyproject.toml {version}" for name, is_ in found if is_ != version]


def unready(root: Path, version: str) -> list[str]:
    """Returns a sentence for each thing in git that speaks against a release of this version."""
    problems = []
    if changed := _git(root, "status", "--porcelain"):
        problems.append(f"the working tree is not clean:\n{changed}")
    if _git(root, "tag", "--list", f"v{version}"):
        problems.append(f"the tag v{version} is there already: raise the version")
    if re.search(r"^## Unreleased\n+(?!#)\S", (root / "CHANGELOG.md").read_text(), re.M):
        problems.append("CHANGELOG.md has entries under Unreleased: move them under the release")
    return problems


def _git(root: Path, *words: str) -> str:
    command = ["git", *words]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseRefused(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.rstrip()
