"""The search for duplicates, what it keeps, and what users decide, in both kinds of database."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sidecar.catalogue import Decision, DuplicateKind, DuplicatesReport, NewImage, open_catalogue
from sidecar.catalogue.duplicates import pair_rows
from sidecar.duplicates.groups import DuplicateGroups
from sidecar.errors import NoIndex, TaskLost, UnknownImage, WrongArguments
from sidecar.tasks import duplicates
from sidecar.tasks.duplicates import DuplicateFinder
from tests.support.databases import new_file
from tests.support.house import DIMENSION, House

SAME, SIMILAR, IDENTICAL = DuplicateKind.SAME, DuplicateKind.SIMILAR, DuplicateKind.IDENTICAL
UNIQUE = count()


def point(number: int, moved: float = 0.0, seed: int = 0) -> NDArray[np.float32]:
    """A unit vector of its own, or one at about this distance from it."""
    made = np.random.default_rng(number).normal(size=DIMENSION)
    aside = np.random.default_rng([number, seed + 1]).normal(size=DIMENSION)
    made = made / np.linalg.norm(made) + moved * aside / np.linalg.norm(aside)
    unit: NDArray[np.float32] = (made / np.linalg.norm(made)).astype(np.float32)
    return unit


class Album(House):
    """A house whose images have bytes and features of their choice."""

    def put(self, image_id: str, vector: NDArray[np.float32], sha256: str = "") -> None:
        sha256 = sha256 or f"{next(UNIQUE):064}"
        new = NewImage(image_id, sha256, b"jpeg", {self.model: vector}, overwrite=True)
        self.catalogue.adds.add_all([new])

    def index(self, kind: str = "update") -> None:
        trainer = replace(self.trainer, fewest_samples=1)
        trainer.run(self.claim(kind), lambda phase, progress: None)

    def find(self) -> DuplicatesReport:
        """Runs the task; returns its report, as it is read again."""
        task = self.claim("duplicates")
        done = DuplicateFinder(self.catalogue, self.generations, task, quiet, self.models()).run()
        report = self.catalogue.tasks.get(done.task_id).report
        assert isinstance(report, DuplicatesReport)
        return report

    def groups(self, kind: DuplicateKind = SAME) -> list[set[str]]:
        page = DuplicateGroups(self.catalogue).page(kind, 100, None)
        return [{image.id for image in group.images} for group in page.groups]

    def decide(self, a: str, b: str, decision: Decision | None) -> None:
        self.catalogue.decisions.decide({(a, b): decision})


def quiet(phase: str, progress: float, figures: object = None) -> None:
    pass


@pytest.fixture
def album(catalogue_url: str, tmp_path: Path) -> Iterator[Album]:
    """60 images; 1 and 2 have a twin, 3 two, 4 a copy and a twin, 5 a look-alike."""
    album = Album(tmp_path, catalogue_url, exact_max=10_000)
    for number in range(60):
        album.put(f"{number}", point(number), "4" * 64 if number == 4 else "")
    for name, number, moved in (("1b", 1, 0.1), ("2b", 2, 0.1), ("3b", 3, 0.1), ("3c", 3, 0.15)):
        album.put(name, point(number, moved))
    album.put("4-copy", point(4), "4" * 64)
    album.put("4b", point(4, 0.1))
    album.put("5b", point(5, 1.2))
    album.index("train")
    yield album
    album.catalogue.close()


def test_pairs_are_of_three_kinds_and_groups_of_one(album: Album) -> None:
    report = album.find()
    assert (report.compared, report.identical, report.same, report.similar) == (66, 1, 6, 1)
    assert report.search_recall == 1
    same = [{"1", "1b"}, {"2", "2b"}, {"3", "3b", "3c"}, {"4", "4-copy", "4b"}]
    assert sorted(map(sorted, album.groups())) == sorted(map(sorted, same))
    assert album.groups(SIMILAR) == [{"5", "5b"}]
    assert album.groups(IDENTICAL) == [{"4", "4-copy"}]
    assert album.problems() == []


def test_after_an_update_only_what_is_new_is_compared(album: Album) -> None:
    album.find()
    assert album.find().compared == 0
    album.put("9b", point(9, 0.1))
    album.put("1c", point(1, 0.1, seed=1))
    album.put("6-copy", point(6), "6" * 64)
    album.put("6-again", point(6), "6" * 64)
    album.put("2", point(2))  # with other bytes: a new image
    album.index()
    report = album.find()
    assert (report.compared, report.same) == (4, 10)  # 6 has the same features as its copies
    found = album.groups()
    assert {"9", "9b"} in found
    assert {"1", "1b", "1c"} in found
    assert {"2", "2b"} in found
    assert {"6-copy", "6-again"} in album.groups(IDENTICAL)


def test_an_incremental_run_finds_what_a_whole_one_does(album: Album, tmp_path: Path) -> None:
    album.find()
    for number in range(10, 30):
        album.put(f"{number}b", point(number, 0.1 + number / 100))
    album.index()
    album.find()
    model = album.model.model
    before = {pair[:2] for pair in album.catalogue.duplicates.pairs(model)}
    with album.catalogue.database.writing() as connection:
        pair_rows.forget(connection, model)
    assert album.find().compared == 86
    assert {pair[:2] for pair in album.catalogue.duplicates.pairs(model)} == before


def test_the_pairs_of_a_removed_image_vanish_and_its_copies_take_its_place(album: Album) -> None:
    album.find()
    album.catalogue.removals.remove_all(["1b", "4"])
    assert {"1", "1b"} not in album.groups()
    assert {"4-copy", "4b"} in album.groups()
    assert album.groups(IDENTICAL) == []
    album.index()
    assert album.find().compared == 0
    assert {"4-copy", "4b"} in album.groups()


def test_what_a_process_of_the_release_before_removed_is_struck_off(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    album.find()
    album.decide("1", "1b", Decision.SAME)
    with monkeypatch.context() as before:
        before.setattr(pair_rows, "drop_of", lambda connection, seqs: None)
        album.catalogue.removals.remove_all(["1b", "4"])
    assert album.problems() == [
        "the pairs of duplicates numbered 5 belong to no row of images",
        "the pairs of duplicates numbered 61 belong to no row of images",
        "the decisions of duplicates numbered 61 belong to no row of images",
    ]
    assert {"1", "1b"} not in album.groups()
    album.find()
    assert album.problems() == []
    assert {"4-copy", "4b"} in album.groups()


def test_decisions_part_groups_and_join_them(album: Album) -> None:
    album.find()
    album.decide("3", "3c", Decision.DIFFERENT)
    assert {"3", "3b"} in album.groups()
    album.decide("3c", "3", None)
    assert {"3", "3b", "3c"} in album.groups()
    album.decide("1", "1b", Decision.KEEP_BOTH)
    assert {"1", "1b"} not in album.groups()
    album.decide("5", "5b", Decision.SAME)
    assert {"5", "5b"} in album.groups()
    assert album.groups(SIMILAR) == []
    with pytest.raises(UnknownImage):
        album.decide("1", "nobody", Decision.SAME)
    with pytest.raises(WrongArguments, match="one image"):
        album.decide("1", "1", Decision.SAME)


def test_a_decision_outlives_the_same_bytes_and_no_others(album: Album) -> None:
    album.find()
    album.decide("4", "4b", Decision.DIFFERENT)
    album.decide("1", "1b", Decision.DIFFERENT)
    album.put("4", point(4), "4" * 64)
    album.put("1", point(1))
    [(pair, decision)] = album.catalogue.decisions.all().items()
    assert list(pair) == album.catalogue.images.seqs_of(["4", "4b"])
    assert decision == Decision.DIFFERENT
    assert album.problems() == []
    album.catalogue.removals.remove("4b")
    assert album.catalogue.decisions.all() == {}


def test_the_best_has_most_bytes_where_the_pixels_are_unknown(album: Album) -> None:
    album.find()
    page = DuplicateGroups(album.catalogue).page(SAME, 100, None)
    assert all(group.best == group.images[0].id for group in page.groups)
    assert {(each.width, each.bytes) for group in page.groups for each in group.images} == {
        (None, 4)
    }


def test_pages_follow_each_other(album: Album) -> None:
    album.find()
    groups, found, after = DuplicateGroups(album.catalogue), [], None
    while True:
        page = groups.page(SAME, 1, after)
        found += page.groups
        after = page.last
        if after is None:
            break
    assert found == groups.page(SAME, 100, None).groups
    assert found == [group for group in groups.every() if group.kind == SAME]
    assert len([*groups.every()]) == len(found) + 2
    assert [group.probability for group in found] == sorted(
        (group.probability for group in found), reverse=True
    )
    assert page.ran_at is not None


def test_a_run_that_was_cancelled_goes_on_where_it_was(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "PAGE", 10)
    task = album.claim("duplicates")
    calls = count(1)

    def cancel(phase: str, progress: float, figures: object = None) -> None:
        if progress and next(calls) == 3:
            album.catalogue.tasks.cancel(task.task_id)

    with pytest.raises(TaskLost):
        DuplicateFinder(album.catalogue, album.generations, task, cancel, album.models()).run()
    assert album.find().compared == 66 - 30
    assert {"1", "1b"} in album.groups()


def test_without_an_index_there_is_nothing_to_compare(catalogue_url: str, tmp_path: Path) -> None:
    album = Album(tmp_path, catalogue_url)
    album.put("1", point(1))
    with pytest.raises(NoIndex):
        album.find()
    assert album.groups() == []
    album.catalogue.close()


def test_pairs_and_decisions_survive_a_copy(album: Album, tmp_path: Path) -> None:
    album.find()
    album.decide("3", "3c", Decision.DIFFERENT)
    copy = open_catalogue(new_file(tmp_path / "copy"), 30)
    with album.catalogue.reading() as moment, copy.filling(moment, lambda table, rows: None):
        pass
    model = album.model.model
    assert copy.duplicates.pairs(model) == album.catalogue.duplicates.pairs(model)
    assert copy.decisions.all() == album.catalogue.decisions.all()
    run = copy.duplicates.run_of(model)
    assert run == album.catalogue.duplicates.run_of(model) is not None
    copy.close()


def test_another_model_starts_afresh_and_retiring_one_forgets_its_pairs(album: Album) -> None:
    album.find()
    old = album.model
    new = album.catalogue.models.register(2, "b" * 64, DIMENSION)
    with album.catalogue.writing() as transaction:
        transaction.use(new)
    assert album.groups() == []
    assert album.catalogue.duplicates.run_of(new.model) is None
    album.catalogue.features.discard(old.model, 1000)
    album.catalogue.models.retire(old)
    assert album.catalogue.duplicates.pairs(old.model) == []
