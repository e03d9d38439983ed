"""Many stored images, looked up in one transaction."""

import unicodedata

import numpy as np
from sqlalchemy import update

from sidecar.catalogue import NewImage, Stored
from sidecar.catalogue.schema import features, pictures
from sidecar.errors import CatalogueDamaged
from tests.support.house import House, vector

COMPOSED = "한글"
IN_PARTS = unicodedata.normalize("NFD", COMPOSED)
OTHER_MODEL = 99


def build(house: House) -> None:
    house.add(1, 3)
    model = {house.model: vector(4)}
    house.catalogue.adds.add(NewImage(COMPOSED, "sha", b"other", model))


def test_each_is_found_by_the_id_asked_for_and_unknown_ones_are_left_out(house: House) -> None:
    asked = ["2", IN_PARTS, COMPOSED, "2", "nobody", "a\0b"]
    found = house.catalogue.images.stored(asked, house.model.model)
    assert set(found) == {"2", IN_PARTS, COMPOSED}
    for name, (seq, stored_as) in {"2": (2, "2"), IN_PARTS: (4, COMPOSED)}.items():
        each = found[name]
        assert isinstance(each, Stored)
        assert (each.seq, each.id, each.jpeg) == (seq, stored_as, b"")
        assert each.features is not None
        assert np.array_equal(each.features, vector(seq).astype(np.float16).astype(np.float32))


def test_jpegs_come_where_they_are_asked_for_and_features_of_the_model_alone(house: House) -> None:
    found = house.catalogue.images.stored(["1", COMPOSED], OTHER_MODEL, jpegs=True)
    jpegs = {
        name: (each.jpeg, each.features) for name, each in found.items() if isinstance(each, Stored)
    }
    assert jpegs == {"1": (b"jpeg", None), COMPOSED: (b"other", None)}


def test_a_damaged_one_is_named_and_hinders_no_other(house: House) -> None:
    with house.catalogue.database.writing() as connection:
        connection.execute(update(features).where(features.c.seq == 1).values(crc=7))
        connection.execute(update(pictures).where(pictures.c.seq == 2).values(crc=7))
    look_up, model = house.catalogue.images.stored, house.model.model
    found = look_up(["1", "2", "3"], model, jpegs=True)
    damaged = {name: str(each) for name, each in found.items() if not _is_whole(each)}
    assert damaged == {
        "1": "the features of 1 are not what was stored",
        "2": "the JPEG of 2 is not what was stored",
    }
    assert _is_whole(look_up(["2"], model)["2"])


def _is_whole(found: Stored | CatalogueDamaged) -> bool:
    return isinstance(found, Stored)
