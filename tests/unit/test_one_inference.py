"""A search decodes and embeds its image once, whatever becomes of the generations that it tries."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sidecar.catalogue import ModelRecord
from sidecar.errors import IndexDamaged, NoIndex
from sidecar.images import ImageRules, canonical
from sidecar.index import GenerationStore, LiveFields, Tombstones
from sidecar.index.meta import Meta
from sidecar.models.contract import Contract
from sidecar.models.model import Model
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import TritonClient
from sidecar.models.version_files import VersionFiles
from sidecar.search import by_image as searching
from sidecar.search.by_image import Search
from sidecar.search.finder import Finder
from sidecar.search.grouping import GroupFinder
from sidecar.search.identification import Identification
from sidecar.search.view import Views
from tests.support.house import DIMENSION, TEN, House, vector

QUERY = 7


def build(house: House) -> None:
    house.add(1, 1100)
    house.run("train")
    house.run("train")


class Counting(TritonClient):
    """In Triton's place: whatever it is shown looks like image number 7."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1:1", 1)
        self.asked: list[int] = []

    def infer(
        self,
        images: NDArray[np.uint8],
        contract: Contract,
        output: str,
        priority: int = 0,
        request_id: str = "",
    ) -> NDArray[np.float32]:
        self.asked.append(contract.version)
        return np.stack([vector(QUERY) for _ in images])


class Trusting(ModelRegistry):
    """Takes every model as proved."""

    def __init__(self, house: House, extractor: Counting) -> None:
        super().__init__(Path(), house.catalogue.models, extractor)
        self._counting = extractor

    def verified(self, version: int, sha256: str) -> Model:
        contract = Contract(version, "any", "fp32", 32, 32, DIMENSION, 1, sha256, (), 1.0)
        record = ModelRecord(1, version, sha256, DIMENSION)
        files = VersionFiles(Path(), contract, (), ())
        return Model(record, files, self._counting, 8, lambda: None)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A number for each time that an upload was decoded."""
    times: list[int] = []

    def counted(upload: bytes, rules: ImageRules) -> bytes:
        times.append(len(upload))
        return canonical(upload, rules)

    monkeypatch.setattr(searching, "canonical", counted)
    return times


@pytest.fixture
def upload(tmp_path: Path) -> bytes:
    Image.new("RGB", (40, 40), (9, 99, 199)).save(tmp_path / "query.png")
    return (tmp_path / "query.png").read_bytes()


def search_of(house: House, extractor: Counting) -> Search:
    models = Trusting(house, extractor)
    catalogue = house.catalogue
    views = Views(GenerationStore(house.generations.folder), models, None)
    tombstones, fields = Tombstones(catalogue.removals), LiveFields(catalogue.metadata)
    identification = Identification(catalogue.images, views, tombstones)
    finder = Finder(identification, fields, models)
    groups = GroupFinder(finder, catalogue.metadata)
    return Search(catalogue.images, models, views, finder, groups, ImageRules(384, 10**6))


def damage(house: House, number: int) -> None:
    """Its features are no longer what was stored; that is noticed when they are compared."""
    folder = house.generations.path(number)
    for path in folder.glob("features-*"):
        size = path.stat().st_size
        path.unlink()  # it may be linked from another generation
        path.write_bytes(bytes(size))


def test_a_damaged_generation_costs_no_second_inference(
    house: House, decoded: list[int], upload: bytes
) -> None:
    damage(house, 2)
    extractor = Counting()
    found = search_of(house, extractor).nearest(upload, TEN)
    assert (found.generation, found.result[0]) == (1, f"{QUERY}")
    assert extractor.asked == [1]
    assert decoded == [len(upload)]


def test_a_generation_of_another_model_costs_one_by_that_model(
    house: House, decoded: list[int], upload: bytes
) -> None:
    damage(house, 2)
    first = house.generations.path(1)
    replace(Meta.read(first), version=2, sha256="b" * 64).write(first)
    extractor = Counting()
    found = search_of(house, extractor).nearest(upload, TEN)
    assert (found.generation, found.version) == (1, 2)
    assert extractor.asked == [1, 2]
    assert decoded == [len(upload)]


def test_two_searches_share_nothing(house: House, decoded: list[int], upload: bytes) -> None:
    extractor = Counting()
    search = search_of(house, extractor)
    assert search.nearest(upload, TEN) == search.nearest(upload, TEN)
    assert extractor.asked == [1, 1]
    assert len(decoded) == 2


def test_without_an_index_nothing_is_decoded(
    house: House, decoded: list[int], upload: bytes
) -> None:
    (house.generations.folder / "CURRENT").unlink()
    extractor = Counting()
    with pytest.raises(NoIndex):
        search_of(house, extractor).nearest(upload, TEN)
    assert (extractor.asked, decoded) == ([], [])


def test_where_every_generation_is_damaged_the_search_ends(
    house: House, decoded: list[int], upload: bytes
) -> None:
    damage(house, 1)
    damage(house, 2)
    extractor = Counting()
    with pytest.raises(IndexDamaged):
        search_of(house, extractor).nearest(upload, TEN)
    assert extractor.asked == [1]
