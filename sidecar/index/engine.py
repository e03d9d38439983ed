"""What keeps the features of generations and searches them: the boundary that every engine meets.

A generation has its sequence numbers, fields and keywords on each host, whatever the engine; where
its features lie, and how the nearest of them are found, is the engine's. `local` keeps them
in files beside the others.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import ModelRecord, Page, Task
from sidecar.fields import Columns
from sidecar.index.ann import DeviceName, ExcludeIds
from sidecar.index.meta import Meta
from sidecar.index.postings import Postings
from sidecar.index.request import Found, SearchRequest
from sidecar.index.segments import Segments
from sidecar.settings import Settings

Report = Callable[[str, float], None]


class Matching(Protocol):
    """The images of a generation that meet a filter, ready to be searched by many queries."""

    def nearest(
        self, query: NDArray[np.float32], request: SearchRequest, own_seq: int | None = None
    ) -> Found:
        """Finds the nearest of them by their full features.

        Args:
            query: float32 [D].
            request: how many, how carefully, how far.
            own_seq: the sequence number of the query, where it is a stored image: it is left out.
        Returns:
            as `Searchable.rank_each`: as many as are asked for, where so many meet the filter.
        Raises:
            IndexDamaged: what the generation holds is not what was stored.
        """


class Searchable(Protocol):
    """The features of a published generation, or of a sealed draft."""

    @property
    def size(self) -> int:
        """How many images can be found."""

    def rank_each(
        self,
        queries: NDArray[np.float32],
        own_seqs: Sequence[int | None],
        request: SearchRequest,
        exclude: ExcludeIds | None = None,
    ) -> list[Found]:
        """Finds the nearest images for each query by their full features.

        Args:
            queries: float32 [n, D] of norm 1.
            own_seqs: the sequence number of each that is a stored image, and is left out; else
                None.
            request: how many, how carefully, how far.
            exclude: images that are gone.
        Returns:
            for each query seqs int64 [m] and squared L2 distances float32 [m], ascending; ties by
            age.
        Raises:
            IndexDamaged: what the generation holds is not what was stored.
        """

    def matching(self, meets: NDArray[np.bool_]) -> Matching:
        """Returns the images that meet a filter; `meets`: bool [n], in the order of their
        sequence numbers."""

    def features(self, seqs: NDArray[np.int64]) -> NDArray[np.float16]:
        """Looks up the features of images that are here, int64 [n]: float16 [n, D].

        Raises:
            IndexDamaged: there is no such image, or a row is not what was stored.
        """

    def damage(self) -> Iterator[str]:
        """Yields a sentence for each thing that is wrong with what lies elsewhere than in the
        generation's files."""


class Published(Protocol):
    """A generation, as far as a draft goes on from it."""

    folder: Path
    meta: Meta
    segments: Segments


@dataclass(frozen=True)
class Sealed:
    """A draft that is whole and on the disk, fit for `GenerationStore.publish`."""

    meta: Meta
    folder: Path


class Draft(Protocol):
    """A generation in the making, of one attempt at one task; nobody finds it before it is
    published. First it is given its images, then their fields and keywords; then it is trained or
    updated, and sealed."""

    @property
    def images(self) -> int:
        """How many images it holds by now."""

    @property
    def seqs(self) -> NDArray[np.int64]:
        """Their sequence numbers, int64 [n] ascending."""

    def continue_from(self, previous: Published, removed: NDArray[np.int64]) -> None:
        """Takes over the images of a generation of the same engine, but for those `removed`,
        int64 [n], which it holds.

        Raises:
            IndexDamaged: features that have to be written again are not what was stored.
        """

    def append(self, pages: Iterable[Page], report: Callable[[int], None]) -> None:
        """Takes more images.

        Args:
            pages: sequence numbers ascending, all above those that are here already.
            report: called after each page with the number of images appended so far.
        """

    def set_fields(self, columns: Columns, changes: int) -> None:
        """Takes the fields of all images, a row each, with the last change that they are of."""

    def set_keywords(self, keywords: Postings, unlabelled: NDArray[np.int64]) -> None:
        """Takes the keywords of all images; arguments as the attributes of `Generation`."""

    def build(self) -> None:
        """Makes what searches look through, and measures what they find: of a draft that goes on
        from a generation by what that was trained to, else afresh."""

    def seal(self, removals: int, snapshot: int) -> Sealed:
        """Makes it whole and durable; arguments as in `Meta`."""


@dataclass(frozen=True)
class BuildRules:
    """How an index is built.

    Args:
        exact_max: up to so many images, a search compares every one.
        device: where the heavy work is done, "auto", "cpu" or "gpu".
    """

    exact_max: int
    device: DeviceName

    @classmethod
    def of(cls, settings: Settings) -> "BuildRules":
        """Takes them from the settings."""
        return cls(settings.exact_search_max, settings.faiss_device)


@dataclass(frozen=True)
class Commission:
    """What a draft is made for.

    Args:
        task, model: whose draft it is, of features of which model.
        catalogue: the identity of the one that they come from.
        report: called with the phase and the progress, 0..1; raises TaskLost to stop the work.
    """

    task: Task
    model: ModelRecord
    catalogue: str
    rules: BuildRules
    report: Report


class Engine(Protocol):
    """Keeps the features of generations, and searches them."""

    def open(self, folder: Path, meta: Meta, segments: Segments) -> Searchable:
        """Opens the features of a generation.

        Args:
            segments: its sequence numbers.
        Raises:
            IndexDamaged, OSError, ValueError, RuntimeError: they are not there, or not what was
                written.
        """

    def check(self) -> None:
        """Raises IndexEngineUnavailable where what keeps the features does not answer."""

    def row_bytes(self, dimension: int) -> int:
        """Returns what the features of an image take of the volume of DATA_DIR."""

    def made(self, meta: Meta) -> bool:
        """Says whether a generation's features lie where this engine puts new ones, so that an
        update can go on from it."""

    def draft(self, index_dir: Path, commission: Commission) -> Draft:
        """Begins a draft, and clears away what dead attempts have left.

        Raises:
            DeviceUnavailable: a GPU was asked for and there is none.
        """

    def tidy(self, index_dir: Path, kept: Iterable[Meta]) -> None:
        """Deletes what tasks of this folder have made and no generation has any more, besides files
        in it.

        Args:
            kept: all generations that are, a draft that waits to be published among them.
        """
