"""Milvus' indexes, as far as a setting may choose them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

STEP = 1.4  # from one length to the next that is tried


@dataclass(frozen=True)
class Kind:
    """An index of Milvus.

    Args:
        name: Milvus' word.
        built_with: its parameters.
        longer_by: the parameter that makes a search longer; None where it always looks at all.
        most: the largest value of that.
        spare: how many times the results are candidates, since its vectors are coarser than the
            features that rank them; 1 where they are the same.
    """

    name: str
    built_with: Mapping[str, Any]
    longer_by: str | None
    most: int
    spare: int = 1

    def params(self, length: int, limit: int) -> dict[str, Any]:
        """Returns the parameters of a search of some length for so many candidates."""
        if self.longer_by is None:
            return {}
        # `ef` may not be below the number of results.
        return {self.longer_by: max(length, limit) if self.longer_by == "ef" else length}

    def lengths(self) -> Iterator[int]:
        """Yields the lengths of searches that are tried, ascending."""
        length = 16 if self.longer_by == "ef" else 1
        while self.longer_by is not None and length < self.most:
            yield length
            length = max(length + 1, round(length * STEP))
        yield self.most


LISTS = 1024  # of each segment, which has some hundred thousand rows
KINDS = {
    "HNSW": Kind("HNSW", {"M": 16, "efConstruction": 200}, "ef", 4096),
    "IVF_FLAT": Kind("IVF_FLAT", {"nlist": LISTS}, "nprobe", LISTS),
    "IVF_SQ8": Kind("IVF_SQ8", {"nlist": LISTS}, "nprobe", LISTS, spare=2),
}
FLAT = Kind("FLAT", {}, None, 1)


def named(name: str) -> Kind:
    """Returns the index of this name. Raises ValueError: it is not one of ours."""
    for kind in (*KINDS.values(), FLAT):
        if kind.name == name:
            return kind
    raise ValueError(f"its index is {name}")
