"""The rows of a generation's segments, against a dictionary of them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sidecar.errors import IndexDamaged
from sidecar.index.segments import CRC, CRCS, FEATURES, SEQ, SEQS, Segments

DIMENSION = 3


@dataclass(frozen=True)
class Rows:
    """Sequence numbers, ascending, and how many of them each file has."""

    seqs: list[int]
    counts: list[int]

    def row(self, seq: int) -> NDArray[np.float16]:
        return np.array([seq, -seq, seq % 7], np.float32).clip(-60_000, 60_000).astype(FEATURES)

    def write(self, folder: Path) -> Segments:
        rows = [self.row(seq).tobytes() for seq in self.seqs]
        first = 0
        for number, count in enumerate(self.counts):
            (folder / f"{number}.f16").write_bytes(b"".join(rows[first : first + count]))
            first += count
        (folder / SEQS).write_bytes(np.array(self.seqs, SEQ).tobytes())
        (folder / CRCS).write_bytes(np.array(list(map(crc32, rows)), CRC).tobytes())
        names = {f"{number}.f16": count for number, count in enumerate(self.counts)}
        return Segments(folder, names, DIMENSION)


@st.composite
def rows(draw: st.DrawFn) -> Rows:
    seqs = sorted(draw(st.sets(st.integers(1, 60), max_size=30)))
    cuts = sorted(draw(st.lists(st.integers(0, len(seqs)), max_size=4)))
    counts = [end - start for start, end in zip([0, *cuts], [*cuts, len(seqs)], strict=True)]
    return Rows(seqs, counts)


@contextmanager
def written(rows: Rows) -> Iterator[tuple[Segments, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        yield rows.write(Path(folder)), Path(folder)


def numbers(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, np.int64)


@given(rows(), st.lists(st.integers(0, 62), max_size=12))
@example(Rows([5], [0, 1, 0]), [5, 5])
def test_rows_are_found_by_number_in_any_order(rows: Rows, asked: list[int]) -> None:
    with written(rows) as (segments, _):
        held = [seq for seq in asked if seq in rows.seqs]
        assert segments.holding(numbers(asked)).tolist() == held
        found = segments.features(numbers(held))
        expected = np.array([rows.row(seq) for seq in held], FEATURES).reshape(-1, DIMENSION)
        assert np.array_equal(found, expected)
        if held != asked:
            with pytest.raises(IndexDamaged, match="unknown images"):
                segments.features(numbers(asked))


@given(rows(), st.integers(0, 31), st.integers(0, 31))
@example(Rows([1, 2, 3, 4], [2, 2]), 0, 3)
def test_a_walk_gives_each_row_between_its_ends_once(rows: Rows, start: int, stop: int) -> None:
    with written(rows) as (segments, _):
        stop = min(stop, len(rows.seqs))
        walked = [
            (seq, row.tolist())
            for seqs, chunk in segments.chunks(start, stop)
            for seq, row in zip(seqs.tolist(), chunk, strict=True)
        ]
        part = rows.seqs[start:stop]
        assert walked == [(seq, rows.row(seq).astype(np.float32).tolist()) for seq in part]
        every = {rows.row(seq).astype(np.float32).tobytes() for seq in rows.seqs}
        assert {row.tobytes() for row in segments.sample(len(rows.seqs))} == every


@given(rows().filter(lambda rows: bool(rows.seqs)), st.data())
def test_a_flipped_bit_is_noticed_in_its_row_and_no_other(rows: Rows, data: st.DataObject) -> None:
    with written(rows) as (_, folder):
        place = data.draw(st.integers(0, len(rows.seqs) - 1))
        files = np.repeat(np.arange(len(rows.counts)), rows.counts)
        path = folder / f"{files[place]}.f16"
        first = int(np.searchsorted(files, files[place]))
        at = (place - first) * FEATURES.itemsize * DIMENSION + data.draw(st.integers(0, 5))
        content = bytearray(path.read_bytes())
        content[at] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content)
        counts = {f"{number}.f16": count for number, count in enumerate(rows.counts)}
        segments = Segments(folder, counts, DIMENSION)
        for seq in rows.seqs:
            if seq == rows.seqs[place]:
                with pytest.raises(IndexDamaged, match="not what was stored"):
                    segments.features(numbers([seq]))
            else:
                assert np.array_equal(segments.features(numbers([seq]))[0], rows.row(seq))
