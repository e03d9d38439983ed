"""Damages files by seed: bytes, lengths and sizes, missing ends, and pieces twice or elsewhere."""

from collections.abc import Callable, Sequence

import numpy as np

HEAD_BYTES = 400  # where most fields of a header lie
MOST_CHANGES = 3
# What a field of a header may say to surprise a decoder.
VALUES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)

Random = np.random.Generator
Change = Callable[[bytearray, Random], None]


def damaged(files: Sequence[bytes], seed: int, number: int) -> bytes:
    """Returns one damaged file; the same seed and number give the same."""
    random = np.random.default_rng([seed, number])
    file = bytearray(files[int(random.integers(len(files)))])
    for _ in range(int(random.integers(1, MOST_CHANGES + 1))):
        if file:
            CHANGES[int(random.integers(len(CHANGES)))](file, random)
    return bytes(file)


def _at(file: bytearray, random: Random) -> int:
    """Returns a place, every other time in the head."""
    most = min(len(file), HEAD_BYTES) if random.integers(2) else len(file)
    return int(random.integers(max(1, most)))


def _change_bytes(file: bytearray, random: Random) -> None:
    for _ in range(int(random.integers(1, 9))):
        file[_at(file, random)] = int(random.integers(256))


def _flip_a_bit(file: bytearray, random: Random) -> None:
    file[_at(file, random)] ^= 1 << int(random.integers(8))


def _edit_a_field(file: bytearray, random: Random) -> None:
    at, size = _at(file, random), int(random.choice([1, 2, 4]))
    value = VALUES[int(random.integers(len(VALUES)))] & ((1 << 8 * size) - 1)
    if random.integers(2):
        value = int(random.integers(1 << 8 * size))
    file[at : at + size] = value.to_bytes(size, "big" if random.integers(2) else "little")


def _cut_the_end(file: bytearray, random: Random) -> None:
    del file[int(random.integers(len(file))) :]


def _take_a_piece_out(file: bytearray, random: Random) -> None:
    at = _at(file, random)
    del file[at : at + int(random.integers(1, 65))]


def _repeat_a_piece(file: bytearray, random: Random) -> None:
    at, to = _at(file, random), _at(file, random)
    piece = file[at : at + int(random.integers(1, 257))]
    file[to:to] = piece * int(random.choice([1, 2, 1000]))


CHANGES: tuple[Change, ...] = (
    _change_bytes,
    _flip_a_bit,
    _edit_a_field,
    _cut_the_end,
    _take_a_piece_out,
    _repeat_a_piece,
)
