"""A bad contract: rounds outlive it, ready and metrics show it, and adds are refused by name."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.errors import IndexDamaged, ModelRefused
from sidecar.images import ImageRules
from sidecar.index import GenerationStore, Tombstones
from sidecar.ingest.single import Ingest
from sidecar.models import contract as contracts
from sidecar.models.contract import Contract
from sidecar.models.keywords import Keywords
from sidecar.models.registry import ModelRegistry
from sidecar.operations import Gauges, Health, Inventory, ModelStatus
from sidecar.search.view import Views
from sidecar.tasks.queue import TaskQueue
from sidecar.telemetry.exposition import Gauge
from sidecar.warmup import Warmup
from tests.support.calls import jpeg
from tests.support.house import DIMENSION, NOWHERE, House

RULES = ImageRules(384, 10**6)
BAD = {"golden_cosine": "0.9", "resize": "256", "crop": 0, "golden_features": ["x"]}


@pytest.fixture(params=BAD)
def refused(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A house whose model in use has a contract with a value of a wrong type."""
    folder = contracts.folder(tmp_path / "models", 1)
    folder.mkdir(parents=True)
    golden = (1.0,) + (0.0,) * (DIMENSION - 1)
    contract = Contract(1, "any", "fp32", 32, 32, DIMENSION, 1, "a" * 64, golden, 0.999)
    contracts.write(folder, contract)
    assert contracts.read(tmp_path / "models", 1) == contract
    path = folder / "contract.json"
    said = json.loads(path.read_text()) | {request.param: BAD[request.param]}
    path.write_text(json.dumps(said))
    house = House(tmp_path)
    yield house
    house.catalogue.close()


def models(house: House, tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "models", house.catalogue.models, NOWHERE)


def warmup_of(house: House, models: ModelRegistry, generations: GenerationStore) -> Warmup:
    return Warmup(models, Tombstones(house.catalogue.removals), Views(generations, models, None))


def test_a_round_ends_with_an_expected_error_and_the_next_one_is_as_good(
    refused: House, tmp_path: Path
) -> None:
    warmup = warmup_of(refused, models(refused, tmp_path), refused.generations)
    for _ in range(2):
        with pytest.raises(ModelRefused, match=r"contract\.json is damaged"):
            warmup.look()


def test_a_damaged_index_keeps_no_round_from_opening_the_model(
    refused: House, tmp_path: Path
) -> None:
    class Damaged(GenerationStore):
        def current(self) -> None:  # type: ignore[override]
            raise IndexDamaged("codes")

    registry = models(refused, tmp_path)
    opened: list[bool] = []
    registry.in_use = lambda: opened.append(True)  # type: ignore[method-assign,assignment,return-value]
    with pytest.raises(IndexDamaged, match="codes"):
        warmup_of(refused, registry, Damaged(tmp_path / "index")).look()
    assert opened == [True]


def test_ready_and_metrics_and_the_list_of_models_show_it(refused: House, tmp_path: Path) -> None:
    registry = models(refused, tmp_path)
    health = Health(refused.catalogue, registry, TaskQueue("redis://127.0.0.1:1/0"))
    inventory = Inventory(refused.catalogue, refused.generations)
    parts = (refused.catalogue, refused.generations)
    try:
        state = health.parts()["triton"]
        gauges = list(
            Gauges(refused.catalogue, inventory, health, tmp_path / "models", tmp_path).read()
        )
    finally:
        health.close()
    assert state.startswith("model_refused: ")
    assert "contract.json is damaged" in state
    up = next(gauge for gauge in gauges if isinstance(gauge, Gauge) and gauge.name == "part_up")
    assert (("triton",), 0.0) in list(up.values)
    [version] = ModelStatus(*parts, tmp_path / "models", NOWHERE).versions()
    assert "contract.json is damaged" in str(version.trouble)


def test_adds_and_keywords_are_refused_by_name(refused: House, tmp_path: Path) -> None:
    registry = models(refused, tmp_path)
    with pytest.raises(ModelRefused):
        Ingest(refused.catalogue.adds, registry, RULES, False).add(jpeg(), "one")
    with pytest.raises(ModelRefused):
        Keywords(registry, RULES).of(jpeg(), 3, 0.0)
    assert refused.catalogue.images.count() == 0
