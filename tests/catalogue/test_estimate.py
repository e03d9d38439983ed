"""Estimates of an upgrade as far as they need no Triton."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sidecar.catalogue import TopKeywords
from sidecar.errors import FeaturesUnavailable, ModelRefused, SwitchRefused, TooBusy, UnknownVersion
from sidecar.tasks import disk_space
from sidecar.tasks.admission import Admission
from sidecar.tasks.candidate import Candidates
from sidecar.tasks.estimate import Estimates
from tests.support.house import DIMENSION, NOWHERE, House, describe, vector

IMAGES, WIDE = 1000, 1280


@pytest.fixture
def empty(catalogue_url: str, tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, catalogue_url)
    house.generations.folder.mkdir()
    describe(house.repository, 2, "b" * 64)
    yield house
    house.catalogue.close()


def of(house: House) -> Estimates:
    admission = Admission(house.generations, house.repository)
    candidates = Candidates(house.catalogue, admission, house.repository)
    return Estimates(house.catalogue, candidates, house.generations, house.repository, NOWHERE)


def test_an_empty_catalogue_takes_nothing(empty: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=500))
    found = of(empty).upgrade(2)
    assert (found.images, found.bytes, found.hours, found.measured) == (0, 0, 0.0, 0)
    assert (found.free_bytes, found.measured_version, found.trouble) == (500, None, None)


def test_what_is_stored_lacks_features_of_a_new_version(empty: House) -> None:
    empty.add(1, 10)
    with pytest.raises(FeaturesUnavailable):  # Triton is away
        of(empty).upgrade(2)
    record = empty.catalogue.models.register(2, "b" * 64, DIMENSION)
    empty.catalogue.features.store(record, {n: vector(n) for n in range(1, 11)})
    found = of(empty).upgrade(2)
    assert (found.images, found.features_bytes, found.hours) == (0, 0, 0.0)
    assert found.index_bytes == 0  # there is none to replace
    describe(empty.repository, 2, "c" * 64)
    with pytest.raises(ModelRefused, match="is not the model that the catalogue has features of"):
        of(empty).upgrade(2)


def test_what_an_upgrade_refuses_is_refused(empty: House) -> None:
    with pytest.raises(UnknownVersion):
        of(empty).upgrade(9)
    with pytest.raises(SwitchRefused):
        of(empty).upgrade(1)


def test_one_estimate_is_made_at_a_time(empty: House) -> None:
    empty.add(1, 10)
    estimates = of(empty)
    with estimates.candidates.trying(), pytest.raises(TooBusy):
        estimates.upgrade(2)


def test_the_bytes_are_those_that_are_written(tmp_path: Path) -> None:
    """By a network of 1,280 numbers, as those that are shipped."""
    empty = House(tmp_path)
    empty.add(1, IMAGES)
    empty.run("train")
    foreseen = disk_space.needed(empty.generations, IMAGES, IMAGES, WIDE)
    before = in_use(empty)
    record = empty.catalogue.models.register(2, "b" * 64, WIDE)
    random = np.random.default_rng(0)
    made = random.normal(size=(IMAGES, WIDE)).astype(np.float32)
    keywords = TopKeywords(np.arange(20, dtype=np.uint16), np.full(20, 0.1, np.float16))
    numbers = range(1, IMAGES + 1)
    empty.catalogue.features.store(
        record, dict(zip(numbers, made, strict=True)), dict.fromkeys(numbers, keywords)
    )
    catalogue = in_use(empty) - before
    with empty.catalogue.writing() as transaction:
        transaction.use(record)
    folder = empty.generations.path(empty.run("train").generation or 0)
    index = sum(path.stat().st_size for path in folder.iterdir())
    assert foreseen.features_bytes == pytest.approx(catalogue, rel=0.2)
    assert foreseen.index_bytes == pytest.approx(index, rel=0.2)
    empty.catalogue.close()


def in_use(house: House) -> int:
    """Bytes of the pages that hold something."""
    with house.catalogue.database.reading() as connection:
        size, pages, free = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("page_size", "page_count", "freelist_count")
        )
    return int(size * (pages - free))
