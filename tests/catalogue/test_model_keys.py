"""A model's key is its own for ever; features are stored only under the model that made them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import insert

from sidecar.catalogue import Catalogue, ModelRecord, NewImage, TaskKind, open_catalogue
from sidecar.catalogue.schema import features
from sidecar.errors import ModelRefused, ModelReplaced
from sidecar.index import GenerationStore
from sidecar.operations.backup import Backups

A, B, C = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture
def catalogue(catalogue_url: str) -> Iterator[Catalogue]:
    """A catalogue with version 1 in use, in SQLite and in PostgreSQL."""
    catalogue = open_catalogue(catalogue_url, 30)
    catalogue.models.adopt(1, A, 8)
    yield catalogue
    catalogue.close()


@pytest.fixture
def first(catalogue: Catalogue) -> ModelRecord:
    record = catalogue.models.in_use()
    assert record is not None
    return record


def row(value: float, length: int = 8) -> NDArray[np.float32]:
    return np.full(length, value, np.float32)


def image(name: str, made: dict[ModelRecord, NDArray[np.float32]]) -> NewImage:
    return NewImage(name, "sha", b"jpeg", made)


def versions(catalogue: Catalogue, name: str) -> list[int]:
    return catalogue.images.get(name).versions


def switch(catalogue: Catalogue, record: ModelRecord) -> None:
    with catalogue.writing() as transaction:
        transaction.use(record)


def test_the_key_of_a_model_that_is_gone_is_never_given_to_another(catalogue: Catalogue) -> None:
    keys = [1]
    for version, sha256 in ((3, C), (2, B), (3, C)):
        record = catalogue.models.register(version, sha256, 8)
        keys.append(record.model)
        catalogue.models.retire(record)
    refused = catalogue.models.register(4, "d" * 64, 8)
    catalogue.models.forget(4)
    keys += [refused.model, catalogue.models.register(4, "e" * 64, 8).model]
    keys.append(catalogue.models.register(4, "f" * 64, 8).model)  # the file was replaced
    assert keys == sorted(set(keys))


def test_nor_is_it_after_a_backup_and_a_restore(catalogue: Catalogue, tmp_path: Path) -> None:
    gone = catalogue.models.register(3, C, 8)
    catalogue.models.retire(gone)
    Backups(catalogue, GenerationStore(tmp_path / "index")).backup(
        tmp_path / "copy", lambda *_: None
    )
    restored = open_catalogue(f"sqlite:///{tmp_path}/restored.sqlite", 30)
    index = GenerationStore(tmp_path / "restored")
    Backups(restored, index).restore(tmp_path / "copy", lambda *_: None)
    assert restored.models.register(2, B, 8).model > gone.model
    restored.close()


def test_an_add_never_brings_features_of_a_retired_model_under_the_next_one(
    catalogue: Catalogue, first: ModelRecord
) -> None:
    remembered = catalogue.models.register(3, C, 8)
    catalogue.models.retire(remembered)
    second = catalogue.models.register(2, B, 8)
    switch(catalogue, second)
    late = image("late", {first: row(1), second: row(2), remembered: row(3)})
    catalogue.adds.add(late)
    assert versions(catalogue, "late") == [1, 2]
    found = catalogue.images.features("late", second.model)
    assert found is not None
    assert found[1].tolist() == [2.0] * 8


def test_features_of_a_model_that_came_back_are_refused_under_what_it_was(
    catalogue: Catalogue, first: ModelRecord
) -> None:
    second = catalogue.models.register(2, B, 8)
    switch(catalogue, second)
    catalogue.models.retire(first)
    back = catalogue.models.register(1, A, 8)
    switch(catalogue, back)
    with pytest.raises(ModelReplaced):
        catalogue.adds.add(image("stale", {first: row(1)}))
    catalogue.adds.add(image("fresh", {back: row(1), first: row(9)}))
    assert versions(catalogue, "fresh") == [1]


@pytest.mark.parametrize("other", [(5, A, 8), (1, B, 8), (1, A, 9)])
def test_another_number_file_or_length_is_another_model(
    catalogue: Catalogue, first: ModelRecord, other: tuple[int, str, int]
) -> None:
    with pytest.raises(ModelReplaced):
        catalogue.adds.add(image("one", {ModelRecord(first.model, *other): row(1, other[2])}))
    assert catalogue.images.count() == 0


def test_features_in_bulk_are_refused_for_a_model_that_is_gone(
    catalogue: Catalogue, first: ModelRecord
) -> None:
    seq = catalogue.adds.add(image("one", {first: row(1)}))
    remembered = catalogue.models.register(3, C, 8)
    catalogue.models.retire(remembered)
    second = catalogue.models.register(2, B, 8)
    with pytest.raises(ModelReplaced, match="no longer knows version 3"):
        catalogue.features.store(remembered, {seq: row(3)})
    taken = ModelRecord(second.model, 3, C, 8)  # what a key used again would look like
    with pytest.raises(ModelReplaced, match="no longer knows version 3"):
        catalogue.features.store(taken, {seq: row(3)})
    assert versions(catalogue, "one") == [1]


def test_features_of_a_wrong_length_are_refused_and_their_neighbours_stored(
    catalogue: Catalogue, first: ModelRecord
) -> None:
    second = catalogue.models.register(2, B, 8)
    batch = [
        image("long", {first: row(1, 9)}),
        image("right", {first: row(1), second: row(2, 7)}),
    ]
    refused, seq = catalogue.adds.add_all(batch)
    assert isinstance(refused, ModelRefused)
    assert "[9]" in str(refused)
    assert isinstance(seq, int)
    assert versions(catalogue, "right") == [1]
    with pytest.raises(ModelRefused, match="8 values"):
        catalogue.features.store(second, {seq: row(2, 7)})


def test_a_model_that_is_gone_neither_joins_nor_comes_into_use(catalogue: Catalogue) -> None:
    gone = catalogue.models.register(2, B, 8)
    catalogue.models.retire(gone)
    with pytest.raises(ModelReplaced):
        catalogue.models.join(gone)
    with pytest.raises(ModelReplaced):
        switch(catalogue, gone)
    in_use = catalogue.models.in_use()
    assert in_use is not None
    assert in_use.version == 1


def test_a_retirement_takes_features_that_came_meanwhile_and_no_model_in_use(
    catalogue: Catalogue, first: ModelRecord
) -> None:
    second = catalogue.models.register(2, B, 8)
    catalogue.adds.add(image("one", {first: row(1), second: row(2)}))
    assert catalogue.models.retire(first) == 0
    assert catalogue.models.retire(second) == 1
    assert catalogue.models.retire(second) == 0
    assert versions(catalogue, "one") == [1]
    assert catalogue.models.numbered(2) is None


def test_a_file_has_one_number(catalogue: Catalogue) -> None:
    with pytest.raises(ModelRefused, match="version 5 is the same file as version 1"):
        catalogue.models.register(5, A, 8)


def test_who_comes_late_to_adopt_gets_the_model_in_use_and_changes_nothing(
    catalogue: Catalogue, first: ModelRecord
) -> None:
    second = catalogue.models.register(2, B, 8)
    catalogue.tasks.request(TaskKind.UPGRADE, 2)
    catalogue.models.join(second)
    assert catalogue.models.adopt(1, A, 8) == first
    assert catalogue.models.joining() == second
    switch(catalogue, second)
    assert catalogue.models.adopt(1, A, 8) == second
    known = catalogue.models.known()
    assert known.all == {first, second}
    assert (known.in_use, known.joining) == (second, None)


def test_a_version_registered_before_the_first_was_adopted_can_be_adopted(
    catalogue_url: str,
) -> None:
    catalogue = open_catalogue(catalogue_url, 30)
    record = catalogue.models.register(2, B, 8)
    assert catalogue.models.in_use() is None
    assert catalogue.models.adopt(2, B, 8) == record
    assert catalogue.models.in_use() == record
    catalogue.close()


def test_features_that_are_there_stay_when_they_are_made_twice(
    catalogue: Catalogue, first: ModelRecord
) -> None:
    one, two = (catalogue.adds.add(image(n, {first: row(1)})) for n in ("one", "two"))
    second = catalogue.models.register(2, B, 8)
    catalogue.features.store(second, {one: row(2)})
    catalogue.features.store(second, {one: row(3), two: row(3)})  # by an attempt thought dead
    found = {n: catalogue.images.features(n, second.model) for n in ("one", "two")}
    assert {n: f[1][0] for n, f in found.items() if f} == {"one": 2.0, "two": 3.0}


def test_the_database_itself_gives_no_key_twice(catalogue: Catalogue) -> None:
    """Whoever inserts past `Models`, the count goes on."""
    gone = catalogue.models.register(2, B, 8)
    with catalogue.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM models WHERE version = 2")
    again = catalogue.models.register(2, B, 8)
    assert again.model == gone.model + 1
    with pytest.raises(Exception, match=r"(?i)foreign key"), catalogue.database.writing() as c:
        orphan = {"seq": 1, "model": gone.model, "vector": b"", "crc": 0}
        c.execute(insert(features).values(orphan))
