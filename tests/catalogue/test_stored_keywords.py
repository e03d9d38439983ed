"""Keywords beside features: stored with them, read in pages, and found where they are missing."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text, update

from sidecar.catalogue import (
    Catalogue,
    KeywordPage,
    ModelRecord,
    NewImage,
    TopKeywords,
    open_catalogue,
    top,
)
from sidecar.catalogue.schema import features, pictures
from sidecar.errors import ModelReplaced
from sidecar.index import GenerationStore
from sidecar.operations.backup import Backups

LABELS = 30


@pytest.fixture
def catalogue(catalogue_url: str) -> Iterator[Catalogue]:
    catalogue = open_catalogue(catalogue_url, 30.0)
    catalogue.models.adopt(1, "a" * 64, 4)
    yield catalogue
    catalogue.close()


FIRST = ModelRecord(1, 1, "a" * 64, 4)


def keywords(number: int) -> TopKeywords:
    """None for each fifth image, else two."""
    scores = np.zeros(LABELS, np.float32)
    if number % 5:
        scores[number % LABELS], scores[(number + 1) % LABELS] = 0.75, 0.125
    return top(scores)


def image(number: int, *models: ModelRecord, with_keywords: bool = True) -> NewImage:
    made = {record: np.full(4, number, np.float32) for record in models or (FIRST,)}
    given = {record: keywords(number) for record in made} if with_keywords else {}
    return NewImage(f"id-{number}", "sha", b"jpeg %d" % number, made, keywords=given)


def read(catalogue: Catalogue, model: int = 1, page: int = 7) -> dict[int, list[float] | None]:
    """What each image has, by its number; None where it was not made."""
    return unpacked([*catalogue.features.keywords(model, 0, 10**9, page)])


def unpacked(pages: list[KeywordPage]) -> dict[int, list[float] | None]:
    found: dict[int, list[float] | None] = {}
    for page in pages:
        assert page.counts.sum() == len(page.labels) == len(page.scores)
        assert not page.counts[~page.known].any()
        ends = np.cumsum(page.counts)
        for seq, end, count, known in zip(page.seqs, ends, page.counts, page.known, strict=True):
            part = slice(end - count, end)
            both = [*page.labels[part].tolist(), *page.scores[part].tolist()]
            found[int(seq)] = both if known else None
    return found


def expected(number: int) -> list[float]:
    made = keywords(number)
    return [*made.labels.tolist(), *made.scores.tolist()]


def lose(catalogue: Catalogue, *seqs: int) -> None:
    """As an older release has left the rows."""
    with catalogue.database.writing() as connection:
        rows = features.c.seq.in_(seqs)
        connection.execute(update(features).where(rows).values(keywords=None))


def test_an_add_stores_them_and_they_are_read_in_pages(catalogue: Catalogue) -> None:
    catalogue.adds.add_all([image(n) for n in range(1, 31)])
    assert read(catalogue) == {n: expected(n) for n in range(1, 31)}
    sizes = [len(page.seqs) for page in catalogue.features.keywords(1, 3, 20, page=7)]
    assert sizes == [7, 7, 3]
    some = catalogue.features.keywords_of(1, [4, 5, 6, 99])
    assert unpacked([some]) == {n: expected(n) for n in (4, 5, 6)}
    assert [*catalogue.features.keywords(2, 0, 99)] == []


def test_an_image_added_without_them_lacks_them_and_one_without_any_does_not(
    catalogue: Catalogue,
) -> None:
    catalogue.adds.add_all([image(1), image(2, with_keywords=False), image(5)])
    assert read(catalogue) == {1: expected(1), 2: None, 3: []}
    assert [each.seq for each in catalogue.features.unlabelled(1, 0, 9)] == [2]
    assert catalogue.features.count_unlabelled(1) == 1


def test_each_model_has_its_own(catalogue: Catalogue) -> None:
    second = catalogue.models.register(2, "b" * 64, 4)
    catalogue.adds.add_all([image(1, FIRST, second), image(2, FIRST)])
    made = {2: np.zeros(4, np.float32)}
    catalogue.features.store(second, made, {2: keywords(17)})
    assert read(catalogue, second.model) == {1: expected(1), 2: expected(17)}
    assert read(catalogue) == {1: expected(1), 2: expected(2)}


def test_those_that_are_missing_are_stored_and_no_others(catalogue: Catalogue) -> None:
    catalogue.adds.add_all([image(n) for n in range(1, 10)])
    lose(catalogue, 2, 3, 8)
    catalogue.removals.remove("id-8")
    missing = catalogue.features.unlabelled(1, 0, 9)
    assert [(each.seq, each.id, each.jpeg, each.is_whole) for each in missing] == [
        (n, f"id-{n}", b"jpeg %d" % n, True) for n in (2, 3)
    ]
    assert catalogue.features.unlabelled_seqs(1).tolist() == [2, 3]
    assert [each.seq for each in catalogue.features.unlabelled(1, 2, 9)] == [3]
    assert [each.seq for each in catalogue.features.unlabelled(1, 0, 1)] == [2]
    catalogue.features.label(FIRST, {n: keywords(11) for n in (1, 2, 3, 8, 99)})
    wanted = {n: expected(11 if n in (2, 3) else n) for n in range(1, 10) if n != 8}
    assert read(catalogue) == wanted
    assert catalogue.features.unlabelled(1, 0, 9) == []


def test_those_of_a_model_that_was_forgotten_are_refused(catalogue: Catalogue) -> None:
    catalogue.adds.add(image(1, with_keywords=False))
    with pytest.raises(ModelReplaced):
        catalogue.features.label(ModelRecord(1, 1, "f" * 64, 4), {1: keywords(1)})
    assert read(catalogue) == {1: None}


def test_damage_is_logged_named_and_counts_as_missing(
    catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    catalogue.adds.add_all([image(n) for n in (1, 2, 3)])
    with catalogue.database.writing() as connection:
        of_one = text("SELECT keywords FROM features WHERE seq = 1")
        column = connection.execute(of_one).scalar_one()
        for seq in (2, 3):  # what belongs to another row, and what never was one
            values = {"keywords": column if seq == 2 else b""}
            connection.execute(update(features).where(features.c.seq == seq).values(values))
    assert read(catalogue) == {1: expected(1), 2: None, 3: None}
    assert "the keywords of the images number [2, 3] are not what was stored" in caplog.text
    assert [*catalogue.problems()] == [
        f"the keywords of id-{n} by version 1 are not what was stored" for n in (2, 3)
    ]
    assert catalogue.images.described("id-2").keywords is None


def test_an_image_is_described_with_those_of_the_model_in_use(catalogue: Catalogue) -> None:
    second = catalogue.models.register(2, "b" * 64, 4)
    catalogue.adds.add(image(1, FIRST, second))
    catalogue.features.store(second, {1: np.zeros(4, np.float32)})
    with catalogue.writing() as transaction:
        transaction.use(second)
    lose(catalogue, 1)
    catalogue.features.label(second, {1: keywords(3)})
    found = catalogue.images.described("id-1")
    assert (found.image.id, found.jpeg, found.model) == ("id-1", b"jpeg 1", second)
    assert found.keywords is not None
    assert found.keywords.labels.tolist() == [3, 4]


def test_a_damaged_jpeg_is_passed_on_as_damaged(catalogue: Catalogue) -> None:
    catalogue.adds.add_all([image(n, with_keywords=False) for n in (1, 2)])
    with catalogue.database.writing() as connection:
        of_one = update(pictures).where(pictures.c.seq == 1)
        connection.execute(of_one.values(jpeg=b"other"))
    missing = catalogue.features.unlabelled(1, 0, 9)
    assert [(each.seq, each.is_whole) for each in missing] == [(1, False), (2, True)]


def test_what_is_missing_is_found_by_an_index_of_its_own(catalogue: Catalogue) -> None:
    """A million rows need not be read to learn that nothing is missing."""
    catalogue.adds.add_all([image(n) for n in range(1, 200)])
    query = "SELECT seq FROM features WHERE model = 1 AND keywords IS NULL AND seq > 5 ORDER BY seq"
    is_a_file = catalogue.is_a_file
    with catalogue.database.reading() as connection:
        if not is_a_file:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN" if is_a_file else "EXPLAIN"
        plan = "\n".join(str(row) for row in connection.execute(text(f"{explain} {query} LIMIT 9")))
    assert "features_unlabelled" in plan


def test_a_backup_has_them(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.adds.add_all([image(n) for n in range(1, 8)])
    lose(catalogue, 4)
    (tmp_path / "index").mkdir()
    (tmp_path / "other").mkdir()
    backups = Backups(catalogue, GenerationStore(tmp_path / "index"))
    backups.backup(tmp_path / "copy", lambda *_: None)
    restored = open_catalogue(f"sqlite:///{tmp_path}/restored.sqlite", 30.0)
    into = Backups(restored, GenerationStore(tmp_path / "other"))
    into.restore(tmp_path / "copy", lambda *_: None)
    assert read(restored) == {n: None if n == 4 else expected(n) for n in range(1, 8)}
    assert [*restored.problems()] == []
    restored.close()
