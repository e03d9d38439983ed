"""Keywords are made with the features, in one inference, and compared with them: on the real
Triton, with a catalogue of a test's own."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from local import photos
from sidecar.catalogue import (
    Catalogue,
    FillingReport,
    ModelRecord,
    Task,
    TaskKind,
    TopKeywords,
    open_catalogue,
    top,
)
from sidecar.catalogue.schema import features, pictures
from sidecar.errors import CatalogueDamaged, ModelRefused, TaskLost, TaskWaits
from sidecar.images import ImageRules
from sidecar.index import BuildRules, GenerationStore
from sidecar.ingest.single import Ingest
from sidecar.models import contract as contracts
from sidecar.models.comparison import Comparison
from sidecar.models.keywords import Keywords
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import TritonClient
from sidecar.operations.repair import mend_all
from sidecar.operations.verify import Verifier
from sidecar.tasks import keyword_backfill
from sidecar.tasks.backfill import Backfill
from sidecar.tasks.keyword_backfill import KeywordBackfill
from tests.support.house import NOWHERE
from tests.support.triton_server import Server, serving
from tests.support.versions import put

PHOTOS = 30
RULES = ImageRules(384, 10**8)
VERSIONS = {1: "tiny", 2: "small-32"}


@dataclass
class Shop:
    """A catalogue whose model in use is version 1, and a Triton that serves both."""

    repository: Path
    server: Server
    catalogue: Catalogue
    folder: Path
    models: ModelRegistry = field(init=False)

    def __post_init__(self) -> None:
        triton = TritonClient(self.server.url, timeout_s=30)
        self.models = ModelRegistry(self.repository, self.catalogue.models, triton)
        self.models.in_use()

    def add(self, images: dict[str, bytes]) -> None:
        ingest = Ingest(self.catalogue.adds, self.models, RULES, False)
        for name, file in images.items():
            ingest.add(file, name)

    def register(self, version: int) -> ModelRecord:
        made = contracts.read(self.repository, version)
        return self.catalogue.models.register(version, made.sha256, made.dimension)

    def made(self, name: str, record: ModelRecord) -> list[tuple[int, float]]:
        """What a version gives an image now."""
        model = self.models.verified(record.version, record.sha256)
        return pairs(top(model.keywords(self.catalogue.images.jpeg(name))))

    def stored(self, record: ModelRecord) -> dict[str, list[tuple[int, float]] | None]:
        """What the catalogue has of each image."""
        sample = self.catalogue.suspects.sample(record, 1000)
        return {e.id: None if e.keywords is None else pairs(e.keywords) for e in sample}

    def agrees(self, record: ModelRecord) -> bool:
        """Whether every image has what its model gives it."""
        stored = self.stored(record)
        assert len(stored) == self.catalogue.images.count()
        return all(same(found, self.made(name, record)) for name, found in stored.items())

    def lose(self, *names: str) -> None:
        """As an older release has left the rows; of all images where none is named."""
        seqs = [self.catalogue.images.get(name).seq for name in names]
        rows = features.c.seq.in_(seqs) if names else features.c.seq > 0
        with self.catalogue.database.writing() as connection:
            connection.execute(update(features).where(rows).values(keywords=None))

    def fill(self, report: Any = lambda *_, **__: None) -> Task:
        task = self.catalogue.tasks.claim(self.catalogue.tasks.request(TaskKind.FILL).task_id)
        assert task is not None
        return KeywordBackfill(self.catalogue, self.models, task, report).run()

    def comparison(self) -> Comparison:
        return Comparison(self.models)


def pairs(keywords: TopKeywords) -> list[tuple[int, float]]:
    return [*zip(keywords.labels.tolist(), keywords.scores.tolist(), strict=True)]


def same(one: Any, other: Any) -> bool:
    """Another batch may change the last bits of a score."""
    if one is None or len(one) != len(other):
        return False
    return sorted(label for label, _ in one) == sorted(label for label, _ in other) and bool(
        np.allclose([score for _, score in one], [score for _, score in other], atol=2e-3)
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Server]]:
    folder = tmp_path_factory.mktemp("keywords")
    for version, name in VERSIONS.items():
        put(name, version, folder / "models")
    with serving(folder / "models", folder) as server:
        yield folder / "models", server


@pytest.fixture
def shop(served: tuple[Path, Server], catalogue_url: str, tmp_path: Path) -> Iterator[Shop]:
    repository, server = served
    catalogue = open_catalogue(catalogue_url, 30)
    made = contracts.read(repository, 1)
    catalogue.models.adopt(1, made.sha256, made.dimension)
    (tmp_path / "index").mkdir()
    yield Shop(repository, server, catalogue, tmp_path)
    catalogue.close()


@pytest.fixture(scope="module")
def images() -> dict[str, bytes]:
    return dict(photos.variations(PHOTOS))


# -- made with the features


def test_an_add_stores_both_and_asks_once(shop: Shop, images: dict[str, bytes]) -> None:
    before = shop.server.inferences(1)
    shop.add(images)
    assert shop.server.inferences(1) == before + PHOTOS
    record = shop.register(1)
    assert any(shop.stored(record).values())
    assert shop.agrees(record)


def test_so_it_is_by_the_model_that_is_about_to_come(shop: Shop, images: dict[str, bytes]) -> None:
    coming = shop.register(2)
    shop.catalogue.tasks.request(TaskKind.UPGRADE, 2)
    shop.catalogue.models.join(coming)
    shop.models.refresh()
    shop.add(dict([*images.items()][:5]))
    assert shop.agrees(shop.register(1))
    assert shop.agrees(coming)


def test_an_upgrade_makes_them_of_what_is_stored(shop: Shop, images: dict[str, bytes]) -> None:
    shop.add(images)
    coming = shop.register(2)
    backfill = Backfill(shop.catalogue.images, shop.catalogue.features, shop.models)
    backfill.catch_up(coming, 0, lambda _: None)
    assert shop.agrees(coming)


def test_an_upgrade_that_waits_for_the_images_can_be_cancelled(
    shop: Shop, images: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    monkeypatch.setattr(shop.catalogue.objects, "url", f"{store}")
    monkeypatch.setattr(shop.catalogue.objects, "folder", "12345678")
    shop.add(images)
    store.rename(tmp_path / "aside")
    store.touch()

    def cancelled(_: int) -> None:
        raise TaskLost

    backfill = Backfill(shop.catalogue.images, shop.catalogue.features, shop.models)
    with pytest.raises(TaskLost):
        backfill.catch_up(shop.register(2), 0, cancelled)


def test_a_version_that_gives_other_keywords_than_its_contract_says_is_refused(
    shop: Shop, tmp_path: Path
) -> None:
    shutil.copytree(shop.repository, tmp_path / "models")
    folder = contracts.folder(tmp_path / "models", 1)
    said = contracts.read(tmp_path / "models", 1)
    (folder / "labels.txt").write_text("sea\nsky\n")
    values = {"keywords": 2, "labels_sha256": None, "contract_sha256": None, "golden_photo": None}
    contracts.write(folder, type(said)(**(vars(said) | values)))
    triton = TritonClient(shop.server.url, timeout_s=30)
    models = ModelRegistry(tmp_path / "models", shop.catalogue.models, triton)
    with pytest.raises(ModelRefused, match=r"keywords of the shape \[3\], where .* has 2"):
        models.in_use()


# -- compared with them


def test_keywords_of_another_image_are_named_and_mended(
    shop: Shop, images: dict[str, bytes]
) -> None:
    shop.add(images)
    record, generations = shop.register(1), GenerationStore(shop.folder / "index")
    verifier = Verifier(shop.catalogue, generations)
    assert [*verifier.wrong_features(shop.comparison())] == []
    wrong = TopKeywords(np.array([2], np.uint16), np.array([1], np.float16))
    newest = [*images][-1]
    right = shop.stored(record)
    assert not same(right[newest], pairs(wrong))
    shop.catalogue.suspects.settle(record, [], {}, {PHOTOS: wrong})
    [named] = verifier.wrong_features(shop.comparison())
    assert f"the keywords of {newest} by version 1 are not its own: a score differs by 0." in named
    shop.lose(next(iter(images)))
    mend_all(shop.catalogue, generations, BuildRules(0, "cpu"), shop.comparison())
    assert shop.agrees(record)
    assert [*verifier.wrong_features(shop.comparison())] == []


# -- filled in


def test_what_is_missing_is_filled_in_and_nothing_else_is_asked(
    shop: Shop, images: dict[str, bytes]
) -> None:
    shop.add(images)
    record, names = shop.register(1), [*images]
    shop.lose(*names[::3])
    before = shop.server.inferences(1)
    seen: list[tuple[str, float]] = []
    done = shop.fill(lambda phase, progress, *_: seen.append((phase, progress)))
    assert (done.state, done.report) == ("ok", FillingReport(1, PHOTOS))
    assert shop.server.inferences(1) == before + len(names[::3])
    assert shop.agrees(record)
    assert seen[-1] == ("embedding", 1.0)


def test_where_nothing_is_missing_nobody_is_asked(shop: Shop, images: dict[str, bytes]) -> None:
    assert shop.fill().report is not None
    shop.add(images)
    shop.models = ModelRegistry(shop.repository, shop.catalogue.models, NOWHERE)
    assert shop.fill().report == FillingReport(1, PHOTOS)


def test_before_the_first_add_there_is_nothing_to_fill(catalogue_url: str) -> None:
    catalogue = open_catalogue(catalogue_url, 30)
    models = ModelRegistry(Path(), catalogue.models, NOWHERE)
    task = catalogue.tasks.claim(catalogue.tasks.request(TaskKind.FILL).task_id)
    assert task is not None
    done = KeywordBackfill(catalogue, models, task, lambda *_, **__: None).run()
    assert (done.state, done.report) == ("ok", None)
    catalogue.close()


def test_a_filling_that_is_killed_goes_on_where_it_was(
    shop: Shop, images: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyword_backfill, "PAGE", 8)
    shop.add(images)
    shop.lose()

    def dies(*_: Any, **__: Any) -> None:
        raise TaskLost("killed")

    with pytest.raises(TaskLost):
        shop.fill(dies)
    left = shop.catalogue.features.count_unlabelled(1)
    assert 0 < left < PHOTOS
    shop.catalogue.tasks.cancel(shop.catalogue.tasks.recent(1)[0].task_id)
    before = shop.server.inferences(1)
    assert shop.fill().report == FillingReport(1, PHOTOS)
    assert shop.server.inferences(1) == before + left
    assert shop.agrees(shop.register(1))


def test_it_makes_way_and_goes_on_with_the_model_that_came_into_use(
    shop: Shop, images: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyword_backfill, "PAGE", 8)
    shop.add(images)
    coming = shop.register(2)
    Backfill(shop.catalogue.images, shop.catalogue.features, shop.models).catch_up(
        coming, 0, lambda _: None
    )
    shop.lose()
    upgrade = shop.catalogue.tasks.request(TaskKind.UPGRADE, 2)
    waiting = shop.catalogue.tasks.request(TaskKind.FILL)
    assert shop.catalogue.tasks.claim(waiting.task_id) is None  # the upgrade goes first
    shop.catalogue.tasks.cancel(upgrade.task_id)

    def asks(*_: Any, **__: Any) -> None:
        shop.catalogue.tasks.request(TaskKind.UPGRADE, 2)

    with pytest.raises(TaskWaits):
        shop.fill(asks)
    assert 0 < shop.catalogue.features.count_unlabelled(1) < PHOTOS
    switch = shop.catalogue.tasks.claim(shop.catalogue.tasks.recent(1)[0].task_id)
    assert switch is not None
    with shop.catalogue.tasks.publishing(switch) as publication:
        publication.transaction.use(coming)
    assert shop.fill().report == FillingReport(2, PHOTOS)
    assert shop.agrees(coming)
    assert 0 < shop.catalogue.features.count_unlabelled(1) < PHOTOS


def test_a_damaged_jpeg_is_named_and_hinders_no_other(shop: Shop, images: dict[str, bytes]) -> None:
    shop.add(images)
    shop.lose()
    with shop.catalogue.database.writing() as connection:
        connection.execute(update(pictures).where(pictures.c.seq == 3).values(jpeg=b"other"))
    damaged = [*images][2]
    with pytest.raises(CatalogueDamaged, match=f"the JPEGs of {damaged} are not .* all others"):
        shop.fill()
    stored = shop.stored(shop.register(1))
    assert [name for name, found in stored.items() if found is None] == [damaged]


# -- answered


def test_a_stored_image_is_answered_without_an_inference_where_that_is_enough(
    shop: Shop, images: dict[str, bytes]
) -> None:
    shop.add(images)
    name = next(iter(images))
    stored = shop.catalogue.images.described(name)
    assert stored.keywords is not None
    count = len(stored.keywords)
    alone = Keywords(ModelRegistry(shop.repository, shop.catalogue.models, NOWHERE), RULES)
    both = Keywords(shop.models, RULES)
    asked: dict[str, tuple[int, float]] = {
        "as many as are stored": (count, 0.0),
        "fewer": (1, 0.0),
        "all over the threshold": (10, 0.05),
        "over more": (10, 0.4),
    }
    for what, (top_k, threshold) in asked.items():
        found = alone.of_image(stored, top_k, threshold)
        wanted, _ = both.of_stored(stored.jpeg, top_k, threshold)
        assert [each.name for each in found] == [each.name for each in wanted], what
        assert [each.score for each in found] == pytest.approx(
            [each.score for each in wanted], abs=2e-3
        )
    before = shop.server.inferences(1)
    assert len(both.of_image(stored, 10)) == 3  # all that the model knows, likely or not
    assert shop.server.inferences(1) == before + 1
