"""What killed Tritons leave in memory is swept; what a living process has mapped stays."""

import mmap
import os
from pathlib import Path

from local.shared_memory import sweep


def region(folder: Path, name: str) -> Path:
    path = folder / f"triton_{name}_backend_shm_region_0"
    path.write_bytes(bytes(4096))
    os.utime(path, (1.0, 1.0))
    return path


def test_regions_of_dead_servers_are_swept_and_no_others(tmp_path: Path) -> None:
    dead, living, young = (region(tmp_path, name) for name in ("dead", "living", "young"))
    os.utime(young)
    other = tmp_path / "PostgreSQL.1961056930"
    other.write_bytes(b"")
    os.utime(other, (1.0, 1.0))
    with living.open("r+b") as file, mmap.mmap(file.fileno(), 4096):
        assert sweep(tmp_path) == [dead]
    assert sorted(tmp_path.iterdir()) == sorted([living, young, other])
    assert sweep(tmp_path) == [living]
