"""The fields of images as they are now: those of a generation, and what was changed since.

Each process reads a changed document once, by the number of its change, and keeps its fields until
a generation holds them.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sidecar.batching import Batcher
from sidecar.catalogue import Metadata
from sidecar.fields import Columns
from sidecar.index.block import Block
from sidecar.index.field_layers import Layer, stacked
from sidecar.index.generation import Generation
from sidecar.index.postings import Postings

ROWS_AT_ONCE = 4096
LARGEST_GROUP = 256  # searches that share a look into the catalogue


@dataclass(frozen=True, eq=False)
class Placed:
    """A layer, with the place of each of its images among others: int64 [n], -1 for none."""

    layer: Layer
    places: NDArray[np.int64]

    @cached_property
    def is_over(self) -> bool:
        """Whether any of its images is among them."""
        return bool((self.places >= 0).any())


@dataclass(frozen=True, eq=False)
class Shelf:
    """The fields and keywords of some images, whose rows are their places.

    Args:
        seqs: int64 [n] ascending.
        keywords: these do not change.
        base: the columns of fields under all layers, if there are any.
        over: the layers, the newest last.
    """

    seqs: NDArray[np.int64]
    keywords: Postings
    base: Columns | None
    over: tuple[Placed, ...]


@dataclass(frozen=True, eq=False)
class FieldsNow:
    """The fields of all images at a moment: a generation's, and over them what has changed since.

    Args:
        generation: None where there is none.
        layers: with their places in it.
    """

    generation: Generation | None
    layers: tuple[Placed, ...] = ()

    @property
    def after(self) -> int:
        """The last change that the generation holds."""
        return self.generation.meta.last_change if self.generation else 0

    def of_generation(self) -> Shelf:
        """Returns the fields of the generation's images."""
        assert self.generation is not None
        seqs, keywords = self.generation.segments.seqs, self.generation.keywords
        return Shelf(seqs, keywords, self.generation.fields, self.layers)

    def of(self, block: Block) -> Shelf:
        """Returns the fields of images that no generation holds."""
        layers = (each.layer for each in self.layers)
        placed = tuple(Placed(each, each.places_in(block.seqs)) for each in layers)
        return Shelf(block.seqs, block.keywords, None, placed)

    def over_generation(self) -> tuple[Layer, ...]:
        """Returns the layers in which the generation has an image."""
        return tuple(each.layer for each in self.layers if each.is_over)

    def with_layers(self, layers: tuple[Layer, ...]) -> "FieldsNow":
        """Returns it with other layers; those that stay keep their places."""
        known = {id(each.layer): each for each in self.layers}
        return replace(self, layers=tuple(known.get(id(x)) or self._placed(x) for x in layers))

    def _placed(self, layer: Layer) -> Placed:
        seqs = self.generation.segments.seqs if self.generation else np.empty(0, np.int64)
        return Placed(layer, layer.places_in(seqs))


class LiveFields:
    """Keeps, for a process, the fields that were changed since the generation that it searches."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._known: FieldsNow | None = None  # replaced in whole: threads need no lock
        self._looks: Batcher[Generation | None, FieldsNow] = Batcher(
            "fields", self._look_for_all, LARGEST_GROUP
        )

    def now(self, generation: Generation | None) -> FieldsNow:
        """Returns the fields as they are, with every change that was acknowledged before this call.
        Searches of the same moment share one look."""
        return self._looks.ask(generation)

    def _look_for_all(self, asked: list[Generation | None]) -> list[FieldsNow]:
        found = {id(generation): generation for generation in asked}
        looked = {key: self._look(generation) for key, generation in found.items()}
        return [looked[id(generation)] for generation in asked]

    def _look(self, generation: Generation | None) -> FieldsNow:
        known = self._known
        if known is None or known.generation is not generation:
            known = FieldsNow(generation)
        self._known = known = self._read_on(known)
        return known

    def _read_on(self, known: FieldsNow) -> FieldsNow:
        """Reads what has changed since. Where the newest change of a layer is not in the catalogue
        any more, its image was removed or changed again, or the catalogue was replaced by a copy:
        the layer is read anew."""
        layers = tuple(each.layer for each in known.layers)
        while True:
            last = layers[-1].last if layers else None
            read = self._metadata.since(last, known.after, ROWS_AT_ONCE)
            if not read.follows:
                layers = layers[:-1]
                continue
            if read.changes:
                layers = stacked(layers, Layer.of(read.changes))
            if not read.more:
                return known.with_layers(layers)
