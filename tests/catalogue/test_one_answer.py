"""One answer, one read: what is overwritten meanwhile is answered as it was, or as it is."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import falcon
import numpy as np
import pytest
from falcon.testing import TestClient
from sqlalchemy import Connection

from sidecar.catalogue import Catalogue, NewImage, open_catalogue
from sidecar.http.error_handlers import add_error_handlers
from sidecar.http.resources.images import ImageResource, OriginalResource, ThumbnailResource
from sidecar.images import ImageRules
from sidecar.index import GenerationStore
from sidecar.models.keywords import Keyword, Keywords
from sidecar.models.registry import ModelRegistry
from sidecar.operations.model_status import ModelStatus
from sidecar.operations.stats import Inventory
from tests.support.house import NOWHERE, House

PATH = "/similarity/images/cat"
ROUNDS = 30


def build(house: House) -> None:
    house.add(1, 1100)
    house.run("train")


class Echo(Keywords):
    """Says which picture it was asked about, which spares the test a Triton."""

    def of_stored(
        self, jpeg: bytes, top_k: int, threshold: float = 0.0
    ) -> tuple[list[Keyword], int]:
        return [Keyword(jpeg.decode(), 1.0)], 1


class Shelf:
    """A catalogue with one image, which is another one after each `overwrite`."""

    def __init__(self, catalogue: Catalogue, folder: Path, keeps: bool) -> None:
        self.catalogue = catalogue
        self.keeps = keeps
        self._numbers = count()
        self._model = catalogue.models.adopt(1, "a" * 64, 8)
        self.inventory = Inventory(catalogue, GenerationStore(folder))
        self.overwrite()

    def overwrite(self) -> None:
        number = next(self._numbers)
        upload = f"upload {number}" if self.keeps else f"picture {number}"
        self.catalogue.adds.add(
            NewImage(
                "cat",
                sha256(upload),
                f"picture {number}".encode(),
                {self._model: np.full(8, 1, np.float32)},
                upload.encode() if self.keeps else None,
                overwrite=True,
            )
        )

    def client(self) -> TestClient:
        entries = self.catalogue.images
        models = ModelRegistry(Path(), self.catalogue.models, NOWHERE)
        keywords = Echo(models, ImageRules(384, 10**6))
        app = falcon.App()
        app.add_route("/similarity/images/{image_id}", ImageResource(self.inventory, keywords))
        app.add_route("/similarity/images/{image_id}/thumbnail", ThumbnailResource(entries))
        app.add_route("/similarity/images/{image_id}/original", OriginalResource(self.inventory))
        add_error_handlers(app)
        return TestClient(app)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(params=[True, False], ids=["originals", "canonical"])
def shelf(request: pytest.FixtureRequest, catalogue_url: str, tmp_path: Path) -> Iterator[Shelf]:
    catalogue = open_catalogue(catalogue_url, 30.0)
    yield Shelf(catalogue, tmp_path, request.param)
    catalogue.close()


def after_each_read(
    catalogue: Catalogue, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads twice finds that something has happened in between."""
    reading = catalogue.database.reading

    @contextmanager
    def interrupted() -> Iterator[Connection]:
        with reading() as connection:
            yield connection
        act()

    monkeypatch.setattr(catalogue.database, "reading", interrupted)


def assert_original(client: TestClient) -> None:
    answer = client.simulate_get(f"{PATH}/original")
    assert answer.status_code == 200, answer.text
    assert answer.text.split()[0] in ("upload", "picture")


def assert_thumbnail(client: TestClient, keeps: str) -> None:
    answer = client.simulate_get(f"{PATH}/thumbnail")
    made_of = answer.text.replace("picture", keeps)
    assert sha256(made_of)[:16] in answer.headers["ETag"]


def assert_described(client: TestClient, keeps: str) -> None:
    answer = client.simulate_get(PATH).json
    picture = answer["keywords"][0]["name"]
    assert answer["sha256"] == sha256(picture.replace("picture", keeps))


def assert_each(shelf: Shelf, client: TestClient) -> None:
    keeps = "upload" if shelf.keeps else "picture"
    assert_original(client)
    assert_thumbnail(client, keeps)
    assert_described(client, keeps)


@pytest.mark.parametrize("path", ["original", "thumbnail", "described"])
def test_an_image_overwritten_between_two_reads_is_answered_whole(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    client = shelf.client()
    keeps = "upload" if shelf.keeps else "picture"
    after_each_read(shelf.catalogue, shelf.overwrite, monkeypatch)
    if path == "original":
        assert_original(client)
    elif path == "thumbnail":
        assert_thumbnail(client, keeps)
    else:
        assert_described(client, keeps)


def test_an_image_overwritten_all_the_time_is_answered_whole(shelf: Shelf) -> None:
    over = threading.Event()

    def overwrite() -> None:
        while not over.is_set():
            shelf.overwrite()

    writer = threading.Thread(target=overwrite)
    writer.start()
    try:
        for _ in range(ROUNDS):
            assert_each(shelf, shelf.client())
    finally:
        over.set()
        writer.join()


def test_stats_add_up_while_images_come_and_go(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory = Inventory(house.catalogue, house.generations)
    numbers = count(2001)

    def come_and_go() -> None:
        number = next(numbers)
        house.add(number, number)
        house.remove(number - 2000, number - 1)

    after_each_read(house.catalogue, come_and_go, monkeypatch)
    for _ in range(3):
        stats = inventory.stats()
        assert stats.images == stats.indexed + stats.waiting
        assert stats.indexed + stats.deleted == 1100


def test_the_models_are_summed_up_with_what_they_have_made(shelf: Shelf) -> None:
    shelf.catalogue.models.register(2, "b" * 64, 16)
    models = shelf.catalogue.summary.models()
    summed = [(m.record.version, m.record.dimension, m.in_use, m.features) for m in models]
    assert summed == [(1, 8, True, 1), (2, 16, False, 0)]


def test_the_versions_are_of_one_moment_while_another_comes_into_use(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = house.catalogue.models.register(2, "b" * 64, 16)

    def switch() -> None:
        with house.catalogue.writing() as transaction:
            transaction.use(other)

    roster = ModelStatus(house.catalogue, house.generations, tmp_path / "none", NOWHERE)
    after_each_read(house.catalogue, switch, monkeypatch)
    known = [(v.version, v.in_use, v.features, v.generations) for v in roster.versions()]
    assert known == [(1, True, 1100, [1]), (2, False, 0, [])]
