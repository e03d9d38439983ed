"""The small files of the index: one changed byte is never taken for what was written."""

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import IndexDamaged
from sidecar.index import GenerationStore
from sidecar.index.current_file import CURRENT
from sidecar.index.meta import META, Meta
from sidecar.index.nprob import RECALL_TARGETS, OperatingPoint, OperatingPoints
from sidecar.index.recall.filtered import UNMEASURED
from sidecar.index.recall.quality import Quality, Shape
from sidecar.objects import FileDigest

POINTS = tuple(
    OperatingPoint(nprob, nprob, 20 + nprob, recall, recall)
    for nprob, recall in RECALL_TARGETS.items()
)
QUALITY = Quality.of_training(OperatingPoints(POINTS, 512), Shape(1000, 1.5, 0.4), UNMEASURED)
WRITTEN = Meta(
    task_id="t",
    kind="train",
    version=1,
    sha256="a" * 64,
    dimension=64,
    images=1000,
    snapshot=1000,
    removals=0,
    quality=QUALITY,
    segments={"features-1.f16": 1000},
    files={"features-1.f16": FileDigest(128_000, "b" * 64)},
)


def changed(path: Path, at: float, byte: int) -> bytes:
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] = byte
    path.write_bytes(content)
    return bytes(content)


PLACES = st.floats(0, 1, exclude_max=True)


@given(PLACES, st.integers(0, 255))
def test_a_changed_byte_in_a_meta_is_noticed_or_means_the_same(at: float, byte: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        WRITTEN.write(folder)
        assert Meta.read(folder) == WRITTEN
        changed(folder / META, at, byte)
        with suppress(OSError, ValueError):
            assert Meta.read(folder) == WRITTEN  # a blank where another blank was


@given(st.integers(1, 10**7), PLACES, st.integers(0, 255))
def test_a_changed_byte_in_current_is_noticed(number: int, at: float, byte: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "draft").mkdir()
        generations = GenerationStore(folder)
        generations.put(folder / "draft", number)
        before = (folder / CURRENT).read_bytes()
        assert generations.current_number() == number
        if changed(folder / CURRENT, at, byte).replace(b"\r", b"\n") != before:  # the end of a line
            with pytest.raises(IndexDamaged, match="not what was written"):
                generations.current_number()
