"""A catalogue that was replaced by an older copy of itself, beside an index that knows more."""

import json
import shutil
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import psycopg
import pytest

from sidecar.catalogue import TaskKind
from sidecar.errors import IndexAhead
from sidecar.index import Lineage, SearchRequest
from sidecar.index.meta import META, _digest
from sidecar.models.registry import ModelRegistry
from sidecar.operations.backup import Backups
from sidecar.operations.repair import repair
from sidecar.operations.stats import Inventory, Stats
from sidecar.search.by_image import Search
from sidecar.search.neighbours import Neighbours
from sidecar.tasks.admission import Admission
from sidecar.tasks.queue import TaskQueue
from sidecar.tasks.scheduler import AutoUpdate, Scheduler
from sidecar.warmup import Warmup
from tests.support.house import NOWHERE, House, vector

FIRST, LOST, LATER = 1000, 40, 2000  # images before the copy, after it, and the ids added instead
EVERYTHING = SearchRequest(num_results=1000, nprob=100, max_dist=4.0)
Away = Callable[[], None]


def build(house: House) -> None:
    """1,000 images, indexed."""
    house.add(1, FIRST)
    house.run("train")


@pytest.fixture
def older(house: House) -> Away:
    """Puts the catalogue back to how it was before 40 images came, one was removed, and the second
    generation was made of all that. The house keeps its connections, as after a failover."""
    back = copied(house)
    house.add(FIRST + 1, FIRST + LOST)
    house.remove(5)
    assert house.run("update").generation == 2
    return back


def copied(house: House) -> Away:
    """Copies the database; returns what puts the copy in its place."""
    url = house.catalogue.database.url
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        copy = path.with_name(f"copy-{uuid.uuid4().hex}")
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)

        def put_file() -> None:
            house.catalogue.close()
            for left in path.parent.glob(f"{path.name}-*"):
                left.unlink()
            shutil.copyfile(copy, path)

        return put_file
    server, _, name = url.replace("+psycopg", "").rpartition("/")
    kept = f"copy_{uuid.uuid4().hex}"

    def execute(*statements: str) -> None:
        house.catalogue.close()
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    execute(f"CREATE DATABASE {kept} TEMPLATE {name}")
    return lambda: execute(
        f"DROP DATABASE {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {kept}"
    )


def check(house: House, found: Neighbours, number: int) -> None:
    """Each distance is that of the image with this id."""
    for image_id, dist in zip(found.result, found.dist, strict=True):
        apart = float(np.sum((vector(int(image_id)) - vector(number)) ** 2))
        assert dist == pytest.approx(apart, abs=1e-2), image_id


def stats(house: House) -> Stats:
    store = house.search().views.generations
    return Inventory(house.catalogue, store).stats()


def test_no_search_answers_with_the_id_of_another_image(house: House, older: Away) -> None:
    serving = house.search()
    assert serving.nearest_to("7", EVERYTHING).generation == 2
    older()
    house.add(LATER, LATER + LOST - 1)  # they get the numbers of the images that are lost
    for search in (serving, house.search()):
        found = search.nearest_to("7", EVERYTHING)
        assert found.generation == 1
        assert {"5", f"{FIRST}"} < set(found.result)
        check(house, found, 7)


def test_stats_and_verify_say_what_is_behind(house: House, older: Away) -> None:
    older()
    house.add(LATER, LATER + 2)
    figures = stats(house)
    assert (figures.images, figures.indexed, figures.waiting) == (FIRST + 3, FIRST, 3)
    assert (figures.generation, figures.generations_ahead) == (1, [2])
    assert house.problems() == [
        "the catalogue went back: it lacks what generation 000002 of the index was made of, images "
        f"up to number {FIRST + LOST}, and its own end at {FIRST + 3}"
    ]


@pytest.mark.parametrize("kind", ["update", "train"])
@pytest.mark.parametrize("added", [0, 60])
def test_an_update_or_a_training_makes_all_right_again(
    house: House, older: Away, kind: str, added: int
) -> None:
    serving = house.search()
    serving.views.generations.current()
    older()
    if added:
        house.add(LATER, LATER + added - 1)
    house.generations.look_again()
    done = house.run(kind)
    assert (done.generation, done.images) == (3, FIRST + added)
    assert house.generations.numbers() == [1, 3]
    assert house.problems() == []
    figures = stats(house)
    assert (figures.waiting, figures.generations_ahead) == (0, [])
    for search in (serving, house.search()):
        found = search.nearest_to("7", EVERYTHING)
        assert found.generation == 3
        assert "5" in found.result
        check(house, found, 7)


def test_where_no_generation_fits_only_a_training_helps(house: House, older: Away) -> None:
    serving = house.search()
    serving.views.generations.current()
    shutil.rmtree(house.generations.path(1))
    older()
    for search in (serving, house.search()):
        with pytest.raises(IndexAhead, match=r"went back.*000002.*train again"):
            search.nearest_to("7", EVERYTHING)
    with pytest.raises(IndexAhead):
        Admission(house.search().views.generations, Path()).check_update()
    assert stats(house).generations_ahead == [2]
    assert (stats(house).generation, stats(house).waiting) == (None, FIRST)
    assert house.run("train").generation == 3
    assert house.generations.numbers() == [3]
    assert serving.nearest_to("7", EVERYTHING).generation == 3
    assert house.problems() == []


def test_a_repair_makes_the_index_of_what_is_there(house: House, older: Away) -> None:
    older()
    task = repair(house.catalogue, house.search().views.generations, house.trainer.rules)
    assert task is not None
    assert (task.generation, task.images) == (3, FIRST)
    assert house.generations.numbers() == [3]
    assert house.problems() == []


def test_the_newer_generation_serves_again_when_the_right_database_is_back(
    house: House, older: Away
) -> None:
    newer, serving = copied(house), house.search()
    older()
    assert serving.nearest_to("7", EVERYTHING).generation == 1
    newer()
    warmup(house, serving).look()
    found = serving.nearest_to("7", EVERYTHING)
    assert (found.generation, serving.views.generations.ahead()) == (2, [])
    check(house, found, 7)


def warmup(house: House, serving: Search) -> Warmup:
    models = ModelRegistry(Path(), house.catalogue.models, NOWHERE)
    models.in_use = models.reload  # type: ignore[method-assign,assignment]
    return Warmup(models, serving.finder.identification.tombstones, serving.views)


def test_a_round_of_the_warm_up_notices_it_without_a_search(house: House, older: Away) -> None:
    serving = house.search()
    assert serving.views.generations.current().number == 2
    older()
    warmup(house, serving).look()
    assert serving.views.generations.current().number == 1
    assert serving.views.generations.ahead() == [2]


def test_removals_that_are_lost_are_forgotten_and_others_heeded(house: House) -> None:
    """The generation that serves is in the past of both copies."""
    back, serving = copied(house), house.search()
    house.remove(8, 9)
    assert not {"8", "9"} & set(serving.nearest_to("7", EVERYTHING).result)
    back()
    house.remove(10, 11)
    serving.finder.identification.tombstones.refreshed(serving.views.generations.current())
    found = set(serving.nearest_to("7", EVERYTHING).result)
    assert {"8", "9"} < found
    assert not {"10", "11"} & found
    assert len(found) == FIRST - 3


def test_no_update_is_requested_by_itself_meanwhile(house: House, older: Away) -> None:
    older()
    house.add(LATER, LATER)
    store = house.search().views.generations
    admission, queue = Admission(store, Path()), TaskQueue("redis://127.0.0.1:1")
    scheduler = Scheduler(house.catalogue, admission, queue, AutoUpdate(1e-6))
    scheduler.update_when_due()
    assert house.catalogue.tasks.unfinished((TaskKind.UPDATE,)) is None
    house.run("update")
    house.add(LATER + 1, LATER + 1)
    scheduler.update_when_due()
    assert house.catalogue.tasks.unfinished((TaskKind.UPDATE,)) is not None


def test_a_backup_holds_the_generation_that_fits(house: House, older: Away, tmp_path: Path) -> None:
    serving = house.search().views.generations
    assert serving.current().number == 2
    older()
    house.add(LATER, LATER)
    Backups(house.catalogue, house.search().views.generations).backup(tmp_path / "copy", _quiet)
    (tmp_path / "restored").mkdir()
    restored = House(tmp_path / "restored")
    Backups(restored.catalogue, restored.generations).restore(tmp_path / "copy", _quiet)
    assert restored.generations.numbers() == [1]
    assert restored.problems() == []
    assert restored.catalogue.marks.identity() == house.catalogue.marks.identity()
    assert restored.run("update").images == FIRST + 1
    restored.catalogue.close()


def _quiet(_table: str, _rows: int) -> None:
    """No progress."""


def test_an_index_of_another_catalogue_is_not_searched(house: House, tmp_path: Path) -> None:
    other = House(tmp_path / "other")
    other.add(LATER, LATER + FIRST)
    with other.catalogue.database.writing() as connection:
        connection.exec_driver_sql("UPDATE facts SET value = 'another' WHERE name = 'identity'")
    shutil.copytree(house.generations.folder, other.generations.folder)
    with pytest.raises(IndexAhead, match=r"generation 000001 .* was made of another catalogue"):
        other.search().nearest_to(f"{LATER}", EVERYTHING)
    other.catalogue.close()


def test_marks_go_with_the_generations_that_have_them(house: House) -> None:
    for number in range(3):
        house.add(LATER + number, LATER + number)
        house.run("update")
    kept = [house.generations.path(number) / META for number in house.generations.numbers()]
    marks = {json.loads(path.read_text())["meta"]["mark"] for path in kept}
    assert len(marks) == 2
    with house.catalogue.database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT mark FROM marks").scalars().all()
    assert set(rows) == marks


def test_a_generation_of_an_earlier_release_is_judged_by_its_numbers(
    house: House, older: Away
) -> None:
    for number in (1, 2):
        path = house.generations.path(number) / META
        fields = json.loads(path.read_text())["meta"]
        del fields["mark"], fields["catalogue"]
        path.write_text(json.dumps({"meta": fields, "sha256": _digest(fields)}))
    assert house.search().views.generations.current().number == 2
    older()
    house.add(LATER, LATER + LOST + 5)  # the numbers have caught up; no task has looked at them
    assert house.search().nearest_to("7", EVERYTHING).generation == 1
    assert Lineage(house.catalogue.marks).fits(house.search().views.generations.current().meta)
