"""Reads the largest frame that coded AV1 allows.

Source: AV1 Bitstream and Decoding Process Specification, 4.10.5 (leb128), 5.3 (OBU), 5.5 (sequence
header).
"""

SEQUENCE_HEADER = 1
MAX_UNITS = 1000


def largest_frame(data: bytes) -> int:
    """Returns width times height that the sequence headers allow at most; 0 without one.

    Raises:
        ValueError, IndexError: the data are damaged.
    """
    most = at = 0
    for _ in range(MAX_UNITS):
        if at >= len(data):
            break
        head = data[at]
        at += 1 + (head >> 2 & 1)
        size = len(data) - at
        if head & 2:
            size, at = _leb128(data, at)
        if head >> 3 & 0xF == SEQUENCE_HEADER:
            most = max(most, _frame(_Bits(data[at : at + size])))
        at += size
    return most


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for byte in range(8):
        value |= (data[at + byte] & 0x7F) << 7 * byte
        if not data[at + byte] & 0x80:
            return value, at + byte + 1
    raise ValueError("a length of more than eight bytes")


class _Bits:
    """Takes numbers out of a header, whose highest bits come first."""

    def __init__(self, data: bytes):
        self._value, self._left = int.from_bytes(data), 8 * len(data)

    def take(self, bits: int) -> int:
        self._left -= bits
        if self._left < 0:
            raise ValueError("a sequence header that is cut short")
        return self._value >> self._left & ((1 << bits) - 1)

    def skip_uvlc(self) -> None:
        zeros = 0
        while not self.take(1):
            zeros += 1
        self.take(zeros)


def _frame(bits: _Bits) -> int:
    bits.take(4)  # profile, still picture
    if bits.take(1):  # reduced header
        bits.take(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return (bits.take(width_bits) + 1) * (bits.take(height_bits) + 1)


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = _skip_timing(bits) if bits.take(1) else 0
    has_display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)  # tier
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if has_display_delay and bits.take(1):
            bits.take(4)


def _skip_timing(bits: _Bits) -> int:
    """Returns the bits of a delay in the decoder model; 0 without one."""
    bits.take(64)
    if bits.take(1):
        bits.skip_uvlc()
    if not bits.take(1):
        return 0
    delay_bits = bits.take(5) + 1
    bits.take(32 + 5 + 5)
    return delay_bits
