"""The codes of some images of an index, taken out of its lists and put side by side.

A scan of them looks at no other image, where a scan of the lists passes over a hundred others for
each of a hundredth. The codes in a list stand in blocks of 32, as FAISS packs them for its scan:

    block [pairs of codes, 2, 16]    two codes of 4 bits in a byte, of the images p and p + 16

Source: faiss/impl/pq4_fast_scan.cpp, pq4_pack_codes.
"""

from collections.abc import Iterable
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

BLOCK = 32
# In which of the 16 bytes an image of a half block stands.
PLACES = np.argsort([0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15])


class Compact:
    """Codes side by side, numbered from 0 on."""

    def __init__(self, index: Any, parts: Iterable[tuple[int, NDArray[np.int64]]]) -> None:
        """Copies codes.

        Args:
            index: FAISS' IVF of 4-bit codes.
            parts: lists, each with the places in it of the images that are wanted, int64 [n].
        """
        pq, lists = index.pq, index.invlists
        codes = [unpacked(lists, number, places, pq.M) for number, places in parts]
        flat: Any = faiss.IndexPQ(index.d, pq.M, pq.nbits)
        flat.pq, flat.is_trained = pq, True
        faiss.copy_array_to_vector(np.concatenate(codes).ravel(), flat.codes)
        flat.ntotal = sum(map(len, codes))
        self._index: Any = faiss.IndexPQFastScan(flat)

    def nearest(self, query: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """Returns the numbers of the codes nearest to a query, float32 [1, D], at most `count` of
        them: int64 [n], nearest first."""
        _, found = self._index.search(query, min(count, self._index.ntotal))
        known: NDArray[np.int64] = found[0][found[0] >= 0]
        return known


def unpacked(lists: Any, number: int, places: NDArray[np.int64], codes: int) -> NDArray[np.uint8]:
    """Returns the codes of images in a list, two in a byte, the last of an odd number beside 0:
    uint8 [n, codes / 2]."""
    blocks, pairs = -(-lists.list_size(number) // BLOCK), -(-codes // 2)
    packed = faiss.rev_swig_ptr(lists.get_codes(number), blocks * BLOCK * pairs)
    packed = packed.reshape(blocks, pairs, 2, BLOCK // 2)
    block, within = np.divmod(places, BLOCK)
    half, place = np.divmod(within, BLOCK // 2)
    both = packed[block, :, :, PLACES[place]]
    first, second = (both[:, :, n] >> (4 * half[:, None]) & 15 for n in range(2))
    return np.asarray(first | second << 4, np.uint8)
