"""The lines of `metadata.jsonl` reach their images, wherever it stands in a batch."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from sidecar.catalogue import Catalogue, open_catalogue
from sidecar.images import File
from sidecar.ingest.batch import IngestBatch, Outcome
from sidecar.ingest.single import Ingest
from tests.support.databases import new_file
from tests.unit.test_ingest_batch_properties import MODEL, Storing

CAT, DOG = {"category": "pets", "tags": ["cat"]}, {"category": "pets"}


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    catalogue = open_catalogue(new_file(tmp_path), 30.0)
    catalogue.models.adopt(MODEL.version, MODEL.sha256, MODEL.dimension)
    yield catalogue
    catalogue.close()


def image(name: str, content: bytes = b"\1image") -> File:
    return File(f"{name}.jpg", content)


def said(*lines: Any) -> File:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return File("shop/Metadata.JSONL", "\n".join(texts).encode())


def line(image_id: str, metadata: Any) -> dict[str, Any]:
    return {"id": image_id, "metadata": metadata}


def add(catalogue: Catalogue, *files: File, overwrite: bool = False) -> list[Outcome]:
    batch = IngestBatch(cast(Ingest, Storing(catalogue)), catalogue.metadata)
    outcomes = list(batch.add(files, overwrite))
    batch.close()
    return outcomes


def of(catalogue: Catalogue, image_id: str) -> Any:
    return json.loads(catalogue.metadata.of(image_id))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_they_may_come_before_between_and_after_their_images(
    catalogue: Catalogue, place: int
) -> None:
    files = [image("cat"), image("dog", b"\2image")]
    files.insert(place, said(line("cat", CAT), "", line("dog", DOG)))
    assert [outcome.error for outcome in add(catalogue, *files)] == [None, None, None]
    assert (of(catalogue, "cat"), of(catalogue, "dog")) == (CAT, DOG)


def test_those_of_images_that_do_not_come_are_for_stored_ones(catalogue: Catalogue) -> None:
    add(catalogue, image("cat"))
    outcomes = add(catalogue, said(line("cat", CAT), line("nobody", DOG)))
    assert [(each.name, str(each.error)) for each in outcomes] == [
        ("shop/Metadata.JSONL", "None"),
        ("shop/Metadata.JSONL:2", "no image has the id nobody"),
    ]
    assert of(catalogue, "cat") == CAT


def test_an_image_that_is_refused_gets_none(catalogue: Catalogue) -> None:
    add(catalogue, image("cat"), said(line("cat", CAT)))
    for files in ([said(line("cat", DOG)), image("cat", b"\1other")],):
        assert add(catalogue, *files)[1].error is not None
        assert of(catalogue, "cat") == CAT
    assert add(catalogue, said(line("cat", DOG)), image("cat", b"\1other"), overwrite=True)
    assert of(catalogue, "cat") == DOG


def test_a_line_that_fails_fails_alone(catalogue: Catalogue) -> None:
    lines = ["{", line("cat", [1]), {"id": "cat"}, line("a/b", {}), line("dog", DOG), "[]"]
    outcomes = add(catalogue, said(*lines), image("cat"), image("dog", b"\2image"))
    failed = [each.name.rpartition(":")[2] for each in outcomes if each.error]
    assert failed == ["1", "2", "3", "4", "6"]
    assert (of(catalogue, "cat"), of(catalogue, "dog")) == ({}, DOG)


def test_an_id_is_the_same_however_it_is_written(catalogue: Catalogue) -> None:
    add(catalogue, said(line("cafe\u0301", CAT)), image("caf\u00e9"))
    assert of(catalogue, "caf\u00e9") == CAT
