"""An image that is to be the only one of it is refused by what was added since it was compared, in
the transaction that would store it: on SQLite and PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from sidecar.catalogue import Catalogue, ModelRecord, NewImage, Unlike, open_catalogue
from sidecar.errors import DuplicateId, SimilarImage

FARTHEST = 0.02


@pytest.fixture
def catalogue(catalogue_url: str) -> Iterator[Catalogue]:
    catalogue = open_catalogue(catalogue_url, 30.0)
    catalogue.models.adopt(1, "a" * 64, 8)
    yield catalogue
    catalogue.close()


@pytest.fixture
def model(catalogue: Catalogue) -> ModelRecord:
    record = catalogue.models.in_use()
    assert record is not None
    return record


def image(
    model: ModelRecord, name: str, place: float, after: int | None = None, **more: object
) -> NewImage:
    """An image at a place on a line, whose bytes are its own."""
    features = np.zeros(8, np.float32)
    features[0] = place
    made = NewImage(name, f"sha of {name}", b"jpeg", {model: features})
    unlike = None if after is None else Unlike(after, model, FARTHEST)
    return replace(made, unlike=unlike, **more)  # type: ignore[arg-type]


def refusal(catalogue: Catalogue, image: NewImage) -> tuple[str, float]:
    with pytest.raises(SimilarImage) as refused:
        catalogue.adds.add(image)
    return refused.value.image_id, refused.value.dist


def test_what_came_since_is_compared(catalogue: Catalogue, model: ModelRecord) -> None:
    before = catalogue.adds.add(image(model, "before", 0.5))
    far = catalogue.adds.add(image(model, "far", 0.75))
    near = catalogue.adds.add(image(model, "near", 0.625))
    assert refusal(catalogue, image(model, "new", 0.5, after=0)) == ("before", 0.0)
    assert refusal(catalogue, image(model, "new", 0.5, after=before)) == ("near", 0.015625)
    assert refusal(catalogue, image(model, "new", 0.69, after=far))[0] == "near"
    assert catalogue.images.count() == 3
    assert catalogue.adds.add(image(model, "new", 0.5, after=near)) == near + 1
    assert catalogue.adds.add(image(model, "else", 0.25, after=0)) == near + 2


def test_the_same_bytes_are_the_same_whatever_their_features(
    catalogue: Catalogue, model: ModelRecord
) -> None:
    catalogue.adds.add(image(model, "one", 0.5))
    again = image(model, "two", 0.9, after=0, sha256="sha of one")
    name, dist = refusal(catalogue, again)
    assert (name, round(dist, 2)) == ("one", 0.16)
    with catalogue.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM features")
    assert refusal(catalogue, again) == ("one", 0.0)
    assert catalogue.adds.add(image(model, "three", 0.5, after=0)) > 0


def test_of_two_in_one_commit_the_first_is_stored(catalogue: Catalogue, model: ModelRecord) -> None:
    batch = [image(model, name, 0.5, after=0) for name in ("one", "two")]
    plain = image(model, "three", 0.5)
    added = catalogue.adds.add_all([*batch, plain])
    assert isinstance(added[0], int)
    assert isinstance(added[1], SimilarImage)
    assert added[1].image_id == "one"
    assert isinstance(added[2], int)  # which did not ask to be the only one


def test_its_own_id_is_no_other_image(catalogue: Catalogue, model: ModelRecord) -> None:
    catalogue.adds.add(image(model, "one", 0.5))
    with pytest.raises(DuplicateId):
        catalogue.adds.add(image(model, "one", 0.5, after=0))
    assert catalogue.adds.add(image(model, "one", 0.5, after=0, overwrite=True)) == 2
    catalogue.adds.add(image(model, "two", 0.9))
    moved = image(model, "one", 0.9, after=0, overwrite=True)
    assert refusal(catalogue, moved)[0] == "two"
    assert catalogue.images.get("one").seq == 2  # an overwrite that is refused replaces nothing


def test_of_many_at_the_same_instant_one_is_stored(
    catalogue: Catalogue, model: ModelRecord
) -> None:
    """By two openings of one database, as two processes have it."""
    other = open_catalogue(catalogue.database.url, 30.0)

    def add(number: int) -> bool:
        through = (catalogue, other)[number % 2]
        try:
            through.adds.add(image(model, f"{number}", 0.5, after=0))
        except SimilarImage:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(add, range(32))) == 1
    other.close()
