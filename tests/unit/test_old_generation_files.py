"""The files of a generation keep the names of the first release, whatever the code calls them."""

import json
import zipfile
from pathlib import Path

import pytest

from sidecar.index import Generation
from sidecar.index.local.engine import LocalEngine
from sidecar.index.meta import META, TRUTH, Meta
from sidecar.index.recall.ground_truth import GroundTruth
from tests.support import old_volume

FIELDS = [
    *("task_id", "kind", "version", "sha256", "dimension", "images"),
    *("snapshot", "removals", "quality", "segments", "files"),
]
POINT = ["nprob", "lists", "candidates", "recall", "at_least"]
SHAPE = ["images", "imbalance", "distance"]
ARRAYS = ["queries", "tells", "labels", "dist", "horizon", "drawn_up_to"]


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The generations of a volume as an older commit left it."""
    volume = old_volume.unpack(tmp_path_factory.mktemp("old"))
    found = [path.parent for path in volume.data.glob(f"index/[0-9]*/{META}")]
    assert len(found) >= 2
    return found


def test_an_old_meta_is_read_and_written_back_byte_for_byte(
    old: list[Path], tmp_path: Path
) -> None:
    for folder in old:
        Meta.read(folder).write(tmp_path)
        assert (tmp_path / META).read_bytes() == (folder / META).read_bytes()


def test_an_old_truth_is_read_and_written_back_byte_for_byte(
    old: list[Path], tmp_path: Path
) -> None:
    for folder in old:
        GroundTruth.load(folder / TRUTH).save(tmp_path / TRUTH)
        assert (tmp_path / TRUTH).read_bytes() == (folder / TRUTH).read_bytes()


def test_an_old_generation_opens_whole(old: list[Path]) -> None:
    for folder in old:
        generation = Generation(folder, LocalEngine())
        assert list(generation.damage()) == []
        assert len(generation.segments.seqs) == generation.meta.images > 1000


def test_the_names_on_the_disk_and_their_order_are_these(old: list[Path]) -> None:
    meta = json.loads((old[0] / META).read_text())["meta"]
    quality = meta["quality"]
    assert list(meta) == FIELDS
    assert list(quality) == ["dial", "trained", "added"]
    assert list(quality["dial"]) == ["marks", "queries"]
    assert [list(each) for each in quality["dial"]["marks"]] == [POINT] * 7
    assert [list(quality[name]) for name in ("trained", "added")] == [SHAPE] * 2
    assert [list(each) for each in meta["files"].values()] == [["bytes", "sha256"]] * 7
    with zipfile.ZipFile(old[0] / TRUTH) as file:
        assert file.namelist() == [f"{name}.npy" for name in ARRAYS]
