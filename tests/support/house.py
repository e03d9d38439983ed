"""A catalogue, a folder of generations, and what works on them, without a server."""

import atexit
import json
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from sidecar.catalogue import Catalogue, NewImage, Task, TaskKind, TopKeywords, open_catalogue
from sidecar.catalogue.removals import bury
from sidecar.catalogue.schema import images
from sidecar.images import ImageRules
from sidecar.index import (
    BuildRules,
    GenerationStore,
    Lineage,
    LiveFields,
    Memtable,
    SearchRequest,
    Tombstones,
)
from sidecar.index.engines import engine_of
from sidecar.index.sharing.parts import Sharing
from sidecar.models import contract as contracts
from sidecar.models.contract import Contract
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import TritonClient
from sidecar.operations.verify import Verifier
from sidecar.search.by_image import Search
from sidecar.search.by_keyword import KeywordSearch
from sidecar.search.finder import Finder
from sidecar.search.grouping import GroupFinder
from sidecar.search.identification import Identification
from sidecar.search.view import Views
from sidecar.settings import from_environment
from sidecar.tasks.training import Trainer
from tests.support.databases import new_file

DIMENSION = 64
TEN = SearchRequest(num_results=10, nprob=5, max_dist=math.inf)
SHA256 = "a" * 64
LABELS = tuple(f"keyword {n}" for n in range(30))
NOWHERE = TritonClient("127.0.0.1:1", 1)  # for what asks no Triton, or finds it away
atexit.register(NOWHERE.close)


def describe(repository: Path, version: int, sha256: str) -> None:
    """A version as far as it is known without Triton: its contract and its labels."""
    golden = (1.0,) + (0.0,) * (DIMENSION - 1)
    made = Contract(version, "none", "fp32", 8, 8, DIMENSION, len(LABELS), sha256, golden, 0.9)
    folder = contracts.folder(repository, version)
    folder.mkdir(parents=True, exist_ok=True)
    contracts.write(folder, made)
    (folder / contracts.LABELS_FILE).write_text("".join(f"{label}\n" for label in LABELS))


@cache
def vector(number: int) -> NDArray[np.float32]:
    """A unit vector that is the same each time, near those of some other numbers; read-only."""
    random = np.random.default_rng(number)
    centre = np.random.default_rng(10_000 + number % 30).normal(size=DIMENSION)
    point = centre + random.normal(size=DIMENSION) * 0.5
    unit: NDArray[np.float32] = (point / np.linalg.norm(point)).astype(np.float32)
    unit.flags.writeable = False  # all tests have the same
    return unit


class House:
    """Image number n has the id "n" and, added in their order, the sequence number n."""

    def __init__(
        self,
        folder: Path,
        url: str | None = None,
        exact_max: int = 0,
        store: str = "",
        engine: dict[str, str] | None = None,
        pictures_store: str = "",
    ) -> None:
        """Opens it.

        Args:
            engine: settings of the index' engine; without them it is the local one.
            pictures_store: where JPEGs go; empty is into the catalogue.
        """
        self.catalogue: Catalogue = open_catalogue(
            url or new_file(folder), 30.0, pictures_store=pictures_store
        )
        settings = {name.lower(): value for name, value in (engine or {}).items()}
        self.engine = engine_of(from_environment(**settings), self.catalogue)
        self.repository = folder / "described"
        describe(self.repository, 1, SHA256)
        self.generations = GenerationStore(
            folder / "index", Lineage(self.catalogue.marks), self.engine
        )
        self.sharing = Sharing.of(store, self.catalogue, self.generations)
        rules = BuildRules(exact_max, "cpu")
        self.trainer = Trainer(
            self.catalogue, self.generations, rules, keep_generations=2, sharing=self.sharing
        )
        self.model = self.catalogue.models.adopt(1, SHA256, DIMENSION)

    def add(
        self,
        first: int,
        last: int,
        overwrite: bool = False,
        said: Callable[[int], dict[str, Any]] | None = None,
        likely: Callable[[int], TopKeywords] | None = None,
    ) -> None:
        """Adds images; `said` returns the metadata of each, `likely` its keywords."""
        new = [
            NewImage(
                f"{n}",
                "sha",
                b"jpeg",
                {self.model: vector(n)},
                overwrite=overwrite,
                document=json.dumps(said(n)) if said else None,
                keywords={self.model: likely(n)} if likely else {},
            )
            for n in range(first, last + 1)
        ]
        self.catalogue.adds.add_all(new)

    def remove(self, *numbers: int) -> None:
        ids = [f"{number}" for number in numbers]
        with self.catalogue.database.writing() as connection:
            query = select(images.c.seq).where(images.c.id.in_(ids))
            bury(connection, connection.execute(query).scalars().all())

    def claim(self, kind: str) -> Task:
        task = self.catalogue.tasks.claim(self.catalogue.tasks.request(TaskKind(kind)).task_id)
        assert task is not None
        return task

    def run(self, kind: str) -> Task:
        return self.trainer.run(self.claim(kind), lambda phase, progress: None)

    def nearest(self, number: int, wanted: SearchRequest = TEN) -> list[str]:
        """Returns the ids of the neighbours of a stored image, itself left out."""
        return self.search().nearest_to(f"{number}", wanted).result

    def search(self, live: int = 0) -> Search:
        """Returns the search of a process that has just started.

        Args:
            live: how many images no update has reached that it looks through; 0 is LIVE_SEARCH=0.
        """
        catalogue = self.catalogue
        models = self.models()
        generations = GenerationStore(
            self.generations.folder, Lineage(catalogue.marks), self.engine
        )
        memtable = Memtable(catalogue.new_features, catalogue.removals, live) if live else None
        views = Views(generations, models, memtable)
        tombstones, fields = Tombstones(catalogue.removals), LiveFields(catalogue.metadata)
        identification = Identification(catalogue.images, views, tombstones)
        finder = Finder(identification, fields, models)
        groups = GroupFinder(finder, catalogue.metadata)
        return Search(catalogue.images, models, views, finder, groups, ImageRules(384, 10**6))

    def models(self) -> ModelRegistry:
        """Returns what knows of models in a process that has just started."""
        return ModelRegistry(self.repository, self.catalogue.models, NOWHERE)

    def keyword_search(self, live: int = 0) -> KeywordSearch:
        """Returns what finds images by keywords in a process that has just started."""
        search = self.search(live)
        return KeywordSearch(search, search.finder.identification, search.models)

    def problems(self) -> list[str]:
        return list(Verifier(self.catalogue, self.generations, self.sharing).problems())
