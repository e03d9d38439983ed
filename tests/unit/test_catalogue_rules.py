"""Rules of the catalogue that only an unlucky moment would show, one by one."""

import hashlib
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update

from sidecar.catalogue import (
    OF_VERSIONS,
    Catalogue,
    ModelRecord,
    NewImage,
    Task,
    TaskKind,
    open_catalogue,
)
from sidecar.catalogue.features.bulk import any_lacks_features
from sidecar.catalogue.schema import features, originals
from sidecar.errors import DuplicateId, NoSamples
from tests.support.databases import new_file

DIMENSION = 4


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    catalogue = open_catalogue(new_file(tmp_path), 30.0)
    catalogue.models.adopt(1, "a" * 64, DIMENSION)
    yield catalogue
    catalogue.close()


FIRST = ModelRecord(1, 1, "a" * 64, DIMENSION)
SECOND = ModelRecord(2, 2, "b" * 64, DIMENSION)


def image(
    name: str, *models: ModelRecord, sha256: str = "sha", overwrite: bool = False
) -> NewImage:
    features = {model: np.ones(DIMENSION, np.float32) for model in models or (FIRST,)}
    return NewImage(name, sha256, b"jpeg", features, overwrite=overwrite)


def second(catalogue: Catalogue) -> ModelRecord:
    return catalogue.models.register(2, "b" * 64, DIMENSION)


def take(catalogue: Catalogue, record: ModelRecord) -> None:
    with catalogue.writing() as transaction:
        transaction.use(record)


def claim(catalogue: Catalogue, kind: TaskKind, version: int | None = None) -> Task:
    task = catalogue.tasks.claim(catalogue.tasks.request(kind, version).task_id)
    assert task is not None
    return task


def test_of_two_new_images_with_one_id_in_a_commit_the_first_stays(catalogue: Catalogue) -> None:
    batch = [image("cat", sha256="one"), image("cat", sha256="two"), image("cat", sha256="one")]
    seq, other, same = catalogue.adds.add_all(batch)
    assert seq == catalogue.images.get("cat").seq
    assert catalogue.images.get("cat").sha256 == "one"
    assert isinstance(other, DuplicateId)
    assert isinstance(same, DuplicateId)
    assert (other.identical, same.identical) == (False, True)


def test_of_several_that_overwrite_in_a_commit_the_last_stays(catalogue: Catalogue) -> None:
    catalogue.adds.add(image("cat", sha256="old"))
    batch = [image("cat", sha256=sha, overwrite=True) for sha in ("one", "two", "three")]
    assert len(set(catalogue.adds.add_all(batch))) == 1
    assert catalogue.images.get("cat").sha256 == "three"
    assert catalogue.images.count() == 1


def test_an_image_without_features_of_a_model_is_lacking_above_a_number(
    catalogue: Catalogue,
) -> None:
    record = second(catalogue)
    made = ((FIRST, SECOND), (FIRST,), (FIRST, SECOND))
    seqs = [catalogue.adds.add(image(f"{n}", *models)) for n, models in enumerate(made)]
    with catalogue.database.reading() as connection:
        assert [any_lacks_features(connection, record.model, after) for after in (0, *seqs)] == [
            True,
            True,
            False,
            False,
        ]
        assert not any_lacks_features(connection, 1, 0)


def test_a_model_that_is_in_use_joins_no_more(catalogue: Catalogue) -> None:
    record = second(catalogue)
    catalogue.tasks.request(TaskKind.UPGRADE, 2)
    catalogue.models.join(record)
    assert catalogue.models.joining() == record
    take(catalogue, record)
    assert catalogue.models.joining() is None
    catalogue.models.join(record)
    assert catalogue.models.joining() is None


def test_a_switch_ends_the_joining_for_good(catalogue: Catalogue) -> None:
    """Or the next switch would begin with a model that nobody asked for."""
    first, record = catalogue.models.in_use(), second(catalogue)
    assert first is not None
    catalogue.models.join(record)
    take(catalogue, record)
    take(catalogue, first)
    catalogue.tasks.request(TaskKind.UPGRADE, 2)
    assert catalogue.models.joining() is None


def test_only_a_model_out_of_use_and_without_features_is_forgotten(catalogue: Catalogue) -> None:
    first, record = catalogue.models.in_use(), second(catalogue)
    assert first is not None
    catalogue.models.forget(1)
    assert catalogue.models.in_use() == first
    catalogue.adds.add(image("cat", FIRST, SECOND))
    catalogue.models.forget(2)
    assert catalogue.models.numbered(2) == record
    catalogue.features.discard(record.model, 10)
    catalogue.models.forget(2)
    assert catalogue.models.numbered(2) is None


def test_the_last_image_and_how_many_follow_a_number(catalogue: Catalogue) -> None:
    assert catalogue.images.last_added() is None
    seqs = [catalogue.adds.add(image(f"{n}")) for n in range(3)]
    last = catalogue.images.last_added()
    assert last is not None
    assert last[0] == seqs[2]
    assert abs(last[1] - time.time()) < 60
    assert [catalogue.images.count(after) for after in (0, *seqs)] == [3, 2, 1, 0]


def test_a_switch_counts_as_an_index_of_all_only_when_it_ended_well(catalogue: Catalogue) -> None:
    catalogue.adds.add(image("cat"))
    failed = claim(catalogue, TaskKind.UPGRADE, 2)
    assert failed.snapshot == 1
    catalogue.tasks.fail(failed, NoSamples("none"))
    assert catalogue.tasks.covered() == (0, 0, 0)
    with catalogue.tasks.publishing(claim(catalogue, TaskKind.UPGRADE, 2)) as publication:
        publication.record(None, 1, 1)
    assert catalogue.tasks.covered() == (1, 0, 0)
    catalogue.adds.add(image("dog"))
    catalogue.removals.remove("cat")
    catalogue.tasks.fail(claim(catalogue, TaskKind.UPDATE), NoSamples("none"))
    # Tried: not again before a change.
    assert catalogue.tasks.covered() == (2, 1, 0)


def test_the_latest_of_a_kind_is_the_last_that_was_tried(catalogue: Catalogue) -> None:
    tried = claim(catalogue, TaskKind.TRAIN)
    with catalogue.tasks.publishing(tried) as publication:
        publication.record(None, 1, 1)
    catalogue.tasks.refuse(TaskKind.TRAIN, NoSamples("none"))
    waiting = catalogue.tasks.request(TaskKind.TRAIN)
    latest = {task.task_id for task in catalogue.tasks.latest()}
    assert latest == {tried.task_id, waiting.task_id}


def test_a_worker_that_goes_on_keeps_its_task(tmp_path: Path) -> None:
    catalogue = open_catalogue(new_file(tmp_path), lease_s=1.0)
    task = claim(catalogue, TaskKind.TRAIN)
    for _ in range(5):
        time.sleep(0.3)
        catalogue.tasks.renew(task, "adding", 0.5)
        assert catalogue.tasks.deliverable() == []
    assert catalogue.tasks.get(task.task_id).state == "running"
    catalogue.close()


def test_the_oldest_unfinished_task_of_some_kinds_is_found(catalogue: Catalogue) -> None:
    kinds = OF_VERSIONS
    assert catalogue.tasks.unfinished(kinds) is None
    first = catalogue.tasks.request(TaskKind.UPGRADE, 2)
    catalogue.tasks.request(TaskKind.RETIRE, 3)
    catalogue.tasks.request(TaskKind.TRAIN)
    found = catalogue.tasks.unfinished(kinds)
    assert found is not None
    assert found.task_id == first.task_id
    catalogue.tasks.cancel(first.task_id)
    after = catalogue.tasks.unfinished(kinds)
    assert after is not None
    assert after.kind == "retire"


def test_an_upload_and_features_of_another_length_are_named_by_the_audit(
    catalogue: Catalogue,
) -> None:
    upload = b"the upload"
    whole = image("cat", sha256=hashlib.sha256(upload).hexdigest())
    for name in ("cat", "dog"):
        catalogue.adds.add(replace(whole, id=name, original=upload))
    assert list(catalogue.problems()) == []
    short = np.ones(DIMENSION - 1, "<f2").tobytes()
    with catalogue.database.writing() as connection:
        changed = {"vector": short, "crc": zlib.crc32(short)}
        connection.execute(update(features).where(features.c.seq == 1).values(changed))
        other = {"upload": b"another upload"}
        connection.execute(update(originals).where(originals.c.seq == 2).values(other))
    assert list(catalogue.problems()) == [
        "the upload of dog is not what was stored",
        "the features of cat by version 1 have a wrong length",
    ]
