"""Milvus is killed in the middle of a task, and comes back: the task ends with a clear line,
searches find what they did, and the next task makes good what was left half done."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local.milvus import LEASE_S, PORT, server, wired
from local.process import wait_until
from sidecar.errors import IndexEngineUnavailable
from tests.support.engines import only_when_asked_for
from tests.support.house import House
from tests.support.restartable import Restartable, restartable

pytestmark = [pytest.mark.long, pytest.mark.release]

COUNT, MORE = 400, 100
GONE = 7


@pytest.fixture(scope="module")
def milvus() -> Iterator[tuple[Restartable, dict[str, str]]]:
    """A server that a test may kill, and the settings by which it is found."""
    only_when_asked_for()
    with (
        tempfile.TemporaryDirectory(prefix="milvus-") as name,
        wired() as wire,
        restartable(server(Path(name), wire, lease_s=LEASE_S)) as process,
    ):
        settings = {"INDEX_ENGINE": "milvus", "MILVUS_URI": f"http://{wire.address}:{PORT}"}
        yield process, settings


@pytest.fixture
def house(milvus: tuple[Restartable, dict[str, str]], tmp_path: Path) -> Iterator[House]:
    """An index, and after it images that were added and one that was removed."""
    house = House(tmp_path, engine=milvus[1])
    house.trainer = replace(house.trainer, fewest_samples=1)
    house.add(1, COUNT)
    house.run("train")
    house.add(COUNT + 1, COUNT + MORE)
    house.remove(GONE)
    yield house
    house.catalogue.close()


def run_killed(house: House, process: Restartable, kind: str, phase: str) -> str:
    """Runs a task, has Milvus killed in a phase of it, and returns the line of its error."""
    killed: list[str] = []

    def report(now: str, progress: float, figures: object = None) -> None:
        if now == phase and not killed:
            process.kill()
            killed.append(now)

    task = house.claim(kind)
    with pytest.raises(IndexEngineUnavailable) as caught:
        house.trainer.run(task, report)
    house.catalogue.tasks.fail(task, caught.value)
    assert killed == [phase]
    return str(caught.value)


def answers(house: House) -> bool:
    try:
        house.nearest(5)
    except IndexEngineUnavailable:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "phase"), [("train", "comparing"), ("update", "reading"), ("update", "measuring")]
)
def test_a_task_that_milvus_is_killed_under_ends_and_the_next_one_makes_good(
    milvus: tuple[Restartable, dict[str, str]], house: House, kind: str, phase: str
) -> None:
    process, settings = milvus
    near = house.nearest(5)
    said = run_killed(house, process, kind, phase)
    assert f"Milvus at {settings['MILVUS_URI']}: " in said
    assert not answers(house)
    process.start()
    # It takes its parts from before for alive until their leases have run out.
    wait_until(lambda: answers(house), lambda: "searches are answered")
    assert house.nearest(5) == near
    assert [path.name for path in house.generations.folder.glob(".draft*")] == []

    found = house.problems()
    if kind == "update":  # it changes the collection that is searched
        assert any(f"lacks images: 1 (number {GONE}…)" in each for each in found)
        assert any(f"has images of no generation: {MORE} " in each for each in found)
    else:
        assert found == []
    assert house.run("update").images == COUNT + MORE - 1
    assert house.problems() == []
    assert house.generations.current().number == 2
