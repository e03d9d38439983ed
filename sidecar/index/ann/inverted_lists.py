"""The lists of an index in a file that processes map together.

    float32 [lists, D]   the centre of each
    int64 [lists]        how many images are in each
    list after list      its codes, in whole blocks; then its labels, int64, with room for a block

FAISS itself copies the 4-bit codes into each process that reads an index, but searches whatever
`OnDiskInvertedLists` shows it of a file.
"""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

CENTRE = np.dtype("<f4")
SIZE = np.dtype("<i8")
LABEL_BYTES = 8


def write(index: Any, centres: NDArray[np.float32], path: Path) -> None:
    """Writes the lists of FAISS' IVF, as they are in memory, with their centres, to a file."""
    lists = index.invlists
    sizes = [lists.list_size(number) for number in range(index.nlist)]
    per_block, code_bytes = _layout(lists)
    with path.open("wb") as file:
        file.write(centres.astype(CENTRE).data)
        file.write(np.array(sizes, SIZE).data)
        for number, size in enumerate(sizes):
            if not size:
                continue
            room = _room(size, per_block)
            file.write(faiss.rev_swig_ptr(lists.get_codes(number), room * code_bytes).data)
            file.write(faiss.rev_swig_ptr(lists.get_ids(number), size).data)
            file.write(bytes(LABEL_BYTES * (room - size)))


def mapped(index: Any, path: Path) -> tuple[NDArray[np.float32], Any]:
    """Maps a file.

    Args:
        index: FAISS' IVF as it was trained, from which the layout of the codes is known.
    Returns:
        the centres, float32 [lists, D], and FAISS' lists, which must outlive every index that is
        given them.
    Raises:
        ValueError: the file is shorter or longer than its sizes of lists say.
    """
    centres = np.memmap(path, CENTRE, "r", shape=(index.nlist, index.d))
    sizes = np.fromfile(path, SIZE, index.nlist, offset=centres.nbytes)
    per_block, code_bytes = _layout(index.invlists)
    lists: Any = faiss.OnDiskInvertedLists(index.nlist, code_bytes, str(path))
    lists.lists.clear()
    offset = centres.nbytes + sizes.nbytes
    for size in sizes.tolist():
        one = faiss.OnDiskOneList()
        one.size, one.capacity, one.offset = size, _room(size, per_block), offset
        offset += one.capacity * (code_bytes + LABEL_BYTES)
        lists.lists.push_back(one)
    if len(sizes) != index.nlist or path.stat().st_size != offset:
        raise ValueError(f"{path.name} is not as long as its sizes of lists say")
    lists.totsize, lists.read_only, lists.prefetch_nthread = offset, True, 0
    lists.do_mmap()
    return np.asarray(centres), lists


def _layout(lists: Any) -> tuple[int, int]:
    """Returns how many images are in a block, and the bytes of each one's code."""
    known: Any = faiss.downcast_InvertedLists(lists)
    if hasattr(known, "n_per_block"):
        return known.n_per_block, known.block_size // known.n_per_block
    return 1, known.code_size


def _room(size: int, per_block: int) -> int:
    """Returns the images that fit into the whole blocks that `size` images take."""
    return -(-size // per_block) * per_block
