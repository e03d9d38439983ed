"""A batch added side by side comes out as if its files had been added one by one."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidecar.catalogue import Catalogue, ModelRecord, NewImage, open_catalogue
from sidecar.errors import DuplicateId, ImageTooLarge, ImageUnreadable
from sidecar.images import File
from sidecar.ingest.batch import AT_ONCE, IngestBatch
from sidecar.ingest.single import Ingest
from sidecar.models.lanes import Lane
from tests.support.databases import new_file

# The same few ids again and again under several names, some that are none, some bad files.
NAMES = st.sampled_from(
    ["a.jpg", "b.jpg", "x/a.png", "c", "y\\b.gif", "d e.jpg", "d?.jpg", "../a.jpg", "."]
)
CONTENTS = st.sampled_from([b"\0one", b"\1two", b"\2three", b"\3bad"]) | st.just(
    ImageTooLarge("too large")
)
FILES = st.lists(st.builds(File, NAMES, CONTENTS), max_size=70)
IDS = {"a.jpg": "a", "b.jpg": "b", "x/a.png": "a", "c": "c", "y\\b.gif": "b", "d e.jpg": "d e"}


MODEL = ModelRecord(1, 1, "a" * 64, 4)


class Storing:
    """What stands for `Ingest` here: it takes a while, and asks no model."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def add(
        self, upload: bytes, image_id: str, overwrite: bool, document: str | None, _lane: Lane
    ) -> str:
        time.sleep(0.001 * upload[0])
        if upload.endswith(b"bad"):
            raise ImageUnreadable("no image")
        features = {MODEL: np.ones(4, np.float32)}
        sha256 = hashlib.sha256(upload).hexdigest()
        self._catalogue.adds.add(
            NewImage(image_id, sha256, upload, features, None, overwrite, document)
        )
        return image_id


@settings(max_examples=8)
@given(FILES, st.booleans())
@example([File("a.jpg", b"\2three"), File("x/a.png", b"\0one"), File("a.jpg", b"\1two")], True)
@example([File("c", b"\2three")] * 80, False)
def test_a_batch_is_added_as_if_one_by_one(files: list[File], overwrite: bool) -> None:
    stored: dict[str, bytes] = {}
    expected = [outcome(file, stored) for file in files]
    with TemporaryDirectory() as folder:
        catalogue = open_catalogue(new_file(Path(folder)), 30.0)
        catalogue.models.adopt(1, "a" * 64, 4)
        taken, given = 0, 0

        def arriving() -> Iterator[File]:
            nonlocal taken
            for file in files:
                taken += 1
                assert taken - given <= AT_ONCE + 1
                yield file

        found = []
        for each in IngestBatch(cast(Ingest, Storing(catalogue)), catalogue.metadata).add(
            arriving(), overwrite
        ):
            given += 1
            found.append((each.name, each.id, each.error and each.error.word))
        assert found == expected
        entries = catalogue.images
        assert {name: entries.jpeg(name) for _, name in entries.page(0, 100)} == stored
        catalogue.close()


def outcome(file: File, stored: dict[str, bytes]) -> tuple[str, str | None, str | None]:
    """What becomes of a file where those before it have been added, which it is, too."""
    image_id = IDS.get(file.name)
    if isinstance(file.content, ImageTooLarge):
        return file.name, None, file.content.word
    if image_id is None:
        return file.name, None, "wrong_arguments_format"
    if not isinstance(file.content, bytes) or file.content.endswith(b"bad"):
        return file.name, None, ImageUnreadable.word
    if image_id in stored:  # all that is stored is of this batch, where nothing replaces another
        return file.name, None, DuplicateId.word
    stored[image_id] = file.content
    return file.name, image_id, None


def test_no_more_files_are_read_ahead_than_are_worked_on(tmp_path: Path) -> None:
    catalogue = open_catalogue(new_file(tmp_path), 30.0)
    ahead = [0]
    given = 0

    def arriving() -> Iterator[File]:
        for taken in range(100):
            ahead.append(taken - given)
            yield File(f"no id? {taken}", b"\0one")

    for each in IngestBatch(cast(Ingest, Storing(catalogue)), catalogue.metadata).add(
        arriving(), overwrite=False
    ):
        assert each.name == f"no id? {given}"
        given += 1
    assert (given, max(ahead)) == (100, AT_ONCE)
    catalogue.close()
