"""The fields of the images of a generation, in a file that processes map together.

    int64          the length of what follows, in bytes
    JSON           of each field, where its columns begin and how many values they have
    column after column, each at a multiple of 8 bytes: rows int32, values uint64 or float64

Row n is that of the n-th image of the generation.
"""

import json
import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.fields import Columns
from sidecar.fields.columns import KEY, NUMBER, ROW, Column, Field

FIELDS = "fields.columns"
ALIGNED = 8
LENGTH = np.dtype("<i8")


def write(columns: Columns, path: Path) -> None:
    """Writes the columns of the images of a draft."""
    body = bytearray()

    def put(column: Column, dtype: "np.dtype[Any]") -> list[int]:
        places = []
        for values in (column.rows.astype(ROW), column.values.astype(dtype)):
            places.append(len(body))
            body.extend(values.tobytes())
            body.extend(bytes(-len(body) % ALIGNED))
        return [*places, len(column.rows)]

    fields = {
        name: {"keys": put(field.keys, KEY), "numbers": put(field.numbers, NUMBER)}
        for name, field in columns.fields.items()
    }
    head = json.dumps({"count": columns.count, "fields": fields}).encode()
    head += b" " * (-len(head) % ALIGNED)
    path.write_bytes(np.array([len(head)], LENGTH).tobytes() + head + body)


def read(path: Path) -> Columns:
    """Maps a file that `write` wrote.

    Raises:
        OSError, ValueError, KeyError, TypeError: it is none.
    """
    with path.open("rb") as file:
        mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    length = int(np.frombuffer(mapped, LENGTH, 1)[0])
    start = LENGTH.itemsize + length
    head = json.loads(bytes(mapped[LENGTH.itemsize : start]))

    def column(place: list[int], dtype: "np.dtype[Any]") -> Column:
        rows_at, values_at, count = place
        rows: NDArray[np.int32] = np.frombuffer(mapped, ROW, count, start + rows_at)
        return Column(rows, np.frombuffer(mapped, dtype, count, start + values_at))

    fields = {
        name: Field(column(each["keys"], KEY), column(each["numbers"], NUMBER))
        for name, each in head["fields"].items()
    }
    return Columns(int(head["count"]), fields)
