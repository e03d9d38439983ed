"""A rolling release: host after host ends its old code and starts the new one."""

import subprocess
import tarfile
from pathlib import Path

from campaigns.cluster.cluster import OURS, Cluster
from campaigns.cluster.levels import Levels
from local.process import ROOT

MIGRATIONS = "sidecar/catalogue/migrations/versions"


def default() -> str:
    """Returns the oldest commit whose catalogue has the tables of today: what may run beside."""
    return _git("log", "-1", "--diff-filter=A", "--format=%H", "--", MIGRATIONS)


def checked_out(commit: str, folder: Path) -> str:
    """Unpacks the code of a commit into a folder, and returns the commit's short name."""
    archive = folder.with_suffix(".tar")
    _git("archive", f"--output={archive}", commit)
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    archive.unlink()
    (folder / ".venvs").symlink_to(ROOT / ".venvs")
    return _git("log", "-1", "--format=%h", commit)


def roll(cluster: Cluster, levels: Levels) -> None:
    """Replaces the code of each sidecar and worker, one after the other."""
    for name in OURS:
        host = cluster.hosts[name]
        host.end()
        host.begin(cluster.start_of(name, ROOT))
        levels.wait()
        print(f"{name} runs the new code", flush=True)


def _git(*words: str) -> str:
    command = ["git", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
