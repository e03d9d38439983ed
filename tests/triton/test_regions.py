"""The regions of images by the real Triton: a graph that it gets when somebody first asks."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import tritonclient.grpc as triton
from numpy.typing import NDArray

from sidecar.catalogue import open_catalogue
from sidecar.errors import FeaturesUnavailable, ModelRefused, RegionsMissing
from sidecar.files import sha256_of
from sidecar.models import contract as contracts
from sidecar.models import version_files
from sidecar.models.loader import ModelLoader
from sidecar.models.regions import Regions, name
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import TritonClient
from tests.support.databases import new_file
from tests.support.triton_server import Server, serving
from tests.support.versions import put

EXPLAINED, PLAIN = 1, 2


@dataclass
class Place:
    """A server, a repository with the files that it serves, and a client."""

    server: Server
    repository: Path
    client: TritonClient

    def regions(self, version: int) -> Regions:
        return Regions(version_files.read(self.repository, version), self.client)

    def has_loaded(self) -> bool:
        return self.client.has_loaded(name(EXPLAINED))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("regions")
    put("small-explained", EXPLAINED, folder / "r")
    put("small-32", PLAIN, folder / "r")
    with serving(folder / "r", folder) as server:
        yield Place(server, folder / "r", TritonClient(server.url, timeout_s=10))


@pytest.fixture
def place(served: Place, tmp_path: Path) -> Iterator[Place]:
    """One whose files a test may change, and that has loaded no regions."""
    shutil.copytree(served.repository, tmp_path / "r")
    yield replace(served, repository=tmp_path / "r")
    served.client.unload(name(EXPLAINED))


def image() -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (32, 32, 3), np.uint8)


def test_regions_sum_to_the_features_and_are_loaded_when_asked_for(place: Place) -> None:
    said = contracts.read(place.repository, EXPLAINED)
    assert not place.has_loaded()
    found = place.regions(EXPLAINED).of(image())
    assert found.shape == (*(said.regions or ()), said.dimension) == (8, 8, 8)
    features = place.client.features(image()[None], said)[0]
    assert np.abs(found.sum((0, 1)) - features).max() < 1e-5
    assert place.has_loaded()


def test_no_other_inference_knows_of_them(place: Place) -> None:
    """The model is the same file as of a version without them, and Triton lists no output more."""
    folders = [contracts.folder(place.repository, each) for each in (EXPLAINED, PLAIN)]
    one, other = (sha256_of(folder / contracts.MODEL_FILE) for folder in folders)
    assert one == other
    metadata = triton.InferenceServerClient(place.server.url).get_model_metadata("keywording")
    assert {each.name for each in metadata.outputs} == {"features", "keywords"}


def test_a_version_without_them_says_what_to_do(place: Place) -> None:
    with pytest.raises(RegionsMissing, match=r"version 2 .* --explain` and upgrade to it"):
        place.regions(PLAIN).check()


def test_they_are_loaded_again_where_triton_has_forgotten_them(place: Place) -> None:
    regions = place.regions(EXPLAINED)
    before = regions.of(image())
    place.client.unload(name(EXPLAINED))
    assert not place.has_loaded()
    place.client.unload(name(EXPLAINED))  # which changes nothing
    assert np.array_equal(regions.of(image()), before)


def test_those_of_a_version_that_was_replaced_are_not_used(place: Place) -> None:
    place.regions(EXPLAINED).of(image())
    folder = contracts.folder(place.repository, EXPLAINED)
    path, said = folder / contracts.REGIONS_FILE, contracts.read(place.repository, EXPLAINED)
    model = onnx.load(str(path))
    [last] = [node for node in model.graph.node if "regions" in node.output]
    last.output[0] = "straight"
    model.graph.node.append(onnx.helper.make_node("Neg", ["straight"], ["regions"]))
    path.write_bytes(model.SerializeToString())
    golden = tuple(-each for each in said.golden_features)
    replaced = replace(said, regions_sha256=sha256_of(path), golden_features=golden)
    contracts.write(folder, replaced)
    found = place.regions(EXPLAINED).of(contracts.golden_image(32))
    assert np.abs(found.sum((0, 1)) - golden).max() < 1e-5


def test_a_file_that_is_not_that_of_the_contract_is_refused(place: Place) -> None:
    folder = contracts.folder(place.repository, EXPLAINED)
    path = folder / contracts.REGIONS_FILE
    right = path.read_bytes()
    path.write_bytes(b"no graph")
    with pytest.raises(ModelRefused, match="is not that of its contract"):
        place.regions(EXPLAINED).of(image())
    path.unlink()
    with pytest.raises(ModelRefused, match="is missing"):
        place.regions(EXPLAINED).of(image())
    path.write_bytes(b"no graph")
    said = contracts.read(place.repository, EXPLAINED)
    contracts.write(folder, replace(said, regions_sha256=sha256_of(path)))
    with pytest.raises(ModelRefused, match=r"Triton does not load .*regions.onnx: "):
        place.regions(EXPLAINED).of(image())
    path.write_bytes(right)
    golden = tuple(-each for each in said.golden_features)
    contracts.write(folder, replace(said, golden_features=golden))
    with pytest.raises(ModelRefused, match="do not sum to the features of its contract"):
        place.regions(EXPLAINED).of(image())


def test_a_triton_that_is_away_is_named(place: Place) -> None:
    away = TritonClient("127.0.0.1:1", timeout_s=1)
    regions = Regions(version_files.read(place.repository, EXPLAINED), away)
    with pytest.raises(FeaturesUnavailable):
        regions.of(image())


def test_a_retirement_takes_them_out_of_triton(served: Place, tmp_path: Path) -> None:
    """The last test: version 1 is gone after it."""
    place = served
    place.regions(EXPLAINED).of(image())
    catalogue = open_catalogue(new_file(tmp_path), 30)
    models = ModelRegistry(place.repository, catalogue.models, place.client)
    loader = ModelLoader(place.repository, catalogue.models, place.client, models)
    assert models.in_use().record.version == PLAIN
    loader.retire(EXPLAINED)
    loader.unload(EXPLAINED)
    assert not place.has_loaded()
    assert place.client.is_ready(PLAIN)
    catalogue.close()
