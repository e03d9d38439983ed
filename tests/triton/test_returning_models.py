"""Models that are retired and come back, and features that are not their model's: on the real
Triton, with a catalogue and an index of a test's own."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert, select, update

from local import photos
from sidecar.catalogue import Catalogue, MendingReport, ModelRecord, Task, TaskKind, open_catalogue
from sidecar.catalogue.schema import features, models, suspects
from sidecar.errors import FeaturesUnavailable, ModelRefused, ModelReplaced, TaskLost
from sidecar.images import ImageRules
from sidecar.index import BuildRules, GenerationStore
from sidecar.ingest.single import TRIES, Ingest
from sidecar.models import contract
from sidecar.models.comparison import Comparison
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import TritonClient
from sidecar.operations.repair import mend_all, repair
from sidecar.operations.verify import Verifier
from sidecar.tasks.mending import PAGE, Mending
from sidecar.tasks.training import Trainer
from tests.support.triton_server import serving
from tests.support.versions import put

RULES = BuildRules(0, "cpu")
PHOTOS = 2 * PAGE + 10


@dataclass
class Shop:
    """A repository with two small versions, and who adds."""

    repository: Path
    extractor: TritonClient
    catalogue: Catalogue
    generations: GenerationStore
    models: ModelRegistry

    def adding(self) -> Ingest:
        return Ingest(self.catalogue.adds, self.models, ImageRules(384, 10**8), False)

    def register(self, version: int) -> ModelRecord:
        made = contract.read(self.repository, version)
        return self.catalogue.models.register(version, made.sha256, made.dimension)

    def switch(self, record: ModelRecord) -> None:
        with self.catalogue.writing() as transaction:
            transaction.use(record)

    def comparison(self) -> Comparison:
        return Comparison(ModelRegistry(self.repository, self.catalogue.models, self.extractor))

    def strange(self) -> list[str]:
        verifier = Verifier(self.catalogue, self.generations)
        return list(verifier.wrong_features(self.comparison()))

    def mend(self, report: Any = lambda *_, **__: None) -> Task:
        task = self.catalogue.tasks.claim(self.catalogue.tasks.request(TaskKind.MEND).task_id)
        assert task is not None
        trainer = Trainer(self.catalogue, self.generations, RULES, 2, fewest_samples=1)
        parts = (self.catalogue, self.generations, trainer, self.comparison())
        return Mending(*parts, task, report).run()

    def suspect_all(self) -> None:
        everything = select(features.c.seq, features.c.model)
        with self.catalogue.database.writing() as connection:
            connection.execute(insert(suspects).from_select(["seq", "model"], everything))

    def features(self, name: str, record: ModelRecord) -> Any:
        found = self.catalogue.images.features(name, record.model)
        assert found is not None
        return found[1]


def spoiled(catalogue: Catalogue, name: str, record: ModelRecord) -> None:
    """Give an image features that are not its own, as the release before could."""
    seq = catalogue.images.get(name).seq
    away = -np.ones(record.dimension, np.float32) / np.sqrt(record.dimension)
    vector = away.astype("<f2").tobytes()
    which = (features.c.seq == seq) & (features.c.model == record.model)
    with catalogue.database.writing() as connection:
        values = {"vector": vector, "crc": zlib.crc32(vector)}
        connection.execute(update(features).where(which).values(values))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, TritonClient]]:
    folder = tmp_path_factory.mktemp("returning")
    for number, name in ((1, "tiny"), (2, "signed-one")):
        put(name, number, folder / "models")
    with serving(folder / "models", folder) as server:
        yield folder / "models", TritonClient(server.url, timeout_s=30)


@pytest.fixture
def shop(served: tuple[Path, TritonClient], tmp_path: Path) -> Iterator[Shop]:
    repository, extractor = served
    catalogue = open_catalogue(f"sqlite:///{tmp_path}/catalogue.sqlite", 30)
    made = contract.read(repository, 1)
    catalogue.models.adopt(1, made.sha256, made.dimension)
    models = ModelRegistry(repository, catalogue.models, extractor)
    (tmp_path / "index").mkdir()
    yield Shop(repository, extractor, catalogue, GenerationStore(tmp_path / "index"), models)
    catalogue.close()


@pytest.fixture(scope="module")
def pictures() -> dict[str, bytes]:
    return dict(photos.variations(PHOTOS))


def first(pictures: dict[str, bytes], name: str = "one") -> tuple[bytes, str]:
    return next(iter(pictures.values())), name


def test_a_version_that_was_retired_and_came_back_takes_adds_at_once(
    shop: Shop, pictures: dict[str, bytes]
) -> None:
    adding, old = shop.adding(), shop.register(1)
    adding.add(*first(pictures, "before"))
    shop.switch(shop.register(2))
    shop.catalogue.models.retire(old)
    back = shop.register(1)
    shop.switch(back)
    assert back.model > old.model
    adding.add(*first(pictures, "after"))  # this process has not looked since
    assert shop.catalogue.images.get("after").versions == [1]
    fresh = shop.models.in_use().features(shop.catalogue.images.jpeg("after"))
    assert np.allclose(shop.features("after", back), fresh, atol=2e-2)


def test_an_add_that_is_refused_each_time_ends_with_an_error(
    shop: Shop, pictures: dict[str, bytes], tmp_path: Path
) -> None:
    other = open_catalogue(f"sqlite:///{tmp_path}/other.sqlite", 30)
    other.models.adopt(1, "0" * 64, 8)
    with pytest.raises(ModelReplaced, match=f"tried {TRIES} times"):
        Ingest(other.adds, shop.models, ImageRules(384, 10**8), False).add(*first(pictures))
    assert other.images.count() == 0
    other.close()


def test_an_add_survives_that_the_model_about_to_come_was_retired(
    shop: Shop, pictures: dict[str, bytes]
) -> None:
    coming = shop.register(2)
    task = shop.catalogue.tasks.request(TaskKind.UPGRADE, 2)
    shop.catalogue.models.join(coming)
    shop.models.refresh()
    shop.adding().add(*first(pictures, "both"))
    shop.catalogue.tasks.cancel(task.task_id)
    shop.catalogue.models.retire(coming)
    shop.adding().add(*first(pictures, "one"))  # this process has not looked since
    assert shop.catalogue.images.get("one").versions == [1]
    third = shop.catalogue.models.register(3, "3" * 64, coming.dimension)
    assert shop.catalogue.features.count(third.model) == 0


def test_an_add_survives_that_triton_has_dropped_the_model_of_before(
    shop: Shop, pictures: dict[str, bytes]
) -> None:
    upload, name = first(pictures)
    shop.switch(shop.register(2))
    shop.models.refresh()
    shop.adding().add(upload, name)
    back = shop.register(1)
    shop.catalogue.features.store(back, {1: shop.models.verified(1, back.sha256).features(upload)})
    away = shop.repository / "2"
    folder = contract.folder(shop.repository, 2)
    folder.rename(away)
    try:
        assert shop.extractor.load() == ""
        with pytest.raises(FeaturesUnavailable):  # it is still in use
            shop.adding().add(upload, "refused")
        shop.models.refresh()
        shop.switch(back)
        shop.adding().add(upload, "after")  # this process has not looked since
    finally:
        away.rename(folder)
        assert shop.extractor.load() == ""
    assert shop.catalogue.images.get("after").versions == [1]


def test_what_is_remembered_of_a_model_ends_with_it(shop: Shop) -> None:
    old = shop.models.in_use()
    shop.switch(shop.register(2))
    shop.catalogue.models.retire(old.record)
    shop.models.refresh()
    back = shop.register(1)
    again = shop.models.verified(1, back.sha256)
    assert (old.record.model, again.record) == (1, back)
    shop.catalogue.models.retire(back)
    shop.models.refresh()
    with pytest.raises(ModelRefused, match="knows no model"):
        shop.models.verified(1, back.sha256)


def test_readiness_is_whether_an_add_would_be_taken(shop: Shop) -> None:
    shop.models.check()
    old = shop.models.in_use().record
    shop.switch(shop.register(2))
    shop.catalogue.models.retire(old)
    shop.switch(shop.register(1))
    shop.models.check()  # an add looks again, too
    with shop.catalogue.database.writing() as connection:
        connection.execute(update(models).where(models.c.in_use).values(dimension=7))
    with pytest.raises(ModelRefused, match="dimension 1280"):
        shop.models.check()


def filled(shop: Shop, pictures: dict[str, bytes]) -> tuple[ModelRecord, list[str]]:
    """Every photo added by both versions, and an index of version 1."""
    coming = shop.register(2)
    shop.catalogue.tasks.request(TaskKind.UPGRADE, 2)
    shop.catalogue.models.join(coming)
    shop.models.refresh()
    adding = shop.adding()
    for name, file in pictures.items():
        adding.add(file, name)
    shop.catalogue.tasks.cancel(shop.catalogue.tasks.recent(1)[0].task_id)
    repair(shop.catalogue, shop.generations, RULES)
    return shop.register(1), [*pictures]


def test_what_is_wrong_is_named_and_mended_and_the_index_follows(
    shop: Shop, pictures: dict[str, bytes]
) -> None:
    record, names = filled(shop, pictures)
    assert shop.strange() == []
    whole = {name: shop.features(name, record) for name in names}
    newest = names[-1]
    for name in (names[3], newest):
        spoiled(shop.catalogue, name, record)
    [named] = [line for line in shop.strange() if newest in line]
    assert f"the features of {newest} by version 1 are not its own" in named
    done = mend_all(shop.catalogue, shop.generations, RULES, shop.comparison())
    assert done is not None
    assert isinstance(done.report, MendingReport)
    assert (done.report.checked, done.report.mended) == (2 * PHOTOS, 2)
    assert (done.generation, done.images) == (2, PHOTOS)
    for name in names:
        assert np.allclose(shop.features(name, record), whole[name], atol=2e-2), name
    assert shop.strange() == []
    assert list(Verifier(shop.catalogue, shop.generations).problems()) == []
    assert shop.catalogue.suspects.count() == 0


def test_nothing_is_made_where_nothing_is_wrong(shop: Shop, pictures: dict[str, bytes]) -> None:
    filled(shop, dict([*pictures.items()][:20]))
    shop.suspect_all()
    done = shop.mend()
    assert done.report == MendingReport(40, 0)
    assert (done.generation, shop.generations.numbers()) == (None, [1])
    assert shop.catalogue.suspects.count() == 0


@pytest.mark.long
def test_a_mending_that_is_killed_goes_on_and_the_index_still_follows(
    shop: Shop, pictures: dict[str, bytes]
) -> None:
    record, names = filled(shop, pictures)
    spoiled(shop.catalogue, names[0], record)
    repair(shop.catalogue, shop.generations, RULES)  # the index has what is wrong, too
    shop.suspect_all()

    def dies_in(phase: str) -> Any:
        def report(now: str, *_: Any, **__: Any) -> None:
            if now == phase:
                raise TaskLost("killed")

        return report

    for phase in ("comparing", "comparing", "reading"):
        with pytest.raises(TaskLost):
            shop.mend(dies_in(phase))
        shop.catalogue.tasks.cancel(shop.catalogue.tasks.recent(1)[0].task_id)
        assert shop.generations.numbers() == [2]
    assert shop.strange() == []  # mended, and the index lacks it
    [behind] = Verifier(shop.catalogue, shop.generations).problems()
    assert "generation 000002 has other features than the catalogue of images: 1" in behind
    done = shop.mend()
    assert isinstance(done.report, MendingReport)
    assert (done.report.mended, done.generation) == (1, 3)
    assert list(Verifier(shop.catalogue, shop.generations).problems()) == []


def test_suspects_of_a_version_that_nobody_can_ask_are_dropped_for_an_upgrade_to_make(
    shop: Shop, pictures: dict[str, bytes]
) -> None:
    filled(shop, dict([*pictures.items()][:5]))
    gone = shop.catalogue.models.register(9, "9" * 64, 8)
    shop.catalogue.features.store(gone, {seq: np.ones(8, np.float32) for seq in range(1, 6)})
    shop.suspect_all()
    done = shop.mend()
    assert done.report == MendingReport(15, 5)
    assert shop.catalogue.features.count(gone.model) == 0
    assert [p.seq for p in shop.catalogue.features.missing(gone.model, 0, 9, 9)] == [1, 2, 3, 4, 5]
    assert shop.catalogue.suspects.count() == 0
