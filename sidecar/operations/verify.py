"""Verify: everything in the catalogue and the index is read, and the two are compared."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Catalogue, ModelRecord
from sidecar.errors import (
    CatalogueDamaged,
    FeaturesUnavailable,
    IndexDamaged,
    ModelRefused,
    NoIndex,
)
from sidecar.index import Generation, GenerationStore
from sidecar.index.sharing.parts import Sharing
from sidecar.models.comparison import Comparison, sentence
from sidecar.models.version_follower import VersionFollower
from sidecar.operations.shared_index import store_problems
from sidecar.operations.snapshots import other_keywords, other_metadata

NAMED = 10  # images, in a sentence about many
SAMPLE = 64  # images of each model that are embedded again: seconds on any machine


@dataclass(frozen=True)
class Verifier:
    """Reads everything, changes nothing; the service may run meanwhile."""

    catalogue: Catalogue
    generations: GenerationStore
    sharing: Sharing | None = None
    versions: VersionFollower | None = None

    def problems(self) -> Iterator[str]:
        """Yields a sentence for each thing that is wrong."""
        yield from self.catalogue.problems()
        try:
            yield from self._index(self.generations.current_number())
        except NoIndex:
            if self.generations.numbers():
                yield "the index has generations, but no CURRENT"
        except IndexDamaged as error:
            yield str(error)
        if self.sharing is not None:
            yield from store_problems(self.catalogue.generations.all(), self.sharing.remote)
        if self.versions is not None:
            yield from self.versions.problems()

    def wrong_features(self, comparison: Comparison) -> Iterator[str]:
        """Yields a sentence for each image of a sample whose features are not those that their
        model makes of it: the model in use, and each other one that Triton serves.

        Raises:
            FeaturesUnavailable, ModelRefused: the model in use does not answer.
        """
        known = self.catalogue.models.known()
        if known.in_use is None:
            return
        yield from self._wrong_in_sample(known.in_use, comparison)
        for record in sorted(known.all - {known.in_use}, key=lambda each: each.version):
            with suppress(FeaturesUnavailable, ModelRefused):
                yield from self._wrong_in_sample(record, comparison)

    def _wrong_in_sample(self, record: ModelRecord, comparison: Comparison) -> Iterator[str]:
        sample = self.catalogue.suspects.sample(record, SAMPLE)
        whole = [image for image in sample if image.is_whole]
        for compared in comparison.of(record, whole):
            if not compared.is_right:
                yield sentence(record, compared)

    def _index(self, current: int) -> Iterator[str]:
        if current not in self.generations.numbers():
            yield f"generation {current:06d} of the index is missing"
        searched, ahead = None, False
        for number in self.generations.numbers():
            try:
                generation = self.generations.open(self.generations.path(number))
            except IndexDamaged as error:
                if number in self.generations.numbers():  # a task has not just deleted it
                    yield str(error)
                continue
            yield from generation.damage()
            misfit = self.generations.misfit(number, generation.meta)
            if misfit is not None:
                ahead = True
                yield misfit
            elif number <= current:
                searched = generation
        if searched is not None and (ahead or searched.number == current):
            yield from self._against_catalogue(searched, current)

    def _against_catalogue(self, generation: Generation, current: int) -> Iterator[str]:
        """Yields a sentence if one has images that the other lacks, or has with other features."""
        meta, held = generation.meta, generation.segments.seqs
        try:
            model = self.catalogue.models.get(meta.sha256).model
        except ModelRefused as error:
            yield f"generation {generation.number:06d}: {error}"
            return
        stored, crcs = self.catalogue.features.checksums(model, meta.snapshot)
        removed = np.array(self.catalogue.removals.since(meta.removals).seqs, np.int64)
        if self.generations.current_number() != current:
            return  # replaced meanwhile, with its own removals forgotten
        differences = {
            "lacks images of the catalogue": np.setdiff1d(stored, np.union1d(held, removed)),
            "holds images that the catalogue does not know": np.setdiff1d(
                held, np.union1d(stored, removed)
            ),
            "has other features than the catalogue of images": _differing(
                (held, np.asarray(generation.segments.crcs)), (stored, crcs)
            ),
            "has other keywords than the catalogue of images": other_keywords(
                generation, self.catalogue.features, model
            ),
        }
        with suppress(CatalogueDamaged):  # named already
            differences["has other metadata than the catalogue of images"] = other_metadata(
                generation, self.catalogue.metadata, stored
            )
        if self.generations.current_number() != current:
            return
        for difference, seqs in differences.items():
            if len(seqs):
                named = ", ".join(map(str, seqs[:NAMED]))
                yield (
                    f"generation {generation.number:06d} {difference}: "
                    f"{len(seqs)} (number {named}…)"
                )
        if not meta.images == len(held) == generation.searchable.size:
            yield f"generation {generation.number:06d}: its files hold different numbers of images"


Column = tuple[NDArray[np.int64], NDArray[np.uint32]]


def _differing(one: Column, other: Column) -> NDArray[np.int64]:
    """Returns the sequence numbers, int64 [n], whose checksums differ between two columns."""
    both, at_one, at_other = np.intersect1d(one[0], other[0], return_indices=True)
    return np.asarray(both[one[1][at_one] != other[1][at_other]], np.int64)
